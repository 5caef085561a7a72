"""The duty that follows journeys: woken by what happens, broken by nothing, at one journey one at a time."""

import dataclasses
from datetime import timedelta
from types import MappingProxyType

import pytest

from customers.touched import JOURNEYS, touch
from email_campaigns import triggers
from email_campaigns.journeys import jobs
from email_campaigns.journeys.tables import Journey
from foundation import clock, wake
from foundation.database import transaction
from tests.email_campaigns.journeys.test_walk import HOUR, MINUTE
from tests.email_campaigns.journeys.world import TRIGGER, Street


def other(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """The test's trigger, but for these."""
    one = dataclasses.replace(TRIGGER, **changes)
    monkeypatch.setattr(triggers, "everything", lambda: MappingProxyType({"test": one}))


def test_what_breaks_one_journey_stops_no_other(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    street.desk.crowd(1)
    first = street.journey(name="First", priority=1)
    street.journey(name="Second")
    usual = jobs._brought

    def broken(engine: object, journey_id: object) -> int:
        if journey_id == first:
            raise ValueError("no such thing")
        return usual(engine, journey_id)  # type: ignore[arg-type]

    street.happen(0)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "_brought", broken)
        street.tick()
        (problem,) = street.rows("SELECT message FROM problems WHERE state = 'open'")
        assert "no such thing" in problem.message
        assert len(street.ledger()) == 1
    street.tick()
    assert street.rows("SELECT FROM problems WHERE state = 'open'") == []
    assert len(street.ledger()) == 2


def test_sql_that_fails_is_a_problem(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    street.desk.crowd(1)
    street.journey()
    other(monkeypatch, entries=lambda _window: ("SELECT nothing FROM nowhere", {}))
    street.tick()
    (problem,) = street.rows("SELECT message FROM problems WHERE state = 'open'")
    assert "nowhere" in problem.message


def test_what_time_brings_about_is_looked_at_every_minute(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def entries(window):
        asked.append(window.until)
        return TRIGGER.entries(window)

    other(monkeypatch, kinds=frozenset(), entries=entries)
    street.journey()
    street.live(MINUTE, timedelta(seconds=5))
    assert len(asked) in (2, 3)


def test_it_looks_far_back_once_an_hour(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = []

    def entries(window):
        windows.append(window.until - window.arrived_since)
        return TRIGGER.entries(window)

    other(monkeypatch, entries=entries)
    street.journey()
    street.live(2 * HOUR, 10 * MINUTE)
    far = [one for one in windows if one > HOUR]
    assert len(far) == 3 and len(windows) == 13
    assert set(windows) - set(far) == {jobs.OVERLAP + 10 * MINUTE}


def test_while_somebody_else_is_at_it_nobody_waits(street: Street) -> None:
    street.desk.crowd(1)
    journey = street.journey()
    street.happen(0)
    with transaction(street.engine) as session:
        session.get_one(Journey, journey, with_for_update=True)
        street.follow()
        assert street.runs() == []
    street.follow()
    assert len(street.runs()) == 1


def test_whatever_wakes_segments_wakes_journeys(street: Street) -> None:
    street.desk.crowd(1)
    heard: list[str] = []
    wake.hear(heard.append)
    try:
        with transaction(street.engine) as session:
            touch(session, {row.id for row in street.rows("SELECT id FROM customers")})
    finally:
        wake.unhear(heard.append)
    assert JOURNEYS in heard


def test_it_rests_between_looks_when_they_come_thick(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 0.2, 0.3, 0.8, 0.9])
    waits: list[float] = []
    monkeypatch.setattr(jobs, "monotonic", lambda: next(moments))
    monkeypatch.setattr(jobs.threading.Event, "wait", lambda _self, seconds: waits.append(round(seconds, 3)))
    pace = jobs._Pace()
    pace.rest()  # 0.0
    pace.done()  # 0.2: rests until 0.8
    pace.rest()  # 0.3
    assert waits == [0.5]
    assert clock.now()
