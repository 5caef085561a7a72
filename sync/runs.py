"""Runs: what a pull, import or reconciliation is doing now and what came of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, select, tuple_
from sqlalchemy.orm import Session

from foundation import clock, operations
from foundation.database import transaction
from foundation.errors import BadInput, KartotekaError
from foundation.jobs import Work
from foundation.tables import Job, Operation
from sync.landing import Landed
from sync.tables import Run, Sighting

UNFINISHED = ("waiting", "running")


class Cancelled(KartotekaError):
    """Somebody cancelled the run; what it landed stays."""


def begin(session: Session, connection_id: UUID, kind: str, **fields: object) -> Run:
    """A run that waits for its job."""
    run = Run(connection_id=connection_id, kind=kind, state="waiting", started_at=clock.now(), **fields)
    session.add(run)
    session.flush()
    return run


def hold(session: Session, run_id: UUID) -> Run:
    """The run, locked until the transaction ends; raises Cancelled when somebody stopped it."""
    run = session.scalars(select(Run).where(Run.id == run_id).with_for_update()).one()
    if run.state == "cancelled":
        raise Cancelled("The run was cancelled.")
    run.state, run.ticked_at = "running", clock.now()
    return run


def count(run: Run, landed: Landed, bad: int = 0) -> None:
    """Add a batch to the run's counters."""
    run.read += landed.read + bad
    run.new += landed.new
    run.changed += landed.changed
    run.same += landed.same
    run.problems += landed.bad + bad


def finish(session: Session, run_id: UUID, state: str = "done", error: str | None = None) -> Run:
    """Close a run; a cancelled one stays cancelled."""
    run = session.scalars(select(Run).where(Run.id == run_id).with_for_update()).one()
    if run.state != "cancelled":
        run.state, run.error = state, error
    run.finished_at, run.stream = clock.now(), None
    return run


def cancel(session: Session, run_id: UUID) -> Run:
    """Stop a run before its next page; BadInput when it has ended already."""
    run = session.scalars(select(Run).where(Run.id == run_id).with_for_update()).one_or_none()
    if run is None or run.state not in UNFINISHED:
        raise BadInput("This run has ended already.", "run")
    run.state, run.finished_at, run.error = "cancelled", clock.now(), "cancelled by a person"
    return run


def unfinished(session: Session, connection_id: UUID, kind: str) -> Run | None:
    """The run of this kind that is going on, if any."""
    return session.scalars(
        select(Run)
        .where(Run.connection_id == connection_id, Run.kind == kind, Run.state.in_(UNFINISHED))
        .order_by(Run.started_at.desc())
        .limit(1)
    ).one_or_none()


def close_abandoned(session: Session, connection_id: UUID | None = None) -> int:
    """Close runs whose job has given up or is gone, so that nothing is "in progress" for ever."""
    query = (
        select(Run, Job)
        .join(Job, Job.id == Run.job_id, isouter=True)
        .where(Run.state.in_(UNFINISHED), Run.job_id.is_not(None))
        .where(or_(Job.id.is_(None), Job.state.in_(("done", "dead"))))
        .with_for_update(of=Run, skip_locked=True)
    )
    if connection_id is not None:
        query = query.where(Run.connection_id == connection_id)
    found = session.execute(query).all()
    for run, given_up in found:
        run.state, run.finished_at = "failed", clock.now()
        run.error = (given_up.last_error if given_up else None) or "The work was given up."
        operation = session.get(Operation, run.operation_id) if run.operation_id else None
        if operation is not None and operation.state == "running":
            operations.finish(session, operation, {"error": run.error}, failed=True)
    if found:
        session.execute(delete(Sighting).where(Sighting.run_id.in_([run.id for run, _ in found])))
    return len(found)


def waiting_for(work: Work, connection_id: UUID, kind: str) -> UUID | None:
    """The run that a job is to work on; None when it was cancelled or its connection is gone."""
    with transaction(work.engine) as session:
        run = unfinished(session, connection_id, kind)
        if run is not None and run.job_id != work.id:
            run.job_id = work.id
        return run.id if run is not None else None


def page(
    session: Session, connection_id: UUID | None = None, *, before: UUID | None = None, limit: int = 20
) -> list[Run]:
    """Runs, the newest first; `before` is the last id of the page before."""
    query = select(Run).order_by(Run.started_at.desc(), Run.id.desc()).limit(limit)
    if connection_id is not None:
        query = query.where(Run.connection_id == connection_id)
    last = session.get(Run, before) if before is not None else None
    if last is not None:
        query = query.where(tuple_(Run.started_at, Run.id) < (last.started_at, last.id))
    return list(session.scalars(query))


def rate(run: Run) -> float | None:
    """Records a second, so far."""
    until: datetime | None = run.finished_at or run.ticked_at
    if until is None or not run.read:
        return None
    seconds = (until - run.started_at).total_seconds()
    return run.read / seconds if seconds > 0 else None


def seconds_left(run: Run) -> float | None:
    """An estimate, where the source told how much there is to read."""
    speed = rate(run)
    if run.state not in UNFINISHED or not run.total or not speed:
        return None
    return max(0.0, (run.total - run.read) / speed)
