"""Runs of directories: a plan applied in the background, and those that run by themselves."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, delete, or_, select, text
from sqlalchemy.orm import Session

from customers.tables import Source
from foundation import clock, jobs, operations, problems
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.jobs import Work, beat, job
from foundation.tables import Operation
from sync import runs
from sync.directories import plan as plans
from sync.directories import pushing
from sync.directories.apply import Applier, waiting
from sync.directories.tables import Directory, DirectoryPlan, PlannedPair
from sync.runs import Cancelled
from sync.tables import Connection, Run

KIND = "directory"
AT_ONCE = 200  # pairs of one transaction
KEPT = timedelta(days=30)  # of plans that came to nothing
_DUE = text("""
SELECT d.connection_id FROM directories d JOIN connections c ON c.id = d.connection_id
WHERE d.automatic AND c.state = 'active'
  AND (d.checked_at IS NULL
    OR d.checked_at <= CAST(:now AS timestamptz) - c.every_seconds * interval '1 second')
GROUP BY d.connection_id ORDER BY min(d.checked_at) NULLS FIRST LIMIT 20
""")
_UNSENT = text("""
SELECT DISTINCT o.connection_id FROM pushes o JOIN connections c ON c.id = o.connection_id
WHERE o.state IN ('waiting', 'sent') AND c.state = 'active'
  AND NOT EXISTS (SELECT FROM jobs j WHERE j.key = 'push:' || o.connection_id AND j.state <> 'done')
