"""Orders are shared among the visits before them, to the last tenge."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text

from customers.tables import Profile
from foundation.database import transaction
from foundation.records import Order, Person
from tests.customers.world import say, shop
from tests.web_capture.happening import START, happen
from web_capture import attribution, carts, costs, credit, sites, visits
from web_capture.attribution import Period
from web_capture.credit import Touch
from web_capture.tables import Site

DIRECT, MAIL = Touch("direct", "", "", ""), Touch("email", "news", "email", "may")
AD, BLOG = Touch("paid_search", "google", "cpc", "x"), Touch("referral", "blog", "referral", "")
MARCH = Period(
    date(2026, 3, 1), date(2026, 3, 31), datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
)


@pytest.mark.parametrize(
    ("model", "touches", "expected"),
    [
        ("first", [DIRECT, AD, MAIL], [1, 0, 0]),
        ("last", [AD, MAIL, DIRECT], [0, 1, 0]),
        ("last", [DIRECT, DIRECT], [0, 1]),
        ("position", [AD], [1]),
        ("position", [AD, MAIL], ["0.5", "0.5"]),
        ("position", [AD, MAIL, BLOG, DIRECT], ["0.4", "0.1", "0.1", "0.4"]),
    ],
)
def test_models_weigh_visits(model, touches, expected):
    assert credit.weights(touches, model) == [Decimal(one) for one in expected]


@given(
    total=st.decimals(min_value=0, max_value=10**12, places=4),
    count=st.integers(1, 40),
    model=st.sampled_from(credit.MODELS),
    known=st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_shares_add_up_to_the_order(total, count, model, known):
    touches = [AD if one else DIRECT for one in known[:count]]
    shares = credit.split(total, credit.weights(touches, model))
    assert sum(shares) == total
    assert len(shares) == count
    assert all(share >= 0 for share in shares)


@pytest.fixture
def world(engine, sealer, clock):
    """A site, a shop, Anna with two devices, and short ways to say what they do."""
    with transaction(engine) as session:
        site = sites.add(session, sealer, "shop.example", currency="KZT")[0].id
        store = shop(session)
        anna = Person(external_id="anna", emails=("anna@p.kz",), name="Anna", device_ids=("d1", "d2"))
        say(session, session.get_one(Site, site), anna)
        profile = session.query(Profile.id).filter_by(external_id="anna").scalar()

    def do(*rows):
        with transaction(engine) as session:
            found = session.get_one(Site, site)
            visits.record(session, found, rows)
            carts.record(session, found, rows)

    def order(number, days=1.0, total="100", currency="KZT", who="anna", **more):
        buyer = Person(external_id=who, emails=(f"{who}@p.kz",), name=who)
        at = START + timedelta(days=days)
        made = Order(external_id=f"x{number}", number=number, state="paid", currency=currency,
                     total=Decimal(total), placed_at=at, customer_id=who, customer=buyer, **more)  # fmt: skip
        with transaction(engine) as session:
            say(session, store, buyer, made)

    def report(model="last", currency="", **more):
        with transaction(engine) as session:
            return attribution.report(session, MARCH, model, currency, **more)

    return SimpleNamespace(engine=engine, do=do, order=order, report=report, anna=profile, site=site)


def shares(found):
    return {one.touch.source: one.revenue for one in found.rows if one.revenue}


def test_order_goes_to_its_visits(world):
    world.do(happen(0, utm=("google", "cpc")), happen(60, device="d2", utm=("news", "email")), happen(120))
    world.do(happen(60, device="stranger", utm=("blog", "x")), happen(60 * 24 * 2, utm=("late", "x")))
    world.order("N1")
    assert shares(world.report("last")) == {"news": 100}
    assert shares(world.report("first")) == {"google": 100}
    assert shares(world.report("position")) == {"google": 40, "news": 20, "": 40}
    found = world.report()
    assert (found.total.visits, found.total.orders, found.total.revenue) == (5, 1, 100)
    assert found.unknown_share == 0


def test_visits_long_before_do_not_count(world):
    world.do(happen(0, utm=("google", "cpc")))
    world.order("N1", days=20)
    assert shares(world.report()) == {"google": 100}
    found = world.report(days=10)
    assert (shares(found), found.unknown_share, found.unknown.revenue) == ({}, 100, 100)


def test_thank_you_page_names_the_device(world):
    """By the order's number, or by its id in the shop."""
    world.do(happen(0, device="d9", utm=("google", "cpc")))
    world.do(*(happen(5, "Order Completed", "d9", order_id=name, total=1) for name in ("N1", "xN2")))
    for number in ("N1", "N2"):
        world.order(number, who="boris", days=0.1)
    found = world.report()
    assert (shares(found), found.total.orders) == ({"google": 200}, 2)


def test_order_of_a_page_counts(world):
    world.do(
        happen(0, device="d9", utm=("vk", "cpc")), happen(5, "Order Completed", "d9", order_id="N7", total=30)
    )
    world.do(happen(6, "Order Completed", "d9", order_id="N8"))
    found = world.report()
    assert (shares(found), found.total.orders) == ({"vk": 30}, 1)


def test_currencies_are_kept_apart(world):
    world.do(happen(0, utm=("google", "cpc")))
    world.order("N1")
    world.order("N2", total="7", currency="EUR")
    world.order("N3", total="7", currency="EUR")
    found = world.report()
    assert (found.currencies, found.currency, found.total.revenue) == (["EUR", "KZT"], "EUR", 14)
    assert world.report(currency="KZT").total.revenue == 100


def test_refunds_are_taken_off(world):
    world.do(happen(0, utm=("google", "cpc")))
    world.order("N1", refunded=Decimal(30))
    assert shares(world.report()) == {"google": 70}


def test_costs_meet_their_source(world):
    world.do(happen(0, utm=("Google", "CPC", "Spring")))
    world.order("N1")
    with transaction(world.engine) as session:
        body = b"date,source,medium,campaign,cost,currency\n2026-03-02,google,cpc,spring,25,KZT\n"
        body += b"2026-03-02,vk,cpc,,5,KZT"
        costs.take(session, costs.plan(session, body), "anna")
    google, vk = world.report().rows
    assert (google.visits, google.revenue, google.cost, google.roas, google.cpo) == (1, 100, 25, 4, 25)
    assert (vk.touch.source, vk.visits, vk.cost, vk.roas, vk.cpo) == ("vk", 0, 5, 0, None)


def test_report_costs_three_queries(world):
    world.do(*(happen(n, device=f"d{n}", utm=(f"s{n}", "cpc")) for n in range(50)))
    world.order("N1")
    sent = []
    event.listen(world.engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    world.report()
    assert len(sent) == 3


def test_orders_of_ledgers_do_not_count(world):
    world.order("N1")
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE sources SET role = 'accounting' WHERE role = 'shop'"))
    assert world.report().total.orders == 0
