"""The pages of goods that are made in a ledger: the rule, the plan, the pair."""

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import select
from starlette.applications import Starlette

from console.tables import User
from foundation.database import transaction
from sync.directories import keeping
from sync.directories.tables import DirectoryPlan
from tests import browser as browsers
from tests.console.conftest import Browser
from tests.console.test_browser import enter
from tests.console.test_directories import Both, both

assert both  # the fixture of both systems


@pytest.fixture
def goods(both: Both) -> str:
    """The address of a directory of goods; one of the shop's isn't in the ledger yet."""
    both.shop.put("products", "s1", name="Kettle", sku="K-1", price="10", currency="KZT")
    both.shop.put("products", "s2", name="Lamp", sku="L-1")
    both.ledger.put("nomenclature", "g2", name="Lamp", sku="L-1", price="5")
    both.pull()
    with transaction(both.engine) as session:
        return f"/directories/{keeping.add(session, both.there, 'nomenclature', both.here).id}"


def planned(browser: Browser, both: Both) -> str:
    browser.submit(f"/directories/plan/{both.there}")
    with transaction(both.engine) as session:
        newest = select(DirectoryPlan.id).order_by(DirectoryPlan.made_at.desc()).limit(1)
        return f"/directories/plans/{session.scalars(newest).one()}"


def test_goods_are_made_there_when_a_person_says_so(browser: Browser, both: Both, goods: str) -> None:
    page = browser.see(goods)
    assert "everything" in page and "everybody" not in page and "companies" not in page
    assert "Is made there" not in browser.see(planned(browser, both))
    browser.submit(goods, creates="companies", most="20", automatic="no", status=422)
    browser.submit(goods, creates="all", most="20", automatic="no")
    plan = planned(browser, both)
    assert "Is made there" in browser.see(plan)
    browser.submit(f"{plan}/apply")
    both.work()
    both.pull()
    assert "Was made there by us" in browser.see(planned(browser, both))
    assert "made there" in browser.see(goods)


@pytest.mark.browser
def test_the_pages_are_sound(
    chromium: Chromium, app: Starlette, browser: Browser, both: Both, owner: User, goods: str
) -> None:
    browser.submit(goods, creates="all", most="20", automatic="no")
    plan = planned(browser, both)
    with browsers.serve(app) as address:
        page = enter(chromium, address, both.engine, owner, "desktop")
        wrong = browsers.look_over(page, address, {"rules": goods, "plan": plan}, "making-%s", wait=300)
        page.context.close()
    assert wrong == []
