"""Writes letters: each once, into its thread, onto the timeline of whoever it is from.

Whose a letter is: of whoever got the letter of ours that it answers, as only its readers know how that is
named; else of its writer's address, a profile that finds the card with that address and says nothing of its
own. Who it claims to be from joins no two people (docs/decisions/0018).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.batch import Came, PersonId
from customers.mail.tables import MailMessage
from foundation.clock import new_id, now
from foundation.database import lock
from foundation.records import Message
from foundation.wake import wake_after_commit

KIND = "correspondent"
RETURNED = "mail.returned"  # the duty that reads reports
SNIPPET = 160
THREADS_LOCK = 7_202
_NAMED = text("SELECT message_id, thread_id FROM mail_messages WHERE message_id = ANY(:ids) ORDER BY at, id")
_OURS = text(
    "SELECT substr(t.source_key, 13) AS delivery, t.profile_id, t.data FROM timeline t"
    " JOIN sources s ON s.id = t.source_id AND s.kind = 'mail'"
    " WHERE t.source_key = ANY(:keys) AND t.profile_id IS NOT NULL"
)
_COPIES = text(
    "SELECT message_id FROM mail_messages WHERE message_id = ANY(:ids) AND direction = 'out'"
    " AND landed_id IS NULL"
)
_COLUMNS = (
    "id", "source_id", "external_id", "landed_id", "thread_id", "profile_id", "direction", "message_id",
    "sender", "sender_name", "reply_to", "recipients", "more_recipients", "subject", "text", "quoted",
    "attachments", "automatic", "vouched", "cut", "size", "at", "received_at", "delivery_id", "actor",
    "report", "outcome", "names",
)  # fmt: skip
# a letter that is read again, after an upgrade perhaps, keeps its place and says what it says now
_KEPT = (
    "id",
    "source_id",
    "external_id",
    "thread_id",
    "profile_id",
    "delivery_id",
    "received_at",
    "report",
    "names",
)
_INSERT = text(
    f"INSERT INTO mail_messages ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{one}' for one in _COLUMNS)})"
    " ON CONFLICT (source_id, external_id) DO UPDATE SET "
    + ", ".join(f"{one} = excluded.{one}" for one in _COLUMNS if one not in (*_KEPT, "outcome"))
    + " RETURNING xmax = 0 AS fresh, id, thread_id, profile_id"
)
_COUNT = text("""
INSERT INTO mail_threads (id, source_id, subject, letters, waiting, automatic, profile_id, sender, first_at,
  last_at, asked_at)
SELECT m.thread_id, (array_agg(m.source_id ORDER BY m.at, m.id))[1],
  (array_agg(m.subject ORDER BY m.at, m.id))[1], count(*),
  coalesce((array_agg(m.direction = 'in' ORDER BY m.at DESC, m.id DESC)
    FILTER (WHERE m.automatic = ''))[1], false),
  bool_and(m.automatic <> ''),
  (array_agg(m.profile_id ORDER BY m.direction, m.at, m.id) FILTER (WHERE m.profile_id IS NOT NULL))[1],
  (array_agg(coalesce(nullif(m.sender_name, ''), m.sender) ORDER BY m.direction, m.at, m.id))[1],
  min(m.at), max(m.at), max(m.at) FILTER (WHERE m.automatic = '')
FROM mail_messages m WHERE m.thread_id = ANY(:ids) GROUP BY m.thread_id
ON CONFLICT (id) DO UPDATE SET subject = excluded.subject, letters = excluded.letters,
  waiting = excluded.waiting AND (mail_threads.settled_at IS NULL
    OR excluded.asked_at > mail_threads.settled_at),
  asked_at = excluded.asked_at, automatic = excluded.automatic, profile_id = excluded.profile_id,
  sender = excluded.sender, first_at = excluded.first_at, last_at = excluded.last_at""")
_SETTLE = text(
    "UPDATE mail_threads SET waiting = false, settled_at = asked_at WHERE id = :id AND waiting RETURNING id"
)
_TELL = text(
    "INSERT INTO timeline (source_id, source_key, profile_id, customer_id, kind, occurred_at, received_at,"
    " data) SELECT :source, :key, p.id, p.customer_id, :kind, :at, :now, CAST(:data AS jsonb)"
    " FROM profiles p WHERE p.id = :profile ON CONFLICT (source_id, source_key) DO NOTHING"
    " RETURNING customer_id"
)


@dataclass(frozen=True)
class _Ours:
    """A letter of our ledger that was answered."""

    delivery: UUID
    profile: UUID
    data: dict[str, Any]


def write(
    session: Session, source: UUID, messages: Mapping[str, Came[Message]], ids: Mapping[PersonId, UUID]
) -> set[UUID]:
    """Write the letters of a batch; answers the cards they are about. `ids` are its people's profiles."""
    if not messages:
        return set()
    letters = sorted(messages.values(), key=lambda came: came.record.at or came.received_at)
    threads, ours = _threads(session, letters), _ours(session, letters)
    copies = set(session.scalars(_COPIES, {"ids": [c.record.message_id for c in letters if c.record.sent]}))
    touched: set[UUID] = set()
    cards: set[UUID] = set()
    for came in letters:
        one = came.record
        if one.sent and one.message_id in copies:
            continue  # what was answered here, as the mail server kept it
        named = () if one.automatic == "report" else one.deliveries  # a report is read by whoever sent
        answered = next((ours[name] for name in named if name in ours), None)
        thread = _thread_of(one, threads, answered)
        if one.message_id:
            threads.setdefault(one.message_id, thread)
        profile = answered.profile if answered else ids.get((KIND, _other(one)))
        kept = session.execute(_INSERT, _row(source, came, thread, profile, answered)).one()
        touched.add(kept.thread_id)
        if kept.fresh and profile is not None:
            card = _tell(session, source, came, kept, answered)
            cards |= {card} if card else set()
    count(session, touched)
    if any(came.record.report or came.record.deliveries for came in letters):
        wake_after_commit(session, RETURNED)
    return cards


