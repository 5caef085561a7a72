"""The page of carts: whose, what, and what became of them."""

import re
from base64 import urlsafe_b64encode
from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import Engine
from sqlalchemy import text as sql

from foundation.database import transaction
from foundation.records import Person
from foundation.sealing import Sealer
from tests.console.capturing import Shop
from tests.console.conftest import Browser
from tests.console.test_queries import counted
from tests.customers.world import say
from tests.web_capture.happening import happen
from web_capture import sites
from web_capture.carts import abandonment
from web_capture.carts import current as carts
from web_capture.tables import Site

EVIL = '"><script>alert(1)</script>'


def filled(engine: Engine, sealer: Sealer, count: int = 3) -> None:
    """A site with so many open carts, one of them Anna's."""
    with transaction(engine) as session:
        site, _keys = sites.add(session, sealer, "shop.example", currency="KZT")
        anna = Person(external_id="anna", emails=("anna@p.kz",), name="Anna Petrova", device_ids=("d0",))
        say(session, session.get_one(Site, site.id), anna)
        profile = session.scalar(sql("SELECT id FROM profiles"))
        rows = [
            happen(n / 10, "Product Added", f"d{n}", profile=None if n else profile, product_id="7", price=5,
                   quantity=2, name=EVIL, url="https://shop.example/cart")
            for n in range(count)
        ]  # fmt: skip
        carts.record(session, site, rows)


@pytest.fixture
def later(clock: ModuleType) -> None:
    clock.advance(timedelta(hours=6))


def test_carts_are_shown(browser: Browser, engine: Engine, sealer: Sealer, later: None) -> None:
    filled(engine, sealer)
    page = browser.see("/carts")
    assert "Anna Petrova" in page and page.count("unknown visitor") == 2
    assert "<script>alert" not in page and "₸10" in page
    assert 'href="https://shop.example/cart" rel="noopener nofollow noreferrer"' in page


def test_unknown_visitor_leads_to_what_they_did(browser: Browser, shop: Shop) -> None:
    shop.say("track", anonymousId="d1", event="Product Added", properties={"name": "Cup", "price": 5})
    path = re.search(rf'href="({shop.here}/visitors/[^"]+)">unknown visitor', browser.see("/carts"))
    assert path and "Added to cart" in browser.see(path.group(1))


def test_cart_of_scanty_lines_is_shown(browser: Browser, engine: Engine, sealer: Sealer, later: None) -> None:
    with transaction(engine) as session:
        site, _keys = sites.add(session, sealer, "shop.example")
        rows = [happen(0, "Product Added", "d1", product_id="K-13", quantity=2)]
        carts.record(session, session.get_one(Site, site.id), rows)
    assert "K-13" in browser.see("/carts")
    for place in ("%00", urlsafe_b64encode(b"2026-03-02T09:00:00+00:00|\0").decode()):
        assert browser.get(f"/carts?after={place}").status_code == 200


def test_given_up_carts_are_counted(browser: Browser, engine: Engine, sealer: Sealer, later: None) -> None:
    filled(engine, sealer)
    while abandonment.look(engine):
        pass
    page = browser.see("/carts?state=abandoned")
    assert "Anna Petrova" in page and "<b>₸30</b>" in page
    assert "No cart is in this state now" in browser.see("/carts?state=open")
    browser.see("/carts?state=evil&after=")
    assert browser.get("/carts?after=evil").status_code == 422


def test_no_carts_are_explained(browser: Browser) -> None:
    assert "No carts yet" in browser.see("/carts")


def test_odd_addresses_are_no_links(browser: Browser, engine: Engine, sealer: Sealer, later: None) -> None:
    filled(engine, sealer)
    with engine.begin() as connection:
        connection.execute(sql("UPDATE carts SET url = 'javascript:alert(1)'"))
    assert "javascript:" not in browser.see("/carts")


def test_carts_page_by_keyset(browser: Browser, engine: Engine, sealer: Sealer, later: None) -> None:
    filled(engine, sealer, 120)
    path, seen = "/carts", 0
    with counted(engine) as sent:
        for _ in range(3):
            page = browser.see(path)
            seen += page.count("<tr><td")
            older = (
                page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
                if 'rel="next"' in page
                else ""
            )
            path = older.replace("&amp;", "&")
    assert (seen, path) == (120, "")
    assert len(sent) == 3 * 3
