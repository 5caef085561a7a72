"""Journeys with their versions, who is in them and where, what happened to them, and back-tests.

A run is one person's way through one version, begun by one occurrence of the trigger. Whoever matched the
trigger and did not enter has a run too, `left` from the start, with the reason: nobody is without an answer.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time


class Journey(Base):
    """A journey by name; what it does is in its versions."""

    __tablename__ = "journeys"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    state: Mapped[str] = mapped_column(default="draft")  # draft on paused off archived
    version: Mapped[int] = mapped_column(default=0)  # the newest; 0: none yet
    on_since: Mapped[datetime | None] = mapped_column(Time)  # what happened before brings nobody in
    priority: Mapped[int] = mapped_column(default=5)  # 1 high … 9: whose letters go first within the cap
    looked_at: Mapped[datetime | None] = mapped_column(Time)  # up to when its trigger was looked at
    deep_at: Mapped[datetime | None] = mapped_column(Time)  # when that went far back last
    swept_at: Mapped[datetime | None] = mapped_column(Time)  # when all who are in it were looked at last
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # as counted last, for lists
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    created_by: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (
        Index("uq_journeys_name", "name", unique=True, postgresql_where=text("state <> 'archived'")),
        Index("ix_journeys_created_at", "created_at", "id"),
    )


class JourneyVersion(Base):
    """What a journey does since somebody saved it; never changed: people finish the one they entered."""

    __tablename__ = "journey_versions"
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("journeys.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    spec: Mapped[dict[str, Any]] = mapped_column(JSONB)  # see spec.py
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    created_by: Mapped[str] = mapped_column(default="")


class JourneyRun(Base):
    """One person's way through a version.

    States: going, and at the end done (all steps), goal, left (an exit, or never let in: `reason`), stopped
    (the journey was switched off), dead (it could not go on; a problem says why).
    """

    __tablename__ = "journey_runs"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("journeys.id"))
    version: Mapped[int]
    trigger_key: Mapped[str]  # which occurrence; each brings a person in once
    profile_id: Mapped[UUID]  # who: the living card is looked up through it
    customer_id: Mapped[UUID]  # the card as it was then
    entered_at: Mapped[datetime] = mapped_column(Time)  # when it happened, not when somebody looked
    cause: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    context: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # for letters: the cart, the order
    at_step: Mapped[str] = mapped_column(default="")  # where they stand; empty: before the first
    waiting: Mapped[bool] = mapped_column(default=False)  # the step is begun and waits for `due_at`
    due_at: Mapped[datetime] = mapped_column(Time)
    state: Mapped[str] = mapped_column(default="going")  # going done goal left stopped dead
    reason: Mapped[str] = mapped_column(default="")  # a code; words.py has its sentence
    ended_at: Mapped[datetime | None] = mapped_column(Time)
    attempts: Mapped[int] = mapped_column(default=0)  # in a row that failed
    letters: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)  # their names in the ledger
    created_at: Mapped[datetime] = mapped_column(Time, default=now)  # when the engine saw it
    __table_args__ = (
        Index(
            "uq_journey_runs_journey_id_trigger_key_profile_id",
            "journey_id",
            "trigger_key",
            "profile_id",
            unique=True,
        ),
        Index("ix_journey_runs_due", "journey_id", "due_at", postgresql_where=text("state = 'going'")),
        Index("ix_journey_runs_going", "journey_id", "id", postgresql_where=text("state = 'going'")),
        Index("ix_journey_runs_entered_at", "journey_id", "entered_at", "id"),
        Index("ix_journey_runs_at_step", "journey_id", "at_step", postgresql_where=text("state = 'going'")),
        Index("ix_journey_runs_profile_id", "profile_id", "journey_id"),
    )


class JourneyAct(Base):
    """What happened to a run, append-only; a step does each thing once, so a repeat adds nothing."""

    __tablename__ = "journey_acts"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    run_id: Mapped[UUID]
    step: Mapped[str]  # empty: the run as a whole
    what: Mapped[str]  # entered waits went_on yes no arm letter task listed … words.py has its sentence
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (Index("uq_journey_acts_run_id_step_what", "run_id", "step", "what", unique=True),)


class JourneyTask(Base):
    """Something a person shall do for a customer."""

    __tablename__ = "journey_tasks"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("journeys.id"))
    run_id: Mapped[UUID]
    step: Mapped[str]
    profile_id: Mapped[UUID]
    said: Mapped[str]
    due_at: Mapped[datetime] = mapped_column(Time)
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    done_at: Mapped[datetime | None] = mapped_column(Time)
    done_by: Mapped[str] = mapped_column(default="")
    __table_args__ = (
        Index("uq_journey_tasks_run_id_step", "run_id", "step", unique=True),
        Index("ix_journey_tasks_open", "due_at", "id", postgresql_where=text("done_at IS NULL")),
        Index("ix_journey_tasks_profile_id", "profile_id"),
    )


class JourneyCall(Base):
    """An outside address that is told of somebody at a step; `id` is the call's idempotency key."""

    __tablename__ = "journey_calls"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("journeys.id"))
    run_id: Mapped[UUID]
    step: Mapped[str]
    profile_id: Mapped[UUID]
    address: Mapped[str]
    origin: Mapped[str]  # its scheme and host: what answers or doesn't
    body: Mapped[str]  # the same at every try; empty once it was taken
    state: Mapped[str] = mapped_column(default="waiting")  # waiting taken failed cancelled
    attempts: Mapped[int] = mapped_column(default=0)  # counted before each try
    due_at: Mapped[datetime] = mapped_column(Time)
    begun_at: Mapped[datetime | None] = mapped_column(Time)  # of the first try: given up a day later
    said: Mapped[str] = mapped_column(default="")  # what the other side answered last
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index("uq_journey_calls_run_id_step", "run_id", "step", unique=True),
        Index("ix_journey_calls_due", "origin", "due_at", "id", postgresql_where=text("state = 'waiting'")),
        Index("ix_journey_calls_failed", "journey_id", "step", postgresql_where=text("state = 'failed'")),
    )


class JourneyCallee(Base):
    """A host that journeys call: what calls to it are signed with, and whether it is left in peace."""

    __tablename__ = "journey_callees"
    origin: Mapped[str] = mapped_column(primary_key=True)
    secret: Mapped[str]  # sealed
    made_at: Mapped[datetime] = mapped_column(Time, default=now)
    rest_until: Mapped[datetime | None] = mapped_column(Time)  # it did not answer


class JourneyTest(Base):
    """A back-test: what a journey would have done over the last days, with its progress and result."""

    __tablename__ = "journey_tests"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("journeys.id"))
    spec: Mapped[dict[str, Any]] = mapped_column(JSONB)
    days: Mapped[int]
    since: Mapped[datetime] = mapped_column(Time)
    until: Mapped[datetime] = mapped_column(Time)
    state: Mapped[str] = mapped_column(default="waiting")  # waiting running done failed
    reached: Mapped[datetime | None] = mapped_column(Time)  # how far the sandbox clock is
    reason: Mapped[str] = mapped_column(default="")  # why it failed or stopped early
    # {"people", "letters", "skipped", "bought_anyway", "money", "rows": [...], "more"}
    result: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    created_by: Mapped[str] = mapped_column(default="")
    finished_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (Index("ix_journey_tests_journey_id", "journey_id", "created_at", "id"),)
