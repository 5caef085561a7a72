"""Matching in the background: plans are made and carried out; thin, each calls a function."""

from importlib import import_module
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from foundation import jobs
from foundation.clock import monotonic
from foundation.database import transaction
from foundation.jobs import Work, job
from sync.dedupe import arrivals, runs
from sync.dedupe.tables import MatchRun

PLAN = "sync.dedupe.plan"
TOLD_EVERY = 1.0  # seconds between two writings of how far a plan is


def plan_later(session: Session, actor: str) -> MatchRun:
    """A plan that is made in the background; the one that is being made already, if there is one.

    Whoever plans wants those who arrive matched, too, unless somebody has turned that off.
    """
    arrivals.begin(session)
    going = runs.planning(session)
    if going is not None:
        return going
    run = MatchRun(actor=actor, model="", phase="Reading")
    session.add(run)
    session.flush()
    jobs.enqueue(session, PLAN, {"run": str(run.id)}, key=PLAN)
    return run


@job(PLAN)
def plan(work: Work) -> None:
    """Make a plan. It is made anew after a crash, as nothing of it was written."""
    planning: Any = import_module("sync.dedupe.planning")  # NumPy and DuckDB: not before somebody plans
    run_id = UUID(work.args["run"])
    tell = _Teller(work, run_id)
    try:
        with transaction(work.engine) as session:
            people = planning.read(session, tell)
        deciding = planning.compare(people, tell)
        with transaction(work.engine) as session:
            work.guard(session)
            run = runs.find(session, run_id)
            if run.state == "planning":
                planning.keep(session, run, deciding)
    except _Over:
        return


class _Over(Exception):
    """Somebody cancelled the plan."""


class _Teller:
    """Writes how far a plan is, now and then, and ends it when somebody cancelled it."""

    def __init__(self, work: Work, run_id: UUID) -> None:
        self.work, self.run_id, self.told = work, run_id, 0.0

    def __call__(self, phase: str, done: int, total: int) -> None:
        """How much of how many is done."""
        if monotonic() - self.told < TOLD_EVERY:
            return
        self.told = monotonic()
        self.work.checkpoint()
        with transaction(self.work.engine) as session:
            self.work.guard(session)
            run = runs.find(session, self.run_id)
            if run.state != "planning":
                raise _Over
            run.phase, run.done, run.total = phase, done, total


@job(runs.JOB)
def carry_out(work: Work) -> None:
    """Carry out a plan, portion by portion."""
    run_id = UUID(work.args["run"])
    work.portions(lambda session: runs.go_on(session, run_id))
