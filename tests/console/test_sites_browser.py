"""The room "Sites" in Chromium: sound at every size, live without a reload, usable without scripts."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from starlette.applications import Starlette

from console import auth
from console.tables import User
from customers.tables import Customer
from foundation import clock
from foundation.database import transaction
from tests import browser as browsers
from tests.console.capturing import Shop
from tests.console.test_browser import CHECKED, FOCUSED, enter
from web_capture import sites
from web_capture.tables import Refusal, Site
from web_capture.visits import costs

pytestmark = pytest.mark.browser

ROOT = "https://shop.example"
KETTLE = {
    "name": "Blue kettle",
    "price": 12500,
    "quantity": 1,
    "url": f"{ROOT}/p/blue-kettle",
    "sku": "KET-1",
}


@pytest.fixture
def address(app: Starlette, shop: Shop) -> Iterator[str]:
    with browsers.serve(app) as address:
        yield address


def a_day(shop: Shop) -> None:
    """A morning in the shop: people, a crawler, a cart, a lead, something refused."""
    landing = f"{ROOT}/?utm_source=instagram&utm_medium=social&utm_campaign=autumn"
    context = {"library": {"name": "kartoteka", "version": "1.0"}, "page": {"url": f"{ROOT}/p/blue-kettle"}}
    for device in ("0b9f6f0e-3c1d-4a52", "5d1c7a44-90fe-4e0b", "e7a80c92-1f7b-4d35"):
        shop.say("page", read=False, anonymousId=device, context=context,
                 properties={"url": landing, "title": "Samovars, tea and kettles – Shop"})  # fmt: skip
        shop.say(
            "track",
            read=False,
            anonymousId=device,
            event="Product Viewed",
            context=context,
            properties=KETTLE,
        )
    device = "5d1c7a44-90fe-4e0b"
    shop.say(
        "track", read=False, anonymousId=device, event="Products Searched", properties={"query": "чайник"}
    )
    shop.say(
        "track", read=False, anonymousId=device, event="Product Added", context=context, properties=KETTLE
    )
    shop.say(
        "track", read=False, anonymousId=device, event="Coupon Denied", properties={"coupon_id": "TEA10"}
    )
    lead = {"email": "anna.yudina@mail.example", "name": "Анна Юдина", "phone": "+77015550199"}
    shop.say("track", read=False, anonymousId=device, event="Form Submitted", properties=lead,
             context={"page": {"url": f"{ROOT}/contact"}})  # fmt: skip
    shop.say(
        "identify", read=False, secret=True, userId="77", traits={"email": "b@ya.example", "name": "Boris"}
    )
    shop.say("track", read=False, secret=True, userId="77", event="Order Completed",
             properties={"order_id": "10442", "total": 31000, "products": [KETTLE]})  # fmt: skip
    shop.say("page", read=False, anonymousId="bot", ua="Mozilla/5.0 (compatible; Googlebot/2.1)",
             properties={"url": f"{ROOT}/sitemap", "referrer": "https://www.google.com/"})  # fmt: skip
    shop.say("page", anonymousId="0b9f6f0e-3c1d-4a52",
             properties={"url": f"{ROOT}/about", "referrer": "https://www.google.com/search"})  # fmt: skip
    with transaction(shop.engine) as session:
        session.add(
            Refusal(site_id=shop.id, origin="https://m.shop.example.org", times=1204,
                    reason="https://m.shop.example.org is none of this site's hosts; add it in its settings.",
                    sample='{"event":"Product Viewed","anonymousId":"x","writeKey":"wk_abc"}',
                    first_at=clock.now() - timedelta(days=2), last_at=clock.now() - timedelta(minutes=4))
        )  # fmt: skip


def office(shop: Shop) -> dict[str, str]:
    """The pages of what somebody did: settings, and costs of which some rows were left out."""
    head = "date,source,medium,campaign,cost,currency\n"
    rows = "2026-10-02,google,cpc,a,1250500,KZT\n2026-10-02,vk,cpc,b,12.50,EUR\nx,vk,cpc,a,1,EUR\n"
    wanted = {"origins": ["m.shop.example.org"], "abandonment": {"cart": 45, "browse": 1440}}
    with transaction(shop.engine) as session:
        plan = costs.plan(session, (head + rows).encode())
        taken = costs.take(session, plan, "olga@example.org", "google-ads-export-of-october.csv")
        settled = sites.decide(session, session.get_one(Site, shop.id), wanted, "olga@example.org")
        assert settled
        return {
            "attribution": "/attribution",
            "costs": f"/operations/{taken.id}",
            "settled": f"/operations/{settled.id}",
        }


def pages(shop: Shop) -> dict[str, str]:
    """Every page of the room by its name."""
    device, at = "5d1c7a44-90fe-4e0b", "2026-01-01T00:00:00Z"
    lead = shop.event(
        shop.say("identify", anonymousId=device, userId="7", traits={"name": "Анна"}, timestamp=at)
    )
    with Session(shop.engine) as session:
        card = session.scalars(select(Customer.id).where(Customer.live, Customer.name == "Анна Юдина")).one()
    return {
        "sites": "/sites",
        "new": "/sites/new",
        "site": shop.here,
        "live": f"{shop.here}/live",
        "filtered": f"{shop.here}/live?kind=web.lead",
        "nothing": f"{shop.here}/live?kind=web.screen",
        "event": f"{shop.here}/events/{lead.id}",
        "visitors": f"{shop.here}/visitors",
        "visitor": f"{shop.here}/visitors/{lead.profile_id}",
        "sources": f"{shop.here}/sources",
        "site-card": f"/customers/{card}",
        **office(shop),
    }


@pytest.mark.parametrize("look", CHECKED)
def test_every_page_is_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, shop: Shop, look: str
) -> None:
    page = enter(chromium, address, engine, owner, look)
    watching = browsers.watch(page, address)
    wrong: list[str] = []
    page.goto(f"{address}/sites")
    wrong += browsers.serious(page)
    page.goto(address + shop.here)
    wrong += browsers.serious(page)
    page.goto(f"{address}/sites/new")  # away from the page that reloads itself at the first event
    a_day(shop)
    page.get_by_label("Domain").fill("second.example")
    page.get_by_role("button", name="Add it").click()
    page.wait_for_selector("#secret")
    for name, path in {"made": "", **pages(shop)}.items():
        if path:
            answer = page.goto(address + path)
            assert answer is not None
            assert answer.status == 200, name
        if (wider := browsers.overflow(page)) > 0:
            wrong.append(f"{name}: {wider} pixels too wide")
        wrong += [f"{name}: {one}" for one in (*browsers.serious(page), *watching.wrong)]
        watching.wrong.clear()
        if folder := os.environ.get("KARTOTEKA_LOOK"):
            page.screenshot(path=Path(folder) / f"{name}-{look}.png", full_page=True)
    page.context.close()
    assert wrong == []


def test_events_come_by_themselves(
    chromium: Chromium, address: str, engine: Engine, owner: User, shop: Shop
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(f"{address}{shop.here}/live")
    rows = page.locator("#events > li")
    expect(page.get_by_text("Nothing has come yet")).to_be_visible()
    shop.say("track", anonymousId="d1", event="<b>one</b>")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("“<b>one</b>”")
    expect(page.get_by_text("Nothing has come yet")).to_be_hidden()
    page.get_by_role("button", name="Pause").click()
    shop.say("track", anonymousId="d1", event="two")
    expect(page.get_by_role("button", name="Go on (1 new)")).to_be_visible()
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Go on (1 new)").click()
    expect(rows.first).to_contain_text("two")
    rows.first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="What came")).to_be_visible()
    page.context.close()


def test_list_keeps_its_newest(
    chromium: Chromium, address: str, engine: Engine, owner: User, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.pages.site_events.MOST", 4)
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(f"{address}{shop.here}/live")
    for number in range(6):
        shop.say("track", anonymousId="d1", event=f"n{number}")
        expect(page.locator("#events > li").first).to_contain_text(f"n{number}")
    expect(page.locator("#events > li")).to_have_count(4)
    page.context.close()


def test_first_event_is_announced(
    chromium: Chromium, address: str, engine: Engine, owner: User, shop: Shop
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(address + shop.here)
    expect(page.get_by_text("waiting for the first event")).to_be_visible()
    shop.say("page", anonymousId="d1", properties={"url": f"{ROOT}/tea"})
    expect(page.get_by_text("from /tea")).to_be_visible()
    expect(page.get_by_role("link", name="Look at the newest event")).to_be_visible()
    page.context.close()


def test_room_works_without_scripts(
    chromium: Chromium, address: str, engine: Engine, owner: User, shop: Shop
) -> None:
    a_day(shop)
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    with transaction(engine) as session:
        path = auth.make_link(session, owner)
    page.goto(address + path)
    page.click("button")
    page.goto(f"{address}{shop.here}/live")
    page.get_by_label("Kind of event").select_option("web.lead")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#events > li")).to_have_count(1)
    page.get_by_role("link", name="Filled in a form on /contact").click()
    expect(page.get_by_role("heading", name="Whose it is, and why")).to_be_visible()
    context.close()


def test_tab_key_reaches_everything(
    chromium: Chromium, address: str, engine: Engine, owner: User, shop: Shop
) -> None:
    a_day(shop)
    page = enter(chromium, address, engine, owner, "desktop")
    for name, path in pages(shop).items():
        page.goto(address + path)
        wanted = page.evaluate(
            "[...document.querySelectorAll('a[href], button, input, select, textarea, summary')]"
            ".filter(e => e.checkVisibility() && !e.disabled && e.type !== 'hidden' && e.tabIndex >= 0"
            " && (e.type !== 'radio' || e.checked)).length"
        )
        seen = set()
        for _ in range(wanted + 8):
            page.keyboard.press("Tab")
            seen.add(page.evaluate(FOCUSED))
        seen.discard("")
        assert not [one for one in seen if "ring" in str(one)], name
        assert len(seen) >= wanted, name
    page.context.close()
