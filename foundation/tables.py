"""Tables the floor itself needs: jobs, leases, problems (dead letters) and operations (bulk acts)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import new_id, now
from foundation.database import Base

Time = TIMESTAMP(timezone=True)


class Job(Base):
    """One piece of work to be done; the row is the truth, a broker message only says "look"."""

    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    args: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    key: Mapped[str | None]  # at most one unfinished job per key
    state: Mapped[str] = mapped_column(default="waiting")  # waiting running done dead
    run_at: Mapped[datetime] = mapped_column(Time, default=now)
    attempts: Mapped[int] = mapped_column(default=0)  # counted at the claim, so crashes count
    errors: Mapped[int] = mapped_column(default=0)
    again: Mapped[bool] = mapped_column(default=False)  # asked for anew while running: runs once more
    token: Mapped[int] = mapped_column(BigInteger, default=0)  # fencing: raised by each claim
    lease_until: Mapped[datetime | None] = mapped_column(Time)
    worker: Mapped[str | None]
    last_error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index(
            "uq_jobs_open_key", "key", unique=True, postgresql_where=text("state IN ('waiting', 'running')")
        ),
        Index("ix_jobs_due", "run_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_jobs_leased", "lease_until", postgresql_where=text("state = 'running'")),
    )


class Lease(Base):
    """Who holds a role that only one process may have (the beat)."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    token: Mapped[int] = mapped_column(BigInteger, default=0)
    until: Mapped[datetime] = mapped_column(Time)
    ticked_at: Mapped[datetime | None] = mapped_column(Time)


class Operation(Base):
    """A bulk act of a person or the system, so that it can be explained and undone."""

    __tablename__ = "operations"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]  # import merge split policy verdict connection.remove …
    title: Mapped[str]
    actor: Mapped[str]
    args: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    plan_hash: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="running")  # running done failed undoing undone
    result: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    started_at: Mapped[datetime] = mapped_column(Time, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(Time)
    undone_at: Mapped[datetime | None] = mapped_column(Time)
    undone_by: Mapped[str | None]
    __table_args__ = (Index("ix_operations_started_at", "started_at"),)


class Problem(Base):
    """A dead letter: what could not be done, with its payload, its error in plain words and a retry."""

    __tablename__ = "problems"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    area: Mapped[str]  # record row job webhook pull
    source_id: Mapped[UUID | None]  # the connection it came from
    operation_id: Mapped[UUID | None]
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    landed_id: Mapped[int | None] = mapped_column(BigInteger)
    subject: Mapped[str]  # which record: "customers 4711", "row 18"
    message: Mapped[str]  # what happened and what to do
    payload: Mapped[str | None]  # as it came
    key: Mapped[str | None]  # the same open problem is one row, counted
    times: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default="open")  # open retrying solved ignored
    first_at: Mapped[datetime] = mapped_column(Time, default=now)
    last_at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (
        Index(
            "uq_problems_open_key", "key", unique=True, postgresql_where=text("state IN ('open', 'retrying')")
        ),
        Index("ix_problems_state_last", "state", "last_at", "id"),
        Index("ix_problems_source_id", "source_id"),
        Index("ix_problems_open", "source_id", postgresql_where=text("state IN ('open', 'retrying')")),
    )
