"""A sold out product's page asks whether to tell when it is back, in Chromium; other pages don't."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from tests.web_capture.conftest import Pages, Rows
from tests.web_capture.forms.shop import STRICT, Shop
from tests.web_capture.forms.test_back_in_stock import asking
from tests.web_capture.forms.test_browser import chromium, drawn, page, shop

__all__ = ["chromium", "page", "shop"]  # fixtures
pytestmark = pytest.mark.browser
ASKED = "SELECT data FROM timeline WHERE kind = 'web.back_in_stock_asked' ORDER BY id"


def marked(*availability: str, **more: Any) -> str:
    """A page's markup of one product with so many offers."""
    offers = [{"@type": "Offer", "price": "12.50", "availability": f"https://schema.org/{one}"}
              for one in availability]  # fmt: skip
    product = {"@type": "Product", "name": "A mug", "sku": "MUG", "offers": offers} | more
    return f'<script type="application/ld+json">{json.dumps({"@graph": [product]})}</script>'


def tell(page: Page, email: str = "anna@example.org") -> None:
    page.get_by_label("E-mail", exact=True).fill(email)
    page.wait_for_timeout(2_100)  # nobody fills in a form faster
    page.get_by_role("button", name="Tell me").click()
    expect(page.get_by_role("status")).to_contain_text("Thank you")


def test_page_of_a_sold_out_product_asks(
    engine: Engine, pages: Pages, shop: Shop, page: Page, rows: Rows
) -> None:
    form = asking(engine, pages)
    shop.policy = STRICT.format(hub=shop.hub) + " 'unsafe-inline'"
    place = f'<aside><div data-kartoteka-form="{form.key}"></div></aside>'
    shop.body = marked("OutOfStock", "SoldOut") + place
    page.goto(f"{shop.address}/mug")
    tell(page)
    page.wait_for_timeout(400)
    [asked] = rows(ASKED)
    assert asked["data"]["products"] == [{"name": "A mug", "sku": "MUG", "url": f"{shop.address}/mug"}]
    assert rows("SELECT purpose FROM consents") == [{"purpose": "back_in_stock"}]


@pytest.mark.parametrize(
    "body",
    [
        "",
        marked("InStock"),
        marked("OutOfStock", "InStock"),
        marked("OutOfStock") + marked("OutOfStock", sku="TEA"),
        '<script type="application/ld+json">{"@type": "Product", "offers": </script>',
        '<script type="application/ld+json">[null, {"@type": "Product"}]</script>',
    ],
)
def test_other_pages_do_not(engine: Engine, pages: Pages, shop: Shop, page: Page, body: str) -> None:
    form = asking(engine, pages)
    shop.body = f'{body}<aside><div data-kartoteka-form="{form.key}"></div></aside>'
    page.goto(shop.address)
    drawn(page)
    expect(page.get_by_role("button", name="Tell me")).to_have_count(0)


def test_template_may_name_the_product(
    engine: Engine, pages: Pages, shop: Shop, page: Page, rows: Rows
) -> None:
    form = asking(engine, pages)
    shop.body = f'<div data-kartoteka-form="{form.key}" data-sku="TEA" data-product="12"></div>'
    page.goto(shop.address)
    tell(page)
    page.wait_for_timeout(400)
    assert rows(ASKED)[0]["data"]["products"][0] | {"url": ""} == {
        "sku": "TEA", "product_id": "12", "name": "Shop", "url": ""
    }  # fmt: skip


def test_popup_asks_for_each_product_once(engine: Engine, pages: Pages, shop: Shop, page: Page) -> None:
    asking(engine, pages, kind="slide", triggers={}, look={"position": "right", "theme": "light"})
    shop.body = marked("OutOfStock")
    page.goto(shop.address)
    tell(page)
    for sku, times in (("MUG", 0), ("TEA", 1)):
        shop.body = marked("OutOfStock", sku=sku)
        page.goto(shop.address)
        drawn(page)
        expect(page.get_by_role("button", name="Tell me")).to_have_count(times)
