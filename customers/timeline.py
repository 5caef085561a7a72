"""What happened to a customer, newest first, page by page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from foundation.errors import BadInput

Id = TypeVar("Id", int, UUID)

_PAGE = """
SELECT t.id, t.kind, t.occurred_at, t.received_at, t.data, t.source_id, s.name AS source, t.profile_id
FROM timeline t LEFT JOIN sources s ON s.id = t.source_id
WHERE t.customer_id = :customer {kinds} {before}
ORDER BY t.occurred_at DESC, t.id DESC LIMIT :limit
"""


class Event(NamedTuple):
    """One thing that happened; `data` depends on the kind."""

    id: int
    kind: str
    occurred_at: datetime
    received_at: datetime
    data: dict[str, Any]
    source_id: UUID
    source: str | None
    profile_id: UUID | None


class Page(NamedTuple):
    """Some events and the cursor of those before them, None at the beginning of time."""

    events: list[Event]
    next: str | None


def page(
    session: Session,
    customer_id: UUID,
    before: str | None = None,
    kinds: Collection[str] = (),
    limit: int = 50,
) -> Page:
    """A page of a live card's timeline; `kinds` are full ("order.paid") or a part ("order"). One query.

    `BadInput` for a cursor that isn't ours.
    """
    values: dict[str, Any] = {"customer": customer_id, "limit": limit + 1}
    condition = ""
    if kinds:
        condition = "AND (t.kind = ANY(:kinds) OR split_part(t.kind, '.', 1) = ANY(:kinds))"
        values["kinds"] = list(kinds)
    earlier = ""
    if before:
        values["at"], values["id"] = read_cursor(before, int)
        earlier = "AND (t.occurred_at, t.id) < (:at, :id)"
    query = text(_PAGE.format(kinds=condition, before=earlier))
    events = [Event(*row) for row in session.execute(query, values)]
    shown = events[:limit]
    return Page(shown, write_cursor(shown[-1].occurred_at, shown[-1].id) if len(events) > limit else None)


def write_cursor(at: datetime | None, row: int | UUID) -> str:
    """An opaque place in a list sorted by time and id."""
    place = f"{at.isoformat() if at else ''}|{row}"
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def read_cursor(cursor: str, read: Callable[[str], Id]) -> tuple[datetime | None, Id]:
    """The place a cursor names; `read` makes an id of its text."""
    try:
        at, _, row = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition("|")
        return datetime.fromisoformat(at) if at else None, read(row)
    except ValueError as error:
        raise BadInput("this cursor is not one of ours; start from the first page", at="before") from error
