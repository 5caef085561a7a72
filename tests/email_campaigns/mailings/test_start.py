"""From a plan to letters: what a person agreed to is what happens, or the mailing asks."""

from datetime import timedelta

import pytest

from customers.segments import language
from customers.segments import store as segments
from customers.segments.tables import Segment
from email_campaigns import secret
from email_campaigns.letters import store as letters
from email_campaigns.mailings import acts, freeze, start, store
from email_campaigns.mailings import jobs as mailing_jobs
from email_campaigns.tables import Letter, Mailing, MailSwitch
from foundation.database import transaction
from foundation.errors import BadInput
from sync import undo
from tests.email_campaigns.mailings.world import person


def test_started_mailing_reaches_everybody_and_ends(desk, clock):
    desk.crowd(20)
    mailing = desk.mailing()
    desk.begin(mailing)
    desk.send()
    assert desk.states(mailing) == {"accepted": 20}
    assert len(list(desk.folder.glob("*.eml"))) == 20
    row = desk.get(mailing)
    assert (row.state, row.frozen["rows"], row.frozen["looked"]) == ("done", 20, 20)
    assert row.finished_at is not None


def test_start_refuses_when_the_audience_moved(desk, clock):
    desk.crowd(12)
    mailing = desk.mailing()
    seen = desk.plan(mailing).hash
    desk.crowd(3, first=12)
    with pytest.raises(start.Moved, match="changed from 12 to 15") as found:
        desk.begin(mailing, seen)
    assert desk.get(mailing).state == "draft"
    desk.begin(mailing, found.value.plan_hash)
    assert desk.get(mailing).state == "freezing"


def test_start_refuses_other_people_of_the_same_number(desk, clock):
    desk.crowd(3)
    mailing = desk.mailing()
    seen = desk.plan(mailing).hash
    desk.crowd(1, first=3)
    desk.do("UPDATE customers SET live = false WHERE email = 'person0@mail.example'")
    with pytest.raises(start.Moved, match="not the same"):
        desk.begin(mailing, seen)


def test_start_refuses_a_letter_changed_since(desk, clock):
    desk.crowd(3)
    mailing = desk.mailing()
    seen = desk.plan(mailing).hash
    with transaction(desk.engine) as session:
        row = session.get_one(Letter, desk.letter)
        old = letters.newest(session, row.id).texts["en"]
        letters.new_version(session, row, "en", {"en": letters.written(old) | {"subject": "Other"}})
    with pytest.raises(start.Moved, match="changed since you looked"):
        desk.begin(mailing, seen)


def test_told_anyway_it_starts(desk, clock):
    desk.crowd(3)
    mailing = desk.mailing()
    seen = desk.plan(mailing).hash
    desk.crowd(1, first=3)
    desk.begin(mailing, seen, anyway=True)
    desk.send()
    assert desk.states(mailing) == {"accepted": 4}


@pytest.mark.parametrize("seen", ["", "x", "12", "12-", "-1-2-3"])
def test_start_without_a_plan_is_refused(desk, clock, seen):
    desk.crowd(1)
    mailing = desk.mailing()
    with pytest.raises(BadInput, match="plan"):
        desk.act(start.start, mailing, "olga", seen)


def test_empty_audience_is_sent_to_nobody(desk, clock):
    mailing = desk.mailing()
    assert "Nobody" in desk.plan(mailing).refused
    with pytest.raises(BadInput, match="Nobody"):
        desk.act(start.start, mailing, "olga", "0-0-0")


def test_audience_that_is_empty_when_the_time_comes_ends_it(desk, clock):
    desk.crowd(2)
    mailing = desk.mailing(schedule={"kind": "at", "wall": "2026-03-02T12:00", "zone": "UTC"})
    desk.begin(mailing)
    desk.do("UPDATE customers SET live = false")
    clock.advance(timedelta(hours=3, minutes=1))
    desk.send()
    row = desk.get(mailing)
    assert row.state == "done"
    assert "Nobody" in row.reason
    assert desk.states(mailing) == {}


def test_no_segment_means_nobody(desk, clock):
    desk.crowd(2)
    mailing = desk.mailing(include=[])
    assert "at least one segment" in desk.plan(mailing).refused
    with pytest.raises(BadInput, match="segment"):
        desk.act(start.start, mailing, "olga", "2-0-0")


def test_archived_segment_asks_and_sends_nothing(desk, clock):
    desk.crowd(2)
    mailing = desk.mailing(schedule={"kind": "at", "wall": "2026-03-02T12:00", "zone": "UTC"})
    desk.begin(mailing)
    with transaction(desk.engine) as session:
        segments.archive(session, session.get_one(Segment, desk.segment))
    clock.advance(timedelta(hours=3, minutes=1))
    desk.send()
    row = desk.get(mailing)
    assert (row.state, desk.states(mailing)) == ("asking", {})
    assert "archived" in row.reason


