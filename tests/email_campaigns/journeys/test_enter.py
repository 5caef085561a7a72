"""Who comes in and who doesn't: each occurrence once, by the rules, with a reason."""

from datetime import timedelta
from uuid import UUID

import pytest

from customers.segments import language
from customers.segments import store as segments
from email_campaigns.journeys import enter, jobs, listing
from foundation import clock
from foundation.database import transaction
from tests.email_campaigns.journeys.test_walk import DAY, HOUR, MINUTE, wait
from tests.email_campaigns.journeys.world import Street, person


def occurrences(street: Street, *gaps: timedelta) -> list[str]:
    """What became of occurrences so far apart: states or reasons."""
    for gap in gaps:
        street.live(gap, 30 * MINUTE)
        street.happen(0)
    street.live(2 * HOUR, 30 * MINUTE)
    return [reason or state for _person, state, reason in street.runs()]


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ({"kind": "never"}, ["done", "already", "again", "again"]),
        ({"kind": "each"}, ["done", "already", "done", "done"]),
        ({"kind": "after", "days": 2}, ["done", "already", "again", "done"]),
    ],
)
def test_coming_in_again(street: Street, rule: dict, wanted: list[str]) -> None:
    street.desk.crowd(1)
    street.journey(wait(1), reentry=rule)
    assert occurrences(street, MINUTE, 30 * MINUTE, DAY, DAY) == wanted


def test_each_occurrence_counts_once_however_often_it_is_looked_at(street: Street) -> None:
    street.desk.crowd(1)
    street.journey(wait(1, "minutes"), street.letter())
    street.happen(0)
    street.live(3 * HOUR, 5 * MINUTE)
    assert len(street.runs()) == len(street.ledger()) == 1


def test_many_at_once_come_in_portion_by_portion(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enter, "TOGETHER", 7)
    street.desk.crowd(20)
    street.journey(wait(1, "minutes"))
    for number in range(20):
        street.happen(number)
    street.follow()
    assert len(street.runs()) == 20


def test_the_audience_is_asked_when_it_happens(street: Street) -> None:
    with transaction(street.engine) as session:
        astana = segments.make(session, "Astana", language.parse('city = "Astana"'), "olga@example.org").id
    street.desk.people(person(1), person(2, "Astana"), person(3, "Rome", "IT"))
    street.do("UPDATE customers SET city = NULL WHERE country = 'IT'")
    street.journey(audience={"include": [str(street.desk.segment)], "exclude": [str(astana)]})
    for number in (1, 2, 3):
        street.happen(number)
    street.tick()
    assert [(who, reason) for who, _state, reason in street.runs()] == [
        ("p1", "s1"), ("p2", "excluded"), ("p3", "audience")
    ]  # fmt: skip
    assert [row[0] for row in street.ledger()] == ["person1@mail.example"]


def test_some_are_held_out_and_always_the_same(street: Street) -> None:
    street.desk.crowd(100)
    street.journey(wait(1, "minutes"), holdout=30)
    for number in range(100):
        street.happen(number)
    street.live(5 * MINUTE, MINUTE)
    first = {who for who, _state, reason in street.runs() if reason == "holdout"}
    assert 12 < len(first) < 50
    street.do("DELETE FROM journey_runs")
    street.do("UPDATE journeys SET looked_at = NULL, deep_at = NULL")
    street.live(5 * MINUTE, MINUTE)
    assert {who for who, _state, reason in street.runs() if reason == "holdout"} == first


def test_whoever_becomes_known_within_the_day_comes_in_then(street: Street) -> None:
    street.desk.crowd(1)
    street.do("UPDATE customers SET identified = false")
    street.journey(wait(1, "days"))
    street.happen(0)
    street.live(3 * HOUR)
    assert street.runs() == []
    street.do("UPDATE customers SET identified = true")
    street.live(jobs.DEEP_EVERY + MINUTE)
    assert street.runs() == [("p0", "going", "s1")]


def test_two_cards_that_become_one_go_on_as_one(street: Street) -> None:
    street.desk.crowd(2)
    journey = street.journey(wait(5), street.letter())
    street.happen(0)
    clock.advance(MINUTE)
    street.happen(1)
    street.live(HOUR)
    ids = [row.id for row in street.rows("SELECT id FROM customers ORDER BY name")]
    street.merge(*ids)
    street.live(6 * HOUR)
    assert street.runs() == [("p0", "done", ""), ("p1", "left", "merged")]
    assert len(street.ledger()) == 1
    with transaction(street.engine) as session:
        rows, _more = listing.runs(session, customer=rows_card(street))
        assert {row.journey_id for row in rows} == {journey}
        assert len(rows) == 2


def rows_card(street: Street) -> UUID:
    """The card that lives."""
    return street.rows("SELECT id FROM customers WHERE live")[0].id


def test_an_occurrence_of_a_merged_card_is_the_same_occurrence(street: Street) -> None:
    street.desk.crowd(2)
    street.journey(wait(1, "minutes"))
    street.happen(0)
    street.live(MINUTE)
    street.merge(*(row.id for row in street.rows("SELECT id FROM customers ORDER BY name")))
    street.do("UPDATE journeys SET looked_at = NULL, deep_at = NULL")
    street.live(HOUR)
    assert len(street.runs()) == 1
