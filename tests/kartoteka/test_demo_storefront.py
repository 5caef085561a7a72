"""The invented shop's pages: what they sell is ordered, what they say stands in the data layer."""

import json
import re

import pytest
import requests

from kartoteka.demo.company import Company
from kartoteka.demo.hub import FormNote, Hub
from kartoteka.demo.shop import Shop
from kartoteka.demo.storefront import Storefront
from kartoteka.demo.visitors import Visitors, device_of
from tests.browser import SIZES, chromium, overflow, serious, watch
from tests.serving import served

WHERE = {"first_name": "Anna", "email": "anna@post.example", "city": "Almaty", "street": "Abay 1"}


@pytest.fixture(scope="module")
def front():
    shop = Shop(Company(people=60, orders=20))
    visitors = Visitors(shop, every=0)
    front = Storefront(shop, visitors)
    with served(shop.app([*visitors.routes(), *front.routes()])) as address:
        yield front, address
    shop.hooks.stop()
    shop.hooks.thread.join(10)


@pytest.fixture
def browser(front):
    """Somebody who walks through the shop: `get` and `post` answer a page's text."""
    with requests.Session() as session:

        def ask(method, path, **form):
            answer = session.request(method, front[1] + path, data=form or None, timeout=10)
            assert answer.status_code == 200, answer.text
            return answer.text

        session.ask = ask
        yield session


@pytest.fixture
def hub(front):
    front[0].visitors.hub = Hub(
        "http://hub.example", front[1], "s1", "wk", "sk", (FormNote("f1", "Letter", "embedded", "Yes."),)
    )
    yield front[0].visitors.hub
    front[0].visitors.hub = None


def layer(page):
    """What a page pushes into its data layer, by event."""
    said = [json.loads(one) for one in re.findall(r"dataLayer\.push\((.*)\);", page)]
    return {one["event"]: one.get("ecommerce", one) for one in said}


def test_shelves_show_all_goods(front, browser):
    page = browser.ask("GET", "/")
    assert page.count('class="card"') == len(front[0].company.products)
    assert len(layer(page)["view_item_list"]["items"]) == 12


def test_search_finds_by_name(browser):
    page = browser.ask("GET", "/?q=samovar")
    assert page.count('class="card"') == 1
    assert layer(page)["view_search_results"]["search_term"] == "samovar"


def test_what_is_searched_for_is_escaped(browser):
    page = browser.ask("GET", "/?q=</script><script>alert(1)</script>")
    assert "<script>alert" not in page


def test_missing_product_is_said(front):
    assert requests.get(f"{front[1]}/product/999", timeout=10).status_code == 404


def test_line_comes_with_the_hub(browser, hub):
    page = browser.ask("GET", "/")
    assert '<script async src="http://hub.example/k/s1.js"></script>' in page
    assert 'data-kartoteka-form="f1"' in page


def test_no_line_without_a_hub(browser):
    assert "<script async" not in browser.ask("GET", "/")


def test_cart_says_what_was_added(browser):
    said = layer(browser.ask("POST", "/cart", product="1", quantity="2"))
    assert said["add_to_cart"] == said["view_cart"]
    assert (said["add_to_cart"]["value"], said["add_to_cart"]["currency"]) == (4800, "KZT")
    assert "add_to_cart" not in layer(browser.ask("GET", "/cart"))


def test_cart_can_be_emptied(browser):
    browser.ask("POST", "/cart", product="1", quantity="2")
    page = browser.ask("POST", "/cart", product="1", quantity="0", set="1")
    assert layer(page)["remove_from_cart"]["items"][0]["quantity"] == 2
    assert "nothing in it" in page


def test_empty_cart_is_not_ordered(front, browser):
    before = len(front[0].company.orders)
    assert "nothing in it" in browser.ask("POST", "/checkout", **WHERE)
    assert len(front[0].company.orders) == before


def test_order_is_placed_in_the_company(front, browser):
    browser.cookies.set("_k", "n17.5")
    browser.ask("POST", "/cart", product="3", quantity="1")
    assert layer(browser.ask("GET", "/checkout"))["begin_checkout"]["value"] == 1900
    paid = layer(browser.ask("POST", "/checkout", **WHERE))["purchase"]
    order = front[0].company.orders[int(paid["transaction_id"])]
    assert (order["total"], order["currency"], paid["value"]) == ("3400.00", "KZT", 3400)
    assert (order["billing"]["email"], order["customer_id"]) == ("anna@post.example", 0)
    assert device_of(order) == "n17.5"


def test_refused_browser_is_not_kept(front, browser):
    browser.cookies.set("_k", "deny")
    browser.ask("POST", "/cart", product="3", quantity="1")
    paid = layer(browser.ask("POST", "/checkout", **WHERE))["purchase"]
    assert front[0].company.orders[int(paid["transaction_id"])]["meta_data"] == []


def test_sign_in_is_vouched_for_once(front, browser, hub):
    page = browser.ask("POST", "/account", customer="1")
    call = json.loads(re.search(r"window\.kartoteka \|\| \[\]\)\.push\((.*)\);", page)[1])
    assert call[:2] == ["identify", "1"]
    assert call[2]["email"] == front[0].company.customers[1]["email"]
    assert call[3] == hub.sign("1", call[2]["email"])
    assert '"identify"' not in browser.ask("GET", "/account")
    assert '["reset"]' in browser.ask("POST", "/account", customer="0")


def test_account_holder_orders_as_such(front, browser):
    browser.ask("POST", "/account", customer="2")
    browser.ask("POST", "/cart", product="3", quantity="1")
    paid = layer(browser.ask("POST", "/checkout", **WHERE))["purchase"]
    assert front[0].company.orders[int(paid["transaction_id"])]["customer_id"] == 2


def test_nonsense_in_the_cart_is_harmless(browser):
    for product, quantity in (("0", "1"), ("x", "1"), ("9" * 30, "1"), ("²", "1")):
        assert "nothing in it" in browser.ask("POST", "/cart", product=product, quantity=quantity)


@pytest.mark.browser
@pytest.mark.parametrize("size", SIZES)
def test_pages_are_usable_at_every_size(front, size):
    width, height = SIZES[size]
    with chromium() as program:
        page = program.new_page(viewport={"width": width, "height": height})
        watching = watch(page, front[1])
        page.goto(f"{front[1]}/product/14")
        page.click("text=Put into the cart")
        for path in ("/", "/product/14", "/cart", "/checkout", "/account", "/contact"):
            page.goto(front[1] + path)
            assert overflow(page) == 0, path
            assert not serious(page), path
        page.close()
    assert not watching.wrong