""")


def start(session: Session, plan_id: UUID, actor: str, *, unseen: bool = False) -> Run:
    """Apply a plan in the background; the run names the operation to undo it by.

    `BadInput` when it has been applied or another one is being applied. The job refuses it when anything it
    was made of has moved since, for that isn't what somebody agreed to. An `unseen` one, which nobody looked
    at, it makes anew then: in a busy shop something always moves.
    """
    plan = plans.find(session, plan_id)
    if plan.state == "planning":
        raise BadInput("This plan is still being made; wait for it.", "plan")
    if plan.state not in ("made", "waiting"):
        raise BadInput(f"This plan is {plan.state}; plan again.", "plan")
    session.get_one(Connection, plan.connection_id, with_for_update=True)
    runs.close_abandoned(session, plan.connection_id)
    if runs.unfinished(session, plan.connection_id, KIND) is not None:
        raise BadInput("Another plan of this connection is being applied; wait for it.", "plan")
    source = session.get_one(Source, plan.connection_id)
    title = f"Directories of {source.name} brought to be equal"
    args = {"plan": str(plan.id), "connection": str(plan.connection_id)}
    operation = operations.begin(session, KIND, title, actor, args)
    operation.plan_hash, plan.operation_id = plan.hash, operation.id
    detail = {"unseen": True} if unseen else {}
    run = runs.begin(session, plan.connection_id, KIND, operation_id=operation.id, detail=detail)
    run.job_id = jobs.enqueue(
        session, "sync.directory", {**args, "operation": str(operation.id), "run": str(run.id)},
        key=f"directory:{plan.connection_id}",
    )  # fmt: skip
    return run


@job("sync.directory")
def apply(work: Work) -> None:
    """Apply a plan page by page, from where the last attempt stopped."""
    run_id, plan_id = UUID(work.args["run"]), UUID(work.args["plan"])
    try:
        after = _begin(work, run_id, plan_id)
        while after is not None:
            work.checkpoint()
            after = _page(work, run_id, plan_id, after)
    except Cancelled:
        _close(work, run_id, plan_id, "cancelled")
    except BadInput as error:
        _close(work, run_id, plan_id, error.message)
    else:
        _close(work, run_id, plan_id, None)


def _begin(work: Work, run_id: UUID, plan_id: UUID) -> int | None:
    """Where to go on; at the very start a plan somebody saw has to be what one made now would be."""
    with transaction(work.engine) as session:
        work.guard(session)
        run = runs.hold(session, run_id)
        if "after" in run.detail:
            return int(run.detail["after"])
        plan = plans.find(session, plan_id)
        if plans.hash_now(session, plan.connection_id) != plan.hash:
            _renew(session, run, plan)
        total = session.scalar(
            text("SELECT count(*) FROM planned_pairs WHERE plan_id = :plan"), {"plan": plan_id}
        )
        run.total, run.detail = total, {**run.detail, "after": -1}
        return -1


def _renew(session: Session, run: Run, plan: DirectoryPlan) -> None:
    """Make a plan anew that nobody has looked at; BadInput when somebody has, or has to now."""
    if "unseen" not in run.detail:
        raise BadInput("Something has moved since the plan was made; plan again.", "plan")
    unasked = not plan.guard
    plans.renew(session, plan)
    if unasked and plan.guard:
        raise BadInput(plan.guard, "plan")
    plan.state = "made"


def _page(work: Work, run_id: UUID, plan_id: UUID, after: int) -> int | None:
    with transaction(work.engine) as session:
        work.progressed(session)
        run = runs.hold(session, run_id)
        rows = plans.changes(session, plan_id, after, AT_ONCE)
        if not rows:
            return None
        applier = Applier(session, session.get_one(Operation, UUID(work.args["operation"])))
        applier.page(rows)
        run.read += len(rows)
        run.changed += applier.counts["taken"] + applier.counts["pushed"] + applier.counts["made"]
        counts = dict(run.detail.get("counts", {}))
        for name, number in applier.counts.items():
            counts[name] = counts.get(name, 0) + number
        left = [*run.detail.get("left_alone", []), *applier.left][:100]
        run.detail = {**run.detail, "after": rows[-1].number, "counts": counts, "left_alone": left}
        return int(rows[-1].number)


def _close(work: Work, run_id: UUID, plan_id: UUID, error: str | None) -> None:
    with transaction(work.engine) as session:
        work.guard(session)
        run = runs.finish(session, run_id, "done" if error is None else "failed", error)
        plan = plans.find(session, plan_id)
        operation = operations.find(session, UUID(work.args["operation"]))
        if operation.state != "running":
            return
        plan.state = "applied" if "after" in run.detail else "stale"
        result: dict[str, Any] = {**run.detail.get("counts", {}), "read": run.read, "changed": run.changed}
        if left := run.detail.get("left_alone"):
            result["left_alone"] = left
        if error is not None:
            result["error"] = error
        operations.finish(session, operation, result, failed=error is not None and plan.state == "stale")
        problems.settle(session, f"directory:{plan.connection_id}")
        for connection_id in waiting(session, operation.id):
            pushing.enqueue(session, connection_id)


def plan_later(session: Session, connection_id: UUID) -> DirectoryPlan:
    """A plan that is made in the background; the one that is being made already, if there is one."""
    session.get_one(Connection, connection_id, with_for_update=True)
    going = select(DirectoryPlan).where(
        DirectoryPlan.connection_id == connection_id, DirectoryPlan.state == "planning"
    )
    plan = session.scalars(going.limit(1)).first()
    if plan is None:
        plan = DirectoryPlan(connection_id=connection_id, hash="", state="planning")
        session.add(plan)
        session.flush()
    jobs.enqueue(session, "sync.directory.plan", {"plan": str(plan.id)}, key=f"plan:{plan.id}")
    return plan


@job("sync.directory.plan")
def make_plan(work: Work) -> None:
    """Keep what a run would do, for a person to look at."""
    with transaction(work.engine) as session:
        work.guard(session)
        plan = session.get(DirectoryPlan, UUID(work.args["plan"]), with_for_update=True)
        if plan is None or plan.state != "planning":
            return
        try:
            with session.begin_nested():
                plans.renew(session, plan)
        except BadInput as error:
            plan.state, plan.guard = "failed", error.message


@beat("sync.directories", every=15)
def run_due(engine: Engine) -> None:
    """Plan and apply what runs by itself, and send what nobody is sending."""
    with transaction(engine) as session:
        for connection_id in session.scalars(_UNSENT):
            pushing.enqueue(session, connection_id)
        due = list(session.scalars(_DUE, {"now": clock.now()}))
    for connection_id in due:
        with transaction(engine) as session:
            jobs.enqueue(
                session, "sync.directory.check", {"connection": str(connection_id)},
                key=f"check:{connection_id}",
            )  # fmt: skip
            _checked(session, connection_id)


@job("sync.directory.check")
def check(work: Work) -> None:
    """Compare the directories of a connection; apply the plan unless it changes too much to go unasked."""
    connection_id = UUID(work.args["connection"])
    with transaction(work.engine) as session:
        work.guard(session)
        if runs.unfinished(session, connection_id, KIND) is not None:
            return
        _forget(session, connection_id)
        plan = plans.make(session, connection_id)
        _checked(session, connection_id)
        if plan.guard:
            name = session.get_one(Source, connection_id).name
            problems.report(
                session, area="directory", subject=f"directories of {name}", message=plan.guard,
                source_id=connection_id, key=f"directory:{connection_id}",
            )  # fmt: skip
        elif plans.to_do(session, plan.id):
            start(session, plan.id, "system", unseen=True)
        else:
            session.execute(delete(PlannedPair).where(PlannedPair.plan_id == plan.id))
            session.delete(plan)


def _checked(session: Session, connection_id: UUID) -> None:
    for directory in session.scalars(select(Directory).where(Directory.connection_id == connection_id)):
        directory.checked_at = clock.now()


def _forget(session: Session, connection_id: UUID) -> None:
    """Plans that came to nothing, and what newer automatic ones replace."""
    old = select(DirectoryPlan.id).where(
        DirectoryPlan.connection_id == connection_id, DirectoryPlan.state != "applied"
    )
    late = or_(DirectoryPlan.made_at < clock.now() - KEPT, DirectoryPlan.state == "waiting")
    ids = list(session.scalars(old.where(late)))
    session.execute(delete(PlannedPair).where(PlannedPair.plan_id.in_(ids)))
    session.execute(delete(DirectoryPlan).where(DirectoryPlan.id.in_(ids)))
