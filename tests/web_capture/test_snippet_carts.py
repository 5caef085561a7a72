"""What is put into a cart is told once: by a plugin, by the data layer, or by a click."""

import pytest

from tests.waiting import eventually
from tests.web_capture.snippet_world import address, chromium, context, hub, page, shop, visit, world

__all__ = ["address", "chromium", "context", "hub", "page", "shop", "world"]  # fixtures
pytestmark = pytest.mark.browser

PLUGIN = "<script>(window.kartoteka = window.kartoteka || []).told = {}; dataLayer = []</script>"
TOLD = "/^(view_?item|add_?to_?cart|purchase)$/i"
NAMES = ["view_item", "view_item_list", "add_to_cart", "addToCart", "purchase", "search", "add_to_wishlist"]
PUSH = """names => names.forEach(event => dataLayer.push({
    event, search_term: 'cup', ecommerce: { transaction_id: event, items: [{ item_id: '7' }] } }))"""
ADDS = {"Product Added", "add_to_cart"}


def button(then: str, tag: str = 'a href="#"') -> str:
    """A theme's button that does something when it is clicked."""
    return (
        f'<{tag} class="button add_to_cart_button ajax_add_to_cart" data-product_id="7"'
        f" onclick='{then}'>Add</{tag.split()[0]}>"
    )


def adds(hub) -> list[str]:
    return [one["event"] for one in hub.messages() if one.get("event") in ADDS]


def end(page, hub, after: int = 1_300) -> None:
    page.wait_for_timeout(after)
    page.evaluate("kartoteka.track('End')")
    hub.event("End")


def test_plugin_is_told_of_once(page, hub, shop, address):
    shop.head = PLUGIN.format(TOLD)
    visit(page, address)
    page.evaluate(PUSH, NAMES)
    page.evaluate("kartoteka.track('Product Added', { product_id: '7' })")
    end(page, hub, 0)
    said = {one["event"] for one in hub.messages() if one["type"] == "track"} - {"End"}
    assert said == {"view_item_list", "search", "add_to_wishlist", "Product Added"}


def test_plugin_leaves_no_clicks(page, hub, shop, address):
    shop.head, shop.body["/"] = PLUGIN.format(TOLD), button("")
    visit(page, address)
    page.click("text=Add")
    end(page, hub)
    assert adds(hub) == []


def test_every_click_counts_without_a_layer(page, hub, shop, address):
    shop.body["/"] = button("") + button("").replace('"7"', '"8"').replace(">Add", ">More")
    visit(page, address)
    page.click("text=Add")
    page.click("text=More")
    end(page, hub)
    assert [one["properties"]["product_id"] for one in hub.events("Product Added")] == ["7", "8"]


def test_click_that_leaves_the_page_counts(page, hub, shop, address):
    shop.body["/"] = button("", 'a href="/cart"')
    visit(page, address)
    page.click("text=Add")
    page.wait_for_url("**/cart")
    assert hub.event("Product Added")["product_id"] == "7"
    eventually(lambda: address + "/cart" in hub.pages())
    assert adds(hub) == ["Product Added"]
