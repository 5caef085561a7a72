"""Makes the calls of journeys, host by host, so that one that hangs holds up no other."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, text

from email_campaigns import secret
from email_campaigns.journeys import calls, outside
from foundation.clock import monotonic, now
from foundation.database import transaction
from foundation.errors import KartotekaError
from foundation.jobs import Work, beat, enqueue, job

JOB = "journeys.call"
SPAN = 20.0  # seconds a worker stays with one host before others have their turn
REST = timedelta(seconds=60)  # a host that did not answer is left in peace
_MOST_SAID = 500
_DUE = (
    "FROM journey_calls c JOIN journeys j ON j.id = c.journey_id AND j.state <> 'paused'"
    " LEFT JOIN journey_callees h ON h.origin = c.origin"
    " WHERE c.state = 'waiting' AND c.due_at <= :now AND coalesce(h.rest_until <= :now, true)"
)
_HOSTS = text(f"SELECT DISTINCT c.origin {_DUE} ORDER BY 1")
_CLAIM = text(f"""
UPDATE journey_calls SET attempts = attempts + 1, begun_at = coalesce(begun_at, :now),
  due_at = :now + least(:shortest * power(4, least(attempts, 10)), :longest) * interval '1 second'
WHERE id = (SELECT c.id {_DUE} AND c.origin = :origin ORDER BY c.due_at, c.id LIMIT 1
  FOR UPDATE OF c SKIP LOCKED)
RETURNING id, address, body, attempts, begun_at""")


@beat("journeys.calls", every=5)
def look(engine: Engine) -> None:
    """Have every host called for which there is something to say. A copy of an installation calls nobody."""
    with transaction(engine) as session:
        hosts = session.scalars(_HOSTS, {"now": now()}).all()
        if hosts and secret.at_home(session, secret.switch(session)):
            for origin in hosts:
                enqueue(session, JOB, {"origin": origin}, key=f"{JOB}:{origin}")


@dataclass(frozen=True)
class _Call:
    """One that is to be made now."""

    id: UUID
    address: str
    body: bytes
    attempts: int
    begun_at: datetime
    secret: str


@dataclass(frozen=True)
class _Refused:
    """What a call comes to that can't be made."""

    words: str
    state: str = "refused"
    wait: float | None = None


@job(JOB)
def call(work: Work) -> None:
    """Make the calls that are due to one host, until there are none, or it doesn't answer."""
    origin, until = work.args["origin"], monotonic() + SPAN
    try:
        callee: outside.Callee = outside.caller().callee(origin)
    except KartotekaError as error:
        callee = _Nobody(str(error))
    with closing(callee):
        while (one := _claimed(work, origin)) is not None:
            told = calls.post(callee, one.address, one.id, one.body, one.secret)
            _write(work, origin, one, told)
            work.checkpoint()
            if told.state == "silent" or monotonic() >= until:
                break
    # what is left is found by the beat


class _Nobody:
    """In the place of a host that may not be called."""

    def __init__(self, why: str) -> None:
        self._why = why

    def post(self, _address: str, _body: bytes, _headers: object) -> outside.Told:
        """Why not."""
        return _Refused(self._why)

    def close(self) -> None:
        """Nothing to let go of."""


def _claimed(work: Work, origin: str) -> _Call | None:
    """The call that is due longest, its try counted and its next one set, should we die in this one."""
    values = {
        "now": now(), "origin": origin, "shortest": calls.SHORTEST.total_seconds(),
        "longest": calls.LONGEST.total_seconds(),
    }  # fmt: skip
    with transaction(work.engine) as session:
        work.guard(session)
        row = session.execute(_CLAIM, values).one_or_none()
        if row is None:
            return None
        calls.know(session, origin)
        key = calls.secrets_of(session, [origin])[origin]
    return _Call(row.id, row.address, row.body.encode(), row.attempts, row.begun_at, key)


_SAID = text("UPDATE journey_calls SET said = :said, due_at = greatest(due_at, :due) WHERE id = :id")
_REST = text("UPDATE journey_callees SET rest_until = :until WHERE origin = :origin")
# whoever else waits for a host that doesn't answer has begun to wait, too
_ALL = text(
    "UPDATE journey_calls SET begun_at = coalesce(begun_at, :now), said = :said"
    " WHERE state = 'waiting' AND origin = :origin AND due_at <= :now"
)
_OLD = text(
    "SELECT id FROM journey_calls WHERE state = 'waiting' AND origin = :origin AND begun_at <= :before"
)


def _write(work: Work, origin: str, one: _Call, told: outside.Told) -> None:
    """What became of a call; the last word in a transaction of its own."""
    said, at = told.words[:_MOST_SAID], now()
    with transaction(work.engine) as session:
        work.progressed(session)
        if told.state in ("taken", "refused"):
            calls.end(session, [one.id], "taken" if told.state == "taken" else "failed", said)
            return
        wait = timedelta(seconds=told.wait or 0)
        session.execute(_SAID, {"id": one.id, "said": said, "due": at + wait})
        over = [one.id] if at + max(wait, calls.later(one.attempts)) > one.begun_at + calls.PATIENCE else []
        if told.state == "silent":
            session.execute(_REST, {"origin": origin, "until": at + max(wait, REST)})
            session.execute(_ALL, {"origin": origin, "now": at, "said": said})
            over += session.scalars(_OLD, {"origin": origin, "before": at - calls.PATIENCE})
        if over:
            calls.end(session, over, "failed", said)
