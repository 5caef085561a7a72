"""Bringing people into journeys and along them: a duty that is woken by what happens; thin."""

import json
import threading
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Row, select, text
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


_ON = text(
    "SELECT j.id, j.swept_at, EXISTS (SELECT FROM journey_runs r WHERE r.journey_id = j.id"
    " AND r.state = 'going' AND r.due_at <= :now) AS due FROM journeys j WHERE j.state = 'on'"
    " ORDER BY j.priority, j.id"
)


@duty(JOURNEYS, every=5)
def follow(engine: Engine) -> bool:
    """One look at every journey that is on, each by one worker at a time, in transactions of its own."""
    _pace.rest()
    with transaction(engine) as session:
        if guards.held(session) == "restored":
            return False
        rows = session.execute(_ON, {"now": now()}).all()
    more = [_follow(engine, row) for row in rows]
    _pace.done()
    return any(more)


class _Pace:
    """Rests between looks, three times as long as the last one took: events come by the hundred a second."""

    most = 1.0  # seconds

    def __init__(self) -> None:
        self._began, self._until = 0.0, 0.0

    def rest(self) -> None:
        """Wait until the next look may begin."""
        self._began = monotonic()
        if self._until > self._began:
            threading.Event().wait(self._until - self._began)
            self._began = monotonic()

    def done(self) -> None:
        """A look is over."""
        at = monotonic()
        self._until = at + min(self.most, 3 * (at - self._began))


_pace = _Pace()


def _follow(engine: Engine, row: Row[Any]) -> bool:
    """Whether there may be more at once."""
    journey_id: UUID = row.id
    key = f"journey.broken:{journey_id}"
    try:
        brought = _brought(engine, journey_id)
        walked = _walked(engine, journey_id) if brought or row.due else 0
        if row.swept_at is None or now() - row.swept_at >= SWEEP:
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
    return brought >= enter.TOGETHER or walked >= walk.TOGETHER


_broken: set[UUID] = set()  # journeys whose last look failed in this process


def _held(session: Session, journey_id: UUID) -> Journey | None:
    """The journey while it is on and no other worker is at it."""
    wanted = select(Journey).where(Journey.id == journey_id, Journey.state == "on")
    return session.scalar(wanted.with_for_update(skip_locked=True))


def _brought(engine: Engine, journey_id: UUID) -> int:
    """How many occurrences were new."""
    with transaction(engine) as session:
        journey = _held(session, journey_id)
        if journey is None or journey.on_since is None:
            return 0
        at, found = now(), course.live(session, journey)
        if not found.trigger.kinds and journey.looked_at and at - journey.looked_at < BY_TIME:
            return 0
        since = max(journey.on_since, at - BACK)
        deep = journey.deep_at is None or at - journey.deep_at >= DEEP_EVERY
        arrived = at - DEEP if deep or journey.looked_at is None else journey.looked_at - OVERLAP
        brought = enter.bring(session, found, since, arrived)
        if brought < enter.TOGETHER:  # else the same look goes on: it finds those that are left
            _looked(journey, at, deep=deep, brought=bool(brought))
        return brought


def _looked(journey: Journey, at: datetime, *, deep: bool, brought: bool) -> None:
    if deep:
        journey.deep_at = at
    if deep or brought or journey.looked_at is None or at - journey.looked_at >= STORED:
        journey.looked_at = at


def _walked(engine: Engine, journey_id: UUID) -> int:
    """How many runs went on."""
    with transaction(engine) as session:
        journey = _held(session, journey_id)
        return walk.due(session, course.live(session, journey)) if journey is not None else 0


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
