"""Orders are shared among the visits before them, to the last tenge."""

import random
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
from web_capture import sites
from web_capture.carts import current as carts
from web_capture.tables import Site
from web_capture.visits import attribution, costs, credit
from web_capture.visits import sessions as visits
from web_capture.visits.attribution import Period
from web_capture.visits.credit import Touch

DIRECT, MAIL = Touch("direct", "", "", ""), Touch("email", "news", "email", "may")
AD, BLOG = Touch("paid_search", "google", "cpc", "x"), Touch("referral", "blog", "referral", "")
MARCH = Period(
    date(2026, 3, 1), date(2026, 3, 31), datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [(1, [1]), (2, ["0.5", "0.5"]), (3, ["0.4", "0.2", "0.4"]), (4, ["0.4", "0.1", "0.1", "0.4"])],
)
def test_position_weighs_visits(steps, expected):
    assert [credit.part(place, steps) for place in range(1, steps + 1)] == [Decimal(one) for one in expected]


@given(st.lists(st.tuples(st.decimals(min_value=0, max_value=10**12, places=4), st.integers(1, 40))))
def test_shares_add_up_to_the_orders(orders):
    shares = [total * credit.part(place, steps) for total, steps in orders for place in range(1, steps + 1)]
    settled = credit.settle(shares)
    assert sum(settled) == sum(total for total, _ in orders)
    assert len(settled) == len(shares)
    assert all(share >= 0 and share == round(share, 4) for share in settled)


@pytest.fixture
def world(engine, sealer, clock):
    """A site, a shop, Anna with two devices, and short ways to say what they do."""
    with transaction(engine) as session:
        site = sites.add(session, sealer, "shop.example", currency="KZT")[0].id
        other = sites.add(session, sealer, "other.example", currency="KZT")[0].id
        store, second = shop(session), shop(session, "second")
        anna = Person(external_id="anna", emails=("anna@p.kz",), name="Anna", device_ids=("d1", "d2"))
        say(session, session.get_one(Site, site), anna)
        profile = session.query(Profile.id).filter_by(external_id="anna").scalar()

    def do(*rows, at=site):
        with transaction(engine) as session:
            found = session.get_one(Site, at)
            visits.record(session, found, rows)
            carts.record(session, found, rows)

    def order(number, days=1.0, total="100", currency="KZT", who="anna", store=store, **more):
        buyer = Person(external_id=who, emails=(f"{who}@p.kz",), name=who)
        at = START + timedelta(days=days)
        made = Order(external_id=f"x{number}", number=number, state="paid", currency=currency,
                     total=Decimal(total), placed_at=at, customer_id=who, customer=buyer, **more)  # fmt: skip
        with transaction(engine) as session:
            say(session, store, buyer, made)

    def report(model="last", currency="", **more):
        with transaction(engine) as session:
            return attribution.report(session, MARCH, model, currency, **more)

    return SimpleNamespace(engine=engine, do=do, order=order, report=report, anna=profile, site=site,
                           other=other, second=second)  # fmt: skip


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


@pytest.mark.parametrize(
    ("model", "touches", "credited"),
    [
        ("first", [DIRECT, AD, MAIL], DIRECT), ("first", [BLOG], BLOG), ("last", [AD, MAIL, DIRECT], MAIL),
        ("last", [DIRECT, DIRECT], DIRECT), ("last", [AD, DIRECT, BLOG, DIRECT, DIRECT], BLOG),
    ],
)  # fmt: skip
def test_model_picks_a_visit(world, model, touches, credited):
    for day, touch in enumerate(touches):
        said = {} if touch == DIRECT else {"utm": (touch.source, touch.medium)}
        world.do(happen(day * 1440, device=f"d{1 + day % 2}", **said))
    world.order("N1", days=len(touches))
    assert shares(world.report(model)) == {credited.source: 100}


