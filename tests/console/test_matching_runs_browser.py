"""The pages of runs of matching in Chromium: sound on a desktop, a phone and in the dark."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from starlette.applications import Starlette

from console.tables import User
from customers.tables import Customer, ProfileLink
from foundation.database import transaction
from sync.dedupe import planning, runs
from tests import browser as browsers
from tests.console.test_reviewing_browser import enter
from tests.customers.world import say, shop
from tests.sync.dedupe.twins import man, twins

pytestmark = pytest.mark.browser


@pytest.fixture
def pages(engine: Engine) -> list[str]:
    """A plan, a run that is done, all runs, and a card that the run made."""
    with transaction(engine) as session:
        twins(session, 1)
        done = planning.make(session, "olga").id
        runs.start(session, done, "olga")
        while runs.go_on(session, done):
            pass
        for name in ("c", "d"):
            say(session, shop(session, name), *(man(name, one) for one in (1, 2, 3)))
        plan = planning.make(session, "olga").id
    with Session(engine) as session:
        found = select(Customer.id).join(ProfileLink, ProfileLink.customer_id == Customer.id)
        card = session.scalar(found.where(ProfileLink.rule == "model", Customer.live))
    at = "/duplicates/runs"
    return [f"{at}/{plan}", f"{at}/{done}", at, f"/customers/{card}?tab=links", "/duplicates?rule=model"]


@pytest.fixture
def address(app: Starlette, pages: list[str]) -> Iterator[str]:
    with browsers.serve(app) as opened:
        yield opened


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_pages_are_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, pages: list[str], size: str
) -> None:
    page = enter(chromium, address, engine, owner, size)
    watching = browsers.watch(page, address)
    for path in pages:
        page.goto(address + path)
        for folded in page.locator("details.quiet > summary").all():
            folded.click()
        assert browsers.overflow(page) <= 0, path
        assert browsers.serious(page) == [], path
    assert watching.wrong == []
    page.context.close()


def test_plan_is_carried_out_by_keyboard(
    chromium: Chromium, address: str, engine: Engine, owner: User, pages: list[str]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(address + pages[0])
    page.get_by_role("button", name="Join").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.context.close()
