"""Models of matching: every version that this installation has made, and which of them is in use."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time


class MatchModel(Base):
    """One version of the model; it is never changed, only put in use and out of it."""

    __tablename__ = "match_models"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(unique=True)
    version: Mapped[str] = mapped_column(unique=True)  # "own-" and the number
    origin: Mapped[str]  # trained bands
    actor: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(Time, default=now)
    model: Mapped[dict[str, Any]] = mapped_column(JSONB, deferred=True)  # customers.matching.model.Model
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # what it came of, and its thresholds
    figures: Mapped[dict[str, Any]] = mapped_column(
        JSONB, default=dict, deferred=True
    )  # what it was held against
    refusal: Mapped[str | None]  # why it can't be put in use
    used_since: Mapped[datetime | None] = mapped_column(Time)  # the last time; operations know the others
    used_until: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index(
            "uq_match_models_in_use", text("(true)"), unique=True,
            postgresql_where=text("used_since IS NOT NULL AND used_until IS NULL"),
        ),
    )  # fmt: skip


class MatchRun(Base):
    """One run of matching: first a plan, then what was done of it."""

    __tablename__ = "match_runs"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    actor: Mapped[str]
    state: Mapped[str] = mapped_column(default="planning")
    # planning planned running done cancelled failed undone replaced
    model: Mapped[str]  # the version it is made by
    hash: Mapped[str | None]
    alarm: Mapped[str] = mapped_column(default="")  # why a person has to say twice that they want it
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    phase: Mapped[str] = mapped_column(default="")  # what is being done, how much of how many
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    operation_id: Mapped[UUID | None]
    made_at: Mapped[datetime] = mapped_column(Time, default=now)
    began_at: Mapped[datetime | None] = mapped_column(Time)
    finished_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index("ix_match_runs_made_at", "made_at", "id"),
        Index(
            "uq_match_runs_running", text("(true)"), unique=True, postgresql_where=text("state = 'running'")
        ),
    )


class MatchPair(Base):
    """Two profiles that a run joins or asks about; pairs of one cluster follow one another."""

    __tablename__ = "match_pairs"
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    cluster: Mapped[int]  # what becomes one card together
    joins: Mapped[bool]  # else a person is asked
    held: Mapped[str]  # why a pair that is sure enough is only asked about
    left_id: Mapped[UUID]  # profiles, with the beginnings of their record_hash when they were compared
    right_id: Mapped[UUID]
    left_hash: Mapped[bytes] = mapped_column(LargeBinary)
    right_hash: Mapped[bytes] = mapped_column(LargeBinary)
    bits: Mapped[float]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)  # why score bits waterfall
    state: Mapped[str] = mapped_column(default="planned")  # planned joined asked left
    reason: Mapped[str] = mapped_column(default="")  # why it was left alone
    duplicate_id: Mapped[UUID | None]  # what waits for a person because of it
    __table_args__ = (
        Index("ix_match_pairs_planned", "run_id", "number", postgresql_where=text("state = 'planned'")),
    )
