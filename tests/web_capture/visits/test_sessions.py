"""Visits are the same in whatever order their events arrive."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from foundation.database import transaction
from tests.conftest import empty
from tests.web_capture.happening import START, happen
from web_capture import sites
from web_capture.carts import current as carts
from web_capture.happened import Happened
from web_capture.tables import Site
from web_capture.visits import origins, trails
from web_capture.visits import sessions as visits

SHOP = "https://shop.example/"
SHOWN = (
    "SELECT device, started_at, ended_at, channel, source, medium, campaign, term, content, clicks, referrer,"
    " landing, pages, events, orders, value, currency FROM visits ORDER BY device, started_at"
)


@pytest.fixture
def site() -> Site:
    return Site(key="k", domain="shop.example", origins=["m.shop.test"], settings={})


def made(session: Session, site: Site, *batches: list[Happened]) -> list[dict[str, object]]:
    """The visits that batches of events make."""
    site.id = site.id or visits_site(session)
    for rows in batches:
        visits.record(session, site, rows)
    return [dict(row) for row in session.execute(text(SHOWN)).mappings()]


def visits_site(session: Session):
    return session.scalar(text("SELECT gen_random_uuid()"))


def test_pause_ends_a_visit(session, site):
    rows = [happen(0), happen(30), happen(60.5)]
    found = made(session, site, rows)
    assert [(one["pages"], one["ended_at"] - one["started_at"]) for one in found] == [
        (2, timedelta(minutes=30)), (1, timedelta(0)),
    ]  # fmt: skip


def test_late_event_joins_two_visits(session, site):
    found = made(session, site, [happen(0)], [happen(40)])
    assert len(found) == 2
    found = made(session, site, [happen(20)])
    assert [(one["started_at"], one["events"]) for one in found] == [(START, 3)]


def test_campaign_starts_a_visit(session, site):
    ad = {
        "url": f"{SHOP}?utm_source=Google&utm_medium=CPC&utm_campaign=spring&gclid=7",
        "referrer": "https://www.google.kz/",
    }
    rows = [happen(0, url=SHOP), happen(5, **ad), happen(6, **ad), happen(7, url=f"{SHOP}a", referrer=SHOP)]
    direct, paid = made(session, site, rows)
    assert (direct["channel"], direct["source"], direct["landing"]) == ("direct", "", SHOP)
    assert (paid["channel"], paid["source"], paid["medium"], paid["campaign"], paid["clicks"]) == (
        "paid_search", "google", "cpc", "spring", "gclid=7",
    )  # fmt: skip
    assert (paid["events"], paid["landing"], paid["referrer"]) == (3, ad["url"], "google.kz")


def test_late_campaign_divides_a_visit(session, site):
    rows = [happen(0), happen(10)]
    made(session, site, rows)
    found = made(session, site, [happen(5, utm=("news", "email"))])
    assert [(one["source"], one["events"]) for one in found] == [("", 1), ("news", 2)]


def test_change_reaches_the_next_visit(session, site):
    b = {"utm": ("b", "cpc")}
    found = made(session, site, [happen(0, utm=("a", "cpc")), happen(20), happen(45, **b)])
    assert [(one["source"], one["events"]) for one in found] == [("a", 2), ("b", 1)]
    found = made(session, site, [happen(5, **b)])
    assert [(one["source"], one["events"]) for one in found] == [("a", 1), ("b", 3)]


def test_own_pages_are_no_referrers(session, site, sealer):
    sites.add(session, sealer, "sister.test", origins=["m.sister.example"])
    hosts = ("pay.m.shop.test", "sister.test", "m.sister.example", "www.paypal.com", "shop.example")
    rows = [happen(n, referrer=f"https://{host}/x") for n, host in enumerate(hosts)]
    (found,) = made(session, site, rows)
    assert (found["channel"], found["referrer"]) == ("direct", "")


def test_bots_and_servers_visit_nothing(session, site):
    assert made(session, site, [happen(0, bot="crawler"), happen(1, device="")]) == []


def test_orders_and_their_value_are_kept(session, site):
    order = {"order_id": "N1", "total": 1200, "currency": "KZT"}
    rows = [happen(0), happen(5, "Order Completed", **order), happen(6, "Order Completed", **order)]
    (found,) = made(session, site, rows)
    assert (found["orders"], found["value"], found["currency"]) == ([["N1", "1200", "KZT"]], 1200, "KZT")


MOMENTS = st.tuples(
    st.integers(0, 240),
    st.sampled_from(("d1", "d2")),
    st.sampled_from(({}, {}, {"utm": ("a", "cpc")}, {"utm": ("b", "email")}, {"referrer": "https://google.com/"},
                     {"referrer": "https://t.co/x", "url": SHOP})),
    st.sampled_from((None, None, "N1")),
)  # fmt: skip


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    moments=st.lists(MOMENTS, min_size=1, max_size=25), cuts=st.sets(st.integers(1, 24)), seed=st.randoms()
)
def test_order_of_arrival_is_no_matter(
    engine: Engine, site: Site, moments: list, cuts: set[int], seed: Random
) -> None:
    rows = [
        happen(minute, "Order Completed" if order else "", device, order_id=order, total=5, **dict(more))
        for minute, device, more, order in moments
    ]
    with Session(engine) as session:
        site.id = visits_site(session)
        expected = made(session, site, rows)
        session.rollback()
        shuffled = list(rows)
        seed.shuffle(shuffled)
        places = [0, *sorted(cuts), len(rows)]
        batches = [shuffled[a:b] for a, b in pairwise(places)]
        assert made(session, site, *batches) == expected
        assert sum(one["events"] for one in expected) == len(rows)
    empty(engine)


def test_long_visit_keeps_its_sums(session, site):
    for start in range(0, 3_000, 500):
        found = made(session, site, [happen((start + n) / 60) for n in range(500)])
    assert [(one["events"], one["pages"]) for one in found] == [(3_000, 3_000)]
    (kept,) = session.scalars(text("SELECT trail FROM visits"))
    assert len(trails.unpack(kept)) <= trails.MOST_STEPS + 500


def test_no_browser_makes_a_visit_large(session, site):
    long = "u" * 1_900
    for start in range(0, 2_000, 100):
        rows = [
            happen((start + n) / 60, utm=("google", "cpc"), url=f"https://shop.example/{long}?gclid={long}")
            for n in range(100)
        ]
        (found,) = made(session, site, rows)
    assert (found["events"], found["source"]) == (2_000, "google")
    assert session.scalar(text("SELECT octet_length(trail) FROM visits")) < 2 * trails.LARGEST


def test_orders_of_a_visit_are_bounded(session, site):
    rows = [happen(n / 60, "Order Completed", order_id=f"N{n}", total=1) for n in range(1_000)]
    for start in range(0, 1_000, 100):
        (found,) = made(session, site, rows[start : start + 100])
    assert len(found["orders"]) == trails.MOST_ORDERS and found["events"] == 1_000
    assert session.scalar(text("SELECT octet_length(trail) FROM visits")) < 2 * trails.LARGEST


def test_batch_costs_a_few_statements(session, site):
    made(session, site, [happen(0, device=f"d{n}") for n in range(200)])
    sent: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *args: sent.append(args[2]))
    visits.record(session, site, [happen(1, device=f"d{n}") for n in range(200)])
    assert len(sent) == 4


@pytest.mark.parametrize(
    ("said", "channel", "source", "medium"),
    [
        ({"referrer": "https://www.google.co.uk/"}, "search", "google", "organic"),
        ({"referrer": "https://yandex.kz/search"}, "search", "yandex", "organic"),
        ({"referrer": "https://m.facebook.com/"}, "social", "facebook", "social"),
        ({"referrer": "https://e.mail.ru/inbox"}, "email", "e.mail.ru", "email"),
        ({"referrer": "https://blog.test/x"}, "referral", "blog.test", "referral"),
        ({"referrer": "android-app://com.google.android.gm/"}, "email", "com.google.android.gm", "email"),
        ({"url": f"{SHOP}?gclid=1"}, "paid_search", "google", "cpc"),
        ({"url": f"{SHOP}?fbclid=1"}, "social", "facebook", "social"),
        ({"url": f"{SHOP}?ttclid=1"}, "paid_social", "tiktok", "paid_social"),
        ({"utm": ("vk", "cpc")}, "paid_social", "vk", "cpc"),
        ({"utm": ("yandex", "cpc")}, "paid_search", "yandex", "cpc"),
        ({"utm": ("rtb", "banner")}, "display", "rtb", "banner"),
        ({"utm": ("kartoteka", "email")}, "email", "kartoteka", "email"),
        ({"utm": ("partner", "affiliate")}, "referral", "partner", "affiliate"),
    ],
)
def test_origins_are_read(said, channel, source, medium):
    mark = origins.mark_of(happen(0, **said).message, frozenset({"shop.example"}))
    assert origins.read(mark) == (channel, source, medium)


def test_collected_events_become_visits_and_carts(pages, rows):
    ad = {"page": {"url": f"{SHOP}?utm_source=vk&utm_medium=cpc"}}
    pages.say("page", anonymousId="d1", context=ad)
    pages.say("track", anonymousId="d1", event="Product Added", properties={"product_id": "7", "price": 5})
    found = rows("SELECT source, channel, pages, events, landing FROM visits")
    assert found == [
        {"source": "vk", "channel": "paid_social", "pages": 1, "events": 2, "landing": ad["page"]["url"]}
    ]
    assert rows("SELECT key, state, items FROM carts") == [{"key": "d:d1", "state": "open", "items": 1}]


def test_workers_side_by_side_agree(engine, site):
    with Session(engine) as session:
        site.id = visits_site(session)
    rows = [
        happen(n % 50, "Product Added" if n % 3 else "", f"d{n % 7}", product_id=f"p{n % 4}", quantity=1)
        for n in range(600)
    ]

    def work(part: int) -> None:
        own = Site(id=site.id, key="k", domain="shop.example", origins=[], settings={})
        for start in range(part, len(rows), 60):
            with transaction(engine) as session:
                visits.record(session, own, rows[start : start + 60 : 6])
                carts.record(session, own, rows[start : start + 60 : 6])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    with Session(engine) as session:
        assert session.scalar(text("SELECT sum(events) FROM visits")) == 600
        assert session.scalar(text("SELECT sum(items) FROM carts")) == 400
        found = session.execute(text(SHOWN)).all()
        session.execute(text("TRUNCATE visits"))
        visits.record(session, site, rows)
        assert session.execute(text(SHOWN)).all() == found
