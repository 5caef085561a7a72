"""Work that must happen: the door to it, and the only file that imports dramatiq, which carries wake-ups.

A job or a duty is a row; a broker message only says "look". With the broker gone everything still happens,
at most a few seconds later, because every worker looks at the rows by itself.
"""

import gc
import logging
import threading
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from foundation import health, heap, log, metrics, outcomes, roles, running, work
from foundation import wake as wakes
from foundation.clock import monotonic
from foundation.heartbeat import Heartbeat
from foundation.loops import Loop
from foundation.running import beat, duty, run_until_idle, worker_name
from foundation.wake import wake, wake_after_commit
from foundation.work import LEASE, LostLease, Stopped, Work, enqueue, job

__all__ = [
    "LostLease",
    "Stopped",
    "Work",
    "Worker",
    "beat",
    "connect",
    "connections",
    "duty",
    "enqueue",
    "job",
    "run_until_idle",
    "wake",
    "wake_after_commit",
]

QUEUE = "kartoteka"
PATIENCE = 0.1  # seconds for each step of sending a wake-up: connecting, asking, sending
OUTAGE = 5.0  # seconds without another attempt after a failed one
FLAG_MS = 5_000  # a wake-up under way stands for later ones for so long
GRACE = 5.0  # seconds a stopping worker gives its jobs
SWEEP = 5.0  # seconds between looks at leases that ran out


class _Broker(RedisBroker):
    """Without the delay queue: due times live in rows, and its thread dies in a network black hole."""

    def declare_queue(self, queue_name: str) -> None:
        """Know the queue itself, without its delayed twin."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)


def _client(redis_url: str, timeout: float) -> redis.Redis:
    return redis.Redis.from_url(
        redis_url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
    )


def _broker(client: redis.Redis) -> _Broker:
    """Without any middleware: no retries, no delays, no time limits; maintenance at every fetch."""
    return _Broker(client=client, middleware=[], maintenance_chance=1_000_000)  # type: ignore[no-untyped-call]


def _flag(name: str) -> str:
    return f"kartoteka:awake:{name}"


class Carrier:
    """Takes wake-ups to the broker: one under way per name, and none for a while after a failure."""

    def __init__(self, redis_url: str) -> None:
        self._client = _client(redis_url, PATIENCE)
        self._broker = _broker(self._client)
        self._closed_until = 0.0
        self._lost = False

    def __call__(self, name: str) -> None:
        """Send a wake-up, or do not; never raises."""
        if monotonic() < self._closed_until:
            metrics.WAKES.labels("lost").inc()
            return
        try:
            if self._client.set(_flag(name), 1, nx=True, px=FLAG_MS):
                message: dramatiq.Message[None] = dramatiq.Message(
                    queue_name=QUEUE, actor_name="look", args=(name,), kwargs={}, options={}
                )
                self._broker.enqueue(message)
                metrics.WAKES.labels("sent").inc()
            else:
                metrics.WAKES.labels("joined").inc()
        except (redis.RedisError, dramatiq.DramatiqError, OSError) as error:
            self._closed_until = monotonic() + OUTAGE
            metrics.WAKES.labels("lost").inc()
            if not self._lost:
                log.get(__name__).warning("wakes_lost", reason="the broker is away", error=error)
            self._lost = True
        else:
            if self._lost:
                log.get(__name__).info("wakes_back")
            self._lost = False

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


def connect(redis_url: str | None) -> None:
    """From now on `wake` reaches other processes through this broker; `None` lets go of it."""
    global _carrier
    if _carrier is not None:
        _carrier.close()
    _carrier = Carrier(redis_url) if redis_url else None
    wakes.carry_by(_carrier)


_carrier: Carrier | None = None


class _Listener:
    """Hears wake-ups through a dramatiq worker of one thread, and replaces that when a thread of it dies."""

    def __init__(self, redis_url: str, hearer: wakes.Hearer) -> None:
        self._url, self._hearer = redis_url, hearer
        self._worker: dramatiq.Worker | None = None
        self._client: redis.Redis | None = None
        logging.getLogger("dramatiq").setLevel(logging.CRITICAL + 1)  # an outage is told once, by us

    def watch(self) -> bool:
        """One look at the threads; always False, as there is no more to do."""
        if self._worker is not None:
            threads = [*self._worker.consumers.values(), *self._worker.workers]
            if all(thread.is_alive() for thread in threads):
                return False
            log.get(__name__).warning("listener_replaced", reason="a thread of it died")
            self.close()
        self._client = _client(self._url, 2.0)
        broker = _broker(self._client)
        dramatiq.actor(actor_name="look", queue_name=QUEUE, broker=broker)(self._look)
        self._worker = dramatiq.Worker(broker, worker_timeout=100, worker_threads=1)
        self._worker.start()
        return False

    def _look(self, name: str) -> None:
        try:
            if self._client is not None:
                self._client.delete(_flag(name))  # first: who wakes after this line sends anew
        except redis.RedisError as error:
            log.get(__name__).debug("flag_kept", error=error)
        self._hearer(name)

    def close(self) -> None:
        """End the threads; a broker in a black hole may keep them for two seconds."""
        if self._worker is not None:
            try:
                self._worker.stop(timeout=2_000)
            except (redis.RedisError, dramatiq.DramatiqError) as error:
                log.get(__name__).debug("listener_left", error=error)
            self._worker = None
        if self._client is not None:
            self._client.close()
            self._client = None


def connections(threads: int) -> int:
    """How many database connections a worker of so many threads needs at once: its engine's pool size."""
    return threads + len(running.duties) + 4


