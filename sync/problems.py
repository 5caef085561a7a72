"""Problems of records: listing, and how a record is tried again. `foundation.problems` keeps the rows."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text, tuple_
from sqlalchemy.orm import Session

from foundation import clock, problems
from foundation.errors import BadInput
from foundation.problems import OPEN
from foundation.tables import Problem
from foundation.wake import wake_after_commit


def page(
    session: Session, *, states: Sequence[str] = OPEN, source_id: UUID | None = None,
    operation_id: UUID | None = None, before: UUID | None = None, limit: int = 50,
) -> list[Problem]:  # fmt: skip
    """Problems, the last seen first; `before` is the id of the last one of the page before."""
    query = select(Problem).where(Problem.state.in_(states))
    if source_id is not None:
        query = query.where(Problem.source_id == source_id)
    if operation_id is not None:
        query = query.where(Problem.operation_id == operation_id)
    last = session.get(Problem, before) if before is not None else None
    if last is not None:
        query = query.where(tuple_(Problem.last_at, Problem.id) < (last.last_at, last.id))
    return list(session.scalars(query.order_by(Problem.last_at.desc(), Problem.id.desc()).limit(limit)))


@problems.retrier("record")
def retry_record(session: Session, problem: Problem) -> None:
    """Give the object's head back to the resolver; when it has moved on, the newer version is what counts."""
    found = session.execute(
        text(
            "UPDATE landed_heads h SET pending = true, crashes = 0 FROM landed_records r"
            " WHERE r.id = :landed AND h.connection_id = r.connection_id AND h.stream = r.stream"
            " AND h.external_id = r.external_id RETURNING h.landed_id"
        ),
        {"landed": problem.landed_id},
    ).first()
    if found is None:
        raise BadInput("It never landed: mend it at its source, then it comes again.", "problem")
    wake_after_commit(session, "sync.resolve")


def retry_all(session: Session, source_id: UUID, limit: int = 10_000) -> int:
    """Give all records of a connection that failed back to the resolver; answers how many."""
    ids = session.scalars(
        select(Problem.id)
        .where(Problem.source_id == source_id, Problem.state == "open", Problem.landed_id.is_not(None))
        .limit(limit)
    ).all()
    for problem_id in ids:
        problems.retry(session, problem_id)
    return len(ids)


def any_open(session: Session, source_id: UUID) -> bool:
    """Whether anything of a connection has failed and isn't solved yet."""
    query = text(
        "SELECT EXISTS (SELECT FROM problems WHERE source_id = :id AND state IN ('open', 'retrying'))"
    )
    return bool(session.execute(query, {"id": source_id}).scalar_one())


def settle_all(session: Session, keys: Sequence[str]) -> None:
    """These are solved: what failed has gone through."""
    session.execute(
        text(
            "UPDATE problems SET state = 'solved', last_at = :at"
            " WHERE key = ANY(:keys) AND state IN ('open', 'retrying')"
        ),
        {"at": clock.now(), "keys": list(keys)},
    )