def test_segment_changed_after_the_start_asks(desk, clock):
    desk.crowd(2)
    mailing = desk.mailing(schedule={"kind": "at", "wall": "2026-03-02T12:00", "zone": "UTC"})
    desk.begin(mailing)
    with transaction(desk.engine) as session:
        node = language.parse("country is set")
        segments.change(session, session.get_one(Segment, desk.segment), node, "olga")
    clock.advance(timedelta(hours=3, minutes=1))
    desk.send()
    assert desk.get(mailing).state == "asking"
    assert "was changed since" in desk.get(mailing).reason
    desk.act(start.answer, mailing, "olga")
    desk.send()
    assert desk.states(mailing) == {"accepted": 2}


def test_letter_is_sent_as_it_was_when_it_was_scheduled(desk, clock):
    desk.crowd(1)
    mailing = desk.mailing(schedule={"kind": "at", "wall": "2026-03-02T12:00", "zone": "UTC"})
    desk.begin(mailing)
    with transaction(desk.engine) as session:
        row = session.get_one(Letter, desk.letter)
        old = letters.written(letters.newest(session, row.id).texts["en"])
        letters.new_version(session, row, "en", {"en": old | {"subject": "Written later"}})
    clock.advance(timedelta(hours=3, minutes=1))
    desk.send()
    assert desk.rows()[0].subject == "News for Person0"


def test_late_mailing_asks_and_a_person_decides(desk, clock):
    desk.crowd(2)
    mailing = desk.mailing(schedule={"kind": "at", "wall": "2026-03-02T12:00", "zone": "UTC"}, late_hours=6)
    desk.begin(mailing)
    clock.advance(timedelta(hours=3 + 7))
    desk.send()
    row = desk.get(mailing)
    assert (row.state, desk.states(mailing)) == ("asking", {})
    assert "7 hours later" in row.reason
    desk.act(start.answer, mailing, "olga")
    desk.send()
    assert desk.states(mailing) == {"accepted": 2}


def test_mailing_found_within_the_limit_goes(desk, clock):
    desk.crowd(2)
    mailing = desk.mailing(schedule={"kind": "at", "wall": "2026-03-02T12:00", "zone": "UTC"}, late_hours=6)
    desk.begin(mailing)
    clock.advance(timedelta(hours=3 + 5))
    desk.send()
    assert desk.states(mailing) == {"accepted": 2}


def test_mailing_at_once_that_no_worker_saw_for_days_asks(desk, clock):
    desk.crowd(2)
    mailing = desk.mailing()
    desk.begin(mailing)
    clock.advance(timedelta(days=3))
    desk.send()
    assert (desk.get(mailing).state, desk.states(mailing)) == ("asking", {})


def test_restored_copy_starts_nothing_and_asks_for_what_was_under_way(desk, clock, engine):
    desk.crowd(4)
    going = desk.mailing()
    desk.begin(going)
    desk.look()
    waiting = desk.mailing(schedule={"kind": "at", "wall": "2026-03-02T12:00", "zone": "UTC"})
    desk.begin(waiting)
    with transaction(engine) as session:  # the backup came from elsewhere
        session.get_one(MailSwitch, 1).home = "another place"
        for row in session.query(Mailing):
            row.frozen = row.frozen | {"home": "another place"}
    draft = desk.mailing()
    with pytest.raises(BadInput, match="restored copy"):
        desk.begin(draft)
    clock.advance(timedelta(hours=3, minutes=1))
    desk.send()
    assert [desk.get(one).state for one in (going, waiting)] == ["asking", "asking"]
    with transaction(engine) as session:
        secret.confirm(session, "olga")
    desk.send()
    assert desk.states(going) == {"planned": 4}
    for one in (going, waiting):
        desk.act(start.answer, one, "olga")
    desk.send()
    assert desk.states(going) == desk.states(waiting) == {"accepted": 4}


def test_copy_confirmed_before_any_look_asks_all_the_same(desk, clock, engine):
    desk.crowd(2)
    mailing = desk.mailing()
    desk.begin(mailing)
    with transaction(engine) as session:
        row = session.get_one(Mailing, mailing)
        row.frozen = row.frozen | {"home": "another place"}
    desk.send()
    assert (desk.get(mailing).state, desk.states(mailing)) == ("asking", {})


