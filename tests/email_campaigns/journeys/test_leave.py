"""Who leaves before the end, and what a person does to a journey: letters that have not left never will."""

from datetime import timedelta

import pytest

from email_campaigns.journeys import store
from email_campaigns.journeys.tables import Journey
from foundation import clock
from foundation.database import transaction
from foundation.errors import BadInput
from tests.email_campaigns.journeys.test_walk import DAY, HOUR, MINUTE, wait
from tests.email_campaigns.journeys.world import Street


def test_no_letter_when_there_is_no_need_any_more(street: Street) -> None:
    street.desk.crowd(2)
    street.journey(wait(2), street.letter())
    street.happen(0)
    street.happen(1)
    street.live(HOUR)
    street.happen(0, "test.ended")
    street.live(2 * HOUR)
    assert street.runs() == [("p0", "left", "over"), ("p1", "done", "")]
    assert [row[0] for row in street.ledger()] == ["person1@mail.example"]


def test_an_order_is_the_goal(street: Street) -> None:
    street.desk.crowd(2)
    street.journey(wait(2), street.letter(), wait(1), street.letter(), goal={"kind": "order"})
    street.happen(0)
    street.happen(1)
    street.live(150 * MINUTE)
    street.desk.order("person0@mail.example", after=timedelta())
    street.live(2 * HOUR)
    assert street.runs() == [("p0", "goal", "order"), ("p1", "done", "")]
    assert [row[0][6] for row in street.ledger()] == ["0", "1", "1"]


def test_an_order_that_a_ledger_sends_back_is_not_the_goal(street: Street) -> None:
    street.desk.crowd(1)
    street.journey(wait(2), street.letter(), goal={"kind": "order"})
    street.happen(0)
    street.live(HOUR)
    street.desk.order("person0@mail.example", after=timedelta())
    street.do("UPDATE orders SET copy_of = id")
    street.live(2 * HOUR)
    assert street.runs() == [("p0", "done", "")]


def test_whoever_leaves_at_night_gets_no_letter_in_the_morning(street: Street) -> None:
    street.desk.crowd(2)
    street.do("UPDATE mail_switch SET quiet_from = 21, quiet_until = 9")
    street.journey(wait(9), street.letter(), wait(2), street.letter())  # 23:00 in Almaty
    street.happen(0)
    street.happen(1)
    street.live(12 * HOUR)
    assert {row[2] for row in street.ledger()} == {"planned"}
    street.happen(0, "test.ended")
    street.live(10 * HOUR)
    rows = street.ledger()
    assert ("person0@mail.example", "s2", "cancelled", "left_journey") in rows
    assert [row[1:3] for row in rows if row[0][6] == "1"] == [("s2", "accepted"), ("s4", "accepted")]
    morning, next_one = street.rows("SELECT handed_at FROM deliveries WHERE state = 'accepted' ORDER BY 1")
    assert next_one.handed_at - morning.handed_at >= 2 * HOUR  # the night's letters don't come at once


def test_a_paused_journey_stands_still(street: Street) -> None:
    street.desk.crowd(4)
    journey = street.journey(wait(1), street.letter())
    street.do("UPDATE mail_switch SET stopped = true")
    street.happen(0)  # its letter will be planned, and wait
    street.live(90 * MINUTE)
    street.happen(1)
    street.live(MINUTE)
    street.switch(journey, "paused")
    street.do("UPDATE mail_switch SET stopped = false")
    street.happen(2)
    street.live(DAY, HOUR)
    assert [row[2:] for row in street.ledger()] == [("planned", "journey_paused")]
    assert [row[:2] for row in street.runs()] == [("p0", "going"), ("p1", "going")]
    street.switch(journey, "on")
    street.tick()
    assert [row[2] for row in street.ledger()] == ["accepted", "accepted"]
    street.live(HOUR)
    assert [row[:2] for row in street.runs()] == [("p0", "done"), ("p1", "done")]  # not who came meanwhile


def test_one_that_is_switched_off_lets_everybody_go(street: Street) -> None:
    street.desk.crowd(2)
    journey = street.journey(wait(1), street.letter())
    street.do("UPDATE mail_switch SET stopped = true")
    street.happen(0)
    street.live(90 * MINUTE)
    street.happen(1)
    street.live(MINUTE)
    street.switch(journey, "off")
    street.do("UPDATE mail_switch SET stopped = false")
    street.live(DAY, HOUR)
    assert [row[2:] for row in street.ledger()] == [("cancelled", "journey_off")]
    assert street.runs() == [("p0", "stopped", "off"), ("p1", "stopped", "off")]
    assert street.log()[-2:] == [("", "ended"), ("", "ended")]
    street.switch(journey, "on")
    clock.advance(MINUTE)
    street.happen(1)
    street.live(2 * HOUR)
    assert street.runs()[-1] == ("p1", "done", "")


def test_what_can_be_made_of_it(street: Street) -> None:
    journey = street.journey(on=False)
    with pytest.raises(BadInput, match="is draft"):
        street.switch(journey, "paused")
    street.switch(journey, "on")
    with pytest.raises(BadInput):
        street.switch(journey, "archived")
    street.switch(journey, "off")
    street.switch(journey, "archived")
    with transaction(street.engine) as session:
        row = session.get_one(Journey, journey)
        with pytest.raises(BadInput, match="archived"):
            store.save(session, row, street.spec())
        copy = store.clone(session, row, "igor@example.org")
        assert (copy.name, copy.state, copy.version) == ("Journey (copy)", "draft", 1)
        assert store.version(session, copy) == store.version(session, row)


def test_the_journey_that_matters_more_goes_first_within_the_cap(street: Street) -> None:
    street.desk.crowd(1)
    street.do("UPDATE mail_switch SET cap = 1")
    street.journey(wait(1), street.letter(), name="Less", priority=7)
    street.journey(wait(1), street.letter(), name="More", priority=2)
    street.happen(0)
    street.live(2 * HOUR)
    rows = street.rows(
        "SELECT j.name, d.state, d.reason FROM deliveries d JOIN journeys j"
        " ON CAST(j.id AS text) = split_part(d.step, ':', 2) ORDER BY j.name"
    )
    assert [tuple(row) for row in rows] == [("Less", "skipped", "cap"), ("More", "accepted", "")]


def test_a_restored_copy_moves_nobody(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    street.desk.crowd(1)
    street.journey(wait(1, "minutes"), street.letter())
    monkeypatch.setattr("email_campaigns.delivery.guards.held", lambda *_all: "restored")
    street.happen(0)
    street.live(HOUR)
    assert street.runs() == []
