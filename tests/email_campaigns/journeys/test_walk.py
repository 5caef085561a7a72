"""Going along a journey: step by step, each letter once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from customers.segments import store as segments
from email_campaigns.journeys import explain, listing, store
from email_campaigns.journeys.steps.waits import next_time
from email_campaigns.journeys.tables import Journey
from foundation import clock
from foundation.database import transaction
from foundation.errors import BadInput
from tests.email_campaigns.journeys.world import Street, person
from tests.email_campaigns.mailings.world import written

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def wait(amount: int, unit: str = "hours") -> dict:
    return {"type": "wait", "amount": amount, "unit": unit}


def test_an_event_brings_somebody_in_and_the_letter_leaves(street: Street) -> None:
    street.desk.crowd(2)
    street.journey()
    street.happen(1)
    street.tick()
    assert street.ledger() == [("person1@mail.example", "s1", "accepted", "")]
    street.live(MINUTE, timedelta(seconds=10))
    assert street.runs() == [("p1", "done", "")]
    assert street.log() == [("", "entered"), ("s1", "letter"), ("s1", "sent")]


def test_a_wait_counts_from_when_it_happened_and_from_when_the_letter_left(street: Street) -> None:
    street.desk.crowd(1)
    street.journey(wait(3), street.letter(), wait(1, "days"), street.letter())
    began = clock.now()
    street.happen(0)
    clock.advance(2 * MINUTE)
    street.live(40 * HOUR, 10 * MINUTE)
    handed = street.rows("SELECT handed_at, due_at FROM deliveries ORDER BY handed_at")
    assert [row.due_at - began for row in handed] == [3 * HOUR, handed[0].handed_at - began + DAY]
    assert street.runs() == [("p0", "done", "")]


def test_what_happened_before_it_was_on_and_to_strangers_brings_nobody_in(street: Street) -> None:
    street.desk.people(person(1), person(2))
    street.do("UPDATE customers SET identified = false WHERE name = 'Person Nr2'")
    street.happen(1)
    clock.advance(MINUTE)
    street.journey()
    street.happen(2)
    street.live(HOUR)
    assert street.runs() == []


def test_branches_join_again_behind(street: Street) -> None:
    street.desk.people(person(1), person(2, "Astana"))
    street.journey(
        {"type": "condition", "condition": 'city = "Almaty"', "yes": [wait(1)], "no": [wait(2)]},
        street.letter(),
    )
    began = clock.now()
    street.happen(1)
    street.happen(2)
    street.live(3 * HOUR, 10 * MINUTE)
    rows = street.rows("SELECT address, due_at FROM deliveries ORDER BY address")
    assert [row.due_at - began for row in rows] == [HOUR, 2 * HOUR]
    assert ("s1", "yes") in street.log() and ("s1", "no") in street.log()


def test_a_split_sends_everybody_one_way(street: Street) -> None:
    street.desk.crowd(60)
    street.journey(
        {
            "type": "split",
            "arms": [
                {"name": "A", "share": 50, "steps": [{"id": "a", **street.letter()}]},
                {"name": "B", "share": 50, "steps": [{"id": "b", **street.letter()}]},
            ],
        }
    )
    for number in range(60):
        street.happen(number)
    street.live(MINUTE, 10 * timedelta(seconds=1))
    ways = [row[1] for row in street.ledger()]
    assert len(ways) == 60
    assert 15 < ways.count("a") < 45


def test_until_is_of_the_recipients_day(street: Street) -> None:
    street.desk.people(person(1), person(2, "Berlin", "DE"))
    street.journey({"type": "until", "time": "18:00", "weekdays": []}, street.letter())
    street.happen(1)
    street.happen(2)
    street.live(DAY)
    dues = {row.address: row.due_at.hour for row in street.rows("SELECT address, due_at FROM deliveries")}
    assert dues == {"person1@mail.example": 13, "person2@mail.example": 17}


@pytest.mark.parametrize(
    ("at", "wall", "weekdays", "wanted"),
    [
        ("2026-03-02T09:00", "09:00", [], "2026-03-02T09:00"),
        ("2026-03-02T09:01", "09:00", [], "2026-03-03T09:00"),
        ("2026-03-02T09:01", "10:00", [7], "2026-03-08T10:00"),
        ("2026-03-02T11:00", "10:00", [1], "2026-03-09T10:00"),
    ],
)
def test_the_next_time_of_a_day(at: str, wall: str, weekdays: list[int], wanted: str) -> None:
    found = next_time(datetime.fromisoformat(at).replace(tzinfo=UTC), "UTC", wall, weekdays)
    assert found == datetime.fromisoformat(wanted).replace(tzinfo=UTC)


def test_it_goes_on_when_what_it_waits_for_comes_true_or_the_time_is_up(street: Street) -> None:
    street.desk.people(person(1), person(2))
    street.journey(
        {"type": "wait_for", "condition": "orders.count() >= 1", "amount": 2, "unit": "days"},
        street.letter(),
    )
    began = clock.now()
    street.happen(1)
    street.happen(2)
    street.live(HOUR)
    street.desk.order("person1@mail.example", after=-MINUTE)
    street.do("UPDATE customer_stats SET orders = 1 WHERE customer_id IN (SELECT customer_id FROM orders)")
    street.live(3 * DAY, HOUR)
    rows = street.rows("SELECT due_at FROM deliveries ORDER BY address")
    assert HOUR <= rows[0].due_at - began <= 3 * HOUR
    assert rows[1].due_at - began == 2 * DAY
    assert {("s1", "came_true"), ("s1", "time_up")} <= set(street.log())


def test_tasks_and_lists(street: Street) -> None:
    street.desk.crowd(1)
    with transaction(street.engine) as session:
        segment = segments.make_list(session, "Called", "olga@example.org").id
    street.journey(
        {"type": "task", "text": "Call {{ customer.name }}", "within_hours": 5},
        {"type": "list", "segment_id": str(segment), "act": "add"},
        {"type": "exit"},
        street.letter(),
    )
    street.happen(0)
    street.tick()
    street.tick()
    assert street.runs() == [("p0", "left", "exit_step")]
    assert street.ledger() == []
    assert len(street.rows("SELECT FROM segment_entries WHERE removed_at IS NULL")) == 1
    with transaction(street.engine) as session:
        (task,), more = listing.tasks(session)
        assert (task.said, task.name, more) == ("Call {{ customer.name }}", "Person Nr0", None)
        assert task.due_at - task.created_at == 5 * HOUR
        listing.finish(session, task.id, "olga@example.org")
        listing.finish(session, task.id, "igor@example.org")
        assert listing.tasks(session) == ([], None)
        assert listing.tasks(session, done=True)[0][0].done_by == "olga@example.org"


def test_people_finish_the_version_they_entered(street: Street) -> None:
    street.desk.crowd(2)
    journey = street.journey(wait(5), street.letter())
    street.happen(0)
    street.tick()
    with transaction(street.engine) as session:
        row = store.find(session, journey)
        assert store.save(session, row, street.spec(wait(1)), "olga@example.org") == 2
        assert store.save(session, row, street.spec(wait(1)), "olga@example.org") == 2
    clock.advance(MINUTE)
    street.happen(1)
    street.live(6 * HOUR)
    assert [row[0] for row in street.ledger()] == ["person0@mail.example"]
    assert street.runs() == [("p0", "done", ""), ("p1", "done", "")]


def test_a_step_that_cannot_be_done_is_told_and_tried_again(street: Street) -> None:
    street.desk.crowd(2)
    street.journey(wait(1), street.letter())
    street.happen(0)
    street.tick()
    street.do("UPDATE senders SET removed_at = now()")
    street.live(HOUR + MINUTE, 10 * MINUTE)
    assert street.runs() == [("p0", "going", "s1")]
    (problem,) = street.rows("SELECT message FROM problems WHERE state = 'open'")
    assert "sender is gone" in problem.message
    street.do("UPDATE senders SET removed_at = NULL")
    street.live(HOUR)
    assert [row[2] for row in street.ledger()] == ["accepted"]
    assert street.rows("SELECT FROM problems WHERE state = 'open'") == []


def test_one_that_fails_for_good_is_dead_and_stops_no_other(street: Street) -> None:
    street.desk.crowd(2)
    street.journey(wait(1), street.letter())
    street.happen(0)
    street.happen(1)
    street.tick()
    street.do("UPDATE journey_runs SET at_step = 'gone' WHERE trigger_key = (SELECT min(trigger_key) FROM"
              " journey_runs)")  # fmt: skip
    street.live(9 * HOUR, 10 * MINUTE)
    assert sorted(row[1] for row in street.runs()) == ["dead", "done"]
    assert len(street.ledger()) == 1


def test_the_log_says_everything_in_words(street: Street) -> None:
    street.desk.crowd(1)
    journey = street.journey(
        wait(1), street.letter(), goal={"condition": 'city = "Paris"'}, exits=[{"condition": 'city = "Rome"'}]
    )
    street.happen(0)
    street.tick()
    with transaction(street.engine) as session:
        (one,), _more = listing.runs(session, journey=journey)
        said = explain.run(session, one.id)
        assert said.next == "Waits for its time."
        assert said.lines[0].sentence == "Came in."
        rows, why = explain.person(session, session.get_one(Journey, journey), one.customer_id)
        assert (len(rows), why) == (1, [])
    street.do("UPDATE customers SET city = 'Rome'")
    street.live(2 * HOUR)
    assert street.runs() == [("p0", "left", "exit")]
    with transaction(street.engine) as session:
        said = explain.run(session, one.id)
        assert said.next == ""
        assert said.lines[-1].sentence == 'A condition to leave has become true. (city = "Rome")'


def test_why_somebody_never_came_in(street: Street) -> None:
    street.desk.crowd(2)
    journey = street.journey()
    street.happen(1)
    with transaction(street.engine) as session:
        row = session.get_one(Journey, journey)
        cards = {one.external_id: one.customer_id for one in street.rows("SELECT * FROM profiles")}
        assert explain.person(session, row, cards["p0"])[1] == [
            "Within the last day nothing happened to them that brings people in."
        ]
        assert explain.person(session, row, cards["p1"])[1] == ["They come in at the next look."]
        with pytest.raises(BadInput):
            explain.run(session, UUID(int=1))


def test_the_context_of_the_occurrence_is_the_letters(street: Street) -> None:
    street.desk.crowd(1)
    with transaction(street.engine) as session:
        letter = written(session, "Context").id
    street.journey(street.letter(letter))
    street.happen(0)
    street.do('UPDATE timeline SET data = \'{"said": "hello"}\'')
    street.tick()
    assert [row.context for row in street.rows("SELECT context FROM deliveries")] == [{"said": "hello"}]


def test_two_cards_with_one_address_get_one_letter(street: Street) -> None:
    street.desk.crowd(3)
    street.do("UPDATE customers SET email = 'person0@mail.example' WHERE name <> 'Person Nr2'")
    street.journey(street.letter())
    street.happen(0)
    street.happen(1)
    street.happen(2)
    street.live(2 * MINUTE, MINUTE)  # at once
    assert [row[0] for row in street.ledger()] == ["person0@mail.example", "person2@mail.example"]
    clock.advance(2 * DAY)
    street.happen(0)
    street.live(MINUTE, MINUTE)
    street.happen(1)
    street.live(MINUTE, MINUTE)  # one after the other
    assert len(street.ledger()) == 3
    assert street.log().count(("s1", "no_letter")) == 2
    assert {state for _who, state, _reason in street.runs()} == {"done"}