def reference(world, orders, model):
    """The same figures one order and one visit at a time."""
    with world.engine.connect() as connection:
        rows = connection.execute(text("SELECT started_at, device, source, medium FROM visits")).all()
    known, found = {"anna": {"d1", "d2"}, "boris": set()}, {}
    for at, total, who, device in orders:
        window = (at - timedelta(days=30), at)
        theirs = known[who] or {device}  # a page's word of a device counts where none is known
        path = sorted(one for one in rows if one.device in theirs and window[0] < one[0] <= at)
        parts = [credit.part(place, len(path)) for place in range(1, len(path) + 1)]
        if model != "position":
            far = [number for number, one in enumerate(path) if one.source or one.medium]
            chosen = 0 if model == "first" else max(far, default=len(path) - 1)
            parts = [Decimal(int(number == chosen)) for number in range(len(path))]
        for one, part in zip(path, parts, strict=True):
            found[one.source] = found.get(one.source, 0) + total * part
    return {source: round(share, 2) for source, share in found.items() if share}


def test_nobody_takes_an_order_by_announcing_its_number(world):
    world.do(happen(0, utm=("google", "cpc"), profile=world.anna))
    world.do(happen(59, device="evil", utm=("affiliate", "cpa")), told(1, "N1", "evil"))
    world.do(told(60, "N1", "d1"))
    world.order("N1", days=60 / 1440)
    for model in credit.MODELS:
        assert "affiliate" not in shares(world.report(model))


def test_report_is_what_one_by_one_gives(world):
    dice = random.Random(5)
    sources = [None, None, ("google", "cpc"), ("news", "email"), ("blog", "referral"), ("vk", "cpc")]
    for _ in range(150):
        utm, device = dice.choice(sources), f"d{dice.randrange(5)}"
        said = {"utm": utm} if utm else {}
        world.do(happen(dice.uniform(-2_000, 50_000), device=device, **said))
    orders = []
    for number in range(40):
        day, who, device = dice.uniform(0, 28), dice.choice(["anna", "boris"]), f"d{dice.randrange(5)}"
        if dice.random() < 0.7:
            world.do(told(day * 1440, f"R{number}", device))
        else:
            device = ""
        world.order(f"R{number}", days=day, total=str(100 + number), who=who)
        orders.append((START + timedelta(days=day), 100 + number, who, device))
    for model in credit.MODELS:
        found = {source: round(share, 2) for source, share in shares(world.report(model)).items()}
        assert found == reference(world, orders, model)
        report = world.report(model)
        assert (report.total.orders, report.total.revenue) == (40, sum(total for _, total, _, _ in orders))
        assert sum(shares(report).values()) + report.unknown.revenue == report.total.revenue


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


def told(minute, number="77", device="d9", **said):
    return happen(minute, "Order Completed", device, order_id=number, **({"total": 30} | said))


def test_order_of_a_server_counts(world):
    world.do(happen(0, device="d9", utm=("vk", "cpc")), told(5, secret=True))
    world.do(told(6, "78", total=None, secret=True))
    found = world.report()
    assert (shares(found), found.total.orders, found.claimed.orders) == ({"vk": 30}, 1, 0)


def test_claims_are_in_no_total(world):
    """Anybody can read a public key, and say that they bought for millions."""
    world.do(happen(0, device="d9", utm=("vk", "cpc")), told(5), told(6, "78", total=10**6))
    world.do(*(told(7, f"x{n}", total=1, currency="XXX") for n in range(9)))
    world.order("N1", who="boris")
    found = world.report()
    assert (found.currencies, found.currency) == (["KZT", "XXX"], "KZT")
    assert (found.total.orders, found.total.revenue, shares(found)) == (1, 100, {})
    assert (found.claimed.orders, found.claimed.revenue) == (2, 10**6 + 30)


@pytest.mark.parametrize("first", [True, False])
def test_proved_word_replaces_a_claim(world, first):
    for secret in (first, not first):
        world.do(told(6 if secret else 5, total=30 if secret else 10**6, secret=secret))
    found = world.report()
    assert (found.total.revenue, found.claimed.orders) == (30, 0)


def test_equal_numbers_of_sites_stay_apart(world):
    for site, device, source, minute in ((world.site, "d8", "vk", 0), (world.other, "d9", "fb", 90)):
        world.do(happen(minute, device=device, utm=(source, "cpc")), told(minute + 5, device=device), at=site)
    world.order("77", days=0.01, who="boris")
    world.order("77", days=0.07, total="7", who="clara", store=world.second)
    assert shares(world.report("first")) == {"vk": 100, "fb": 7}


