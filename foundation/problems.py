"""Dead letters: what could not be done, in plain words, with its payload and a way to try again."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from foundation import metrics
from foundation.clock import now
from foundation.errors import BadInput
from foundation.tables import Problem

OPEN = ("open", "retrying")

Retrier = Callable[[Session, Problem], None]
_retriers: dict[str, Retrier] = {}
R = TypeVar("R", bound=Retrier)


def report(
    session: Session,
    *,
    area: str,
    subject: str,
    message: str,
    payload: str | None = None,
    source_id: UUID | None = None,
    operation_id: UUID | None = None,
    job_id: int | None = None,
    landed_id: int | None = None,
    key: str | None = None,
) -> UUID:
    """Record a problem and answer its id. While one with the same key is open, that one is counted up."""
    at = now()
    fresh = insert(Problem).values(
        area=area,
        subject=subject,
        message=message,
        payload=payload,
        source_id=source_id,
        operation_id=operation_id,
        job_id=job_id,
        landed_id=landed_id,
        key=key,
        first_at=at,
        last_at=at,
    )
    counted = fresh.on_conflict_do_update(
        index_elements=[Problem.key],
        index_where=text("state IN ('open', 'retrying')"),
        set_={
            "times": Problem.times + 1,
            "last_at": at,
            "state": "open",
            **{
                name: fresh.excluded[name]
                for name in ("subject", "message", "payload", "job_id", "landed_id", "operation_id")
            },
        },
    ).returning(Problem.id)
    metrics.PROBLEMS.labels(area).inc()
    return session.execute(counted).scalar_one()


def settle(session: Session, key: str) -> bool:
    """What was wrong works now: close the open problem of this key, if there is one."""
    closed = session.execute(
        update(Problem)
        .where(Problem.key == key, Problem.state.in_(OPEN))
        .values(state="solved", last_at=now())
        .returning(Problem.id)
    )
    return closed.first() is not None


def ignore(session: Session, problem_id: UUID) -> None:
    """A person decided to live with it."""
    _find(session, problem_id).state = "ignored"


def counts(session: Session) -> dict[str, int]:
    """Open problems per area."""
    rows = session.execute(
        select(Problem.area, func.count()).where(Problem.state.in_(OPEN)).group_by(Problem.area)
    )
    return dict(rows.all())


def retrier(area: str) -> Callable[[R], R]:
    """Registers how problems of an area are tried again: put the work back in its queue, do not do it."""

    def register(retry_one: R) -> R:
        _retriers[area] = retry_one
        return retry_one

    return register


def retry(session: Session, problem_id: UUID) -> None:
    """Put the work behind a problem back in its queue; it is settled or reported again when that has run.

    Raises `BadInput` when there is no such open problem, or nothing of it can be tried again.
    """
    problem = _find(session, problem_id)
    again = _retriers.get(problem.area)
    if again is None:
        raise BadInput(f"{problem.subject} can't be tried again; correct it at its source", at="problem")
    problem.state = "retrying"
    again(session, problem)


def _find(session: Session, problem_id: UUID) -> Problem:
    problem = session.get(Problem, problem_id, with_for_update=True)
    if problem is None or problem.state not in OPEN:
        raise BadInput(f"there is no open problem {problem_id}", at="problem")
    return problem
