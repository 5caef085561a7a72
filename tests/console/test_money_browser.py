"""The pages of invoices and statements in Chromium: sound at every size, in light and dark."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import Engine, text
from starlette.applications import Starlette

from console.tables import User
from tests import browser as browsers
from tests.console import billed
from tests.console.test_browser import CHECKED, enter

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")


@pytest.fixture
def address(app: Starlette) -> Iterator[str]:
    with browsers.serve(app) as opened:
        yield opened


@pytest.mark.parametrize("look", CHECKED)
def test_pages_of_money_are_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, look: str
) -> None:
    card = billed.anna(engine)
    with engine.connect() as db:
        bill = db.execute(text("SELECT id FROM invoices WHERE number = 'СФ-102'")).scalar_one()
        order = db.execute(text("SELECT id FROM orders WHERE number = 'B-10401'")).scalar_one()
    page = enter(chromium, address, engine, owner, look)
    watching = browsers.watch(page, address)
    wrong: list[str] = []
    for name, path in {
        "tab": f"/customers/{card}?tab=money", "timeline": f"/customers/{card}?kind=money",
        "invoice": f"/invoices/{bill}", "order": f"/orders/{order}",
        "statement": f"/customers/{card}/settlements?since=2020-01-01",
        "nothing": f"/customers/{card}/settlements?since=1990-01-01&until=1990-12-31",
    }.items():  # fmt: skip
        answer = page.goto(address + path)
        assert answer is not None and answer.status == 200, name
        page.wait_for_timeout(300)
        if (wider := browsers.overflow(page)) > 0:
            wrong.append(f"{name}: {wider} pixels too wide")
        wrong += [f"{name}: {one}" for one in browsers.serious(page)]
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"money-{name}-{look}.png", full_page=True)
    wrong += watching.wrong
    page.context.close()
    assert wrong == []
