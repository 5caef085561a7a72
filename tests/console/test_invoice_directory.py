"""The pages of a directory of invoices: switched on, what waits and why, planned, its rules."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import select
from starlette.applications import Starlette

from console.tables import User
from foundation.database import transaction
from sync.directories.tables import Directory, DirectoryPlan
from tests import browser as browsers
from tests.console.conftest import Browser
from tests.console.test_browser import CHECKED, enter
from tests.console.test_directories import Both, applied, both

assert both  # a fixture


@pytest.fixture
def invoices(browser: Browser, both: Both) -> UUID:
    """An order of a customer who has a counterparty."""
    both.shop.order(1, buyer=1, total="300.00")
    both.pull()
    assert "of orders" not in browser.see("/directories")
    browser.submit("/directories", connection=str(both.there), what="invoices", home=str(both.here))
    with transaction(both.engine) as session:
        return session.scalars(select(Directory.id).where(Directory.what == "invoices")).one()


def save(browser: Browser, invoices: UUID, status: int = 303, **typed: str) -> None:
    said = {"creates": "all", "most": "20", "automatic": "no", "since": "2020-01-01", "due": "14", **typed}
    browser.submit(f"/directories/{invoices}", status, **said)


def test_orders_are_planned_and_become_drafts(browser: Browser, both: Both, invoices: UUID) -> None:
    page = browser.see(f"/directories/{invoices}?show=only_here")
    assert "R1, Person Number1" in page and 'href="/orders/' in page
    save(browser, invoices)
    both.shop.put("products", "s1", name="Tea <b>", sku="T")
    both.shop.order(2, buyer=1, total="20.00", lines=[("s1", "Tea <b>", "20.00")])
    both.pull()
    assert "1 of its goods have no partner there: Tea &lt;b&gt;" in browser.see(
        f"/directories/{invoices}?show=only_here"
    )
    browser.submit(f"/directories/plan/{both.there}")
    with transaction(both.engine) as session:
        plan = session.scalars(select(DirectoryPlan.id)).one()
    page = browser.see(f"/directories/plans/{plan}")
    assert "An invoice of €300 is made there as a draft" in page and "have no partner there" in page
    applied(browser, both)
    [bill] = both.ledger.things["invoices"].values()
    assert (bill["order"], bill["state"], bill["customer"]) == ("R1", "draft", "p1")
    both.pull()
    applied(browser, both)
    assert "300" in browser.see(f"/directories/{invoices}") and "Invoices" in browser.see("/directories")
    both.ledger.put("invoices", bill["id"], state="open")
    both.shop.order(1, total="310.00")
    both.pull()
    applied(browser, both)
    assert "if theirs wins, both stay as they are" in browser.see("/directories/conflicts")


def test_an_invoice_in_doubt_says_of_which_order_it_may_be(
    browser: Browser, both: Both, invoices: UUID
) -> None:
    both.ledger.party(2)
    both.ledger.bill(1, customer="p2", total="12345.50")
    both.pull()
    applied(browser, both)
    page = browser.see(f"/directories/{invoices}?show=waiting")
    assert "R1" in page and "12,345.5" in page and "12345.5" not in page
    page = browser.see("/directories/conflicts")
    assert re.search('href="/orders/[^"]+">Order R1</a>, Person Number1, €300 ', page)
    assert "Invoice B1, Person Number2, €12,345.50 " in page and "Order number R1" in page


def test_older_orders_without_an_invoice_are_not_said_to_have_one(browser: Browser, invoices: UUID) -> None:
    page = f"/directories/{invoices}?show=only_here"
    save(browser, invoices, since="2090-01-01")
    assert "Whatever is here" not in browser.see(page) and "want billed" in browser.see(page)


def test_rules(browser: Browser, invoices: UUID) -> None:
    save(browser, invoices)
    page = browser.see(f"/directories/{invoices}")
    assert 'value="2020-01-01"' in page and 'value="14"' in page and "owner." not in page
    save(browser, invoices, due="")
    assert 'value="14"' not in browser.see(f"/directories/{invoices}")
    for wrong in ({"since": "yesterday"}, {"due": "soon"}, {"creates": "some"}):
        save(browser, invoices, 422, **wrong)


@pytest.mark.browser
@pytest.mark.parametrize("look", CHECKED)
def test_pages_are_sound(
    chromium: Chromium, app: Starlette, browser: Browser, both: Both, invoices: UUID, owner: User, look: str
) -> None:
    save(browser, invoices)
    applied(browser, both)
    [bill] = both.ledger.things["invoices"].values()
    both.ledger.put("invoices", bill["id"], state="open", number="2026/17")
    both.shop.put("products", "s1", name="A samovar with a rather long name of its own", sku="T")
    both.shop.order(1, total="310.00")
    both.shop.order(2, buyer=1, total="20.00", lines=[("s1", "A samovar", "20.00")])
    both.shop.order(3, total="45.50")
    both.shop.order(4, buyer=1, total="12.00")
    both.ledger.party(2)
    both.ledger.bill(4, customer="p2", total="12.00")
    both.pull()
    applied(browser, both)
    both.shop.order(5, buyer=1, total="99.00")
    both.pull()
    browser.submit(f"/directories/plan/{both.there}")
    with transaction(both.engine) as session:
        plan = session.scalars(select(DirectoryPlan.id).where(DirectoryPlan.state == "made")).one()
    with browsers.serve(app) as address:
        page = enter(chromium, address, both.engine, owner, look)
        wrong = browsers.look_over(page, address, {
            "all": "/directories", "one": f"/directories/{invoices}", "conflicts": "/directories/conflicts",
            "here": f"/directories/{invoices}?show=only_here", "plan": f"/directories/plans/{plan}",
        }, f"invoice-directory-%s-{look}", wait=300)  # fmt: skip
        page.context.close()
    assert wrong == []