def test_stopped_sending_starts_nothing_until_it_goes_on(desk, clock, engine):
    desk.crowd(2)
    mailing = desk.mailing(schedule={"kind": "at", "wall": "2026-03-02T12:00", "zone": "UTC"})
    desk.begin(mailing)
    with transaction(engine) as session:
        secret.stop(session, "inventory", "olga")
    clock.advance(timedelta(hours=4))
    desk.send()
    assert desk.get(mailing).state == "scheduled"
    with transaction(engine) as session:
        secret.go(session, "olga")
    desk.send()
    assert desk.states(mailing) == {"accepted": 2}


def test_pause_holds_and_resume_goes_on(desk, clock):
    desk.crowd(5)
    mailing = desk.mailing()
    desk.begin(mailing)
    desk.look()
    desk.act(acts.pause, mailing, "olga")
    desk.send()
    assert desk.states(mailing) == {"planned": 5}
    desk.act(acts.resume, mailing)
    desk.send()
    assert desk.states(mailing) == {"accepted": 5}
    assert desk.get(mailing).state == "done"


def test_cancel_while_starting_writes_nothing(desk, clock, monkeypatch):
    desk.crowd(5)
    mailing = desk.mailing()
    desk.begin(mailing)
    real = freeze._insert

    def cancelled_meanwhile(*args):
        rows = real(*args)
        desk.act(acts.cancel, mailing, "olga")
        return rows

    monkeypatch.setattr(freeze, "_insert", cancelled_meanwhile)
    assert freeze.freeze(desk.engine, mailing) == 0
    assert (desk.get(mailing).state, desk.states(mailing)) == ("cancelled", {})


