"""What holds for all sending: the switch, the secret behind links and the suppression list, and whose home
it is.

`mail_switch` travels with a backup, the mark of the installation doesn't: a copy sees another installation's
mark in the row and sends nothing until a person confirms.
"""

import hmac
from functools import lru_cache
from hashlib import sha256
from secrets import token_urlsafe

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from email_campaigns.tables import MailSwitch
from foundation.clock import now
from foundation.context import Context, current
from foundation.sealing import Sealer
from foundation.text import _

_DATABASE = text(
    "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || oid FROM pg_database"
    " WHERE datname = current_database()"
)


def mark(session: Session, context: Context | None = None) -> str:
    """Names this installation by what no dump holds: its database, and its folder where the servers are
    private.

    A restored dump lies in another database; a copied folder is another folder. A replica that took over, a
    renamed folder and another machine with the same database are the same installation.
    """
    context = context or current()
    said = f"database {session.scalar(_DATABASE)}"
    if context.settings.database_url is None:
        said += f" folder {context.settings.data.stat().st_ino}"
    return said


def switch(session: Session, context: Context | None = None) -> MailSwitch:
    """The one row, made on the first call: what is made here is at home here."""
    found = session.get(MailSwitch, 1)
    if found is None:
        context = context or current()
        sealed = context.sealer.seal(token_urlsafe(32))
        fresh = insert(MailSwitch).values(
            id=1, secret=sealed, home=mark(session, context), changed_at=now()
        )  # fmt: skip
        session.execute(fresh.on_conflict_do_nothing())
        found = session.get_one(MailSwitch, 1)
    return found


def at_home(session: Session, row: MailSwitch, context: Context | None = None) -> bool:
    """Whether this installation may send; a restored or copied one may not before `confirm`."""
    return row.home == mark(session, context)


def stop(session: Session, reason: str, actor: str) -> None:
    """Nothing leaves from now on; letters that were handed over already have left."""
    _set(session, stopped=True, stopped_reason=reason, stopped_by=actor)


def go(session: Session, actor: str) -> None:
    """Send again."""
    _set(session, stopped=False, stopped_reason="", stopped_by=actor)


_UNDER_WAY = text(
    "UPDATE mailings SET state = 'asking', reason = :reason"
    " WHERE state IN ('scheduled', 'freezing', 'sending', 'paused')"
    " AND frozen ->> 'home' IS DISTINCT FROM :home"
)
_WAITING = text(
    "UPDATE deliveries SET state = 'unknown', reason = 'copied', token = token + 1, lease_until = NULL,"
    " finished_at = :now WHERE state IN ('planned', 'deferred', 'claimed', 'handed_over')"
    " AND left(step, 8) <> 'mailing:'"
)


def confirm(session: Session, actor: str, context: Context | None = None) -> None:
    """This is the installation that sends: no other copy is running.

    What was under way when the copy was made may have left the other one since, so none of it leaves by
    itself: mailings ask, and single letters are of unknown fate until somebody decides.
    """
    home = mark(session, context)
    if switch(session, context).home != home:
        reason = _(
            "This is a copy of another installation: letters of this mailing may have left there since."
        )
        session.execute(_UNDER_WAY, {"home": home, "reason": reason})
        session.execute(_WAITING, {"now": now()})
    _set(session, home=home, stopped_by=actor)


def _set(session: Session, **values: object) -> None:
    row = switch(session)
    session.refresh(row, with_for_update=True)
    for name, value in values.items():
        setattr(row, name, value)
    row.changed_at = now()
    session.flush()


def token_key(session: Session, sealer: Sealer | None = None) -> bytes:
    """What the tokens of public links are sealed with."""
    return _derived(session, sealer, b"links")


def suppression_key(session: Session, sealer: Sealer | None = None) -> bytes:
    """What addresses of the suppression list are hashed with."""
    return _derived(session, sealer, b"suppressions")


def _derived(session: Session, sealer: Sealer | None, purpose: bytes) -> bytes:
    context = current() if sealer is None else None
    opener = sealer if context is None else context.sealer
    assert opener is not None
    row = session.get(MailSwitch, 1) or switch(session, context)
    return hmac.digest(_opened(opener, row.secret).encode(), purpose, sha256().name)


@lru_cache(maxsize=8)
def _opened(sealer: Sealer, sealed: str) -> str:
    return sealer.unseal(sealed)
