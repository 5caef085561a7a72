"""Dead letters: one row per trouble, counted, settled, ignored, tried again."""

from datetime import timedelta
from types import ModuleType
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation import problems
from foundation.errors import BadInput
from foundation.tables import Problem


def report(session: Session, message: str = "no such product", **more: object) -> object:
    return problems.report(session, area="record", subject="order 4711", message=message, **more)  # type: ignore[arg-type]


def rows(session: Session) -> list[Problem]:
    session.expire_all()
    return list(session.scalars(select(Problem).order_by(Problem.id)))


def test_problem_keeps_what_came(session: Session) -> None:
    source, operation = uuid4(), uuid4()
    report(session, payload='{"id": 4711}', source_id=source, operation_id=operation, landed_id=8, job_id=9)
    (row,) = rows(session)
    assert (row.payload, row.source_id, row.operation_id) == ('{"id": 4711}', source, operation)
    assert (row.landed_id, row.job_id, row.state, row.times) == (8, 9, "open", 1)


def test_same_trouble_is_counted(session: Session, clock: ModuleType) -> None:
    first = report(session, key="orders 4711")
    clock.advance(timedelta(hours=1))
    assert report(session, "still no such product", key="orders 4711") == first
    (row,) = rows(session)
    assert (row.times, row.message) == (2, "still no such product")
    assert row.last_at > row.first_at


def test_without_key_each_is_its_own(session: Session) -> None:
    assert report(session) != report(session)


def test_settled_problem_is_solved(session: Session) -> None:
    report(session, key="orders 4711")
    assert problems.settle(session, "orders 4711")
    assert not problems.settle(session, "orders 4711")
    assert [row.state for row in rows(session)] == ["solved"]
    report(session, key="orders 4711")
    assert [row.state for row in rows(session)] == ["solved", "open"]


def test_counts_are_of_open_ones(session: Session) -> None:
    report(session, key="a")
    report(session, key="b")
    problems.report(session, area="webhook", subject="x", message="y")
    problems.settle(session, "b")
    assert problems.counts(session) == {"record": 1, "webhook": 1}


def test_ignored_problem_is_closed(session: Session) -> None:
    problem_id = problems.report(session, area="record", subject="x", message="y")
    problems.ignore(session, problem_id)
    session.flush()
    assert problems.counts(session) == {}
    with pytest.raises(BadInput, match="no open problem"):
        problems.ignore(session, problem_id)


def test_retry_goes_to_its_area(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems, "_retriers", {})
    asked: list[str] = []
    problems.retrier("record")(lambda session, problem: asked.append(problem.subject))
    problem_id = problems.report(session, area="record", subject="order 4711", message="y", key="k")
    problems.retry(session, problem_id)
    session.flush()
    assert asked == ["order 4711"]
    assert [row.state for row in rows(session)] == ["retrying"]


def test_what_can_not_be_retried_says_so(session: Session) -> None:
    problem_id = problems.report(session, area="an area of nobody", subject="row 18", message="y")
    with pytest.raises(BadInput, match="row 18 can't be tried again"):
        problems.retry(session, problem_id)
