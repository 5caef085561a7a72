"""Connections, the raw landing, cursors, runs: how outside records come in and what became of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time


class Connection(Base):
    """A configured outside system. Its id and name are those of its `customers.tables.Source`."""

    __tablename__ = "connections"
    id: Mapped[UUID] = mapped_column(ForeignKey("sources.id"), primary_key=True)
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    secrets: Mapped[str | None]  # sealed JSON of the secret settings
    hook_secret: Mapped[str | None]  # sealed; what the outside signs webhooks with
    old_hook_secret: Mapped[str | None]  # sealed; accepted until old_hook_until after a rotation
    old_hook_until: Mapped[datetime | None] = mapped_column(Time)
    state: Mapped[str] = mapped_column(default="active")  # active paused removing
    paused_why: Mapped[str | None]
    every_seconds: Mapped[int] = mapped_column(default=900)
    next_pull_at: Mapped[datetime | None] = mapped_column(Time)
    next_reconcile_at: Mapped[datetime | None] = mapped_column(Time)
    last_success_at: Mapped[datetime | None] = mapped_column(Time)
    last_hook_at: Mapped[datetime | None] = mapped_column(Time)
    hook_gap: Mapped[float | None]  # usual seconds between webhooks, a moving average
    next_tend_at: Mapped[datetime | None] = mapped_column(Time)  # look after the installed webhooks
    last_error: Mapped[str | None]
    last_error_at: Mapped[datetime | None] = mapped_column(Time)
    failures: Mapped[int] = mapped_column(default=0)  # in a row


class LandedRecord(Base):
    """One version of one outside object, as it came. Never changed, never removed."""

    __tablename__ = "landed_records"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    connection_id: Mapped[UUID]
    stream: Mapped[str]
    external_id: Mapped[str]
    version_hash: Mapped[bytes] = mapped_column(LargeBinary)
    version_at: Mapped[datetime | None] = mapped_column(Time)  # the source's own change time
    payload: Mapped[str]
    gone: Mapped[bool] = mapped_column(default=False)  # a tombstone: the source has it no more
    via: Mapped[str]  # pull webhook import reconcile
    operation_id: Mapped[UUID | None]
    received_at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (
        Index(
            "uq_landed_records_version", "connection_id", "stream", "external_id", "version_hash", unique=True
        ),
        Index(
            "ix_landed_records_operation_id",
            "operation_id",
            postgresql_where=text("operation_id IS NOT NULL"),
        ),
    )


class LandedHead(Base):
    """Which version of an outside object is in force, and whether the card already knows it."""

    __tablename__ = "landed_heads"
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    landed_id: Mapped[int] = mapped_column(BigInteger)
    version_hash: Mapped[bytes] = mapped_column(LargeBinary)
    version_at: Mapped[datetime | None] = mapped_column(Time)
    gone: Mapped[bool] = mapped_column(default=False)
    moved_at: Mapped[datetime] = mapped_column(Time, default=now)  # when this version came into force here
    pending: Mapped[bool] = mapped_column(default=True)  # to be resolved
    overtook: Mapped[bool] = mapped_column(default=False)  # the version before was still pending then
    crashes: Mapped[int] = mapped_column(default=0)
    seen: Mapped[bytes | None] = mapped_column(LargeBinary)  # see sync.heads.seen
    __table_args__ = (
        Index("ix_landed_heads_pending", "connection_id", "landed_id", postgresql_where=text("pending")),
    )


class ResolveClaim(Base):
    """A batch of heads that a worker is resolving; one that ran out tells of a crash."""

    __tablename__ = "resolve_claims"
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    token: Mapped[int] = mapped_column(BigInteger, default=0)
    lease_until: Mapped[datetime | None] = mapped_column(Time)
    landed_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)


class Cursor(Base):
    """How far a stream has been pulled; saved in one transaction with the page it belongs to."""

    __tablename__ = "cursors"
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str | None]
    moved_at: Mapped[datetime] = mapped_column(Time, default=now)


class Run(Base):
    """One pull, import, reconciliation or removal: what is going on and what came of it."""

    __tablename__ = "sync_runs"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    connection_id: Mapped[UUID]
    kind: Mapped[str]  # pull import reconcile
    state: Mapped[str] = mapped_column(default="running")  # waiting running done failed cancelled
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    operation_id: Mapped[UUID | None]
    stream: Mapped[str | None]  # being worked on
    read: Mapped[int] = mapped_column(default=0)
    new: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    same: Mapped[int] = mapped_column(default=0)
    problems: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]  # what the source says there is to read, for the bar
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    error: Mapped[str | None]
    started_at: Mapped[datetime] = mapped_column(Time, default=now)
    ticked_at: Mapped[datetime | None] = mapped_column(Time)
    finished_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index("ix_sync_runs_connection_id", "connection_id", "started_at"),
        Index(
            "ix_sync_runs_unfinished",
            "connection_id",
            postgresql_where=text("state IN ('waiting', 'running')"),
        ),
    )


class HeadMove(Base):
    """Which version an operation replaced, and by which: what its undo needs. One row per object."""

    __tablename__ = "head_moves"
    operation_id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    before_id: Mapped[int | None] = mapped_column(BigInteger)  # the landed version before; None: it was new
    after_id: Mapped[int] = mapped_column(BigInteger)


class Sighting(Base):
    """An object seen by a complete sweep or a listing of the other side; lives as long as its run works."""

    __tablename__ = "sightings"
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    day_at: Mapped[datetime | None] = mapped_column(Time)
    version_at: Mapped[datetime | None] = mapped_column(Time)


class BadRow(Base):
    """A row of an imported file that can't be used, with its reason: what a person downloads and mends."""

    __tablename__ = "bad_rows"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    operation_id: Mapped[UUID]
    place: Mapped[str]  # "row 18"
    reason: Mapped[str]
    payload: Mapped[str]
    __table_args__ = (Index("ix_bad_rows_operation_id", "operation_id", "id"),)
