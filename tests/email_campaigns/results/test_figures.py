"""The figures of a mailing are the rows of its ledger, its timeline and the orders after it."""

from datetime import timedelta

from email_campaigns.mailings import jobs as mailing_jobs
from email_campaigns.results import charts, figures
from foundation.database import transaction
from tests.email_campaigns.mailings.conftest import desk, sealed_context
from tests.email_campaigns.mailings.world import person

__all__ = ["desk", "sealed_context"]  # fixtures


def read(desk, mailing, days=7):
    with transaction(desk.engine) as session:
        return figures.read(session, desk.get(mailing), days)


def sent(desk, people=20, **parts):
    desk.crowd(people)
    mailing = desk.mailing(**parts)
    desk.begin(mailing)
    desk.send()
    return mailing


def test_counters_are_the_rows(desk, clock):
    desk.people(*(person(n) for n in range(6)), person(6, consents=()), person(7, emails=()))
    mailing = desk.mailing()
    desk.begin(mailing)
    desk.send()
    desk.do("UPDATE deliveries SET state = 'unknown', reason = 'died' WHERE address = 'person0@mail.example'")
    desk.do(
        "UPDATE deliveries SET state = 'failed', reason = 'no_mailbox' WHERE address = 'person1@mail.example'"
    )
    found = read(desk, mailing)
    assert (found.all.rows, found.all.sent, found.all.accepted) == (8, 6, 4)
    assert dict(found.skips) == {"no_consent": 1, "no_address": 1}
    assert dict(found.failures) == {"died": 1, "no_mailbox": 1}


def test_each_letter_counts_once_and_machines_apart(desk, clock):
    mailing = sent(desk)
    for number in range(3):
        desk.happen(mailing, "letter.opened", "person1@mail.example", key=number)
        desk.happen(mailing, "letter.clicked", "person1@mail.example", key=number)
    desk.happen(mailing, "letter.opened", "person2@mail.example", machine=True)
    desk.happen(mailing, "letter.opened", "person3@mail.example", machine=True, key="m")
    desk.happen(mailing, "letter.opened", "person3@mail.example")
    desk.happen(mailing, "letter.unsubscribed", "person4@mail.example")
    desk.happen(mailing, "letter.complained", "person5@mail.example")
    desk.happen(mailing, "letter.bounced", "person6@mail.example")
    one = read(desk, mailing).all
    assert (one.opened, one.machine_opened, one.clicked, one.unsubscribed, one.complained) == (2, 1, 1, 1, 1)
    assert (one.accepted, one.bounced, one.delivered) == (20, 1, 19)


def test_orders_count_within_their_days(desk, clock):
    mailing = sent(desk)
    desk.order("person1@mail.example", 100, timedelta(hours=5))
    desk.order("person1@mail.example", 50, timedelta(days=6))
    desk.order("person2@mail.example", 1000, timedelta(days=8))
    desk.order("person3@mail.example", 1000, timedelta(hours=-1))
    desk.order("person4@mail.example", 7, timedelta(days=1), "EUR")
    desk.do("UPDATE orders SET refunded = 20 WHERE total = 50")
    week, month = read(desk, mailing), read(desk, mailing, 30)
    assert (week.all.orders, week.all.revenue["KZT"], week.all.revenue["EUR"], week.currency) == (
        3,
        130,
        7,
        "KZT",
    )
    assert month.all.revenue["KZT"] == 1130


def test_order_after_a_merge_counts_for_the_living_card(desk, clock):
    mailing = sent(desk, 3)
    one, two = (row.id for row in desk.rows("SELECT id FROM customers ORDER BY email LIMIT 2"))
    desk.do("UPDATE profiles SET customer_id = :two WHERE customer_id = :one", one=one, two=two)
    desk.do("UPDATE customers SET live = false, merged_into = :two WHERE id = :one", one=one, two=two)
    desk.order("person2@mail.example", 10)
    assert read(desk, mailing).all.orders == 1


def test_holdout_shows_what_the_mailing_did(desk, clock):
    mailing = sent(desk, 1000, holdout="50")
    for row in desk.rows("SELECT DISTINCT address, state FROM deliveries"):
        number = int(row.address.removeprefix("person").partition("@")[0])
        if number % 10 < (4 if row.state == "accepted" else 1):
            desk.order(row.address, 100, timedelta(hours=3))
    clock.advance(timedelta(days=1))
    effect = read(desk, mailing).effect
    assert (effect.meant + effect.held, effect.orders.verdict) == (1000, "better")
    assert 0.2 < effect.orders.difference < 0.4
    assert effect.revenue.verdict == "better"
    assert 15 < effect.revenue.difference < 45


def test_holdout_without_an_effect_is_too_early(desk, clock):
    mailing = sent(desk, 200, holdout="30")
    for number in range(0, 200, 10):
        desk.order(f"person{number}@mail.example", 100, timedelta(hours=3))
    clock.advance(timedelta(days=1))
    found = read(desk, mailing)
    assert found.effect.orders.verdict == "early"
    assert "too early" in found.effect.orders.words


def test_figures_for_lists_are_kept_and_counted_anew(desk, clock):
    mailing = sent(desk, 5)
    desk.look()
    assert desk.get(mailing).figures["sent"] == 5
    desk.happen(mailing, "letter.clicked", "person1@mail.example")
    clock.advance(timedelta(minutes=5))
    mailing_jobs.recount(desk.engine)
    desk.look()
    assert desk.get(mailing).figures["clicked"] == 1
    clock.advance(timedelta(days=40))
    mailing_jobs.recount(desk.engine)
    assert desk.rows("SELECT 1 FROM jobs WHERE state = 'waiting'") == []


def test_chart_has_no_script_style_or_strangers_markup(desk, clock):
    drawn = str(charts.over_time(["<script>", "b", "c"], [(1, 0), (3, 2), (0, 0)]))
    assert drawn.startswith("<svg") and "&lt;script&gt;" in drawn
    for bad in ("<script", "<style", "style=", "onload", "href", "http://k"):
        assert bad not in drawn
