"""What becomes of a claimed job: done, tried again after a pause, dead with a problem, given back."""

import random
from datetime import timedelta

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from foundation import problems
from foundation.clock import now
from foundation.database import transaction
from foundation.errors import BadInput, KartotekaError, Misconfigured, Temporary
from foundation.tables import Job, Problem
from foundation.wake import wake_after_commit
from foundation.work import LostLease, Work, enqueue

MAX_CRASHES = 5
MAX_ERRORS = 10
LONGEST_WAIT = 3600.0  # seconds; a shop's Retry-After is believed up to this
KEEP_DONE = timedelta(days=3)

_DONE = text("""
    UPDATE jobs SET state = CASE WHEN again THEN 'waiting' ELSE 'done' END, again = false,
        attempts = CASE WHEN again THEN 0 ELSE attempts END, errors = CASE WHEN again THEN 0 ELSE errors END,
        finished_at = :now, lease_until = NULL, last_error = NULL
    WHERE id = :id AND token = :token AND state = 'running' RETURNING state""")


def finish(work: Work) -> None:
    """The job is done; its problem, if it had one, is solved. `LostLease` when it is not ours any more."""
    with transaction(work.engine) as session:
        row = session.execute(_DONE, {"id": work.id, "token": work.token, "now": now()}).one_or_none()
        if row is None:
            raise LostLease(f"job {work.id} ({work.kind}) was taken over")
        problems.settle(session, problem_key(work.key, work.id))
        if row.state == "waiting":
            wake_after_commit(session, "jobs")


def release(work: Work) -> None:
    """Give a job back untouched: the worker stops. The new token fences what still runs here."""
    query = """UPDATE jobs
               SET state = 'waiting', attempts = attempts - 1, token = token + 1, lease_until = NULL
               WHERE id = :id AND token = :token AND state = 'running'"""
    with transaction(work.engine) as session:
        session.execute(text(query), {"id": work.id, "token": work.token})
        wake_after_commit(session, "jobs")


def fail(work: Work, error: Exception) -> None:
    """Record an error: a later try after a growing pause, or the end with a problem for a person."""
    last = isinstance(error, KartotekaError) and not isinstance(error, Temporary)
    query = """UPDATE jobs SET errors = errors + 1, last_error = :error, lease_until = NULL,
                   state = CASE WHEN :last OR errors + 1 >= :limit THEN 'dead' ELSE 'waiting' END
               WHERE id = :id AND token = :token AND state = 'running' RETURNING state, errors"""
    said = describe(error)
    with transaction(work.engine) as session:
        values = {"id": work.id, "token": work.token, "error": said, "last": last, "limit": MAX_ERRORS}
        row = session.execute(text(query), values).one_or_none()
        if row is None:
            raise LostLease(f"job {work.id} ({work.kind}) was taken over")
        if row.state == "dead":
            message = said if last else f"It failed {row.errors} times. The last time: {said}"
            _bury(session, work.id, work.kind, work.key, message)
        else:
            wait = pause(row.errors, error.retry_after if isinstance(error, Temporary) else None)
            session.execute(
                text("UPDATE jobs SET run_at = :at WHERE id = :id"),
                {"id": work.id, "at": now() + timedelta(seconds=wait)},
            )


_EXPIRED = text("""
    UPDATE jobs SET lease_until = NULL, token = token + 1, run_at = :now,
        state = CASE WHEN attempts - errors >= :limit THEN 'dead' ELSE 'waiting' END
    WHERE id IN (SELECT id FROM jobs WHERE state = 'running' AND lease_until < :now
                 FOR UPDATE SKIP LOCKED LIMIT 100)
    RETURNING id, kind, key, state, attempts - errors AS crashes, last_error""")


def sweep(engine: Engine) -> int:
    """Take back jobs whose worker let the lease run out; the fifth crash is the last. Answers how many."""
    with transaction(engine) as session:
        rows = session.execute(_EXPIRED, {"now": now(), "limit": MAX_CRASHES}).all()
        for row in rows:
            if row.state == "dead":
                message = (
                    f"The process doing it died in the middle {row.crashes} times (killed or out of memory). "
                    f"Last error: {row.last_error or 'none'}"
                )
                _bury(session, row.id, row.kind, row.key, message)
    return len(rows)


def prune(engine: Engine) -> None:
    """Forget jobs that were done days ago; dead ones stay with their problems."""
    with transaction(engine) as session:
        query = "DELETE FROM jobs WHERE state = 'done' AND finished_at < :before"
        session.execute(text(query), {"before": now() - KEEP_DONE})


def pause(errors: int, retry_after: float | None = None) -> float:
    """Seconds until the next try: doubling from 5 s with jitter, or what the other side asked for, capped."""
    wait = retry_after if retry_after is not None else 5.0 * 2 ** (errors - 1)
    return max(0.0, min(wait, LONGEST_WAIT)) * random.uniform(1.0, 1.25)  # noqa: S311 (spread, not secrecy)


def describe(error: Exception) -> str:
    """The error in words for a person; ours speak for themselves, others name their type."""
    if isinstance(error, Misconfigured) and error.setting and error.setting not in str(error):
        return f"{error} (setting: {error.setting})"
    said = str(error) if isinstance(error, KartotekaError) else f"{type(error).__name__}: {error}"
    return said[:2000]


def problem_key(key: str | None, job_id: int) -> str:
    """Jobs with the same key share their problem: the next success solves it."""
    return f"job:{key or job_id}"


def _bury(session: Session, job_id: int, kind: str, key: str | None, message: str) -> None:
    problems.report(
        session,
        area="job",
        subject=f"{kind} {key or job_id}",
        message=message,
        job_id=job_id,
        key=problem_key(key, job_id),
    )


@problems.retrier("job")
def _retry(session: Session, problem: Problem) -> None:
    row = session.get(Job, problem.job_id, with_for_update=True) if problem.job_id else None
    if row is None or row.state != "dead":
        raise BadInput("its job is gone", at="problem")
    job_id = enqueue(session, row.kind, row.args, key=row.key)
    problem.job_id = job_id
    problem.key = problem_key(row.key, job_id)
    session.delete(row)
