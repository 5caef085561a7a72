"""A worker with its threads and its broker, and with the broker away, mute, emptied or back again."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import dramatiq
import pytest
import redis
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from foundation import clock, health, jobs, roles, running
from foundation.database import transaction
from foundation.tables import Job, Lease
from foundation.work import Work
from tests.faults import Wire
from tests.waiting import eventually

let_go = threading.Event()
turns: list[float] = []


@jobs.job("test.quick")
def _quick(one: Work) -> None:
    pass


@jobs.job("test.stubborn")
def _stubborn(one: Work) -> None:
    let_go.wait(30)


@jobs.job("test.paged")
def _paged(one: Work) -> None:
    while not let_go.wait(0.01):
        one.checkpoint()


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """Duties and beats of other parts stay out; every worker is stopped."""
    duties, beats = dict(running.duties), dict(running.beats)
    running.duties.clear()
    running.beats.clear()
    let_go.clear()
    turns.clear()
    yield
    let_go.set()
    for kept, known in ((running.duties, duties), (running.beats, beats)):
        kept.clear()  # type: ignore[attr-defined]
        kept.update(known)  # type: ignore[attr-defined]
    assert health.stale(0) == []


@pytest.fixture
def wire(valkey_url: str) -> Iterator[Wire]:
    made = Wire(valkey_url)
    yield made
    made.close()


class running_worker:
    """A worker for the length of a block."""

    def __init__(self, engine: Engine, redis_url: str | None, threads: int = 2, **more: object) -> None:
        self.worker = jobs.Worker(engine, redis_url, threads, **more)  # type: ignore[arg-type]

    def __enter__(self) -> jobs.Worker:
        self.worker.start()
        return self.worker

    def __exit__(self, *error: object) -> None:
        let_go.set()
        self.worker.stop()


def enqueue(engine: Engine, kind: str = "test.quick", times: int = 1) -> None:
    with transaction(engine) as session:
        for _ in range(times):
            jobs.enqueue(session, kind)


def states(engine: Engine) -> dict[str, int]:
    with Session(engine) as session:
        return dict(session.execute(select(Job.state, func.count()).group_by(Job.state)).all())


def test_worker_does_jobs_at_once(engine: Engine, valkey_url: str) -> None:
    with running_worker(engine, valkey_url):
        enqueue(engine, times=20)
        eventually(lambda: states(engine) == {"done": 20})
        began = time.monotonic()
        enqueue(engine)
        eventually(lambda: states(engine) == {"done": 21})
        assert time.monotonic() - began < 0.9, "woken, not found by the next look"


def test_other_process_wakes_through_broker(engine: Engine, valkey_url: str) -> None:
    running.duty("test.duty", every=600)(lambda given: bool(turns.append(0)))
    with running_worker(engine, valkey_url):
        eventually(lambda: turns)
        stranger = jobs.Carrier(valkey_url)
        stranger("test.duty")
        eventually(lambda: len(turns) == 2, 2)
        stranger("a duty nobody has")
        stranger.close()


def test_wakes_under_way_are_joined(valkey_url: str) -> None:
    carrier = jobs.Carrier(valkey_url)
    for _ in range(100):
        carrier("resolve")
    with redis.Redis.from_url(valkey_url) as client:
        assert client.llen(f"dramatiq:{jobs.QUEUE}") == 1
    carrier.close()


def test_wake_during_a_turn_is_not_lost(engine: Engine, valkey_url: str) -> None:
    begun = threading.Event()

    def slow(given: Engine) -> bool:
        turns.append(0)
        begun.set()
        let_go.wait(10)
        return False

    running.duty("test.slow", every=600)(slow)
    with running_worker(engine, valkey_url):
        assert begun.wait(5)
        jobs.wake("test.slow")
        let_go.set()
        eventually(lambda: len(turns) >= 2, 2)


def test_without_broker_everything_runs(engine: Engine) -> None:
    with running_worker(engine, None):
        with transaction(engine) as session:  # as if another process had enqueued: no wake-up reaches us
            session.add_all([Job(kind="test.quick") for _ in range(10)])
        eventually(lambda: states(engine) == {"done": 10}, 5)


def test_refusing_broker_slows_only(engine: Engine, wire: Wire) -> None:
    wire.mode = "refuse"
    with running_worker(engine, wire.url):
        enqueue(engine, times=10)
        eventually(lambda: states(engine) == {"done": 10}, 5)


def test_mute_broker_costs_a_quarter_second(engine: Engine, wire: Wire) -> None:
    wire.mode = "hole"
    first, later = [], []
    for _ in range(3):
        carrier = jobs.Carrier(wire.url)
        first.append(_seconds(carrier, "resolve"))
        later.append(_seconds(carrier, "resolve"))
        carrier.close()
    assert min(first) <= 0.25
    assert min(later) < 0.01, "asked once, then left alone for a while"


def test_broker_that_hangs_mid_way_is_left(engine: Engine, wire: Wire) -> None:
    carrier = jobs.Carrier(wire.url)
    carrier("one")
    wire.mode = "hole"
    assert _seconds(carrier, "two") <= 0.25
    carrier.close()


def test_mute_broker_does_not_hold_up_work_or_stop(engine: Engine, wire: Wire) -> None:
    wire.mode = "hole"
    with running_worker(engine, wire.url) as worker:
        enqueue(engine, times=10)
        eventually(lambda: states(engine) == {"done": 10}, 5)
        began = time.monotonic()
        worker.stop()
        assert time.monotonic() - began < 8


def test_broker_that_comes_back_is_heard(engine: Engine, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "OUTAGE", 0.2)
    running.duty("test.duty", every=600)(lambda given: bool(turns.append(0)))
    with running_worker(engine, wire.url):
        for mode in ("hole", "refuse"):
            wire.mode = mode  # type: ignore[assignment]
            time.sleep(
                2.5
            )  # long enough for every read in progress to time out: the fault itself, no waiting
            wire.mode = "pass"
            before = len(turns)
            stranger = jobs.Carrier(wire.url)
            eventually(lambda s=stranger, b=before: [s("test.duty"), len(turns) > b][1], 15)
            stranger.close()


def test_dead_listener_is_replaced(engine: Engine, valkey_url: str) -> None:
    running.duty("test.duty", every=600)(lambda given: bool(turns.append(0)))
    with running_worker(engine, valkey_url) as worker:
        listener = worker._listener
        assert listener is not None
        first = eventually(lambda: _hearing(listener))
        for consumer in first.consumers.values():
            consumer.stop()
            consumer.join(5)
        eventually(lambda: listener._worker is not first and listener._worker)
        stranger = jobs.Carrier(valkey_url)
        eventually(lambda: turns)
        before = len(turns)
        eventually(lambda: [stranger("test.duty"), len(turns) > before][1])
        stranger.close()


def _hearing(listener: jobs._Listener) -> dramatiq.Worker | None:
    """The listener's worker, once each of its threads runs: before that none can be stopped."""
    worker = listener._worker
    ears = [*worker.consumers.values()] if worker and worker.workers else []
    return worker if ears and all(ear.running for ear in ears) else None


