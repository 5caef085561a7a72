"""The delivery that a link or a bounce names, with what its doors need of it."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.touched import touch
from email_campaigns.delivery import ledger
from email_campaigns.source import source_id
from foundation.clock import now


class Known(NamedTuple):
    """A letter to a person; `card` is None once nobody has the profile."""

    id: UUID
    step: str
    state: str
    address: str
    purpose: str
    topic: str
    language: str
    subject: str
    handed_at: datetime | None
    profile: UUID
    card: UUID | None
    has_profile: bool
    version: UUID
    letter: UUID | None
    sender: str
    context: dict[str, Any]

    @property
    def told(self) -> dict[str, Any]:
        """What its timeline rows say of the letter."""
        found = {
            "step": self.step,
            "delivery": str(self.id),
            "letter": str(self.letter),
            "subject": self.subject,
        }
        if self.step.startswith("mailing:"):
            found["mailing"] = self.step[8:]
        return found


_COLUMNS = """
SELECT d.id, d.step, d.state, d.address, d.purpose, d.topic, d.language, d.subject, d.handed_at, d.profile_id,
  p.customer_id, p.id IS NOT NULL, d.letter_version_id, v.letter_id, coalesce(s.name, ''), d.context
FROM deliveries d LEFT JOIN profiles p ON p.id = d.profile_id
LEFT JOIN letter_versions v ON v.id = d.letter_version_id LEFT JOIN senders s ON s.id = d.sender_id
"""
_FIND = text(f"{_COLUMNS} WHERE d.id = :id")
_LAST = text(
    f"{_COLUMNS} WHERE d.address = :address AND d.transport_id = :transport AND d.handed_at > :since"
    " ORDER BY d.handed_at DESC LIMIT 1"
)
_TELL = text("""
INSERT INTO timeline (source_id, source_key, profile_id, customer_id, kind, occurred_at, received_at, data)
VALUES (:source, :key, :profile, :card, :kind, :at, :now, CAST(:data AS jsonb))
ON CONFLICT (source_id, source_key) DO UPDATE SET data = excluded.data, occurred_at = excluded.occurred_at
  WHERE :again AND timeline.data IS DISTINCT FROM excluded.data
RETURNING xmax = 0
""")


def find(session: Session, delivery: UUID) -> Known | None:
    """The delivery of this id; None when it has been erased."""
    row = session.execute(_FIND, {"id": delivery}).first()
    return Known(*row) if row else None


def last_to(session: Session, address: str, transport: UUID, since: datetime) -> Known | None:
    """The last letter that left for an address by a transport."""
    values = {"address": address, "transport": transport, "since": since}
    row = session.execute(_LAST, values).first()
    return Known(*row) if row else None


def tell(
    session: Session, known: Known, kind: str, data: str, *, at: datetime, key: str = "", again: bool = False
) -> bool:
    """Write a timeline row of a letter once; with `again` bring it up to date. Whether it is new.

    Nobody's timeline gets it when the profile is gone.
    """
    if not known.has_profile:
        return False
    values = {
        "source": source_id(session), "key": ":".join(filter(None, (kind, str(known.id), key))),
        "profile": known.profile,
        "card": known.card, "kind": kind, "at": at, "now": now(), "data": data, "again": again,
    }  # fmt: skip
    new = bool(session.scalar(_TELL, values))
    if new and known.card:
        touch(session, {known.card})
    return new


def arrived(session: Session, known: Known, by: str, told: str) -> None:
    """Something shows that the letter reached its server; news where its fate was unknown."""
    if known.state == "unknown" and ledger.prove(session, known.id, by):
        tell(session, known, "letter.sent", told, at=known.handed_at or now())
