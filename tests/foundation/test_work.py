"""Rows of work: who gets them, how often, and under which key."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from foundation import outcomes, work
from foundation.database import transaction
from foundation.tables import Job
from foundation.work import LostLease, Stopped, Work


@work.job("test.work")
def _nothing(one: Work) -> None:
    pass


def add(engine: Engine, kind: str = "test.work", **given: object) -> int:
    with transaction(engine) as session:
        return work.enqueue(session, kind, {}, **given)  # type: ignore[arg-type]


def row(engine: Engine, job_id: int) -> Job:
    with Session(engine) as session:
        return session.get_one(Job, job_id)


def claim(engine: Engine) -> Work:
    one = work.claim(engine, "me")
    assert one is not None
    return one


def _write(engine: Engine, one: Work) -> None:
    with transaction(engine) as session:
        session.execute(text("UPDATE jobs SET last_error = 'written by a zombie'"))
        one.guard(session)


def test_claim_takes_oldest_due(engine: Engine, clock: ModuleType) -> None:
    later = add(engine, run_at=clock.now() - timedelta(seconds=1))
    oldest = add(engine, run_at=clock.now() - timedelta(seconds=9))
    assert [claim(engine).id, claim(engine).id] == [oldest, later]
    assert work.claim(engine, "me") is None


def test_future_job_waits_for_its_time(engine: Engine, clock: ModuleType) -> None:
    add(engine, run_at=clock.now() + timedelta(days=400))
    assert not work.due(engine)
    assert work.claim(engine, "me") is None
    clock.advance(timedelta(days=401))
    assert work.due(engine)
    assert claim(engine).attempts == 1


def test_rolled_back_job_never_was(engine: Engine) -> None:
    with Session(engine) as session:
        work.enqueue(session, "test.work")
        session.rollback()
    assert work.claim(engine, "me") is None


def test_job_of_unknown_kind_is_left_to_others(engine: Engine) -> None:
    add(engine, "test.known_elsewhere")
    assert work.claim(engine, "me") is None
    assert not work.due(engine)


def test_no_job_is_claimed_twice(engine: Engine) -> None:
    with transaction(engine) as session:
        ids = {work.enqueue(session, "test.work") for _ in range(200)}

    def take_all(name: str) -> list[int]:
        mine = []
        while one := work.claim(engine, name):
            mine.append(one.id)
        return mine

    with ThreadPoolExecutor(8) as pool:
        taken = [job_id for mine in pool.map(take_all, "abcdefgh") for job_id in mine]
    assert sorted(taken) == sorted(ids)


def test_claim_leaves_locked_rows(engine: Engine) -> None:
    locked, free = add(engine), add(engine)
    with Session(engine) as other:
        other.execute(select(Job).where(Job.id == locked).with_for_update())
        assert claim(engine).id == free


def test_one_waiting_job_per_key(engine: Engine, clock: ModuleType) -> None:
    first = add(engine, key="pull:1", run_at=clock.now() + timedelta(hours=1))
    assert add(engine, key="pull:1") == first
    assert claim(engine).id == first, "the second call brought it forward"
    assert work.claim(engine, "me") is None


def test_call_during_run_runs_once_more(engine: Engine) -> None:
    first = add(engine, key="pull:1")
    running = claim(engine)
    assert add(engine, key="pull:1") == first
    assert add(engine, key="pull:1") == first
    assert work.claim(engine, "me") is None, "never two at once"
    outcomes.finish(running)
    again = claim(engine)
    assert (again.id, again.attempts) == (first, 1)
    outcomes.finish(again)
    assert work.claim(engine, "me") is None
    assert row(engine, first).state == "done"


def test_key_is_free_after_the_end(engine: Engine) -> None:
    first = add(engine, key="pull:1")
    outcomes.finish(claim(engine))
    assert add(engine, key="pull:1") != first


def test_guard_lets_only_the_holder_write(engine: Engine, clock: ModuleType) -> None:
    add(engine)
    zombie = claim(engine)
    with transaction(engine) as session:
        zombie.guard(session)
    clock.advance(timedelta(seconds=work.LEASE + 1))
    assert outcomes.sweep(engine) == 1
    successor = claim(engine)
    with pytest.raises(LostLease):
        _write(engine, zombie)
    assert row(engine, successor.id).last_error is None
    with transaction(engine) as session:
        successor.guard(session)


def test_guarded_row_can_be_renewed_but_not_taken(engine: Engine, clock: ModuleType) -> None:
    add(engine)
    one = claim(engine)
    clock.advance(timedelta(seconds=work.LEASE + 1))
    with transaction(engine) as session:
        one.guard(session)
        assert outcomes.sweep(engine) == 0, "an open write of the holder is not overtaken"
        work.renew(engine, [one])
    assert outcomes.sweep(engine) == 0


def test_renewal_skips_what_others_lock(engine: Engine, clock: ModuleType) -> None:
    add(engine, key="a")
    add(engine, key="b")
    held = [claim(engine), claim(engine)]
    clock.advance(timedelta(seconds=20))
    with Session(engine) as caller:
        work.enqueue(caller, "test.work", key="a")  # a slow request asks for a running job
        work.renew(engine, held)
        clock.advance(timedelta(seconds=20))
        caller.rollback()
    assert outcomes.sweep(engine) == 1
    assert row(engine, held[1].id).state == "running"


def test_renewal_needs_the_token(engine: Engine, clock: ModuleType) -> None:
    add(engine)
    zombie = claim(engine)
    clock.advance(timedelta(seconds=work.LEASE + 1))
    outcomes.sweep(engine)
    taken = claim(engine)
    clock.advance(timedelta(seconds=10))
    work.renew(engine, [zombie])
    assert row(engine, taken.id).lease_until == clock.now() + timedelta(seconds=work.LEASE - 10)


def test_checkpoint_stops_long_work(engine: Engine) -> None:
    add(engine)
    one = claim(engine)
    one.checkpoint()
    one.stopping.set()
    with pytest.raises(Stopped):
        one.checkpoint()
