"""What the console asks of sites: each question is one query, bounded, and sees one site only."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from foundation import clock
from foundation.database import transaction
from foundation.sealing import Sealer
from foundation.settings import Settings
from tests.console import capturing
from tests.console.capturing import Shop
from tests.console.test_queries import counted
from web_capture import audience, reading, sites


@pytest.fixture
def shop(engine: Engine, settings: Settings, sealer: Sealer) -> Iterator[Shop]:
    with capturing.shop(engine, settings, sealer) as opened:
        yield opened


def page(shop: Shop, device: str, url: str = "https://shop.example/a", **more: object) -> str:
    return shop.say("page", anonymousId=device, properties={"url": url, **more})


def midnight():
    return clock.now() - timedelta(hours=12)


def test_overview_counts_what_is_new(shop: Shop, session: Session) -> None:
    page(shop, "d1")
    page(shop, "d2", "https://shop.example/b")
    (found,) = reading.overview(session, midnight())
    assert (found.domain, found.today, found.refused, found.waiting) == ("shop.example", 2, 0, False)
    assert found.data is not None
    assert found.data["url"] == "https://shop.example/b"
    (found,) = reading.overview(session, clock.now() + timedelta(hours=1))
    assert found.today == 0


def test_overview_counts_to_a_bound(shop: Shop, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "COUNTED", 2)
    for device in "abc":
        page(shop, device)
    assert reading.overview(session, midnight())[0].today == 2


def test_waiting_events_are_known(shop: Shop, session: Session) -> None:
    shop.say("page", read=False, anonymousId="d1")
    assert reading.overview(session, midnight(), shop.id)[0].waiting
    assert reading.events(session, shop.id) == []


def test_other_sites_are_unseen(shop: Shop, session: Session, engine: Engine, sealer: Sealer) -> None:
    row = shop.event(page(shop, "d1"))
    with transaction(engine) as writing:
        other, _keys = sites.add(writing, sealer, "other.example")
    assert reading.events(session, other.id) == []
    assert reading.event(session, other.id, row.id) is None
    assert reading.latest(session, other.id) is None
    assert audience.visitors(session, other.id) == ([], None)
    assert audience.visitor(session, other.id, row.profile_id) is None
    assert audience.events_of(session, other.id, row.profile_id, None) == []
    assert audience.sources(session, other.id, midnight()) == []
    assert [one.domain for one in reading.overview(session, midnight())] == ["other.example", "shop.example"]


def test_event_finds_its_message(shop: Shop, session: Session) -> None:
    row = shop.event(shop.say("track", anonymousId="d1", event="Cart Viewed", messageId="m-1"))
    found = reading.event(session, shop.id, row.id)
    assert found is not None
    said = reading.opened(found.payload)
    assert said["said"]["event"] == "Cart Viewed" and said["ip"] == "203.0.113.9"
    assert (found.kind, found.profile_kind, found.message_id) == ("web.cart_viewed", "visitor", "m-1")


@pytest.mark.parametrize("payload", [None, "", "[]", "{", "null", "[1]", "[" * 5_000])
def test_odd_landings_hold_nothing(payload: str | None) -> None:
    assert reading.landed("m", payload) is None
    assert reading.opened(payload) == {}


def test_news_are_told_once(shop: Shop, session: Session) -> None:
    first = shop.event(page(shop, "d1"))
    later = [shop.event(page(shop, "d1")).id for _ in range(3)]
    assert [row.id for row in reading.news(session, shop.id, first.id, [])] == later[::-1]
    assert [row.id for row in reading.news(session, shop.id, first.id, [later[2], later[0]])] == [later[1]]
    assert reading.news(session, shop.id, first.id, [], kind="web.lead") == []
    assert len(reading.news(session, shop.id, 0, [], limit=2)) == 2


def test_every_visitor_is_listed_once(shop: Shop, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "STRETCH", 5)
    for number in range(24):
        page(shop, f"d{number % 7}")
    seen: list[str] = []
    before = None
    for _page in range(40):
        found, before = audience.visitors(session, shop.id, before, limit=2)
        seen += [one.external_id for one in found]
        if before is None:
            break
    assert seen == ["d2", "d1", "d0", "d6", "d5", "d4", "d3"]


def test_visitor_says_where_from(shop: Shop, session: Session) -> None:
    page(shop, "d1", "https://shop.example/first", referrer="https://www.google.com/")
    page(shop, "d1", "https://shop.example/second")
    (found,), more = audience.visitors(session, shop.id)
    assert (found.device, found.events, found.channel, found.source, more) == (
        "d1",
        2,
        "search",
        "google",
        None,
    )


def test_visitor_pages_by_time(shop: Shop, session: Session) -> None:
    rows = [shop.event(page(shop, "d1", f"https://shop.example/{n}")) for n in range(3)]
    first = audience.events_of(session, shop.id, rows[0].profile_id, None, limit=2)
    assert [row.id for row in first] == [rows[2].id, rows[1].id]
    place = (first[-1].occurred_at, first[-1].id)
    assert [row.id for row in audience.events_of(session, shop.id, rows[0].profile_id, place)] == [rows[0].id]


def test_sources_count_visits(shop: Shop, session: Session) -> None:
    vk = "https://shop.example/?utm_source=vk&utm_medium=cpc&utm_campaign=a%20b"
    for device in ("d1", "d1", "d2"):
        page(shop, device, vk)
    page(shop, "d1", "https://shop.example/?utm_source=news&utm_medium=email")
    page(shop, "d1", vk)  # back again
    page(shop, "d3")
    shop.say("track", anonymousId="d3", event="Order Completed", properties={"order_id": "7", "total": 5})
    found = audience.sources(session, shop.id, midnight())
    assert [tuple(one) for one in found] == [
        ("paid_social", "vk", "cpc", "a b", 3, 2, 4, 0), ("direct", "", "", "", 1, 1, 1, 1),
        ("email", "news", "email", "", 1, 1, 1, 0),
    ]  # fmt: skip
    assert audience.sources(session, shop.id, clock.now() + timedelta(days=1)) == []


QUESTIONS = {
    "overview": lambda session, shop, row: reading.overview(session, midnight()),
    "latest": lambda session, shop, row: reading.latest(session, shop.id),
    "events": lambda session, shop, row: reading.events(session, shop.id),
    "news": lambda session, shop, row: reading.news(session, shop.id, 0, []),
    "event": lambda session, shop, row: reading.event(session, shop.id, row.id),
    "refusals": lambda session, shop, row: reading.refusals(session, shop.id),
    "visitors": lambda session, shop, row: audience.visitors(session, shop.id),
    "visitor": lambda session, shop, row: audience.visitor(session, shop.id, row.profile_id),
    "events_of": lambda session, shop, row: audience.events_of(session, shop.id, row.profile_id, None),
    "sources": lambda session, shop, row: audience.sources(session, shop.id, midnight()),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_question_is_one_query(shop: Shop, engine: Engine, question: str) -> None:
    for device in "abc":
        row = shop.event(page(shop, device))
    with Session(engine) as session, counted(engine) as sent:
        QUESTIONS[question](session, shop, row)
    assert len(sent) == 1


def test_lists_stop_reading_early(shop: Shop, session: Session) -> None:
    """A page of events of a large timeline reads a page of rows."""
    session.execute(
        text(
            "INSERT INTO timeline (source_id, source_key, kind, occurred_at, received_at, data)"
            " SELECT :site, 'm:' || n, 'web.page', :at, :at, '{}' FROM generate_series(1, 20000) n"
        ),
        {"site": shop.id, "at": clock.now()},
    )
    session.execute(text("ANALYZE timeline"))
    query = text("EXPLAIN (ANALYZE, FORMAT JSON) " + reading._RECENT.format(chosen="AND id < :before"))
    (plan,) = session.scalars(query, {"site": shop.id, "before": reading.LAST, "limit": 50}).one()
    assert _read(plan["Plan"]) < 500


def _read(plan: dict) -> float:
    """The rows that the scans of a plan touched."""
    own = 0 if "Plans" in plan else plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    return own * plan["Actual Loops"] + sum(_read(part) for part in plan.get("Plans", ()))
