"""What the pages of letters show: threads, the newest first, and the letters of one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from customers.mail.tables import MailMessage, MailThread
from customers.timeline import read_cursor, write_cursor

KINDS = ("waiting", "all", "nobody", "automatic")
# letters of a thread that are shown at once
SHOWN = 40
_THREADS = """
SELECT t.id, t.subject, t.letters, t.waiting, t.automatic, t.sender, t.last_at, c.id AS card, c.name, c.email,
  s.name AS mailbox, l.text AS said, l.direction
FROM mail_threads t LEFT JOIN profiles p ON p.id = t.profile_id
LEFT JOIN customers c ON c.id = p.customer_id AND c.live LEFT JOIN sources s ON s.id = t.source_id
LEFT JOIN LATERAL (SELECT left(m.text, 200) AS text, m.direction FROM mail_messages m WHERE m.thread_id = t.id
  ORDER BY m.at DESC, m.id DESC LIMIT 1) l ON true
WHERE {where} ORDER BY t.last_at DESC, t.id DESC LIMIT :limit"""
_WHERE = {
    "waiting": "t.waiting",
    "all": "NOT t.automatic",
    "nobody": "NOT t.automatic AND p.customer_id IS NULL",
    "automatic": "t.automatic",
}
_OF_CARD = (
    "t.id IN (SELECT m.thread_id FROM mail_messages m JOIN profiles o ON o.id = m.profile_id"
    " WHERE o.customer_id = :card)"
)
_OWNER = text(
    "SELECT c.id, c.name, c.email FROM mail_messages m JOIN profiles p ON p.id = m.profile_id"
    " JOIN customers c ON c.id = p.customer_id AND c.live WHERE m.thread_id = :thread"
    " ORDER BY m.at DESC, m.id DESC LIMIT 1"
)


class Threads(NamedTuple):
    """Some threads and the cursor of those before them."""

    rows: Sequence[Row[Any]]
    next: str | None


def threads(
    session: Session, kind: str = "all", before: str | None = None, *, card: UUID | None = None,
    limit: int = 50,
) -> Threads:  # fmt: skip
    """Threads, those that went on last first; of a card all of its own. One query, BadInput for no cursor."""
    where, values = [_OF_CARD if card else _WHERE[kind]], dict[str, Any](limit=limit + 1, card=card)
    if before:
        values["at"], values["id"] = read_cursor(before, UUID)
        where.append("(t.last_at, t.id) < (:at, :id)")
    found = session.execute(text(_THREADS.format(where=" AND ".join(where))), values).all()
    rows = found[:limit]
    more = write_cursor(rows[-1].last_at, rows[-1].id) if len(found) > limit else None
    return Threads(rows, more)


class Conversation(NamedTuple):
    """A thread: its newest letters, the oldest of them first, and whose card it is on."""

    thread: MailThread
    letters: list[MailMessage]
    earlier: int  # letters before those
    card: Row[Any] | None


def conversation(session: Session, thread_id: UUID, *, whole: bool = False) -> Conversation | None:
    """A thread with its letters; None when there is none. `whole` shows as many as a page can bear."""
    thread = session.get(MailThread, thread_id)
    if thread is None:
        return None
    query = (
        session.query(MailMessage)
        .where(MailMessage.thread_id == thread_id)
        .order_by(MailMessage.at.desc(), MailMessage.id.desc())
    )
    letters = query.limit(SHOWN * 10 if whole else SHOWN).all()
    card = session.execute(_OWNER, {"thread": thread_id}).first()
    return Conversation(thread, letters[::-1], max(0, thread.letters - len(letters)), card)


def waiting_since(session: Session) -> datetime | None:
    """Since when the one who waits longest has waited."""
    found: datetime | None = session.scalar(text("SELECT min(last_at) FROM mail_threads WHERE waiting"))
    return found
