"""Back-tests as they are kept: begun by a person, done by a job, read by a page."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.exc import DataError, InternalError, ProgrammingError
from sqlalchemy.orm import Session

from email_campaigns import secret
from email_campaigns.journeys import course, spec, store
from email_campaigns.journeys.backtest import outcome, sandbox
from email_campaigns.journeys.backtest.replay import Replay
from email_campaigns.journeys.tables import Journey, JourneyTest
from foundation.clock import now
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.jobs import enqueue
from foundation.text import _

JOB = "journeys.test"
MOST_DAYS = 90
SECONDS = 180.0  # a back-test takes about so long at most; instants are taken together when time gets short


def start(
    session: Session,
    journey: Journey,
    days: int,
    actor: str = "",
    said: Mapping[str, Any] | None = None,
    *,
    queued: bool = True,
) -> JourneyTest:
    """Have a journey tried out on the last days, its newest version or another spec.

    A job does it, unless whoever asks will `run` it themselves.
    """
    if not 1 <= days <= MOST_DAYS:
        raise BadInput(_("Try it out on 1 to %d days.") % MOST_DAYS, "days")
    kept = spec.checked(session, said) if said is not None else store.version(session, journey)
    at = now()
    row = JourneyTest(
        journey_id=journey.id, spec=kept, days=days, since=at - timedelta(days=days), until=at,
        created_at=at, created_by=actor,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if queued:
        enqueue(session, JOB, {"test": str(row.id)}, key=f"journey test:{row.id}")
    return row


def read(session: Session, test_id: UUID) -> JourneyTest:
    """A back-test with its progress (`share`) and, when it is done, its result; `BadInput` for none."""
    row = session.get(JourneyTest, test_id)
    if row is None:
        raise BadInput(_("There is no such back-test."), "test")
    return row


def share(row: JourneyTest) -> float:
    """How much of the window is gone through, from 0 to 1."""
    if row.state == "done":
        return 1.0
    if row.reached is None:
        return 0.0
    return (row.reached - row.since) / (row.until - row.since)


def page(session: Session, journey: Journey, limit: int = 20) -> list[JourneyTest]:
    """Its back-tests, the newest first."""
    query = select(JourneyTest).where(JourneyTest.journey_id == journey.id)
    return list(session.scalars(query.order_by(JourneyTest.created_at.desc()).limit(limit)))


Told = Callable[[datetime], None]


def run(engine: Engine, test_id: UUID, told: Told = lambda _at: None, seconds: float = SECONDS) -> None:
    """Do it; safe to do again. A mistake in it is its result, with the reason."""
    with transaction(engine) as session:
        secret.suppression_key(session)  # made on demand, which a back-test must not
        row = read(session, test_id)
        if row.state in ("done", "failed"):
            return
        row.state, row.reached = "running", row.since
        journey = session.get_one(Journey, row.journey_id)
    tried = course.given(journey.id, journey.name, row.spec)
    try:
        with sandbox.opened(engine, journey.id, row.since) as inside:
            Replay(inside, tried, row.since, row.until, seconds, told).run()
            result = outcome.of(inside, journey.id, row.since)
    except BadInput as error:
        _end(engine, test_id, "failed", error.message, {})
    except (ProgrammingError, DataError, InternalError) as error:  # a bug: told, and not tried again
        _end(engine, test_id, "failed", type(error).__name__, {})
        raise
    else:
        _end(engine, test_id, "done", "", result)


def _end(engine: Engine, test_id: UUID, state: str, reason: str, result: dict[str, Any]) -> None:
    with transaction(engine) as session:
        row = session.get_one(JourneyTest, test_id)
        row.state, row.reason, row.result, row.finished_at = state, reason, result, now()
