"""What a plan says is what happens: the same guards, the same draw."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from email_campaigns import secret, suppression
from email_campaigns.mailings import draw, plan
from foundation.database import transaction
from tests.email_campaigns.mailings.world import person, written

HELD = "SELECT * FROM deliveries WHERE step = :step AND state = 'holdout'"


def test_plan_says_who_and_why_and_it_comes_true(desk, clock):
    desk.people(
        *(person(n) for n in range(10)), person(10, consents=()), person(11, emails=()), person(12),
        person(13),
        person(14, emails=("person13@mail.example",), external_id="twin", phones=()),
    )  # fmt: skip
    desk.do("UPDATE customers SET email = 'person13@mail.example' WHERE name = 'Person Nr14'")
    with transaction(desk.engine) as session:
        suppression.add(session, "person12@mail.example", "complaint")
    before = desk.rows("SELECT * FROM deliveries")
    mailing = desk.mailing()
    found = desk.plan(mailing)
    assert (found.letters, found.refused, found.exact) == (11, "", True)
    told = {one.code: one.number for one in found.skips}
    assert {"no_consent", "no_address", "suppressed"} <= told.keys()
    assert all(one.sentence and one.people for one in found.skips)
    assert (desk.rows("SELECT * FROM deliveries"), desk.get(mailing).state) == (before, "draft")
    desk.begin(mailing)
    desk.send()
    assert desk.states(mailing)["accepted"] == found.letters
    really = {
        row.reason: row.n
        for row in desk.rows(
            "SELECT reason, count(*) AS n FROM deliveries WHERE state = 'skipped' GROUP BY 1"
        )
    }
    assert really == {code: count for code, count in told.items() if code != "shared"}
    assert found.audience == 11 + sum(told.values())


def test_samples_are_letters_of_real_people(desk, clock):
    desk.crowd(5)
    found = desk.plan(desk.mailing())
    assert {one.subject for one in found.samples} <= {f"News for Person{n}" for n in range(5)}
    assert all("Dear Person" in one.text and not one.problem for one in found.samples)


def test_large_audience_is_projected_from_a_part_drawn_by_chance(desk, clock, monkeypatch):
    monkeypatch.setattr(plan, "EXACT", 100)
    monkeypatch.setattr(plan, "CHUNK", 30)
    desk.people(*(person(n, consents=()) if n % 2 else person(n) for n in range(300)))
    found = desk.plan(desk.mailing())
    assert (found.audience, found.exact, found.asked) == (300, False, 100)
    assert 100 <= found.letters <= 200
    assert found.letters + found.skips[0].number in range(298, 303)


def test_held_sending_and_a_paused_transport_are_noted(desk, clock):
    desk.crowd(2)
    with transaction(desk.engine) as session:
        secret.stop(session, "inventory", "olga")
    desk.do("UPDATE transports SET state = 'paused'")
    notes = " ".join(desk.plan(desk.mailing(per_hour="1")).notes)
    assert "All sending is stopped." in notes and "is paused" in notes and "about 2 hours" in notes


def test_night_is_told_of(desk, clock):
    desk.crowd(3)
    desk.do("UPDATE mail_switch SET quiet_from = 13, quiet_until = 20")
    found = desk.plan(desk.mailing())  # 14:00 in Almaty
    assert (found.letters, found.waiting) == (3, 3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE letters SET archived_at = created_at", "put away"),
        ("UPDATE senders SET removed_at = created_at", "who the letters are from"),
        ("UPDATE segments SET archived_at = created_at", "archived"),
        ("DELETE FROM letter_versions", "isn't written"),
    ],
)
def test_what_forbids_starting_is_said(desk, clock, change, said):
    desk.crowd(1)
    mailing = desk.mailing()
    desk.do(change)
    assert said in desk.plan(mailing).refused


def test_letter_without_a_way_to_unsubscribe_is_refused(desk, clock):
    desk.crowd(1)
    with transaction(desk.engine) as session:
        bad = written(session, "Bad", blocks=[{"type": "text", "text": "Hi"}])
    assert "unsubscribe" in desk.plan(desk.mailing(letter_id=bad.id)).refused


def test_draw_in_sql_is_the_draw_in_python(desk, clock):
    desk.crowd(200)
    mailing = desk.mailing(holdout="20", variants=[{"share": 30}, {"share": 70, "subjects": {"en": "Other"}}])
    desk.begin(mailing)
    desk.look()
    with transaction(desk.engine) as session:
        key = draw.key(session, mailing)
        rows = session.execute(text("SELECT customer_id, state, variant FROM deliveries")).all()
    assert len(rows) == 200
    for row in rows:
        assert (row.state == "holdout") == draw.is_held_out(key, row.customer_id, 20)
        assert row.variant == draw.variant_of(key, row.customer_id, ["A", "B"], [30, 70])
    held = sum(row.state == "holdout" for row in rows)
    assert 20 <= held <= 62
    assert 35 <= sum(row.variant == "A" for row in rows) <= 85


def test_holdout_is_the_same_each_time_and_another_in_another_mailing(desk, clock):
    desk.crowd(100)
    mailing, other = desk.mailing(holdout="30"), desk.mailing(holdout="30")
    assert desk.plan(mailing).held_out == desk.plan(mailing).held_out
    for one in (mailing, other):
        desk.begin(one)
    desk.look()
    held = {
        one: {row.customer_id for row in desk.rows(HELD, step=f"mailing:{one}")}
        for one in (mailing, other)
    }  # fmt: skip
    assert len(held[mailing]) > 10 and held[mailing] != held[other]
    desk.send()
    assert not list(desk.rows("SELECT 1 FROM deliveries WHERE state = 'holdout' AND handed_at IS NOT NULL"))


@given(st.floats(0, 100), st.binary(min_size=32, max_size=32))
def test_bounds_grow_with_their_share(percent, luck):
    assert draw.bound(percent) <= draw.bound(100)
    assert luck < draw.bound(100)
    assert not luck < draw.bound(0)


def test_plan_of_a_later_start_shows_when(desk, clock):
    desk.crowd(1)
    found = desk.plan(
        desk.mailing(schedule={"kind": "at", "wall": "2026-03-29T02:30", "zone": "Europe/Berlin"})
    )
    assert found.begins - clock.now() > timedelta(days=20)
    assert any("jump over 02:30" in note for note in found.notes)
