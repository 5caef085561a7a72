"""Pages of segments in Chromium: sound at every size; the builder redraws, counts and keeps what is typed."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, Route, expect
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from console.tables import User
from customers.segments import jobs, language, lists, printing, store
from customers.segments.tables import Segment
from foundation.database import transaction
from tests import browser as browsers
from tests.console import company
from tests.console.test_browser import CHECKED, enter

pytestmark = pytest.mark.browser
BUSY = (
    'orders.count(last 90 days) >= 2 and country in ("KZ", "TR") and not (opened(any letter, last 30 days) or'
    ' event("Signed Up", plan = "pro", last 2 weeks)) and last_order between 2026-01-01 and 2027-06-30'
)


@pytest.fixture
def known(engine: Engine) -> dict[str, UUID]:
    ids = company.found(engine)
    with transaction(engine) as session:
        loyal = store.make(
            session, "Loyal in Kazakhstan", language.parse('country = "KZ"'), "olga@example.org"
        )
        busy = store.make(session, "Bought twice, quiet since", language.parse(BUSY), "olga@example.org")
        vip = store.make_list(session, "VIP", "olga@example.org")
        anna = next(key for name, key in ids.items() if "Юдина" in name)
        lists.add(session, vip, [anna], "olga@example.org")
        found = {"loyal": loyal.id, "busy": busy.id, "vip": vip.id, "anna": anna}
    while jobs.follow_segments(engine):
        pass
    return found


@pytest.mark.parametrize("look", CHECKED)
def test_pages_of_segments_are_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID], look: str
) -> None:
    page = enter(chromium, address, engine, owner, look)
    loyal, busy, vip, anna = (known[name] for name in ("loyal", "busy", "vip", "anna"))
    wrong = browsers.look_over(page, address, {
        "list": "/segments", "new": "/segments/new", "new-list": "/segments/new?kind=list",
        "builder": f"/segments/{busy}", "people": f"/segments/{loyal}/people",
        "vip": f"/segments/{vip}/people", "mailings": f"/segments/{vip}/mailings",
        "why": f"/segments/{busy}/people/{anna}", "card": f"/customers/{anna}?tab=segments",
    }, f"%s-{look}", wait=700)  # fmt: skip
    page.context.close()
    assert wrong == []


def test_the_builder_redraws_counts_and_saves(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    watching = browsers.watch(page, address)
    page.goto(f"{address}/segments/new")
    page.get_by_label("Name", exact=True).fill("Many orders")
    page.get_by_label("What it is about").select_option("orders.count")
    page.get_by_label("Value", exact=True).fill("3")
    expect(page.locator("#count")).to_contain_text("customers now")
    assert page.get_by_label("Name", exact=True).input_value() == "Many orders"
    page.get_by_label("Period").select_option("last")
    page.get_by_label("How many", exact=True).fill("365")
    page.get_by_role("button", name="Condition", exact=True).click()
    second = page.get_by_role("group", name="City")
    second.get_by_label("Value", exact=True).fill("Алматы")
    expect(page.locator("#count")).to_contain_text("Мадина Абенова")
    page.get_by_role("button", name="Show as text").click()
    expect(page.get_by_label("Conditions as text")).to_have_value(
        'orders.count(last 365 days) >= 3 and city = "Алматы"'
    )
    page.get_by_label("Conditions as text").fill('city = "Astana" or city = "Алматы"')
    page.get_by_role("button", name="Use this text").click()
    expect(page.get_by_label("How many must hold")).to_have_value("any")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/segments/*-*")
    with Session(engine) as session:
        segment = store.find(session, "Many orders")
        assert printing.text(store.current(session, segment)) == 'city = "Astana" or city = "Алматы"'
        assert session.query(Segment).count() == 4
    assert watching.wrong == []
    page.context.close()


@pytest.fixture
def building(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID]
) -> Iterator[Page]:
    """A new segment, before anything is chosen."""
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(f"{address}/segments/new")
    expect(page.locator("#count")).to_contain_text("Say what to compare with.")
    yield page
    page.context.close()


def late(page: Page, pattern: str) -> list[Route]:
    """The questions of a kind, which wait for their answers until they are let go on."""
    held: list[Route] = []
    page.route(pattern, lambda route: held.append(route))
    return held


def let_go(page: Page, held: list[Route]) -> None:
    """Let all answers come, the newest first; also to what is asked after them."""
    for _round in range(4):
        page.wait_for_timeout(150)
        while held:
            held.pop().continue_()
            page.wait_for_timeout(300)


def test_whoever_went_on_while_it_is_redrawn_types_where_he_is(building: Page) -> None:
    page = building
    held = late(page, "**/segments/new")
    page.get_by_label("What it is about").select_option("orders.count")
    page.get_by_label("Value", exact=True).focus()
    page.keyboard.type("12")
    page.keyboard.press("ArrowLeft")
    let_go(page, held)
    expect(page.get_by_label("How it is compared").first).to_have_value(">=")
    page.keyboard.type("0")
    expect(page.get_by_label("Value", exact=True)).to_have_value("102")
    expect(page.locator("#count")).to_contain_text("customers now")


def test_what_is_redrawn_late_takes_nothing_back(building: Page) -> None:
    page = building
    held = late(page, "**/segments/new")
    page.get_by_label("What it is about").select_option("orders.count")
    page.get_by_role("button", name="Condition", exact=True).click()
    page.wait_for_timeout(200)
    let_go(page, held)
    expect(page.get_by_label("What it is about")).to_have_count(2)
    expect(page.get_by_role("button", name="Condition", exact=True)).to_be_focused()


def test_a_count_that_failed_leaves_no_older_one(building: Page) -> None:
    page = building
    page.route("**/segments/count", lambda route: route.fulfill(status=503, body="busy"))
    page.get_by_label("Value", exact=True).fill("Алматы")
    expect(page.locator("#count")).to_contain_text("could not be counted just now")
    page.unroute("**/segments/count")
    page.get_by_label("Value", exact=True).fill("Астана")
    expect(page.locator("#count")).to_contain_text("1 customer now")


def test_the_builder_works_without_scripts(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    cookies = page.context.cookies()
    plain = chromium.new_context(java_script_enabled=False)
    plain.add_cookies(cookies)
    page = plain.new_page()
    page.goto(f"{address}/segments/new")
    page.get_by_label("Name", exact=True).fill("Plain")
    page.get_by_label("What it is about").select_option("opened")
    page.get_by_role("button", name="Show as text").click()
    expect(page.get_by_label("Conditions as text")).to_have_value("opened(any letter)")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Plain")
    plain.close()
