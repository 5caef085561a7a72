"""Variants of letter and subject, and a winner for the rest."""

from datetime import timedelta

import pytest

from email_campaigns.letters import store as letters
from email_campaigns.mailings import variants, winner
from email_campaigns.results import figures
from foundation.database import transaction
from foundation.errors import BadInput
from tests.email_campaigns.mailings.world import written

TWO = [{"share": 50}, {"share": 50, "subjects": {"en": "Only today, {{ customer.given_name }}"}}]
REST = [{"share": 20}, {"share": 20, "subjects": {"en": "Another"}}]


def test_each_variant_has_its_subject_and_the_letter_keeps_its_newest(desk, clock):
    desk.crowd(60)
    mailing = desk.mailing(variants=TWO)
    desk.begin(mailing)
    desk.send()
    found = {(row.variant, row.subject.startswith("Only today, Person")) for row in desk.rows()}
    assert found == {("A", False), ("B", True)}
    with transaction(desk.engine) as session:
        newest = letters.newest(session, desk.letter)
    assert newest.number == 1
    assert {
        row.letter
        for row in desk.rows("SELECT data ->> 'letter' AS letter FROM timeline WHERE kind = 'letter.sent'")
    } == {str(desk.letter)}


def test_variants_of_letters(desk, clock):
    with transaction(desk.engine) as session:
        other = written(session, "Other", "Quite another", topic="sales").id
    desk.crowd(40)
    mailing = desk.mailing(variants=[{"share": 50}, {"share": 50, "letter_id": other}])
    desk.begin(mailing)
    desk.send()
    assert {(row.variant, row.topic) for row in desk.rows()} == {("A", ""), ("B", "sales")}


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ([{"share": 100}], "variants"), ([{"share": 60}, {"share": 60}], "variants"), ([{"share": 0},
        {"share": 50}], "v0_share"),
        ([{"share": 50}, {"share": "half"}], "v1_share"), ([{"share": 10}] * 6, "variants"),
        ([{"share": 50}, {"share": 50, "letter_id": "x"}], "v1_letter"),
        ([{"share": 50}, {"share": 50, "subjects": {"en": "x" * 301}}], "v1_subject"),
        ([{"share": 50}, {"share": 50, "hours": 73}], "v1_hours"),
        ([{"share": 50, "hours": "-1"}, {"share": 50}], "v0_hours"),
    ],
)  # fmt: skip
def test_what_can_not_be_compared_is_refused(said, at):
    with pytest.raises(BadInput) as found:
        variants.checked(said)
    assert found.value.at == at


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"variants": REST}, "without a letter"),
        ({"variants": TWO, "winner": {"by": "clicks", "after_hours": 4}}, "Nobody is left for the winner"),
        (
            {"variants": REST, "winner": {"by": "clicks", "after_hours": 4}, "schedule": {"kind": "best"}},
            "one time for all",
        ),
        ({"variants": [{"share": 50}, {"share": 50, "subjects": {"en": "{{ nothing"}}]}, ""),
    ],
)
def test_what_does_not_add_up_is_said_in_the_plan(desk, clock, parts, said):
    desk.crowd(3)
    refused = desk.plan(desk.mailing(**parts)).refused
    assert refused and said in refused


def test_transactional_and_marketing_are_not_mixed(desk, clock):
    with transaction(desk.engine) as session:
        other = written(session, "Receipt", "Receipt", purpose="transactional").id
    desk.crowd(3)
    mailing = desk.mailing(variants=[{"share": 50}, {"share": 50, "letter_id": other}])
    assert "all transactional" in desk.plan(mailing).refused


BOTH = [{"share": 40}, {"share": 40, "subjects": {"en": "Another"}}]


def with_rest(desk, people=300, variants=BOTH, **how):
    desk.crowd(people)
    mailing = desk.mailing(variants=variants, winner={"by": "clicks", "after_hours": 4} | how)
    desk.begin(mailing)
    desk.send()
    return mailing


def clicks(desk, mailing, variant, share, after=timedelta(hours=1)):
    rows = [row for row in desk.rows() if row.variant == variant and row.state == "accepted"]
    for row in rows[: round(len(rows) * share)]:
        desk.happen(mailing, "letter.clicked", row.address, after)