def test_other_sites_order_stays(world):
    """One shop is connected, and both sites had an order of that number."""
    for site, device, source, minute in ((world.site, "d8", "vk", 0), (world.other, "d9", "fb", 3)):
        rows = (
            happen(minute, device=device, utm=(source, "cpc")),
            told(minute + 5, device=device, secret=True),
        )
        world.do(*rows, at=site)
    world.order("77", days=0.003, who="boris")
    assert shares(world.report("first")) == {"vk": 100, "fb": 30}


@pytest.mark.parametrize(
    ("days", "currency", "apart"),
    [(0.1, "KZT", False), (1.9, "KZT", False), (0.1, "", False), (2.1, "KZT", True), (0.1, "EUR", True)],
)
def test_order_must_be_the_same(world, days, currency, apart):
    """Number, currency and days: a shop that numbers from 1 each year hides nobody's order."""
    world.do(happen(0, device="d9", utm=("vk", "cpc")), told(5, secret=True))
    world.order("77", days=days, currency=currency, who="boris")
    both = world.report(currency="KZT"), world.report(currency=currency)
    found = both[0] if apart else both[1]
    assert shares(found) == {"vk": 30 if apart else 100}


def test_match_beyond_the_period_counts_once(world):
    before = -30 * 60  # the first of March, two hours into it
    world.do(told(before, secret=True))
    world.order("77", days=before / 1440 - 1, who="boris")
    assert world.report().total.orders == 0


def test_currencies_are_kept_apart(world):
    world.do(happen(0, utm=("google", "cpc")))
    world.order("N1")
    world.order("N2", total="7", currency="EUR")
    world.order("N3", total="7", currency="EUR")
    found = world.report()
    assert (found.currencies, found.currency, found.total.revenue) == (["EUR", "KZT"], "EUR", 14)
    assert world.report(currency="KZT").total.revenue == 100


def test_orders_of_many_visits_count_once(world):
    """Else they would make their currency the first."""
    world.do(*(happen(minute, utm=(f"s{minute}", "cpc")) for minute in range(0, 300, 60)))
    world.order("N1")
    for number in ("N2", "N3"):
        world.order(number, currency="EUR", who="boris")
    found = world.report("position", "KZT")
    assert (found.currencies, found.total.orders) == (["EUR", "KZT"], 1)


def test_order_told_of_before_the_period_has_its_device(world):
    midnight = -32 * 60  # the first of March
    world.do(happen(midnight - 60, device="d9", utm=("vk", "cpc")), told(midnight - 30))
    world.order("77", days=(midnight + 60) / 1440, who="boris")
    assert shares(world.report()) == {"vk": 100}


def test_refunds_are_taken_off(world):
    world.do(happen(0, utm=("google", "cpc")))
    world.order("N1", refunded=Decimal(30))
    assert shares(world.report()) == {"google": 70}


@pytest.mark.parametrize(
    ("back", "orders", "revenue"),
    [
        ([("Order Refunded", {"total": 10, "currency": "KZT"})], 1, 20),
        ([("Order Refunded", {"total": 10}), ("Order Refunded", {"total": 15})], 1, 5),
        ([("Order Refunded", {})], 1, 0),
        ([("Order Refunded", {"total": 99})], 1, 0),
        ([("Order Refunded", {"total": 10, "currency": "EUR"})], 1, 30),
        ([("Order Cancelled", {"total": 30})], 0, 0),
    ],
)
@pytest.mark.parametrize("early", [False, True])
def test_what_only_the_shops_server_takes_back(world, back, orders, revenue, early):
    world.do(happen(0, device="d9", utm=("vk", "cpc")))
    rows = [happen(9 + n, name, "d9", order_id="77", secret=True, id=f"r{n}", **more)
            for n, (name, more) in enumerate(back)]  # fmt: skip
    for one in [*rows, told(5, secret=True)] if early else [told(5, secret=True), *rows, *rows]:
        world.do(one)
    found = world.report()
    assert (found.total.orders, found.total.revenue) == (orders, revenue)
    assert shares(found) == ({"vk": revenue} if revenue else {})


def test_browser_takes_nothing_back(world):
    world.do(happen(0, device="d9", utm=("vk", "cpc")), told(5, secret=True))
    world.do(
        happen(6, "Order Cancelled", "d9", order_id="77"), happen(7, "Order Refunded", "d9", order_id="77")
    )
    assert world.report().total.revenue == 30


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
