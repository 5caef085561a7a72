"""Segments with their versions, who is in them, when that can change next, and every enter and leave."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as Uuid
from sqlalchemy.orm import Mapped, mapped_column

from customers.facts import NEWEST
from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time


class Segment(Base):
    """A group of customers by name: by conditions (kind "rule"), or put together by hand ("list")."""

    __tablename__ = "segments"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="rule")  # rule list
    version: Mapped[int] = mapped_column(default=1)  # the newest
    computed: Mapped[int] = mapped_column(default=0)  # the version that the members are of; 0: none yet
    computed_at: Mapped[datetime | None] = mapped_column(Time)  # when all of them were looked at last
    stale_at: Mapped[datetime | None] = mapped_column(Time)  # since when all have to be looked at again
    members: Mapped[int] = mapped_column(default=0)  # kept by whoever writes the members
    pages: Mapped[bool] = mapped_column(default=False)  # shops' pages may know who is in it
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    created_by: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime] = mapped_column(Time, default=now)
    archived_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index("uq_segments_name", "name", unique=True, postgresql_where=text("archived_at IS NULL")),
        Index("ix_segments_created_at", "created_at", "id"),
    )


class SegmentVersion(Base):
    """The conditions of a segment since somebody saved them; never changed, so a mailing can name one."""

    __tablename__ = "segment_versions"
    segment_id: Mapped[UUID] = mapped_column(ForeignKey("segments.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    tree: Mapped[dict[str, Any]] = mapped_column(JSONB)  # see tree.py
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    created_by: Mapped[str] = mapped_column(default="")


class SegmentEntry(Base):
    """Somebody put on a list by hand, and perhaps taken off it again; follows the card into merges."""

    __tablename__ = "segment_entries"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    segment_id: Mapped[UUID] = mapped_column(ForeignKey("segments.id"))
    customer_id: Mapped[UUID]  # the card as it was then
    operation_id: Mapped[UUID]
    added_at: Mapped[datetime] = mapped_column(Time, default=now)
    removed_at: Mapped[datetime | None] = mapped_column(Time)
    removed_by: Mapped[UUID | None]  # the operation
    __table_args__ = (
        Index(
            "uq_segment_entries_in_force", "segment_id", "customer_id", unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index("ix_segment_entries_customer_id", "customer_id", postgresql_where=text("removed_at IS NULL")),
        Index("ix_segment_entries_operation_id", "operation_id"),
        Index("ix_segment_entries_removed_by", "removed_by", postgresql_where=text("removed_by IS NOT NULL")),
    )  # fmt: skip


class SegmentMember(Base):
    """Who is in a segment now; kept by `membership`, computed from everything else."""

    __tablename__ = "segment_members"
    segment_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(Time)
    __table_args__ = (Index("ix_segment_members_customer_id", "customer_id"),)


class SegmentDue(Base):
    """When time alone can change whether somebody is in a segment: look again then."""

    __tablename__ = "segment_due"
    segment_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(Time)
    __table_args__ = (Index("ix_segment_due_due_at", "due_at"),)


class SegmentEvent(Base):
    """Somebody entered or left a segment, append-only."""

    __tablename__ = "segment_events"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    segment_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    kind: Mapped[str]  # enter leave
    at: Mapped[datetime] = mapped_column(Time)
    reason: Mapped[str]  # change time version everybody archived check: see membership.py
    version: Mapped[int]
    truth: Mapped[str]  # of each condition then: t f or ? for unknown; empty when all were looked at at once
    __table_args__ = (
        Index("ix_segment_events_segment_id", "segment_id", "id"),
        Index("ix_segment_events_customer_id", "customer_id", "id"),
        Index("ix_segment_events_at", "at", postgresql_using="brin", postgresql_with=NEWEST),
    )


class SegmentTouched(Base):
    """Customers of whom something changed, to be looked at; an array a batch, empty for everybody.

    Rows are only ever inserted and deleted: whoever changes a customer never waits for whoever looks, and a
    row that can be seen comes with the change it tells of.
    """

    __tablename__ = "segment_touched"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    customers: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    what: Mapped[str] = mapped_column(default="")  # only of concern to segments that ask for that
    at: Mapped[datetime] = mapped_column(Time, default=now)
