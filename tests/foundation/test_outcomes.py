"""What becomes of a job: done, later, dead, given back; and the problem a person sees."""

import itertools
from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from foundation import outcomes, problems, work
from foundation.database import transaction
from foundation.errors import BadInput, Misconfigured, Permanent, Temporary
from foundation.outcomes import MAX_CRASHES, MAX_ERRORS
from foundation.running import run_until_idle
from foundation.tables import Job, Problem
from foundation.work import LostLease, Work

raised: list[Exception] = []


@work.job("test.outcome")
def _raise_what_is_planned(one: Work) -> None:
    if raised:
        raise raised.pop(0)


@pytest.fixture(autouse=True)
def _nothing_planned() -> None:
    raised.clear()


def add(engine: Engine, key: str | None = None) -> int:
    with transaction(engine) as session:
        return work.enqueue(session, "test.outcome", {}, key=key)


def row(engine: Engine, job_id: int) -> Job:
    with Session(engine) as session:
        return session.get_one(Job, job_id)


def problem(engine: Engine) -> Problem:
    with Session(engine) as session:
        return session.scalars(select(Problem)).one()


def test_good_job_is_done(engine: Engine) -> None:
    job_id = add(engine)
    assert run_until_idle(engine) == 1
    assert row(engine, job_id).state == "done"
    assert row(engine, job_id).finished_at is not None


def test_temporary_error_is_tried_later(engine: Engine, clock: ModuleType) -> None:
    raised.append(Temporary("the shop is busy"))
    job_id = add(engine)
    run_until_idle(engine)
    failed = row(engine, job_id)
    assert (failed.state, failed.errors, failed.last_error) == ("waiting", 1, "the shop is busy")
    assert failed.run_at > clock.now()
    clock.advance(timedelta(seconds=7))
    assert run_until_idle(engine) == 1
    assert row(engine, job_id).state == "done"


def test_unknown_error_is_tried_later(engine: Engine, clock: ModuleType) -> None:
    raised.append(ZeroDivisionError("division by zero"))
    job_id = add(engine)
    run_until_idle(engine)
    assert row(engine, job_id).state == "waiting"
    assert row(engine, job_id).last_error == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("asked", "least", "most"), [(90.0, 90, 113), (999_999_999.0, 3600, 4500), (0.0, 0, 0)]
)
def test_retry_after_is_honoured_and_capped(
    engine: Engine, clock: ModuleType, asked: float, least: float, most: float
) -> None:
    raised.append(Temporary("slow down", retry_after=asked))
    job_id = add(engine)
    with work_claimed(engine) as one:
        outcomes.fail(one, raised.pop())
    wait = (row(engine, job_id).run_at - clock.now()).total_seconds()
    assert least <= wait <= most


class work_claimed:
    """A claimed job in the hands of the test."""

    def __init__(self, engine: Engine) -> None:
        one = work.claim(engine, "me")
        assert one is not None
        self.one = one

    def __enter__(self) -> Work:
        return self.one

    def __exit__(self, *error: object) -> None:
        pass


def test_pauses_grow_with_jitter() -> None:
    waits = [[outcomes.pause(errors) for _ in range(50)] for errors in range(1, MAX_ERRORS)]
    for fewer, more in itertools.pairwise(waits):
        assert max(fewer) < min(more)
        assert len(set(fewer)) > 40, "not all at the same instant"
    assert max(waits[-1]) <= outcomes.LONGEST_WAIT * 1.25


def test_permanent_error_is_dead_at_once(engine: Engine) -> None:
    raised.append(Permanent("order 4711 has a negative quantity; correct it in the shop"))
    job_id = add(engine, key="pull:shop")
    run_until_idle(engine)
    assert row(engine, job_id).state == "dead"
    seen = problem(engine)
    assert (seen.area, seen.subject, seen.job_id) == ("job", "test.outcome pull:shop", job_id)
    assert seen.message == "order 4711 has a negative quantity; correct it in the shop"


def test_misconfigured_names_its_setting(engine: Engine) -> None:
    raised.append(Misconfigured("The shop refuses the password.", setting="api_secret"))
    job_id = add(engine)
    run_until_idle(engine)
    assert row(engine, job_id).state == "dead"
    assert "api_secret" in problem(engine).message


def test_tenth_error_is_the_last(engine: Engine, clock: ModuleType) -> None:
    job_id = add(engine)
    for count in range(1, MAX_ERRORS + 1):
        raised.append(Temporary(f"refusal {count}"))
        assert run_until_idle(engine) == 1
        clock.advance(timedelta(hours=2))
    assert row(engine, job_id).state == "dead"
    assert run_until_idle(engine) == 0
    assert problem(engine).message == "It failed 10 times. The last time: refusal 10"


