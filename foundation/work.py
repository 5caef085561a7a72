"""The rows of `jobs`: what is to be done, who may do it, counted at the claim and fenced by a token.

Nothing here knows a broker. What becomes of a claimed job stands in `foundation.outcomes`.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from foundation.clock import now
from foundation.database import transaction
from foundation.errors import KartotekaError
from foundation.tables import Job
from foundation.wake import wake_after_commit

LEASE = 30.0  # seconds; renewed every third of it


class LostLease(KartotekaError):
    """Another worker has the job now: whatever we were about to write must not be written."""


class Stopped(KartotekaError):
    """The worker is being stopped: the job goes back to the queue and goes on elsewhere."""


@dataclass
class Work:
    """A claimed job in the hands of its function. A heartbeat renews the lease; `guard` checks it."""

    engine: Engine
    id: int
    kind: str
    args: dict[str, Any]
    token: int
    attempts: int
    key: str | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def guard(self, session: Session) -> None:
        """Call in every transaction that writes: raises `LostLease` unless the job is still ours.

        The row stays locked against takers until the transaction ends; renewals pass.
        """
        query = "SELECT 1 FROM jobs WHERE id = :id AND token = :token AND state = 'running' FOR KEY SHARE"
        if session.execute(text(query), {"id": self.id, "token": self.token}).first() is None:
            raise LostLease(f"job {self.id} ({self.kind}) was taken over")

    def progressed(self, session: Session) -> None:
        """Like `guard`, where this transaction saves a place to go on from.

        Crashes and errors before it are forgotten: work that moves is no poison, however often it is killed.
        """
        self.guard(session)
        if self.attempts > 1:
            query = "UPDATE jobs SET attempts = 1, errors = 0 WHERE id = :id AND attempts > 1"
            session.execute(text(query), {"id": self.id})

    def checkpoint(self) -> None:
        """Call between the pages of long work: raises `Stopped` when the worker is being stopped."""
        if self.stopping.is_set():
            raise Stopped(f"job {self.id} ({self.kind}) goes on after the restart")

    def portions(self, step: Callable[[Session], bool]) -> None:
        """Work portion by portion, each a transaction of its own, until `step` says that nothing is left."""
        going_on = True
        while going_on:
            self.checkpoint()
            with transaction(self.engine) as session:
                self.progressed(session)
                going_on = step(session)


Function = Callable[[Work], None]
F = TypeVar("F", bound=Function)
_functions: dict[str, Function] = {}


def job(kind: str) -> Callable[[F], F]:
    """Registers the function that does jobs of a kind. It re-reads rows and is safe to run twice."""

    def register(function: F) -> F:
        _functions[kind] = function
        return function

    return register


def kinds() -> list[str]:
    """The kinds of jobs this process can do."""
    return sorted(_functions)


def function_of(kind: str) -> Function:
    """What does jobs of this kind here."""
    return _functions[kind]


def enqueue(
    session: Session,
    kind: str,
    args: Mapping[str, Any] | None = None,
    *,
    key: str | None = None,
    run_at: datetime | None = None,
) -> int:
    """Record work to be done once this transaction commits; answers the job's id.

    With a key there is one unfinished job: a waiting one is brought forward, a running one runs once more
    when it is done, because it may already have read what this call is about.
    """
    at = run_at or now()
    fresh = insert(Job).values(kind=kind, args=dict(args or {}), key=key, run_at=at, created_at=now())
    kept = fresh.on_conflict_do_update(
        index_elements=[Job.key],
        index_where=text("state IN ('waiting', 'running')"),
        set_={
            "run_at": text(
                "CASE jobs.state WHEN 'waiting' THEN least(jobs.run_at, excluded.run_at) "
                "ELSE excluded.run_at END"
            ),
            "again": text("jobs.state = 'running'"),
        },
    ).returning(Job.id)
    wake_after_commit(session, "jobs")
    return session.execute(kept).scalar_one()


_CLAIM = text("""
    UPDATE jobs SET state = 'running', attempts = attempts + 1, token = token + 1,
                    lease_until = :until, worker = :worker
    WHERE id = (SELECT id FROM jobs WHERE state = 'waiting' AND run_at <= :now AND kind = ANY(:kinds)
                ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, kind, args, token, attempts, key""")


def claim(engine: Engine, worker: str, lease: float = LEASE) -> Work | None:
    """Take the oldest due job, or `None`. Two workers never get the same one."""
    at = now()
    values = {"now": at, "until": at + timedelta(seconds=lease), "worker": worker, "kinds": kinds()}
    with transaction(engine) as session:
        row = session.execute(_CLAIM, values).one_or_none()
    return None if row is None else Work(engine, **row._mapping)


def due(engine: Engine) -> bool:
    """Whether a job that this process can do is waiting."""
    query = "SELECT 1 FROM jobs WHERE state = 'waiting' AND run_at <= :now AND kind = ANY(:kinds) LIMIT 1"
    with engine.connect() as connection:
        return connection.execute(text(query), {"now": now(), "kinds": kinds()}).first() is not None


_RENEW = text("""
    UPDATE jobs SET lease_until = :until
    WHERE id IN (SELECT jobs.id FROM jobs JOIN unnest(:ids ::bigint[], :tokens ::bigint[]) AS held (id, token)
                 ON jobs.id = held.id AND jobs.token = held.token
                 WHERE jobs.state = 'running' FOR NO KEY UPDATE OF jobs SKIP LOCKED)""")


def renew(engine: Engine, held: list[Work], lease: float = LEASE) -> None:
    """Prolong the leases of these jobs; a row that somebody else locks is prolonged the next time."""
    values = {
        "until": now() + timedelta(seconds=lease),
        "ids": [work.id for work in held],
        "tokens": [work.token for work in held],
    }
    with transaction(engine) as session:
        session.execute(_RENEW, values)