def test_freeze_killed_in_the_middle_is_done_again(desk, clock, monkeypatch):
    desk.crowd(5)
    mailing = desk.mailing()
    desk.begin(mailing)
    real = freeze._insert

    def killed(*args):
        real(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(freeze, "_insert", killed)
    with pytest.raises(KeyboardInterrupt):
        freeze.freeze(desk.engine, mailing)
    assert (desk.get(mailing).state, desk.states(mailing)) == ("freezing", {})
    monkeypatch.undo()
    desk.send()
    assert desk.states(mailing) == {"accepted": 5}


def test_freezing_twice_writes_once(desk, clock):
    desk.crowd(5)
    mailing = desk.mailing()
    desk.begin(mailing)
    assert [freeze.freeze(desk.engine, mailing) for _ in range(2)] == [5, 0]
    desk.send()
    assert desk.states(mailing) == {"accepted": 5}


def test_filling_killed_between_portions_goes_on(desk, clock, monkeypatch):
    monkeypatch.setattr(freeze, "PORTION", 3)
    desk.crowd(10)
    mailing = desk.mailing()
    desk.begin(mailing)
    assert freeze.freeze(desk.engine, mailing) == 10
    assert freeze.fill(desk.engine, mailing)
    real = freeze._rows
    monkeypatch.setattr(freeze, "_rows", lambda *args: real(*args) and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        freeze.fill(desk.engine, mailing)
    monkeypatch.setattr(freeze, "_rows", real)
    assert desk.states(mailing) == {"planned": 3}
    desk.send()
    assert desk.states(mailing) == {"accepted": 10}
    assert (desk.get(mailing).state, desk.get(mailing).frozen["rows"]) == ("done", 10)
    assert desk.rows("SELECT * FROM mailing_people") == []


def test_mailing_is_not_over_while_its_audience_is_being_written(desk, clock, monkeypatch):
    monkeypatch.setattr(freeze, "PORTION", 2)
    desk.crowd(4)
    mailing = desk.mailing()
    desk.begin(mailing)
    freeze.freeze(desk.engine, mailing)
    freeze.fill(desk.engine, mailing)
    desk.do("UPDATE deliveries SET state = 'accepted'")
    mailing_jobs.look(desk.engine)
    assert desk.get(mailing).state == "sending"


def test_cancel_between_portions_leaves_everybody_a_row(desk, clock, monkeypatch):
    monkeypatch.setattr(freeze, "PORTION", 2)
    desk.crowd(7)
    mailing = desk.mailing()
    desk.begin(mailing)
    freeze.freeze(desk.engine, mailing)
    freeze.fill(desk.engine, mailing)
    assert desk.act(acts.cancel, mailing, "olga").ended == 7
    desk.send()
    assert desk.states(mailing) == {"cancelled": 7}


def test_whoever_is_merged_before_their_portion_gets_the_letter_of_the_living_card(desk, clock):
    desk.crowd(3)
    mailing = desk.mailing()
    desk.begin(mailing)
    freeze.freeze(desk.engine, mailing)
    one, two = (row.id for row in desk.rows("SELECT id FROM customers ORDER BY email LIMIT 2"))
    desk.do("UPDATE profiles SET customer_id = :one WHERE customer_id = :two", one=one, two=two)
    desk.do("UPDATE customers SET live = false, merged_into = :one WHERE id = :two", one=one, two=two)
    desk.send()
    assert desk.states(mailing) == {"accepted": 2}


def test_five_hundred_contacts_with_one_address_get_one_letter(desk, clock):
    desk.crowd(500)
    desk.do("UPDATE customers SET email = 'Family@Home.example'")
    mailing = desk.mailing()
    found = desk.plan(mailing)
    assert (found.audience, found.letters) == (500, 1)
    assert {one.code: one.number for one in found.skips} == {"shared": 499}
    desk.begin(mailing)
    desk.send()
    assert desk.states(mailing) == {"accepted": 1, "skipped": 499}
    assert len(list(desk.folder.glob("*.eml"))) == 1


def test_merge_during_sending_makes_one_letter(desk, clock):
    desk.crowd(2)
    mailing = desk.mailing()
    desk.begin(mailing)
    desk.look()
    one, two = (row.id for row in desk.rows("SELECT id FROM customers ORDER BY email"))
    desk.do("UPDATE profiles SET customer_id = :one WHERE customer_id = :two", one=one, two=two)
    desk.do("UPDATE customers SET live = false, merged_into = :one WHERE id = :two", one=one, two=two)
    desk.send()
    assert desk.states(mailing) == {"accepted": 1, "skipped": 1}
    assert [row.reason for row in desk.rows() if row.state == "skipped"] == ["merged"]
    assert desk.get(mailing).state == "done"


def test_clone_of_a_sent_mailing_is_a_draft_without_a_date(desk, clock):
    desk.crowd(2)
    when = {"kind": "at", "wall": "2026-03-02T12:00", "zone": "UTC"}
    mailing = desk.mailing(schedule=when, holdout="10", per_hour="500")
    desk.begin(mailing)
    clock.advance(timedelta(hours=3, minutes=1))
    desk.send()
    with transaction(desk.engine) as session:
        made = store.clone(session, session.get_one(Mailing, mailing), "olga")
    assert (made.state, made.schedule, made.starts_at, made.frozen, made.plan_hash) == (
        "draft",
        {"kind": "now"},
        None,
        {},
        "",
    )
    assert (made.include, made.letter_id, made.holdout, made.per_hour) == (
        [desk.segment],
        desk.letter,
        10,
        500,
    )
    desk.send()
    assert desk.states(made.id) == {}


def test_only_drafts_are_deleted_or_changed(desk, clock):
    desk.crowd(1)
    draft, started = desk.mailing(), desk.mailing()
    desk.begin(started)
    with transaction(desk.engine) as session:
        store.delete(session, session.get_one(Mailing, draft))
        assert session.get(Mailing, draft) is None
    with pytest.raises(BadInput, match="never started"), transaction(desk.engine) as session:
        store.delete(session, session.get_one(Mailing, started))
    with pytest.raises(BadInput, match="only a draft"), transaction(desk.engine) as session:
        store.change(session, session.get_one(Mailing, started), holdout="5")


def test_unscheduled_mailing_is_a_draft_that_sends_nothing(desk, clock):
    desk.crowd(2)
    mailing = desk.mailing(schedule={"kind": "at", "wall": "2026-03-02T12:00", "zone": "UTC"})
    operation = desk.begin(mailing)
    desk.act(start.unschedule, mailing, "olga")
    clock.advance(timedelta(hours=4))
    desk.send()
    assert (desk.get(mailing).state, desk.states(mailing)) == ("draft", {})
    assert desk.rows("SELECT state FROM operations WHERE id = :id", id=operation)[0].state == "undone"


def test_undo_cancels_what_has_not_left_and_names_what_has(desk, clock):
    desk.people(*(person(n) for n in range(3)))
    mailing = desk.mailing()
    operation = desk.begin(mailing)
    desk.look()
    desk.do(
        "UPDATE deliveries SET due_at = due_at + interval '1 day' WHERE address <> 'person1@mail.example'"
    )
    desk.send()
    left = desk.act(undo_door, operation, "olga")
    assert left == ["person1@mail.example has the letter already."]
    assert desk.states(mailing) == {"accepted": 1, "cancelled": 2}
    assert desk.get(mailing).state == "cancelled"
    with pytest.raises(BadInput, match="undone already"):
        desk.act(undo_door, operation, "olga")


def undo_door(session, operation, actor):
    return undo.undo(session, operation, actor).left_alone
