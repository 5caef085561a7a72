"""Bringing people into journeys and along them: a duty that is woken by what happens; thin."""

import json
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from customers.touched import JOURNEYS
from email_campaigns.delivery import guards
from email_campaigns.journeys import course, enter, figures, walk
from email_campaigns.journeys.backtest import store as tests
from email_campaigns.journeys.course import BACK, DEEP, OVERLAP
from email_campaigns.journeys.tables import Journey
from foundation import log, problems
from foundation.clock import monotonic, now
from foundation.database import transaction
from foundation.jobs import Work, beat, duty, enqueue, job

DEEP_EVERY = timedelta(hours=1)  # between looks that go far back
STORED = timedelta(seconds=30)  # how often it is written down where looking goes on
BY_TIME = timedelta(seconds=60)  # between looks at triggers that time brings about
SWEEP = timedelta(seconds=60)
PROGRESS = 2.0  # seconds between words of how far a back-test is


@duty(JOURNEYS, every=5)
def follow(engine: Engine) -> bool:
    """One look at every journey that is on, each by one worker at a time, in transactions of its own."""
    with transaction(engine) as session:
        if guards.held(session) == "restored":
            return False
        wanted = select(Journey.id).where(Journey.state == "on").order_by(Journey.priority, Journey.id)
        ids = session.scalars(wanted).all()
    more = [_follow(engine, one) for one in ids]
    return any(more)


def _follow(engine: Engine, journey_id: UUID) -> bool:
    """Whether there may be more at once."""
    key = f"journey.broken:{journey_id}"
    try:
        more = _brought(engine, journey_id)
        more = _walked(engine, journey_id) or more
        _swept(engine, journey_id)
    except Exception as error:  # noqa: BLE001 (the journey's edge: the others go on)
        log.get(__name__).exception("journey_broke", journey=str(journey_id))
        with transaction(engine) as session:
            problems.report(
                session, area="mail", subject=f"journey {journey_id}", key=key,
                message=f"The journey can't go on ({type(error).__name__}: {str(error)[:200]}). It is tried"
                " again every few seconds.",
            )  # fmt: skip
        _broken.add(journey_id)
        return False
    if journey_id in _broken:
        with transaction(engine) as session:
            problems.settle(session, key)
        _broken.discard(journey_id)
    return more


_broken: set[UUID] = set()  # journeys whose last look failed in this process


def _held(session: Session, journey_id: UUID) -> Journey | None:
    """The journey while it is on and no other worker is at it."""
    wanted = select(Journey).where(Journey.id == journey_id, Journey.state == "on")
    return session.scalar(wanted.with_for_update(skip_locked=True))


def _brought(engine: Engine, journey_id: UUID) -> bool:
    with transaction(engine) as session:
        journey = _held(session, journey_id)
        if journey is None or journey.on_since is None:
            return False
        at, found = now(), course.live(session, journey)
        if not found.trigger.kinds and journey.looked_at and at - journey.looked_at < BY_TIME:
            return False
        since = max(journey.on_since, at - BACK)
        deep = journey.deep_at is None or at - journey.deep_at >= DEEP_EVERY
        arrived = at - DEEP if deep or journey.looked_at is None else journey.looked_at - OVERLAP
        brought = enter.bring(session, found, since, arrived)
        if brought == enter.TOGETHER:
            return True  # the same look goes on: it finds those that are left
        _looked(journey, at, deep=deep, brought=bool(brought))
        return False


def _looked(journey: Journey, at: datetime, *, deep: bool, brought: bool) -> None:
    if deep:
        journey.deep_at = at
    if deep or brought or journey.looked_at is None or at - journey.looked_at >= STORED:
        journey.looked_at = at


def _walked(engine: Engine, journey_id: UUID) -> bool:
    with transaction(engine) as session:
        journey = _held(session, journey_id)
        if journey is None:
            return False
        return walk.due(session, course.live(session, journey)) == walk.TOGETHER


def _swept(engine: Engine, journey_id: UUID) -> None:
    """Every minute, and more seldom when that takes long, all who wait are looked at."""
    after: UUID | None = UUID(int=0)
    begun = now()
    while after is not None:
        with transaction(engine) as session:
            journey = _held(session, journey_id)
            if journey is None or (after.int == 0 and not _due(journey, begun)):
                return
            after = walk.sweep(session, course.live(session, journey), after)
            if after is None:
                journey.swept_at = now() + 20 * (now() - begun)


def _due(journey: Journey, at: datetime) -> bool:
    return journey.swept_at is None or at - journey.swept_at >= SWEEP


# figures


@beat("journeys.count", every=120)
def recount(engine: Engine) -> None:
    """Have the figures of lists counted anew, of journeys that somebody is in or was lately."""
    with transaction(engine) as session:
        query = "SELECT id FROM journeys WHERE state IN ('on', 'paused') ORDER BY id"
        for one in session.scalars(text(query)):
            enqueue(session, "journeys.count", {"journey": str(one)}, key=f"journey count:{one}")


@job("journeys.count")
def count(work: Work) -> None:
    """Keep a journey's figures for lists."""
    with transaction(work.engine) as session:
        journey = session.get(Journey, UUID(work.args["journey"]))
        if journey is not None:
            kept = figures.of(session, journey).kept()
            query = "UPDATE journeys SET figures = CAST(:kept AS jsonb) WHERE id = :id"
            session.execute(text(query), {"kept": json.dumps(kept), "id": journey.id})
            work.guard(session)


# back-tests


@job(tests.JOB)
def try_out(work: Work) -> None:
    """Try a journey out on the past; how far it is stands in its row every few seconds."""
    test_id, last = UUID(work.args["test"]), monotonic()

    def told(at: datetime) -> None:
        nonlocal last
        work.checkpoint()
        if monotonic() - last >= PROGRESS:
            last = monotonic()
            with transaction(work.engine) as session:
                query = "UPDATE journey_tests SET reached = :at WHERE id = :id"
                session.execute(text(query), {"at": at, "id": test_id})
                work.progressed(session)

    tests.run(work.engine, test_id, told)
