"""Members as lists show them: a page of a segment's people, and the segments of one customer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from customers.listing import COLUMNS, Row
from customers.segments.tables import Segment, SegmentEvent, SegmentMember
from customers.tables import Customer, CustomerStats
from foundation.errors import BadInput


class Member(NamedTuple):
    """Somebody in a segment, and since when."""

    customer: Row
    since: datetime


class Standing(NamedTuple):
    """A segment and since when somebody is in it, None for not."""

    segment: Segment
    since: datetime | None


def some(session: Session, customers: Sequence[UUID]) -> list[Row]:
    """Customers as lists show them, the newest first. One query."""
    query = select(*COLUMNS).join(CustomerStats, CustomerStats.customer_id == Customer.id, isouter=True)
    query = query.where(Customer.id.in_(customers)).order_by(Customer.id.desc())
    found: Sequence[Any] = session.execute(query).all()
    return [Row(*row) for row in found]


def page(
    session: Session, segment: Segment, before: str | None = None, limit: int = 50
) -> tuple[list[Member], str | None]:
    """Members, the newest card first, and where to go on. One query. `BadInput` for no place of ours."""
    query = (
        select(*COLUMNS, SegmentMember.since)
        .select_from(SegmentMember)
        .join(Customer, Customer.id == SegmentMember.customer_id)
        .join(CustomerStats, CustomerStats.customer_id == Customer.id, isouter=True)
        .where(SegmentMember.segment_id == segment.id)
        .order_by(SegmentMember.customer_id.desc())
        .limit(limit + 1)
    )
    if before:
        query = query.where(SegmentMember.customer_id < _place(before))
    found: Sequence[Any] = session.execute(query).all()
    rows = [Member(Row(*row[:-1]), row[-1]) for row in found]
    return rows[:limit], str(rows[limit - 1].customer.id) if len(rows) > limit else None


def _place(before: str) -> UUID:
    try:
        return UUID(before)
    except ValueError:
        raise BadInput("this is no place in the list of members; open its first page", at="before") from None


def of_customer(session: Session, customer: UUID) -> list[Standing]:
    """Every segment by name, and since when this customer is in it. One query."""
    mine = and_(SegmentMember.segment_id == Segment.id, SegmentMember.customer_id == customer)
    query = select(Segment, SegmentMember.since).join(SegmentMember, mine, isouter=True)
    rows = session.execute(query.where(Segment.archived_at.is_(None)).order_by(Segment.name, Segment.id))
    return [Standing(*row) for row in rows]


def history(session: Session, segment: Segment, customer: UUID, limit: int = 20) -> list[SegmentEvent]:
    """When somebody entered and left, the latest first."""
    query = select(SegmentEvent).where(
        SegmentEvent.customer_id == customer, SegmentEvent.segment_id == segment.id
    )
    return list(session.scalars(query.order_by(SegmentEvent.id.desc()).limit(limit)))
