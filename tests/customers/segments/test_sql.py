"""Who is selected: every kind of condition over a small crowd, and what unknown means."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from customers.segments import language, sql, store
from customers.segments.sql import Query
from foundation.errors import BadInput
from tests.conftest import MORNING
from tests.customers.segments.crowd import Crowd


@pytest.fixture
def crowd(session):
    made = Crowd(session)
    anna = made.customer(
        "Anna",
        city="Алматы",
        country="KZ",
        email="anna@example.org",
        tags=["vip"],
        email_consent="given",
        birthday=date(1990, 3, 5),
    )
    boris = made.customer("Boris", city="Berlin", country="DE", email_consent="withdrawn")
    nobody = made.customer("Nomad", email="nomad@example.org")
    made.order(anna, 10, 100, skus=("CUP", "POT"))
    made.order(anna, 50, 250)
    made.order(anna, 200, 50)
    made.order(boris, 60, 10, "EUR")
    made.order(boris, 5, 99, state="cancelled")
    made.happen(anna, "letter.opened", 3)
    made.happen(boris, "letter.opened", 40)
    made.happen(nobody, "letter.opened", 2, machine=True)
    made.happen(nobody, "web.event", 2, event="Signed Up", properties={"plan": "pro", "seats": 5})
    made.happen(anna, "web.event", 2, event="Signed Up", properties={"plan": "pro", "seats": "many"}, bot="x")
    made.happen(boris, "web.product_viewed", 2, products=[{"sku": "CUP"}])
    return made


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (
            'orders.count(last 90 days) >= 2 and city = "Алматы" and not opened(any letter, last 2 days)',
            "Anna",
        ),
        ('city = "Алматы"', "Anna"),
        ('city != "Алматы"', "Boris"),
        ('not city = "Алматы"', "Boris"),
        ('not (city = "Алматы" and name is set)', "Boris"),
        ('city != "Алматы" or city is not set', "Boris Nomad"),
        ("city is not set", "Nomad"),
        ('city in ("Berlin", "Paris")', "Boris"),
        ('city not in ("Berlin", "Paris")', "Anna"),
        ('name contains "OR"', "Boris"),
        ('email starts with "NOM"', "Nomad"),
        ('tags has "vip"', "Anna"),
        ('not tags has "vip"', "Boris Nomad"),
        ("tags is not set", "Boris Nomad"),
        ('email_consent = "given"', "Anna"),
        ('not email_consent = "given"', "Boris"),
        ("orders.count() >= 3", "Anna"),
        ("orders.count() = 0", "Nomad"),
        ("orders.count(last 90 days) = 0", "Nomad"),
        ("orders.count(last 90 days) < 2", "Boris Nomad"),
        ("not orders.count(last 90 days) >= 2", "Boris Nomad"),
        ("orders.count(more than 100 days ago) >= 1", "Anna"),
        ("orders.sum() >= 400", "Anna"),
        ("orders.sum() < 400 KZT", "Boris Nomad"),
        ("orders.sum(last 90 days) > 5 EUR", "Boris"),
        ("orders.average() > 100", "Anna"),
        ("not orders.average() > 100", "Boris"),
        ("orders.average() <= 100", "Boris"),
        ("spent >= 10 EUR", "Boris"),
        ("spent = 0 EUR", "Anna Nomad"),
        ('ordered(product "CUP", last 20 days)', "Anna"),
        ('ordered(product "the pot")', "Anna"),
        ('not ordered(product "CUP")', "Boris Nomad"),
        ("last_order in last 30 days", "Anna"),
        ("last_order more than 30 days ago", "Boris"),
        ("not last_order more than 30 days ago", "Anna"),
        ("last_order is not set", "Nomad"),
        ("last_order between 2026-01-01 and 2026-01-31", "Boris"),
        ("ordered(since 2026-02-01)", "Anna"),
        ("ordered(before 2025-12-01)", "Anna"),
        ("opened(any letter)", "Anna Boris"),
        ("opened(last 30 days)", "Anna"),
        ('event("signed up", plan = "pro")', "Nomad"),
        ('event("Signed Up", seats >= 5)', "Nomad"),
        ('event("Signed Up", seats > 5)', ""),
        ('event("Signed Up", plan != "pro")', ""),
        ('viewed(product "CUP")', "Boris"),
        ('event("product_viewed")', "Boris"),
        ("birthday in next 3 days", "Anna"),
        ("birthday in next 2 days", ""),
        ('sources has "Shop"', ""),
        ('kind = "person"', "Anna Boris Nomad"),
        ('country = "kz"', "Anna"),
    ],
)
def test_who_is_in(crowd, said, names):
    assert crowd.names(said) == set(names.split())
    assert alone(crowd.session, said) == set(names.split())


def alone(session, said):
    """The same asked of each card by itself."""
    query = Query(MORNING, single=True)
    node = language.parse(said)
    condition = sql.where(query, node)
    rows = session.execute(
        text(f"SELECT c.name FROM {sql.cards(node)} WHERE {sql.LIVE} AND ({condition})"), query.params
    )
    return {row[0] for row in rows}


def test_what_we_or_machines_do_is_no_sign_of_life(crowd):
    silent = crowd.customer("Silent")
    crowd.happen(silent, "letter.sent", 1)
    crowd.happen(silent, "letter.bounced", 1)
    crowd.happen(silent, "letter.clicked", 1, machine=True)
    assert "Silent" not in crowd.names("last_seen in last 5 days")
    crowd.happen(silent, "letter.clicked", 2, machine=False)
    assert "Silent" in crowd.names("last_seen in last 5 days")


def test_periods_are_half_open(crowd):
    node = language.parse("opened(last 3 days)")
    assert crowd.names(node, MORNING - timedelta(microseconds=1)) == {"Anna"}
    assert crowd.names(node, MORNING) == set()
    assert crowd.names(language.parse("not opened(more than 3 days ago)"), MORNING) == {"Nomad"}


def test_cards_that_are_dead_or_nobody_are_never_selected(crowd):
    crowd.customer("Ghost", live=False)
    crowd.session.execute(text("UPDATE customers SET identified = false WHERE name = 'Boris'"))
    assert crowd.names('kind = "person"') == {"Anna", "Nomad"}


def test_nothing_is_pasted_into_the_statement(crowd):
    query, _params = sql.select(
        language.parse('city = "x\'; DROP TABLE customers; --" and name = ":at"'), MORNING
    )
    assert "DROP" not in query and ":at" not in query


def test_audience_is_the_union_without_the_excluded(crowd):
    session = crowd.session
    rich = store.make(session, "Rich", language.parse("orders.sum() >= 10"), "t")
    city = store.make(session, "No city", language.parse("city is not set"), "t")
    anna = store.make(session, "Anna", language.parse('name = "Anna"'), "t")
    query, params = store.audience(session, [rich.id, city.id], [anna.id], MORNING)
    ids = set(session.execute(text(query), params).scalars())
    found = session.execute(text("SELECT name FROM customers WHERE id = ANY(:ids)"), {"ids": list(ids)})
    assert set(found.scalars()) == {"Boris", "Nomad"}
    assert store.count(session, language.parse("orders.sum() >= 10"), MORNING) == 2


def test_a_mistake_selects_nobody(crowd):
    session = crowd.session
    rich = store.make(session, "Rich", language.parse("orders.sum() >= 10"), "t")
    with pytest.raises(BadInput, match="at least one"):
        store.audience(session, [], [rich.id], MORNING)
    with pytest.raises(BadInput, match="no segment"):
        store.audience(session, [rich.id, crowd.source.id], [], MORNING)
    with pytest.raises(BadInput, match="no segment"):
        store.audience(session, [rich.id], [crowd.source.id], MORNING)
    session.execute(
        text('UPDATE segment_versions SET tree = \'{"type": "field", "field": "x", "op": "set"}\'')
    )
    session.expire_all()
    with pytest.raises(BadInput, match="can't be used"):
        store.audience(session, [rich.id], [], MORNING)
    store.archive(session, rich)
    with pytest.raises(BadInput, match="archived"):
        store.audience(session, [rich.id], [], MORNING)