def test_poison_job_dies_at_its_fifth_crash(engine: Engine, clock: ModuleType) -> None:
    job_id = add(engine)
    for count in range(1, MAX_CRASHES + 1):
        one = work.claim(engine, "a process that will be killed")
        assert one is not None
        assert one.attempts == count
        clock.advance(timedelta(seconds=work.LEASE + 1))
        assert outcomes.sweep(engine) == 1
    assert row(engine, job_id).state == "dead"
    assert work.claim(engine, "me") is None
    assert "died in the middle 5 times" in problem(engine).message


def test_progress_forgives_earlier_kills(engine: Engine, clock: ModuleType) -> None:
    job_id = add(engine)
    for page in range(3 * MAX_CRASHES):
        one = work.claim(engine, "a process that will be killed")
        assert one is not None
        if page % 3 == 0:
            with transaction(engine) as session:
                one.progressed(session)
        clock.advance(timedelta(seconds=work.LEASE + 1))
        assert outcomes.sweep(engine) == 1
    assert row(engine, job_id).state == "waiting"


def test_progress_is_for_the_holder_only(engine: Engine, clock: ModuleType, session: Session) -> None:
    add(engine)
    with work_claimed(engine) as zombie:
        clock.advance(timedelta(seconds=work.LEASE + 1))
        outcomes.sweep(engine)
        with pytest.raises(LostLease):
            zombie.progressed(session)


def test_poison_job_blocks_nobody(engine: Engine, clock: ModuleType) -> None:
    add(engine)
    work.claim(engine, "a process that was killed")
    good = add(engine)
    assert run_until_idle(engine) == 1
    assert row(engine, good).state == "done"


def test_errors_are_not_crashes(engine: Engine, clock: ModuleType) -> None:
    job_id = add(engine)
    for count in range(7):
        raised.append(Temporary(f"refusal {count}"))
        run_until_idle(engine)
        clock.advance(timedelta(hours=2))
    work.claim(engine, "a process that will be killed")
    clock.advance(timedelta(seconds=work.LEASE + 1))
    outcomes.sweep(engine)
    assert row(engine, job_id).state == "waiting", "seven errors and one crash are below both limits"


def test_living_lease_is_not_swept(engine: Engine, clock: ModuleType) -> None:
    add(engine)
    work.claim(engine, "me")
    clock.advance(timedelta(seconds=work.LEASE - 1))
    assert outcomes.sweep(engine) == 0


def test_zombie_can_neither_finish_nor_fail(engine: Engine, clock: ModuleType) -> None:
    job_id = add(engine)
    with work_claimed(engine) as zombie:
        clock.advance(timedelta(seconds=work.LEASE + 1))
        outcomes.sweep(engine)
        with pytest.raises(LostLease):
            outcomes.finish(zombie)
        with pytest.raises(LostLease):
            outcomes.fail(zombie, Permanent("too late"))
        outcomes.release(zombie)
    assert row(engine, job_id).state == "waiting"
    assert row(engine, job_id).last_error is None


def test_released_job_counts_no_crash(engine: Engine) -> None:
    job_id = add(engine)
    for _ in range(MAX_CRASHES + 3):
        with work_claimed(engine) as one:
            outcomes.release(one)
            with pytest.raises(LostLease), transaction(engine) as session:
                one.guard(session)
    assert (row(engine, job_id).state, row(engine, job_id).attempts) == ("waiting", 0)


def test_success_settles_the_problem_of_its_key(engine: Engine) -> None:
    raised.append(Permanent("wrong password"))
    add(engine, key="pull:shop")
    run_until_idle(engine)
    add(engine, key="pull:shop")
    run_until_idle(engine)
    assert problem(engine).state == "solved"


def test_dead_job_is_retried_on_request(engine: Engine) -> None:
    raised.append(Permanent("wrong password"))
    add(engine)
    run_until_idle(engine)
    with transaction(engine) as session:
        problems.retry(session, problem(engine).id)
    assert problem(engine).state == "retrying"
    assert run_until_idle(engine) == 1
    assert problem(engine).state == "solved"


def test_retry_that_fails_opens_it_again(engine: Engine) -> None:
    raised.extend([Permanent("wrong password"), Permanent("still wrong")])
    add(engine)
    run_until_idle(engine)
    with transaction(engine) as session:
        problems.retry(session, problem(engine).id)
    run_until_idle(engine)
    seen = problem(engine)
    assert (seen.state, seen.times, seen.message) == ("open", 2, "still wrong")


def test_retry_of_vanished_job_is_refused(engine: Engine, session: Session) -> None:
    problem_id = problems.report(session, area="job", subject="pull 1", message="gone", job_id=4711)
    with pytest.raises(BadInput, match="its job is gone"):
        problems.retry(session, problem_id)


def test_done_jobs_are_forgotten_after_days(engine: Engine, clock: ModuleType) -> None:
    add(engine)
    run_until_idle(engine)
    raised.append(Permanent("kept for its problem"))
    dead = add(engine)
    run_until_idle(engine)
    clock.advance(outcomes.KEEP_DONE + timedelta(seconds=1))
    outcomes.prune(engine)
    with Session(engine) as session:
        assert list(session.scalars(select(Job.id))) == [dead]