def count(session: Session, threads: set[UUID]) -> None:
    """Threads that letters joined, counted anew; one at a time, so that nobody's letter is missed."""
    if threads:
        lock(session, THREADS_LOCK)
        session.execute(_COUNT, {"ids": list(threads)})


def settle(session: Session, thread: UUID) -> bool:
    """Somebody says that a thread needs no answer, until a person writes again; whether it waited for one."""
    lock(session, THREADS_LOCK)
    done = session.execute(_SETTLE, {"id": thread})
    return done.first() is not None


def _other(one: Message) -> str:
    """Who is at the other end, as the address says."""
    return (one.recipients[0] if one.recipients else "") if one.sent else one.sender


def _threads(session: Session, letters: Sequence[Came[Message]]) -> dict[str, UUID]:
    """Threads of the letters that these name."""
    names = {name for came in letters for name in (*came.record.answers, came.record.message_id) if name}
    rows = session.execute(_NAMED, {"ids": list(names)}) if names else ()
    return {row.message_id: row.thread_id for row in rows}


def _ours(session: Session, letters: Sequence[Came[Message]]) -> dict[str, _Ours]:
    """Letters of our ledger that these name, by the hex of their ids; only those that left count."""
    named = {name for came in letters for name in came.record.deliveries if not came.record.sent}
    ids = {str(UUID(name)): name for name in named}
    if not ids:
        return {}
    rows = session.execute(_OURS, {"keys": [f"letter.sent:{one}" for one in ids]})
    return {ids[row.delivery]: _Ours(UUID(row.delivery), row.profile_id, row.data) for row in rows}


def _thread_of(one: Message, threads: Mapping[str, UUID], answered: _Ours | None) -> UUID:
    for name in (*one.answers, one.message_id):
        if name in threads:
            return threads[name]
    if answered:
        return answered.delivery
    return uuid5(NAMESPACE_URL, f"mid:{one.root or one.message_id or one.external_id}")


def _row(
    source: UUID, came: Came[Message], thread: UUID, profile: UUID | None, answered: _Ours | None
) -> dict[str, Any]:
    one = came.record
    report = one.report.encode("latin-1", "replace") if one.report else None
    unclear = not (answered or one.sent or report)
    said = {name: getattr(one, name) for name in one.__struct_fields__ if name in _COLUMNS}
    return said | {
        "id": new_id(), "source_id": source, "landed_id": came.landed_id, "thread_id": thread,
        "profile_id": profile, "direction": "out" if one.sent else "in",
        "recipients": list(one.recipients),
        "attachments": msgspec.json.encode(one.attachments).decode(),
        "at": one.at or came.received_at, "received_at": came.received_at, "actor": "", "report": report,
        "outcome": "", "delivery_id": answered.delivery if answered else None,
        "names": list(one.deliveries) if unclear else [],
    }  # fmt: skip


def _tell(
    session: Session, source: UUID, came: Came[Message], kept: Any, answered: _Ours | None
) -> UUID | None:
    """The letter's line on the timeline; the card it stands on."""
    one = came.record
    replied = answered is not None and not one.automatic and not one.sent
    kind = "letter.written" if one.sent else "letter.replied" if replied else "letter.received"
    data = {
        "message": str(kept.id), "thread": str(kept.thread_id), "title": one.subject, "from": one.sender,
        "name": one.sender_name, "said": " ".join(one.text.split())[:SNIPPET],
        "files": len(one.attachments), "automatic": one.automatic, "vouched": one.vouched,
    }  # fmt: skip
    if replied and answered is not None:
        data |= answered.data
    values = {
        "source": source, "key": f"message:{one.external_id}", "profile": kept.profile_id, "kind": kind,
        "at": one.at or came.received_at, "now": now(), "data": msgspec.json.encode(data).decode(),
    }  # fmt: skip
    card: UUID | None = session.scalar(_TELL, values)
    return card


def answered_here(
    session: Session, to: MailMessage, *, delivery: UUID, message_id: str, sender: tuple[str, str],
    recipient: str, subject: str, body: str, actor: str, at: datetime,
) -> None:  # fmt: skip
    """Enter an answer written here into its thread, once."""
    row = {
        "id": new_id(), "source_id": to.source_id, "external_id": f"delivery:{delivery}", "landed_id": None,
        "thread_id": to.thread_id, "profile_id": to.profile_id, "direction": "out",
        "message_id": message_id, "sender": sender[0], "sender_name": sender[1], "reply_to": "",
        "recipients": [recipient], "more_recipients": 0, "subject": subject, "text": body, "quoted": "",
        "attachments": "[]", "automatic": "", "vouched": False, "cut": False, "size": len(body),
        "at": at, "received_at": at, "delivery_id": delivery, "actor": actor, "report": None, "outcome": "",
        "names": [],
    }  # fmt: skip
    session.execute(_INSERT, row)
    count(session, {to.thread_id})
