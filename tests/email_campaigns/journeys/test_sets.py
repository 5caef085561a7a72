"""Journeys that set a field of the card: a statement of our own, there for segments, never for keys."""

from datetime import timedelta
from typing import Any

import pytest

from customers import merge
from customers.segments import language
from customers.segments import store as segments
from email_campaigns.journeys import explain
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.jobs import run_until_idle
from tests.email_campaigns.journeys.test_backtest import tried
from tests.email_campaigns.journeys.world import Street, person

DAY = timedelta(days=1)


def set_(field: str, value: str) -> dict[str, Any]:
    return {"type": "set", "field": field, "value": value}


def test_the_next_question_sees_what_was_set(street: Street) -> None:
    street.desk.people(person(1), person(2))
    ask = {
        "type": "condition",
        "condition": 'tags has "called" and city = "Astana"',
        "yes": [street.letter()],
    }
    street.journey(set_("city", " Astana "), set_("tag", "called"), ask)
    street.happen(1)
    street.tick()
    assert [row[0] for row in street.ledger()] == ["person1@mail.example"]
    found = street.rows("SELECT city, tags, language, email FROM customers ORDER BY email")
    assert [(row.city, row.tags) for row in found] == [("Astana", ["called"]), ("Almaty", [])]
    (source,) = street.rows(
        "SELECT s.name FROM customers c JOIN profiles p ON CAST(p.id AS text) = c.origins ->> 'city'"
        " JOIN sources s ON s.id = p.source_id WHERE c.city = 'Astana'"
    )
    assert source.name == "Kartoteka"
    with transaction(street.engine) as session:
        run = street.rows("SELECT id FROM journey_runs")[0].id
        said = [line.sentence for line in explain.run(session, run).lines]
    assert said[1:3] == ["Set the city to “Astana”.", "Tag with “called”."]


def test_segments_follow(street: Street) -> None:
    street.desk.people(person(1), person(2))
    with transaction(street.engine) as session:
        wanted = segments.make(session, "Kazakh", language.parse('language = "kk"'), "olga").id
    street.journey(set_("language", "KK"), set_("country", "kz"))
    street.happen(2)
    run_until_idle(street.engine)
    inside = street.rows(
        "SELECT c.email FROM segment_members m JOIN customers c ON c.id = m.customer_id"
        " WHERE m.segment_id = :id", id=wanted,
    )  # fmt: skip
    assert [row.email for row in inside] == ["person2@mail.example"]


def test_a_merge_undone_leaves_it_with_whom_it_was_about(street: Street) -> None:
    street.desk.people(person(1), person(2))
    street.journey(set_("tag", "called"))
    first, second = (row.id for row in street.rows("SELECT id FROM customers ORDER BY email"))
    street.merge(first, second)
    street.happen(2)
    street.follow()
    assert street.rows("SELECT tags FROM customers WHERE live")[0].tags == ["called"]
    operation = street.rows("SELECT id FROM operations WHERE kind = 'merge'")[0].id
    with transaction(street.engine) as session:
        merge.undo(session, operation, "olga")
    found = street.rows("SELECT email, tags FROM customers WHERE live ORDER BY email")
    assert [row.tags for row in found] == [[], ["called"]]


def test_a_back_test_changes_no_card(street: Street) -> None:
    street.desk.people(person(1))
    journey = street.journey(set_("tag", "called"), on=False)
    street.happen(1)
    street.live(DAY, DAY)
    assert tried(street, journey, 2)["rows"][0]["state"] == "done"
    assert street.rows("SELECT tags FROM customers")[0].tags == []
    assert street.rows("SELECT id FROM profiles WHERE kind = 'own'") == []


@pytest.mark.parametrize(
    ("field", "value", "at"),
    [
        ("email", "boris@example.com", "field"), ("name", "Boris", "field"), (None, "x", "field"),
        ("tag", "", "value"), ("tag", "a" * 81, "value"), ("tag", "a\x00b", "value"), ("tag", 5, "value"),
        ("language", "Kazakh!", "value"), ("country", "Kazakhstan", "value"), ("country", "ҚЗ", "value"),
    ],
)  # fmt: skip
def test_what_can_not_be_set_is_said(street: Street, field: Any, value: Any, at: str) -> None:
    with pytest.raises(BadInput) as refused:
        street.journey({"type": "set", "field": field, "value": value})
    assert refused.value.at == f"steps/0/{at}"
