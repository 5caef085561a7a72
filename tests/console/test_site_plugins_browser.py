"""The page of shop plugins in Chromium: every look, by keyboard, downloads that arrive.

With `KARTOTEKA_SCREENSHOTS` set it leaves the picture of the guides under docs/shops.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from sqlalchemy import Engine
from starlette.applications import Starlette

from console.tables import User
from tests import browser as browsers
from tests.console.capturing import Shop
from tests.console.test_browser import LOOKS, PICTURES, enter

pytestmark = pytest.mark.browser


@pytest.fixture
def address(app: Starlette, shop: Shop) -> Iterator[str]:
    app.state.settings = app.state.settings.model_copy(update={"public_url": "https://crm.example.org"})
    with browsers.serve(app) as address:
        yield address


@pytest.mark.parametrize("look", LOOKS)
def test_page_looks_right(
    chromium: Chromium, address: str, engine: Engine, owner: User, shop: Shop, look: str
) -> None:
    page = enter(chromium, address, engine, owner, look)
    watching = browsers.watch(page, address)
    page.goto(f"{address}{shop.here}/plugins")
    expect(page.get_by_role("heading", name="For your shop")).to_be_visible()
    if os.environ.get("KARTOTEKA_SCREENSHOTS") and look == "desktop":
        page.screenshot(path=PICTURES / "site-plugins.png", full_page=True)
    page.get_by_text("pixel.js, to copy").click()
    assert browsers.overflow(page) == 0
    assert browsers.serious(page) == []
    assert watching.wrong == []
    page.context.close()


def test_download_arrives_and_is_listed(
    chromium: Chromium, address: str, engine: Engine, owner: User, shop: Shop, tmp_path: Path
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(f"{address}{shop.here}/plugins")
    with page.expect_download() as started:
        page.get_by_role("button", name="Download WordPress").click()
    started.value.save_as(tmp_path / started.value.suggested_filename)
    with ZipFile(tmp_path / "kartoteka.zip") as archive:
        assert archive.testzip() is None and "kartoteka/kartoteka.php" in archive.namelist()
    page.reload()
    keys = page.locator("section", has=page.get_by_role("heading", name="Secret keys in force"))
    expect(keys.get_by_text("WordPress, WooCommerce")).to_have_count(1)
    page.context.close()
