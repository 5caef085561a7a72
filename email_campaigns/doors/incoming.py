"""Bounces and complaints that a mailbox of ours has got, and answers to letters of unknown fate: each is read
once and acted on.

They come up as rows that customers keep (`mail_messages.report`): whoever landed them knows nothing of
letters we sent, and we know nothing of mailboxes (docs/decisions/0018).
"""

import importlib
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from customers.mail.store import RETURNED
from email_campaigns.doors.known import arrived, find, tell
from foundation import log, problems
from foundation.database import transaction
from foundation.jobs import duty

TOGETHER = 50
_NEXT = text(
    "SELECT id, source_id, landed_id, report FROM mail_messages WHERE report IS NOT NULL ORDER BY id LIMIT 1"
    " FOR UPDATE SKIP LOCKED"
)
_DONE = text(
    "UPDATE mail_messages SET report = NULL, outcome = :outcome,"
    " delivery_id = coalesce(:delivery, delivery_id) WHERE id = :id"
)
_NAMING = text(
    "SELECT id, thread_id, names, subject, sender, automatic, at FROM mail_messages WHERE names <> '{}'"
    " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
)
_LOOKED = text(
    "UPDATE mail_messages SET names = '{}', delivery_id = coalesce(:delivery, delivery_id) WHERE id = :id"
)


@cache
def _reader() -> Any:
    """What reads them, loaded at the first one: it brings all of dnspython."""
    return importlib.import_module("email_campaigns.doors.returned")


@duty(RETURNED, every=10)
def read(engine: Engine) -> bool:
    """Act on reports that wait; True when there may be more."""
    for _one in range(TOGETHER):
        with transaction(engine) as session:
            if not (_read_one(session) or _prove_one(session)):
                return False
    return True


def _prove_one(session: Session) -> bool:
    """Who answers a letter has got it, though its server never said so."""
    row = session.execute(_NAMING).first()
    if row is None:
        return False
    proved = None
    for name in row.names:
        known = find(session, UUID(name))
        if known is not None and known.state == "unknown":
            arrived(session, known, "answer", msgspec.json.encode(known.told).decode())
            proved = known.id
            if not row.automatic:
                about = {"message": str(row.id), "thread": str(row.thread_id), "title": row.subject}
                said = msgspec.json.encode({**known.told, **about, "from": row.sender}).decode()
                tell(session, known, "letter.replied", said, at=row.at)
    session.execute(_LOOKED, {"delivery": proved, "id": row.id})
    return True


def _read_one(session: Session) -> bool:
    row = session.execute(_NEXT).first()
    if row is None:
        return False
    try:
        with session.begin_nested():
            outcome = _reader().take(session, bytes(row.report))
            values = {"outcome": _words(outcome), "delivery": outcome.delivery, "id": row.id}
            session.execute(_DONE, values)
    except Exception as error:
        if isinstance(error, OperationalError) or (isinstance(error, DBAPIError) and not error.orig):
            raise
        log.get(__name__).error("report_failed", message=str(row.id), kind=type(error).__name__)
        problems.report(
            session, area="mail", subject=f"report {row.id}", source_id=row.source_id,
            landed_id=row.landed_id, key=f"report:{row.id}",
            message=f"A returned letter could not be acted on ({type(error).__name__}); it is kept as is.",
        )  # fmt: skip
        session.execute(_DONE, {"outcome": "failed", "delivery": None, "id": row.id})
    return True


def _words(outcome: Any) -> str:
    return f"{outcome.kind}: {outcome.reason}" if outcome.reason else str(outcome.kind)
