"""Jobs, duties and beats of one process."""

from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from foundation import running, work
from foundation.database import transaction
from foundation.heartbeat import Heartbeat
from foundation.running import Regular, run_beat, run_duty, run_until_idle
from foundation.tables import Job, Problem
from foundation.work import Work
from tests.waiting import eventually


@work.job("test.spawn")
def _spawn(one: Work) -> None:
    if one.args["depth"]:
        with transaction(one.engine) as session:
            one.guard(session)
            work.enqueue(session, "test.spawn", {"depth": one.args["depth"] - 1})


@pytest.fixture
def only() -> Iterator[None]:
    """No duties and beats but those of the test."""
    duties, beats = dict(running.duties), dict(running.beats)
    running.duties.clear()
    running.beats.clear()
    yield
    running.duties.clear()
    running.beats.clear()
    running.duties.update(duties)
    running.beats.update(beats)


def enqueue(engine: Engine, depth: int = 0) -> None:
    with transaction(engine) as session:
        work.enqueue(session, "test.spawn", {"depth": depth})


def problems_of(engine: Engine) -> list[tuple[str, str, int]]:
    with Session(engine) as session:
        found = session.scalars(select(Problem))
        return [(problem.subject, problem.state, problem.times) for problem in found]


def test_jobs_of_jobs_are_done_too(engine: Engine) -> None:
    enqueue(engine, depth=4)
    assert run_until_idle(engine) == 5


def test_duty_runs_until_it_has_nothing_left(engine: Engine, only: None) -> None:
    left = [3, 2, 1]

    @running.duty("test.eat", every=5)
    def eat(given: Engine) -> bool:
        assert given is engine
        return bool(left and left.pop())

    assert run_until_idle(engine) == 0
    assert left == []


def test_endless_duty_is_found_out(engine: Engine, only: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "ROUNDS", 20)
    running.duty("test.endless", every=5)(lambda given: True)
    with pytest.raises(RuntimeError, match="still busy"):
        run_until_idle(engine)


def test_broken_duty_is_one_open_problem(engine: Engine) -> None:
    fails = [True, True, False]

    def turn(given: Engine) -> bool:
        if fails.pop(0):
            raise ValueError("bad row")
        return False

    one = Regular("test.broken", 5.0, turn)
    run_duty(engine, one)
    run_duty(engine, one)
    assert problems_of(engine) == [("duty test.broken", "open", 2)]
    run_duty(engine, one)
    assert problems_of(engine) == [("duty test.broken", "solved", 2)]


def test_beat_runs_when_due_and_once(engine: Engine, clock: ModuleType) -> None:
    ran: list[str] = []
    one = Regular("test.tick", 60.0, lambda given: ran.append("tick"))
    assert [run_beat(engine, one, holder) for holder in "abcde"] == [True, False, False, False, False]
    clock.advance(timedelta(seconds=59))
    assert not run_beat(engine, one, "b")
    clock.advance(timedelta(seconds=1))
    assert run_beat(engine, one, "b")
    assert ran == ["tick", "tick"]


def test_broken_beat_does_not_stop_others(engine: Engine, clock: ModuleType) -> None:
    def broken(given: Engine) -> None:
        raise ValueError("no such zone")

    one = Regular("test.broken", 60.0, broken)
    assert run_beat(engine, one, "a")
    assert problems_of(engine) == [("beat test.broken", "open", 1)]
    clock.advance(timedelta(seconds=60))
    assert run_beat(engine, Regular("test.broken", 60.0, lambda given: None), "a")
    assert problems_of(engine) == [("beat test.broken", "solved", 1)]


def test_heartbeat_keeps_the_lease(engine: Engine) -> None:
    enqueue(engine)
    with Heartbeat(engine, lease=0.3) as heartbeat:
        one = work.claim(engine, "me", 0.3)
        assert one is not None
        first = _lease(engine)
        heartbeat.hold(one)
        eventually(lambda: _lease(engine) > first)
        heartbeat.drop(one)
        assert heartbeat.now_held() == []


def test_frozen_database_does_not_end_heartbeat(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    enqueue(engine)
    calls: list[int] = []

    def broken(*given: object) -> None:
        calls.append(1)
        raise OSError("the database is away")

    monkeypatch.setattr(work, "renew", broken)
    with Heartbeat(engine, lease=0.03) as heartbeat:
        one = work.claim(engine, "me", 0.3)
        assert one is not None
        heartbeat.hold(one)
        eventually(lambda: len(calls) > 2)


def _lease(engine: Engine) -> object:
    with Session(engine) as session:
        return session.scalars(select(Job.lease_until)).one()
