"""The pages of invoices and statements in Chromium: sound at every size, in light and dark."""

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import Engine, text

from console.tables import User
from tests import browser as browsers
from tests.console import billed
from tests.console.test_browser import CHECKED, enter

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("look", CHECKED)
def test_pages_of_money_are_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, look: str
) -> None:
    card = billed.anna(engine)
    with engine.connect() as db:
        bill = db.execute(text("SELECT id FROM invoices WHERE number = 'СФ-102'")).scalar_one()
        order = db.execute(text("SELECT id FROM orders WHERE number = 'B-10401'")).scalar_one()
    copy, shipped = billed.books(engine)
    page = enter(chromium, address, engine, owner, look)
    wrong = browsers.look_over(page, address, {
        "tab": f"/customers/{card}?tab=money", "timeline": f"/customers/{card}?kind=money",
        "invoice": f"/invoices/{bill}", "order": f"/orders/{order}",
        "twice": f"/invoices/{copy}", "shipped": f"/orders/{shipped}",
        "statement": f"/customers/{card}/settlements?since=2020-01-01",
        "nothing": f"/customers/{card}/settlements?since=1990-01-01&until=1990-12-31",
    }, f"money-%s-{look}", wait=300)  # fmt: skip
    page.context.close()
    assert wrong == []
