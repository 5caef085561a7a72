"""Directories, their pairs with the base both sides last agreed on, plans, conflicts, and what goes out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time


class Directory(Base):
    """A stream of a connection that is kept equal with what we have of it."""

    __tablename__ = "directories"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("connections.id"))
    what: Mapped[str]  # counterparties nomenclature invoices
    stream: Mapped[str]
    home_id: Mapped[UUID | None]  # nomenclature, invoices: the shop whose products or orders are ours
    home_stream: Mapped[str | None]
    creates: Mapped[str] = mapped_column(default="none")  # none companies all: whom to make there
    most: Mapped[int] = mapped_column(default=20)  # per cent of it that a run may change unasked
    automatic: Mapped[bool] = mapped_column(default=False)  # runs by itself after each pull
    owners: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)  # field -> ours theirs newest ask
    since: Mapped[datetime | None] = mapped_column(Time)  # invoices: older orders get none
    due_days: Mapped[int | None]  # invoices: days to pay; None: as the ledger has it
    checked_at: Mapped[datetime | None] = mapped_column(Time)
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (Index("uq_directories_connection_id_what", "connection_id", "what", unique=True),)


class Link(Base):
    """A thing of ours and an object there. `base` is what both last agreed on, field by field.

    `here` and `there` hold what a side made of a value that was written there, where it is another.
    """

    __tablename__ = "links"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    directory_id: Mapped[UUID]
    local_id: Mapped[UUID]  # the card, or the product or order of the home shop
    external_id: Mapped[str]
    state: Mapped[str] = mapped_column(default="linked")  # made linked waiting refused
    reason: Mapped[str]  # how they were found to be the same: tax_number code sku name …
    said: Mapped[str] = mapped_column(default="")  # the value that both have
    base: Mapped[dict[str, str | None]] = mapped_column(JSONB, default=dict)
    here: Mapped[dict[str, str | None]] = mapped_column(JSONB, default=dict)
    there: Mapped[dict[str, str | None]] = mapped_column(JSONB, default=dict)
    gone_here_at: Mapped[datetime | None] = mapped_column(Time)
    gone_there_at: Mapped[datetime | None] = mapped_column(Time)
    operation_id: Mapped[UUID | None]
    linked_at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (
        Index("uq_links_directory_id_external_id", "directory_id", "external_id", unique=True),
        Index("ix_links_local_id", "local_id"),
        Index("ix_links_waiting", "id", postgresql_where=text("state = 'waiting'")),
    )


class DirectoryPlan(Base):
    """What a run would change, held to a hash."""

    __tablename__ = "directory_plans"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    connection_id: Mapped[UUID]
    hash: Mapped[str]
    state: Mapped[str] = mapped_column(default="made")  # planning made waiting applied stale failed
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict)
    guard: Mapped[str] = mapped_column(default="")  # why it waits for a person, or failed
    operation_id: Mapped[UUID | None]
    made_at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (Index("ix_directory_plans_connection_id", "connection_id", "made_at"),)


class PlannedPair(Base):
    """One pair of a plan: what is to become of it and why, as it was seen."""

    __tablename__ = "planned_pairs"
    plan_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    directory_id: Mapped[UUID]
    local_id: Mapped[UUID | None]
    external_id: Mapped[str]
    title: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Conflict(Base):
    """A field that both sides have and neither rule nor time decides: it alone waits for a person."""

    __tablename__ = "conflicts"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    directory_id: Mapped[UUID]
    link_id: Mapped[UUID]
    title: Mapped[str]
    field: Mapped[str]
    base: Mapped[str | None]
    ours: Mapped[str | None]
    theirs: Mapped[str | None]
    ours_from: Mapped[str] = mapped_column(default="")  # the source that says so
    ours_at: Mapped[datetime | None] = mapped_column(Time)
    theirs_at: Mapped[datetime | None] = mapped_column(Time)
    reason: Mapped[str]
    proposed: Mapped[str]  # ours theirs: what the newer one would win
    state: Mapped[str] = mapped_column(default="waiting")  # waiting decided settled
    decision: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None] = mapped_column(Time)
    operation_id: Mapped[UUID | None]  # of the decision
    found_at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (
        Index(
            "uq_conflicts_waiting",
            "link_id",
            "field",
            unique=True,
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_conflicts_directory_id", "directory_id", "id", postgresql_where=text("state = 'waiting'")),
        Index("ix_conflicts_operation_id", "operation_id"),
    )


class Push(Base):
    """A change on its way into an outside system; its id is the idempotency key. The row is the truth."""

    __tablename__ = "pushes"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    place: Mapped[int] = mapped_column(BigInteger, Identity())  # in the order of asking
    connection_id: Mapped[UUID]  # where it goes
    directory_id: Mapped[UUID]
    link_id: Mapped[UUID | None]  # None: the object is to be made
    local_id: Mapped[UUID]
    stream: Mapped[str]
    external_id: Mapped[str] = mapped_column(default="")
    fields: Mapped[dict[str, str | None]] = mapped_column(JSONB)
    record: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # as first sent: a repeat says the same
    version: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="waiting")  # waiting sent done failed overtaken cancelled
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    operation_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    sent_at: Mapped[datetime | None] = mapped_column(Time)
    done_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index(
            "ix_pushes_open", "connection_id", "place", postgresql_where=text("state IN ('waiting', 'sent')")
        ),
        Index("ix_pushes_link_id", "link_id", "place"),
        Index("ix_pushes_local_id", "local_id", "directory_id"),
        Index("ix_pushes_operation_id", "operation_id"),
    )


class Overwritten(Base):
    """A value that another replaced, on which side, and why. Append-only; what its undo needs."""

    __tablename__ = "overwritten"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    operation_id: Mapped[UUID]
    link_id: Mapped[UUID]
    side: Mapped[str]  # here there
    field: Mapped[str]
    was: Mapped[str | None]
    now: Mapped[str | None]
    base: Mapped[str | None]  # what both had agreed on before
    known: Mapped[bool]  # whether they had
    reason: Mapped[str]
    push_id: Mapped[UUID | None]
    profiles: Mapped[list[str]] = mapped_column(JSONB, default=list)  # whose value was set aside
    at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (
        Index("ix_overwritten_operation_id", "operation_id", "id"),
        Index("ix_overwritten_link_id", "link_id", "id"),
    )
