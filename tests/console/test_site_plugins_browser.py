"""The page of shop plugins in Chromium: every look, by keyboard, downloads that arrive.

With `KARTOTEKA_SCREENSHOTS` set it leaves the pictures of the guides under docs/shops.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Locator, expect
from sqlalchemy import Engine
from starlette.applications import Starlette

from console.tables import User
from tests import browser as browsers
from tests.console.capturing import Shop
from tests.console.test_browser import CHECKED, PICTURES, enter

pytestmark = pytest.mark.browser


@pytest.fixture
def address(app: Starlette, shop: Shop) -> Iterator[str]:
    app.state.settings = app.state.settings.model_copy(update={"public_url": "https://crm.example.org"})
    with browsers.serve(app) as address:
        yield address


@pytest.mark.parametrize("look", CHECKED)
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


def test_guides_pictures_show_what_they_say(
    chromium: Chromium, address: str, engine: Engine, owner: User, shop: Shop
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(f"{address}{shop.here}/plugins")
    keep(page.locator("li", has_text="The snippet, as a tag that waits for consent"), "tag-manager")
    shopify = page.locator("li", has_text="pixel.js, to copy")
    shopify.get_by_text("theme.liquid, to copy").click()
    expect(shopify.get_by_text("{% if customer %}")).to_be_visible()
    keep(shopify, "shopify-texts")
    where = "https://shop.example/kettles"
    page.goto(f"{address}{shop.here}")
    check = page.locator(".facts")
    expect(check).to_contain_text("waiting for the first event", ignore_case=True)
    context = {"library": {"name": "kartoteka"}, "page": {"url": where}}
    shop.say("page", anonymousId="e1763.42", context=context, properties={"url": where})
    expect(check).to_contain_text("seen", ignore_case=True, timeout=15_000)
    page.reload()
    expect(check).to_contain_text("by kartoteka")
    keep(check, "install-check")
    page.context.close()


def keep(part: Locator, name: str) -> None:
    """Keep a picture of a part of a page for the docs when asked to."""
    if os.environ.get("KARTOTEKA_SCREENSHOTS"):
        part.screenshot(path=PICTURES / f"{name}.png")


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
