"""What was overwritten: each value with what replaced it, on which side, and why. Read from the record."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_VALUES = """
SELECT w.id, w.side, w.field, w.was, w.now, w.reason, w.at, d.what, l.local_id, l.external_id,
  coalesce(c.name, p.name, o.number, l.external_id, '') AS title,
  CASE w.side WHEN 'there' THEN s.name ELSE coalesce(h.name, '') END AS place, u.state AS sent, u.error
FROM overwritten w LEFT JOIN links l ON l.id = w.link_id LEFT JOIN directories d ON d.id = l.directory_id
LEFT JOIN sources s ON s.id = d.connection_id LEFT JOIN sources h ON h.id = d.home_id
LEFT JOIN pushes u ON u.id = w.push_id
LEFT JOIN customers c ON d.what = 'counterparties' AND c.id = l.local_id
LEFT JOIN products p ON d.what = 'nomenclature' AND p.id = l.local_id
LEFT JOIN orders o ON d.what = 'invoices' AND o.id = l.local_id
WHERE w.operation_id = :operation AND w.id > :after ORDER BY w.id LIMIT :limit
"""


@dataclass(frozen=True)
class Replaced:
    """A value that another replaced. `place` is the system it stood in, empty for a card here.

    `sent` is how far it got where it had to be sent: waiting sent done failed overtaken cancelled.
    """

    id: int
    what: str | None
    title: str
    local_id: UUID | None
    external_id: str | None
    field: str
    side: str
    place: str
    was: str | None
    now: str | None
    reason: str
    sent: str | None
    error: str | None
    at: datetime


def of_operation(session: Session, operation_id: UUID, after: int = 0, limit: int = 100) -> list[Replaced]:
    """The values that an operation overwrote, in the order it did."""
    values: dict[str, Any] = {"operation": operation_id, "after": after, "limit": limit}
    names = Replaced.__dataclass_fields__
    rows = session.execute(text(_VALUES), values)
    return [Replaced(**{name: getattr(row, name) for name in names}) for row in rows]
