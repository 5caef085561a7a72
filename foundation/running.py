"""Doing the work of this process: jobs one by one, duties until they are empty, beats when they are due."""

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar
from uuid import uuid4

from sqlalchemy import Engine, text

from foundation import log, metrics, outcomes, problems, work
from foundation.clock import monotonic, now
from foundation.database import transaction
from foundation.errors import KartotekaError
from foundation.heartbeat import Heartbeat
from foundation.work import LostLease, Stopped, Work

ROUNDS = 10_000  # more turns than this without coming to rest is a loop, not work

Duty = Callable[[Engine], bool]
Beat = Callable[[Engine], None]
T = TypeVar("T")
D = TypeVar("D", bound=Duty)
B = TypeVar("B", bound=Beat)


@dataclass(frozen=True)
class Regular(Generic[T]):
    """A function that runs every so many seconds."""

    name: str
    every: float
    run: T


duties: dict[str, Regular[Duty]] = {}
beats: dict[str, Regular[Beat]] = {}
_sound: set[tuple[str, str]] = set()  # database and duty or beat that had no problem the last time


def duty(name: str, *, every: float) -> Callable[[D], D]:
    """Registers work that lies in rows of its own: run on `wake(name)` and every so many seconds in workers.

    The function answers whether there may be more; then it is called again at once.
    """

    def register(function: D) -> D:
        duties[name] = Regular(name, every, function)
        return function

    return register


def beat(name: str, *, every: float) -> Callable[[B], B]:
    """Registers what one process at a time does every so many seconds: short things, such as enqueueing."""

    def register(function: B) -> B:
        beats[name] = Regular(name, every, function)
        return function

    return register


def worker_name() -> str:
    """Names this process in rows: host, process id, and something random as containers share both."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"


def run_one(
    engine: Engine, worker: str, heartbeat: Heartbeat, stopping: threading.Event | None = None
) -> bool:
    """Claim a due job and do it; whether there was one. Errors of the job end up in its row, not here."""
    one = work.claim(engine, worker, heartbeat.lease)
    if one is None:
        return False
    if stopping is not None:
        one.stopping = stopping
    heartbeat.hold(one)
    began = monotonic()
    try:
        outcome = _do(one)
    finally:
        heartbeat.drop(one)
    metrics.JOBS.labels(one.kind, outcome).inc()
    metrics.JOB_SECONDS.labels(one.kind).observe(monotonic() - began)
    return True


def _do(one: Work) -> str:
    lines = log.get(__name__).bind(job=one.id, kind=one.kind, attempt=one.attempts)
    try:
        try:
            work.function_of(one.kind)(one)
            outcomes.finish(one)
        except Stopped:
            outcomes.release(one)
            return "stopped"
        except LostLease:
            raise
        except KartotekaError as error:
            lines.warning("job_failed", error=error)
            outcomes.fail(one, error)
            return "failed"
        except Exception as error:  # the job's edge: whatever it is, it is this job's alone
            lines.exception("job_broke")
            outcomes.fail(one, error)
            return "failed"
    except LostLease:
        lines.warning("job_lost")
        return "lost"
    lines.debug("job_done")
    return "done"


def run_duty(engine: Engine, one: Regular[Duty]) -> bool:
    """One turn of a duty; whether there may be more. An error becomes a problem until a turn goes well."""
    subject = f"duty {one.name}"
    try:
        more = one.run(engine)
    except Exception as error:  # the duty's edge: the loop goes on
        log.get(__name__).exception("duty_broke", duty=one.name)
        _report(engine, subject, error)
        return False
    _settle(engine, subject)
    return more


def _report(engine: Engine, subject: str, error: Exception) -> None:
    """A duty or beat failed: one open problem, counted up."""
    _sound.discard((str(engine.url), subject))
    with transaction(engine) as session:
        problems.report(session, area="loop", subject=subject, message=outcomes.describe(error), key=subject)


def _settle(engine: Engine, subject: str) -> None:
    """It works (again); the database hears of it once, not at every turn."""
    if (known := (str(engine.url), subject)) not in _sound:
        with transaction(engine) as session:
            problems.settle(session, subject)
        _sound.add(known)


_BEAT = text("""
    INSERT INTO leases (name, holder, token, until, ticked_at) VALUES (:name, :holder, 1, :next, :now)
    ON CONFLICT (name) DO UPDATE
    SET holder = :holder, token = leases.token + 1, until = :next, ticked_at = :now
    WHERE leases.until <= :now RETURNING token""")


def run_beat(engine: Engine, one: Regular[Beat], holder: str) -> bool:
    """Do a beat if it is due and nobody did it meanwhile; whether we did."""
    at = now()
    name = f"beat:{one.name}"
    with engine.connect() as connection:  # a look costs nothing; a failed claim would cost a commit
        until = connection.scalar(text("SELECT until FROM leases WHERE name = :name"), {"name": name})
    if until is not None and until > at:
        return False
    values = {
        "name": name,
        "holder": holder,
        "next": at + timedelta(seconds=one.every),
        "now": at,
    }
    with transaction(engine) as session:
        if session.execute(_BEAT, values).first() is None:
            return False
    subject = f"beat {one.name}"
    try:
        one.run(engine)
    except Exception as error:  # the beat's edge: the others go on
        log.get(__name__).exception("beat_broke", beat=one.name)
        _report(engine, subject, error)
    else:
        _settle(engine, subject)
    return True


def run_until_idle(engine: Engine) -> int:
    """Do everything that is due, in this thread, until nothing is left; answers how many jobs.

    For tests and for commands without a worker beside them. Jobs put off for later stay; beats do not run.
    """
    done = 0
    name = worker_name()
    with Heartbeat(engine) as heartbeat:
        for _ in range(ROUNDS):
            busy = sum(run_duty(engine, one) for one in list(duties.values()))
            if run_one(engine, name, heartbeat):
                done += 1
            elif not busy:
                return done
    raise RuntimeError(f"still busy after {ROUNDS} rounds: a duty answers True for ever, or jobs breed")


@beat("jobs.prune", every=3600)
def _prune(engine: Engine) -> None:
    outcomes.prune(engine)