def test_flushed_broker_loses_nothing(engine: Engine, valkey_url: str) -> None:
    with redis.Redis.from_url(valkey_url) as client, running_worker(engine, valkey_url):
        for _ in range(50):
            enqueue(engine)
            client.flushall()
        eventually(lambda: states(engine) == {"done": 50}, 10)


def test_long_job_goes_back_when_stopped(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "GRACE", 0.2)
    enqueue(engine, "test.stubborn")
    worker = jobs.Worker(engine, None, 1)
    worker.start()
    eventually(lambda: states(engine) == {"running": 1})
    worker.stop()
    assert states(engine) == {"waiting": 1}
    with Session(engine) as session:
        assert session.scalars(select(Job.attempts)).one() == 0
    let_go.set()
    eventually(lambda: not any(thread.name.startswith("runner") for thread in threading.enumerate()))
    assert states(engine) == {"waiting": 1}, "the left-over thread may not write"


def test_paged_job_stops_between_pages(engine: Engine) -> None:
    enqueue(engine, "test.paged")
    worker = jobs.Worker(engine, None, 1)
    worker.start()
    eventually(lambda: states(engine) == {"running": 1})
    began = time.monotonic()
    worker.stop()
    assert time.monotonic() - began < 2
    assert states(engine) == {"waiting": 1}


def test_expired_job_of_a_dead_worker_runs_again(engine: Engine) -> None:
    enqueue(engine)
    past = clock.now() - timedelta(seconds=1)
    with transaction(engine) as session:
        session.execute(update(Job).values(state="running", attempts=1, token=1, lease_until=past))
    with running_worker(engine, None):
        eventually(lambda: states(engine) == {"done": 1}, 10)


def test_one_of_two_workers_beats(engine: Engine) -> None:
    beaten: list[str] = []
    running.beat("test.beat", every=600)(lambda given: beaten.append(threading.current_thread().name))
    first, second = jobs.Worker(engine, None, 1), jobs.Worker(engine, None, 1)
    first.start()
    eventually(lambda: beaten)
    second.start()
    eventually(lambda: _ticks(engine, second))
    assert _holder(engine) == first.name
    first.stop()
    eventually(lambda: _holder(engine) == second.name, 5)
    second.stop()
    assert len(beaten) == 1


def test_beat_alone_does_no_jobs(engine: Engine, valkey_url: str) -> None:
    beaten: list[int] = []
    running.beat("test.beat", every=600)(lambda given: beaten.append(1))
    enqueue(engine)
    with running_worker(engine, valkey_url, threads=0):
        eventually(lambda: beaten)
    assert states(engine) == {"waiting": 1}


def test_silent_worker_is_named(engine: Engine, session: Session) -> None:
    worker = jobs.Worker(engine, None, 1)
    worker.start()
    eventually(lambda: _ticks(engine, worker) and _holder(engine))
    assert roles.silent(session) == []
    worker.stop()
    with clock.hold(clock.now()):
        roles.take(engine, "worker:killed", "killed")
        clock.advance(timedelta(seconds=16))
        assert roles.silent(session) == ["worker:killed"]
        clock.advance(timedelta(seconds=60))
        roles.bury(engine)
        session.rollback()
        assert roles.silent(session) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_dead_thread_turns_health_red(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*given: object) -> bool:
        raise SystemExit

    with running_worker(engine, None) as worker:
        assert health.stale() == []
        monkeypatch.setattr(running, "run_one", die)
        worker._hear("jobs")
        assert eventually(lambda: len(health.stale()) == 2)
        assert health.stale() == ["runner 0", "runner 1"]
    for runner in worker._runners:
        health.forget(runner.name)


def test_pool_is_large_enough_for_all_threads() -> None:
    running.duty("test.duty", every=5)(lambda given: False)
    assert jobs.connections(4) == 9


def _seconds(carrier: jobs.Carrier, name: str) -> float:
    began = time.monotonic()
    carrier(name)
    return time.monotonic() - began


def _holder(engine: Engine) -> str | None:
    with Session(engine) as session:
        return session.scalars(select(Lease.holder).where(Lease.name == roles.BEAT)).one_or_none()


def _ticks(engine: Engine, worker: jobs.Worker) -> bool:
    with Session(engine) as session:
        return session.get(Lease, f"worker:{worker.name}") is not None
