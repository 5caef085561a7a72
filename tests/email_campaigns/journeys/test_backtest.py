"""A journey tried out on the past: what really ran comes out again, and nothing real is touched."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from email_campaigns.journeys.backtest import replay, sandbox, store
from email_campaigns.journeys.tables import Journey
from email_campaigns.triggers import parts
from foundation import clock
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.heartbeat import Heartbeat
from foundation.running import run_one
from tests.email_campaigns.journeys.test_walk import DAY, HOUR, MINUTE, wait
from tests.email_campaigns.journeys.world import Street

PEOPLE = 12
TICK = 15 * MINUTE  # between looks of the workers
TABLES = ("journeys", "journey_runs", "journey_acts", "journey_tasks", "deliveries", "timeline", "problems",
          "segment_entries", "segment_touched", "mail_switch")  # fmt: skip


def tried(street: Street, journey: UUID, days: int = 7, **more: Any) -> Any:
    """A back-test, done by its job."""
    with transaction(street.engine) as session:
        test = store.start(session, session.get_one(Journey, journey), days, "olga@example.org", **more).id
    with Heartbeat(street.engine) as heartbeat:
        while run_one(street.engine, "test", heartbeat):
            pass
    with transaction(street.engine) as session:
        row = store.read(session, test)
        assert (row.state, row.reason) == ("done", "")
        return row.result


def letters(result: Any) -> dict[tuple[str, str, str], datetime]:
    """Who got what and when, as the back-test says."""
    return {
        (row["customer"], row["entered_at"], one["step"]): datetime.fromisoformat(one["at"])
        for row in result["rows"]
        for one in row["letters"]
        if one["state"] == "accepted"
    }


def really(street: Street) -> dict[tuple[str, str, str], datetime]:
    """The same as it was."""
    query = (
        "SELECT r.customer_id, r.entered_at, split_part(d.step, ':', 4), d.handed_at FROM journey_runs r"
        " CROSS JOIN LATERAL unnest(r.letters) l (step) JOIN deliveries d ON d.step = l.step"
        " WHERE d.state = 'accepted'"
    )
    return {(str(row[0]), row[1].isoformat(), row[2]): row[3] for row in street.rows(query)}


def kept(street: Street) -> dict[str, Any]:
    """What a back-test must leave alone."""
    return {table: street.rows(f"SELECT t FROM {table} t ORDER BY CAST(t AS text)") for table in TABLES}


def lived(street: Street, seed: int) -> None:
    """Days in which things happen to people by chance, and the workers work."""
    chance = random.Random(seed)
    for _round in range(40):
        for _event in range(chance.randrange(3)):
            number = chance.randrange(PEOPLE)
            street.happen(number, chance.choice(["test.begun", "test.begun", "test.ended"]))
            clock.advance(timedelta(seconds=chance.randrange(1, 50)))
            street.tick()
        if chance.random() < 0.2:
            street.desk.order(f"person{chance.randrange(PEOPLE)}@mail.example", after=-timedelta(seconds=1))
            street.do("INSERT INTO segment_touched (customers, what, at) VALUES ('{}', 'x', now())")
        if chance.random() < 0.1:
            withdrawn(street, chance.randrange(PEOPLE), given=chance.random() < 0.5)
        street.live(HOUR, TICK)


def withdrawn(street: Street, number: int, *, given: bool) -> None:
    """Somebody withdraws their consent, or gives it again."""
    street.do(
        "INSERT INTO consents (profile_id, channel, purpose, given, at, text, form, ip, source_key,"
        " received_at) SELECT id, 'email', 'marketing', :given, :at, '', '', '', :key, :at FROM profiles"
        " WHERE external_id = :person",
        given=given, at=clock.now(), key=str(clock.new_id()), person=f"p{number}",
    )  # fmt: skip
    street.do(
        "UPDATE customers SET email_consent = :said WHERE name = :name",
        said="given" if given else "withdrawn", name=f"Person Nr{number}",
    )  # fmt: skip


def test_a_journey_that_really_ran_comes_out_again(street: Street) -> None:
    street.desk.crowd(PEOPLE)
    street.do("UPDATE mail_switch SET quiet_from = 22, quiet_until = 8, cap = 3")
    clock.advance(DAY)
    journey = street.journey(
        wait(2),
        street.letter(),
        {"type": "split", "arms": [
            {"name": "A", "share": 50, "steps": [wait(5)]},
            {"name": "B", "share": 50, "steps": [{"type": "until", "time": "10:00", "weekdays": []}]},
        ]},
        {"type": "condition", "condition": "orders.count(last 2 days) >= 1",
         "yes": [{"type": "exit"}], "no": []},
        street.letter(),
        reentry={"kind": "after", "days": 1}, holdout=10, goal={"kind": "order"},
    )  # fmt: skip
    for number in range(PEOPLE):  # who is held out is drawn by ids: enough of them come in whatever is drawn
        street.happen(number, "test.begun")
        clock.advance(timedelta(seconds=7))  # or somebody's wait would end in the instant of another's event
        street.tick()
    lived(street, 1)
    before, was = kept(street), really(street)
    assert len(was) > 10
    found = letters(tried(street, journey))
    assert found.keys() == was.keys()
    assert max(abs(found[one] - was[one]) for one in was) <= 2 * TICK + timedelta(
        seconds=10
    )  # of two letters
    ends = {
        (str(row.customer_id), row.entered_at.isoformat()): (row.state, row.reason)
        for row in street.rows("SELECT * FROM journey_runs WHERE reason NOT IN ('again', 'already')")
    }
    rows = tried(street, journey)["rows"]
    said = {(row["customer"], row["entered_at"]): (row["state"], row["reason"]) for row in rows}
    assert said == ends
    assert kept(street) == before


def test_it_tries_out_what_never_ran_and_says_who_bought_anyway(street: Street) -> None:
    street.desk.crowd(4)
    journey = street.journey(wait(1), street.letter(), on=False)
    clock.advance(DAY)
    for number in range(4):
        street.happen(number)
    clock.advance(MINUTE)
    street.desk.order("person1@mail.example", total=70, after=timedelta())  # before the letter
    street.desk.order("person2@mail.example", total=30, after=DAY)
    withdrawn(street, 3, given=False)
    clock.advance(2 * DAY)
    found = tried(street, journey, 4)
    assert (found["entered"], found["letters"], found["skipped"]) == (4, 3, {"no_consent": 1})
    assert (found["bought"], found["bought_before"], found["money"]) == (2, 1, {"KZT": "100.0000"})
    assert found["steps"] == {"s2": 3}
    assert street.rows("SELECT FROM journey_runs") == street.rows("SELECT FROM deliveries") == []


def test_it_is_then_with_what_was_known_then(street: Street) -> None:
    street.desk.crowd(1)
    clock.advance(DAY)
    before = clock.now()
    clock.advance(HOUR)
    street.happen(0)
    street.desk.order("person0@mail.example", after=timedelta())
    withdrawn(street, 0, given=False)
    with transaction(street.engine) as session:
        journey = session.get_one(Journey, street.journey(on=False)).id
    clock.advance(DAY)
    real = clock.now()
    query = text(
        "SELECT (SELECT count(*) FROM timeline WHERE kind = 'test.begun'), (SELECT count(*) FROM orders),"
        " (SELECT email_consent FROM customers), (SELECT orders FROM customer_stats)"
    )
    with sandbox.opened(street.engine, journey, before) as inside:
        assert clock.now() == before
        assert tuple(inside.execute(query).one()) == (0, 0, "given", 0)
        sandbox.at(inside, before + 2 * HOUR)
        assert tuple(inside.execute(query).one()) == (1, 1, "withdrawn", 1)
    assert clock.now() == real
    assert street.rows("SELECT count(*) FROM orders")[0][0] == 1


def test_nothing_real_can_be_written_from_within(street: Street) -> None:
    journey = street.journey(on=False)
    with sandbox.opened(street.engine, journey, clock.now() - DAY) as inside:
        inside.execute(text("INSERT INTO journey_acts (run_id, step, what, detail, at) VALUES"
                            " (gen_random_uuid(), '', 'x', '{}', now())"))  # fmt: skip
        with pytest.raises(InternalError, match="read-only"):
            inside.execute(text("UPDATE letters SET name = 'x'"))
    assert street.rows("SELECT FROM journey_acts") == []
    assert street.rows("SELECT name FROM letters")[0].name == "News"


def test_the_past_that_was_loaded_later_counts_as_known_when_it_happened(street: Street) -> None:
    street.desk.crowd(1)
    street.do("UPDATE consents SET at = :at", at=clock.now() - 100 * DAY)
    clock.advance(timedelta(seconds=1))
    street.happen(0, at=clock.now() - 3 * DAY)
    street.do("UPDATE timeline SET received_at = :at", at=clock.now())
    found = tried(street, street.journey(on=False))
    assert (found["entered"], found["letters"]) == (1, 1)


def test_a_shop_that_was_connected_today_has_a_past(street: Street) -> None:
    street.do("UPDATE sources SET created_at = :at", at=clock.now())
    journey, before = street.journey(on=False), clock.now() - DAY
    bought = text("SELECT count(*) FROM sources s WHERE " + parts.LIVE_SOURCE.format("s.id", ":before"))
    with sandbox.opened(street.engine, journey, before) as inside:
        assert inside.scalar(bought, {"before": before}) > 0
    with transaction(street.engine) as session:
        assert session.scalar(bought, {"before": before}) == 0


def test_when_time_gets_short_instants_are_taken_together(street: Street) -> None:
    street.desk.crowd(3)
    journey = street.journey(wait(3), street.letter(), on=False)
    for minute in range(60):
        street.happen(minute % 3)
        clock.advance(MINUTE)
    clock.advance(DAY)
    with transaction(street.engine) as session:
        test = store.start(session, session.get_one(Journey, journey), 2).id
    heard: list[datetime] = []
    store.run(street.engine, test, heard.append, seconds=0.001)
    with transaction(street.engine) as session:
        row = store.read(session, test)
        assert (row.state, row.result["letters"]) == ("done", 3)
    assert len(heard) < 20
    assert heard == sorted(heard)


def test_too_many_people_are_a_reason(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MOST_PEOPLE", 1)
    street.desk.crowd(2)
    journey = street.journey(on=False)
    street.happen(0)
    street.happen(1)
    clock.advance(HOUR)
    with transaction(street.engine) as session:
        test = store.start(session, session.get_one(Journey, journey), 1).id
    store.run(street.engine, test)
    with transaction(street.engine) as session:
        row = store.read(session, test)
        assert (row.state, row.result) == ("failed", {})
        assert "more than 1 people" in row.reason


def test_what_cannot_be_tried_out(street: Street) -> None:
    journey = street.journey(on=False)
    with transaction(street.engine) as session:
        row = session.get_one(Journey, journey)
        with pytest.raises(BadInput, match="1 to 90"):
            store.start(session, row, 91)
        with pytest.raises(BadInput, match="no such"):
            store.read(session, journey)
