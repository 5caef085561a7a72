"""Signed-in browsers: random tokens of which we keep only the hash, ended by idleness, age or a click."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, select
from sqlalchemy.orm import Session

from console.tables import User, UserSession
from foundation.clock import now

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
_TOUCH = timedelta(seconds=60)  # how often "seen" is written: not at every click


def digest(token: str) -> bytes:
    """What we keep of a token; a leaked table opens no door."""
    return hashlib.sha256(token.encode()).digest()


def start(session: Session, user: User, *, agent: str, address: str, replaces: str | None = None) -> str:
    """Begin a session and answer its token for the cookie; the browser's former one ends (no fixation)."""
    if replaces:
        end(session, replaces)
    token = secrets.token_urlsafe(32)
    kept = UserSession(
        token_hash=digest(token),
        user_id=user.id,
        csrf=secrets.token_urlsafe(24),
        agent=agent[:200],
        address=address,
    )
    session.add(kept)
    return token


def find(session: Session, token: str, *also: ColumnElement[Any]) -> Row[Any] | None:
    """The session of a cookie and its user, or None when it ended, is too old or the user may not enter.

    `also` are columns to read in the same breath, behind the two.
    """
    at = now()
    found = session.execute(
        select(UserSession, User, *also)
        .join(User, User.id == UserSession.user_id)
        .where(
            UserSession.token_hash == digest(token),
            UserSession.seen_at > at - IDLE,
            UserSession.created_at > at - LONGEST,
            User.disabled_at.is_(None),
        )
    ).first()
    if found is not None and found[0].seen_at < at - _TOUCH:
        found[0].seen_at = at
    return found


def of_user(session: Session, user_id: UUID) -> list[UserSession]:
    """The browsers a person is signed in with now, the last used first."""
    at = now()
    return list(
        session.scalars(
            select(UserSession)
            .where(
                UserSession.user_id == user_id,
                UserSession.seen_at > at - IDLE,
                UserSession.created_at > at - LONGEST,
            )
            .order_by(UserSession.seen_at.desc())
        )
    )


def end(session: Session, token: str) -> None:
    """Sign a browser out; its cookie opens nothing any more."""
    session.execute(delete(UserSession).where(UserSession.token_hash == digest(token)))


def end_others(session: Session, user_id: UUID, keep: bytes) -> int:
    """Sign out every other browser of a person; answers how many."""
    ended = session.execute(
        delete(UserSession)
        .where(UserSession.user_id == user_id, UserSession.token_hash != keep)
        .returning(UserSession.token_hash)
    )
    return len(ended.all())


def end_one(session: Session, user_id: UUID, token_hash: bytes) -> bool:
    """Sign out one browser of this person; False when there is none of theirs with that hash."""
    ended = session.execute(
        delete(UserSession)
        .where(UserSession.user_id == user_id, UserSession.token_hash == token_hash)
        .returning(UserSession.token_hash)
    )
    return ended.first() is not None


def prune(session: Session) -> None:
    """Forget sessions that ended by age or idleness."""
    at = now()
    session.execute(
        delete(UserSession).where((UserSession.seen_at < at - IDLE) | (UserSession.created_at < at - LONGEST))
    )
