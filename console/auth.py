"""Who may enter: the first owner, sign-in with a throttle, and links that work once."""

import secrets
from datetime import timedelta

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from console import passwords
from console.sessions import digest
from console.tables import OneTimeLink, SignInAttempt, User
from foundation.clock import now
from foundation.database import lock, transaction
from foundation.errors import BadInput
from foundation.text import _

WINDOW = timedelta(minutes=15)
PER_ACCOUNT, PER_ADDRESS = 10, 100
LINK_LIFE = timedelta(minutes=10)
SETUP_LOCK = 7_101


class Refused(Exception):
    """Sign-in refused; the same words whether the user exists or not. `wait` in seconds when throttled."""

    def __init__(self, message: str, wait: int = 0) -> None:
        super().__init__(message)
        self.wait = wait


def create_user(
    session: Session, email: str, name: str, password: str, *, role: str = "owner", zone: str = "UTC"
) -> User:
    """A new member of staff; BadInput names the field that can't be used."""
    email = email.strip().lower()
    if not 3 <= len(email) <= 254 or email.count("@") != 1 or email.startswith("@") or email.endswith("@"):
        raise BadInput(_("Write an e-mail address like anna@example.org."), "email")
    passwords.check(password, email)
    if session.scalar(select(User.id).where(User.email == email)):
        raise BadInput(_("Somebody with this e-mail address is already here."), "email")
    user = User(
        email=email,
        name=name.strip()[:100] or email.split("@")[0],
        password_hash=passwords.make_hash(password),
        role=role,
        zone=zone,
    )
    session.add(user)
    session.flush()
    return user


def has_owner(session: Session) -> bool:
    """Whether anybody can sign in yet."""
    return session.scalar(select(User.id).limit(1)) is not None


def create_first_owner(session: Session, token: str, email: str, name: str, password: str, zone: str) -> User:
    """Set up the owner with the terminal's token; once, however many ask at the same time."""
    lock(session, SETUP_LOCK)
    if has_owner(session):
        raise BadInput(_("The owner is already set up. Sign in instead."))
    link = open_link(session, token, "set-up")
    if link is None:
        raise BadInput(_("This set-up link is not in force. Start Kartoteka again; it prints a new one."))
    user = create_user(session, email, name, password, zone=zone)
    link.used_at = now()
    return user


def make_setup_link(session: Session) -> str | None:
    """The path that sets up the first owner, replacing any printed before; None when there is an owner."""
    if has_owner(session):
        return None
    session.execute(delete(OneTimeLink).where(OneTimeLink.purpose == "set-up"))
    token = secrets.token_urlsafe(32)
    session.add(OneTimeLink(token_hash=digest(token), purpose="set-up"))
    return f"/set-up/{token}"


def make_link(session: Session, user: User) -> str:
    """The path of a page that signs this user in: works once, for ten minutes."""
    token = secrets.token_urlsafe(32)
    session.add(
        OneTimeLink(token_hash=digest(token), purpose="sign-in", user_id=user.id, until=now() + LINK_LIFE)
    )
    return f"/sign-in/link/{token}"


def open_link(session: Session, token: str, purpose: str, *, hold: bool = True) -> OneTimeLink | None:
    """A link in force, its row locked so that it can be used only once; None when used, over or unknown."""
    query = select(OneTimeLink).where(
        OneTimeLink.token_hash == digest(token),
        OneTimeLink.purpose == purpose,
        OneTimeLink.used_at.is_(None),
        (OneTimeLink.until.is_(None)) | (OneTimeLink.until > now()),
    )
    return session.scalar(query.with_for_update() if hold else query)


def use_link(session: Session, token: str) -> User:
    """The user a sign-in link stands for; the link is spent."""
    link = open_link(session, token, "sign-in")
    user = session.get(User, link.user_id) if link and link.user_id else None
    if link is None or user is None or user.disabled_at:
        raise Refused(
            _("This link was used already or is older than ten minutes. Ask the terminal for a new one.")
        )
    link.used_at = now()
    return user


def sign_in(engine: Engine, session: Session, email: str, password: str, address: str) -> User:
    """The user with this e-mail and password; Refused otherwise, in the same time and words for everybody."""
    email = email.strip().lower()[:254]
    _count_try(engine, email, address)
    user = session.scalar(select(User).where(User.email == email, User.disabled_at.is_(None)))
    if not passwords.verify(user.password_hash if user else None, password) or user is None:
        raise Refused(_("E-mail and password don't fit together."))
    if passwords.outdated(user.password_hash):
        user.password_hash = passwords.make_hash(password)
    _forget_tries(session, email, address)
    return user


def change_password(session: Session, user: User, old: str, new: str) -> None:
    """Set a new password after checking the old one; BadInput names the field."""
    if not passwords.verify(user.password_hash, old):
        raise BadInput(_("This is not your present password."), "old")
    passwords.check(new, user.email)
    user.password_hash = passwords.make_hash(new)


def _count_try(engine: Engine, email: str, address: str) -> None:
    """Write the try down before it is judged, in its own transaction: parallel tries can't slip through.

    Only this address is slowed down, so nobody can lock a victim out for good.
    """
    at = now()
    with transaction(engine) as session:
        session.execute(delete(SignInAttempt).where(SignInAttempt.at < at - WINDOW))
        session.add(SignInAttempt(email=email, address=address))
    with transaction(engine) as session:  # counted once it is committed: of n parallel tries the n-th sees n
        total, same = session.execute(
            select(func.count(), func.count().filter(SignInAttempt.email == email)).where(
                SignInAttempt.address == address
            )
        ).one()
    if same > PER_ACCOUNT or total > PER_ADDRESS:
        raise Refused(_("Too many tries. Wait 15 minutes, then try again."), wait=int(WINDOW.total_seconds()))


def _forget_tries(session: Session, email: str, address: str) -> None:
    session.execute(
        delete(SignInAttempt).where(SignInAttempt.email == email, SignInAttempt.address == address)
    )
