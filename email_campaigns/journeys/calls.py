"""Calls to outside addresses as rows: planned with the run's move, ended one way or another, tried again.

At least once: a call whose answer was lost is made again under the same key, for a day.
"""

import hmac
from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from customers.touched import JOURNEYS
from email_campaigns.journeys import outside
from email_campaigns.journeys.tables import JourneyCall, JourneyCallee
from foundation import problems
from foundation.clock import new_id, now
from foundation.context import current
from foundation.sealing import Sealer
from foundation.tables import Problem
from foundation.wake import wake_after_commit

PATIENCE = timedelta(days=1)  # from the first try to giving up
SHORTEST, LONGEST = timedelta(seconds=30), timedelta(hours=6)  # between tries
PREFIX = "journey call:"


def later(attempts: int) -> timedelta:
    """How long after so many tries the next one comes."""
    factor: int = 4 ** min(max(attempts - 1, 0), 10)
    return min(SHORTEST * factor, LONGEST)


# the secret of a host


def know(session: Session, origin: str) -> None:
    """Have a secret for a host; one that is there stays."""
    sealed = current().sealer.seal(token_urlsafe(32))
    fresh = insert(JourneyCallee).values(origin=origin, secret=sealed, made_at=now())
    session.execute(fresh.on_conflict_do_nothing())


def renew(session: Session, origin: str) -> None:
    """A new secret for a host that has one; calls are signed with it from now on."""
    sealed = current().sealer.seal(token_urlsafe(32))
    changed = update(JourneyCallee).where(JourneyCallee.origin == origin)
    session.execute(changed.values(secret=sealed, made_at=now()))


def secrets_of(session: Session, origins: Collection[str], sealer: Sealer | None = None) -> dict[str, str]:
    """The secrets of those hosts that have one. One query."""
    if not origins:
        return {}
    sealer = sealer or current().sealer
    rows = session.execute(
        select(JourneyCallee.origin, JourneyCallee.secret).where(JourneyCallee.origin.in_(origins))
    )
    return {row.origin: sealer.unseal(row.secret) for row in rows}


def signature(secret: str, at: int, body: bytes) -> str:
    """What stands in the header: the instant, and the HMAC-SHA256 of "instant.body" in hex."""
    digest = hmac.digest(secret.encode(), f"{at}.".encode() + body, sha256().name).hex()
    return f"t={at},v1={digest}"


def post(callee: outside.Callee, address: str, key: UUID, body: bytes, secret: str) -> outside.Told:
    """One call, signed, under the key that stays the same however often it is made."""
    headers = {
        "Idempotency-Key": str(key),
        "X-Kartoteka-Signature": signature(secret, int(now().timestamp()), body),
    }
    return callee.post(address, body, headers)


def try_out(session: Session, address: str, origin: str) -> str:
    """Call an address with an example, and what it says; `Misconfigured` when it may not be called."""
    caller, key = outside.caller(), new_id()
    caller.check(address)
    know(session, origin)
    said = {
        "id": str(key), "type": "test", "at": now().isoformat(),
        "customer": {"id": str(UUID(int=0)), "email": "somebody@example.org", "name": "Somebody"},
    }  # fmt: skip
    with closing(caller.callee(origin)) as callee:
        body = msgspec.json.encode(said)
        return post(callee, address, key, body, secrets_of(session, [origin])[origin]).words


# rows


def plan(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Calls to be made; a run's step calls once, however often it is planned."""
    session.execute(insert(JourneyCall).on_conflict_do_nothing(), list(rows))


def fates(session: Session, runs: Collection[UUID], step: str) -> dict[UUID, JourneyCall]:
    """What became of the calls of these runs at a step; it stays so until the transaction ends."""
    query = select(JourneyCall).where(JourneyCall.run_id.in_(runs), JourneyCall.step == step)
    query = query.order_by(JourneyCall.id).with_for_update(read=True)
    return {one.run_id: one for one in session.scalars(query)}


def cancel(session: Session, *which: ColumnElement[bool]) -> None:
    """Calls that were not taken yet are not made any more.

    Calls are locked before the runs they belong to, here and everywhere.
    """
    session.execute(
        update(JourneyCall)
        .where(JourneyCall.state == "waiting", *which)
        .values(state="cancelled", body="", finished_at=now())
    )


_END = text(
    "UPDATE journey_calls SET state = CAST(:state AS text), said = :said, finished_at = :now,"
    " body = CASE WHEN CAST(:state AS text) = 'taken' THEN '' ELSE body END"
    " WHERE id = ANY(:ids) AND state = 'waiting' RETURNING id, journey_id, step, run_id, address, body"
)
_GO = text(
    "UPDATE journey_runs SET due_at = least(due_at, :now) WHERE id = ANY(:runs) AND state = 'going'"
    " AND waiting AND at_step = :step"
)


def end(session: Session, ids: Collection[UUID], state: str, said: str) -> None:
    """These calls are over, taken or failed, and those who wait for them go on."""
    values = {"ids": list(ids), "state": state, "said": said, "now": now()}
    rows = session.execute(_END, values).all()
    for journey, step in sorted({(row.journey_id, row.step) for row in rows}):
        here = [row for row in rows if (row.journey_id, row.step) == (journey, step)]
        session.execute(_GO, {"runs": [row.run_id for row in here], "now": now(), "step": step})
        if state == "failed":
            _tell(session, journey, step, here[-1], said)
        elif not _failed(session, journey, step):
            problems.settle(session, f"{PREFIX}{journey}:{step}")
    wake_after_commit(session, JOURNEYS)


def _tell(session: Session, journey: UUID, step: str, row: Any, said: str) -> None:
    host = row.address.split("/")[2]
    problems.report(
        session, area="call", subject=f"call to {host}", key=f"{PREFIX}{journey}:{step}", payload=row.body,
        message=f"A journey could not tell {host}, and has given up: {said}",
    )  # fmt: skip


def _failed(session: Session, journey: UUID, step: str) -> bool:
    mine = (JourneyCall.journey_id == journey, JourneyCall.step == step, JourneyCall.state == "failed")
    return session.scalar(select(JourneyCall.id).where(*mine).limit(1)) is not None


_AGAIN = text(
    "UPDATE journey_calls SET state = 'waiting', attempts = 0, begun_at = NULL, due_at = :now,"
    " finished_at = NULL WHERE state = 'failed' AND journey_id = CAST(:journey AS uuid) AND step = :step"
)


@problems.retrier("call")
def _retry(session: Session, problem: Problem) -> None:
    """Every call of that step that was given up is made after all."""
    journey, _, step = str(problem.key).removeprefix(PREFIX).partition(":")
    session.execute(_AGAIN, {"now": now(), "journey": journey, "step": step})
