"""Segments that shops' pages may know their visitors by: none, until somebody opens one to them.

Whatever a page knows all its scripts know, so who owes money or is about to be lost stays in the house.
"""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from customers.segments.tables import Segment


class Choice(NamedTuple):
    """A segment that can be chosen for pages."""

    id: UUID
    name: str
    usable: bool  # open to pages and not archived


def tell(session: Session, segment: Segment, on: bool) -> None:
    """Let pages know who is in a segment, or no longer."""
    segment.pages = on
    session.flush()


def choices(session: Session, chosen: Collection[UUID] = ()) -> list[Choice]:
    """Segments that are open to pages, and those already `chosen` though they aren't any more; by name."""
    usable = Segment.pages & Segment.archived_at.is_(None)
    wanted = select(Segment.id, Segment.name, usable).where(or_(usable, Segment.id.in_(chosen)))
    return [Choice(*row) for row in session.execute(wanted.order_by(Segment.name, Segment.id))]