def calm_collector() -> None:
    """For processes that work in batches: their thousands of records are freed by counting references.

    Looking for cycles among them as often as Python does took a tenth of a worker's time.
    """
    heap.share()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


class Worker:
    """Does jobs in `threads` threads, each duty in one of its own, and beats while it holds that role.

    `beats` off leaves the role to others; `threads=0` does nothing but beats.
    """

    def __init__(
        self,
        engine: Engine,
        redis_url: str | None,
        threads: int = 4,
        *,
        lease: float = LEASE,
        beats: bool = True,
    ) -> None:
        self.name = worker_name()
        self._engine = engine
        self._stopping = threading.Event()
        self._heartbeat = Heartbeat(engine, lease)
        self._listener = _Listener(redis_url, self._hear) if redis_url and threads else None
        self._redis_url = redis_url
        self._runners = [Loop(f"runner {n}", self._run, SWEEP, long=True) for n in range(threads)]
        self._duties = {
            one.name: Loop(f"duty {one.name}", self._turn(one), one.every, long=True)
            for one in (running.duties.values() if threads else ())
        }
        self._others = [Loop("sweeper", self._sweep, 1.0)] if threads else []
        self._others += [Loop("beat", self._beat, 1.0)] if beats else []
        self._others += [Loop("listener", self._listener.watch, 1.0, long=True)] if self._listener else []
        self._swept = 0.0

    def start(self) -> None:
        """Start every thread and return; the caller waits for whatever ends it, and calls `stop`."""
        connect(self._redis_url)
        self._heartbeat.__enter__()
        wakes.hear(self._hear)
        for loop in (*self._others, *self._duties.values(), *self._runners):
            loop.start()
        log.get(__name__).info("worker_started", worker=self.name, threads=len(self._runners))

    def stop(self) -> None:
        """End within 8 s: jobs get `GRACE` seconds, then go back to the queue, fenced against us."""
        wakes.unhear(self._hear)
        self._stopping.set()
        loops = [*self._others, *self._duties.values(), *self._runners]
        for loop in loops:
            loop.stop()
        deadline = monotonic() + GRACE
        for loop in loops:
            loop.join(max(0.0, deadline - monotonic()))
        try:
            for one in self._heartbeat.now_held():
                outcomes.release(one)
            for role in (roles.BEAT, f"worker:{self.name}"):
                roles.leave(self._engine, role, self.name)
        except SQLAlchemyError as error:  # the database is away: leases run out by themselves
            log.get(__name__).warning("leases_left", error=error)
        self._heartbeat.__exit__(None, None, None)
        if self._listener:
            self._listener.close()
        connect(None)
        log.get(__name__).info("worker_stopped", worker=self.name)

    def _hear(self, name: str) -> None:
        if name == "jobs":
            for runner in self._runners:
                runner.look()
        elif name in self._duties:
            self._duties[name].look()

    def _run(self) -> bool:
        more = running.run_one(self._engine, self.name, self._heartbeat, self._stopping)
        if more:
            heap.give_back()
        return more

    def _turn(self, one: running.Regular[running.Duty]) -> Any:
        def turn() -> bool:
            more = running.run_duty(self._engine, one)
            if more:
                heap.give_back()
            return more

        return turn

    def _sweep(self) -> bool:
        if monotonic() - self._swept >= SWEEP:
            self._swept = monotonic()
            if not health.stale():  # a worker with a dead thread goes silent for the others to see
                roles.take(self._engine, f"worker:{self.name}", self.name)
            roles.bury(self._engine)
            outcomes.sweep(self._engine)
        if work.due(self._engine):
            self._hear("jobs")
        return False

    def _beat(self) -> bool:
        if roles.take(self._engine, roles.BEAT, self.name):
            for one in list(running.beats.values()):
                running.run_beat(self._engine, one, self.name)
        return False