def test_rest_waits_for_the_winner_and_gets_its_letter(desk, clock):
    mailing = with_rest(desk, 380)  # a share of 40 % is drawn: never fewer than the 100 a verdict needs
    waiting = desk.states(mailing)["planned"]
    assert waiting > 20
    clicks(desk, mailing, "A", 0.05)
    clicks(desk, mailing, "B", 0.6)
    clock.advance(timedelta(hours=3, minutes=59))
    desk.send()
    assert desk.states(mailing)["planned"] == waiting
    clock.advance(timedelta(minutes=2))
    desk.send()
    assert desk.states(mailing) == {"accepted": 380}
    row = desk.get(mailing)
    assert (row.winner["chosen"]["variant"], row.winner["chosen"]["verdict"]) == ("B", "clear")
    assert row.winner["chosen"]["letters"] == waiting
    assert "clearly better" in winner.said(row)
    assert {one.variant for one in desk.rows()} == {"A", "B"}
    assert row.state == "done"


def test_without_a_clear_winner_it_says_so(desk, clock):
    mailing = with_rest(desk)
    clicks(desk, mailing, "A", 0.10)
    clicks(desk, mailing, "B", 0.08)
    clock.advance(timedelta(hours=4, minutes=1))
    desk.send()
    assert "too early to say" in winner.said(desk.get(mailing))
    assert desk.get(mailing).winner["chosen"]["variant"] == "A"


def test_clicks_by_machines_win_nothing(desk, clock):
    mailing = with_rest(desk)
    for row in desk.rows():
        if row.variant == "B":
            desk.happen(mailing, "letter.clicked", row.address, machine=True)
    clicks(desk, mailing, "A", 0.2)
    with transaction(desk.engine) as session:
        found = figures.read(session, desk.get(mailing))
    assert [one.clicked for one in found.arms][1] == 0
    assert found.all.machine_clicked > 50


def test_person_chooses_the_winner_once(desk, clock):
    mailing = with_rest(desk, 60)
    assert desk.act(winner.choose, mailing, "B", "olga") > 0
    desk.send()
    assert desk.states(mailing) == {"accepted": 60}
    with pytest.raises(BadInput):
        desk.act(winner.choose, mailing, "A", "olga")
    assert "olga chose B" in winner.said(desk.get(mailing))


def test_winner_by_revenue(desk, clock):
    mailing = with_rest(desk, by="revenue")
    for row in desk.rows():
        if row.variant == "B" and row.state == "accepted":
            desk.order(row.address, 1000, timedelta(hours=1))
    clock.advance(timedelta(hours=4, minutes=1))
    desk.send()
    assert desk.get(mailing).winner["chosen"]["variant"] == "B"


LATER = [{"share": 40}, {"share": 40, "hours": "8"}]


def test_a_variant_leaves_hours_later(desk, clock):
    desk.crowd(60)
    mailing = desk.mailing(variants=[{"share": 50}, {"share": 50, "hours": "8"}])
    desk.begin(mailing)
    desk.send()
    began = desk.get(mailing).started_at
    assert {(row.variant, row.state) for row in desk.rows()} == {("A", "accepted"), ("B", "planned")}
    assert {row.due_at - began for row in desk.rows() if row.variant == "B"} == {timedelta(hours=8)}
    assert desk.get(mailing).state == "sending"
    clock.advance(timedelta(hours=8, minutes=1))
    desk.send()
    assert desk.states(mailing) == {"accepted": 60}
    assert desk.get(mailing).state == "done"


def test_times_are_compared_over_as_many_hours_and_the_rest_gets_the_winners_time(desk, clock):
    mailing = with_rest(desk, 380, variants=LATER)
    began = desk.get(mailing).started_at
    waiting = sum(row.variant == "" for row in desk.rows())
    assert waiting > 20
    clock.advance(timedelta(hours=8, minutes=1))
    desk.send()
    clicks(desk, mailing, "A", 0.9, timedelta(hours=5))  # B will not have had so long when it is decided
    clock.advance(timedelta(hours=1))
    clicks(desk, mailing, "B", 0.6)
    clock.advance(timedelta(hours=2, minutes=50))
    desk.send()
    assert not desk.get(mailing).winner.get("chosen")
    clock.advance(timedelta(minutes=10))
    desk.send()
    assert desk.get(mailing).winner["chosen"]["variant"] == "B"
    assert desk.get(mailing).winner["chosen"]["verdict"] == "clear"
    given = [row for row in desk.rows() if row.state == "planned"]
    assert len(given) == waiting
    assert {row.due_at - began for row in given} == {timedelta(hours=32)}
    clock.advance(timedelta(hours=20, minutes=1))
    desk.send()
    assert desk.states(mailing) == {"accepted": 380}


def test_other_times_than_everybodys_best_hour_are_refused(desk, clock):
    desk.crowd(3)
    later = [{"share": 50}, {"share": 50, "hours": 8}]
    refused = desk.plan(desk.mailing(variants=later, schedule={"kind": "best"})).refused
    assert "best hour" in refused
