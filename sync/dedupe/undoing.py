"""Taking a run of matching back: its links end for good, and what nobody answered is asked no more.

But for what a key has asked about since: that would have been asked without the run, too.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import undo as identity
from customers.undo import Undone
from foundation import operations
from foundation import work as jobs
from foundation.database import GRAPH_LOCK, lock
from foundation.jobs import Work, job
from foundation.tables import Operation
from sync.dedupe import arrivals
from sync.dedupe.runs import KIND, RULE
from sync.dedupe.tables import MatchRun
from sync.undo import undoes

JOB = "sync.dedupe.undo"
PORTION = 500  # links that end in one transaction of the job
AT_ONCE = 1_000  # links of a run that is taken back while whoever asked waits

_LINKS = text("SELECT count(*) FROM (SELECT FROM profile_links WHERE operation_id = :id LIMIT :most) l")
_UNASK = text("""
DELETE FROM duplicates d USING match_pairs m
WHERE m.run_id = :run AND m.duplicate_id = d.id AND d.state = 'waiting' AND d.rule = :rule
""")


@undoes(KIND)
def undo(session: Session, operation: Operation, actor: str) -> Undone:
    """Take a run back: a small one at once, a large one in the background, portion by portion."""
    number = int(session.scalar(_LINKS, {"id": operation.id, "most": AT_ONCE + 1}) or 0)
    if number > AT_ONCE:
        operation.state, operation.undone_by = "undoing", actor
        jobs.enqueue(session, JOB, {"operation": str(operation.id)}, key=f"{JOB}:{operation.id}")
        session.flush()
        return Undone(operation)
    lock(session, GRAPH_LOCK)
    while identity.untie_some(session, operation, PORTION):
        pass
    return _finish(session, operation, actor)


@undoes(arrivals.KIND)
def undo_arrival(session: Session, operation: Operation, actor: str) -> Undone:
    """Take back what was joined as it arrived."""
    lock(session, GRAPH_LOCK)
    while identity.untie_some(session, operation, PORTION):
        pass
    return _close(session, operation, actor)


@job(JOB)
def go_on(work: Work) -> None:
    """Take a large run back."""
    operation_id = UUID(work.args["operation"])
    work.portions(lambda session: _untie(session, operation_id))


def _untie(session: Session, operation_id: UUID) -> bool:
    lock(session, GRAPH_LOCK)
    operation = operations.find(session, operation_id)
    if operation.state != "undoing":
        return False
    if not identity.untie_some(session, operation, PORTION):
        _finish(session, operation, operation.undone_by or "")
        return False
    return True


def _finish(session: Session, operation: Operation, actor: str) -> Undone:
    run = session.get_one(MatchRun, UUID(operation.args["run"]), with_for_update=True)
    session.execute(_UNASK, {"run": run.id, "rule": RULE})
    run.state = "undone"
    return _close(session, operation, actor)


def _close(session: Session, operation: Operation, actor: str) -> Undone:
    undone = Undone(operation, identity.still_tied(session, operation))
    operations.mark_undone(session, operation, actor)
    operation.result = {**operation.result, "left_alone": undone.left_alone}
    session.flush()
    return undone
