"""What the snippet reads in a shop's pages: data layers, JSON-LD, themes, forms, links to sister shops."""

import json
from urllib.parse import urlsplit

import pytest

from tests.browser import serve
from tests.waiting import eventually
from tests.web_capture.snippet_world import Shop, address, chromium, context, hub, page, shop, visit, world

__all__ = ["address", "chromium", "context", "hub", "page", "shop", "world"]  # fixtures
pytestmark = pytest.mark.browser

ITEMS = [{"item_id": "P1", "item_name": "Cup", "price": 12.5, "quantity": 2}]
PRODUCT = (
    '<script type="application/ld+json">{"@graph":[{"@type":"WebPage"},{"@type":"Product","sku":"S1",'
    '"name":"Cup","offers":[{"price":"12.50","priceCurrency":"EUR"}]}]}</script>'
)
GTAG = "function gtag() { dataLayer.push(arguments) }"
CARD, AMEX = "4111 1111 1111 1111", "378282246310005"
STOP = "<script>addEventListener('submit', event => event.preventDefault())</script>"


def form(fields: str, attributes: str = 'id="lead"') -> str:
    return f"{STOP}<form {attributes}>{fields}<button>Send</button></form>"


def test_existing_and_future_layer_entries_are_read(page, hub, shop, address):
    entry = json.dumps({"event": "view_item", "ecommerce": {"currency": "EUR", "items": ITEMS}})
    shop.head = f"<script>dataLayer = [null, {{event: 'gtm.js'}}, {entry}]; {GTAG}</script>"
    visit(page, address)
    assert hub.event("view_item") == {"currency": "EUR", "items": ITEMS}
    page.evaluate("items => gtag('event', 'add_to_cart', { currency: 'EUR', value: 25, items })", ITEMS)
    assert hub.event("add_to_cart") == {"currency": "EUR", "value": 25, "items": ITEMS}
    page.evaluate("dataLayer.push({ event: 'search', search_term: 'cup' })")
    assert hub.event("search")["search_term"] == "cup"
    page.evaluate("gtag('config', 'G-1'); gtag('event', 'scroll', { percent: 90 }); kartoteka.track('End')")
    hub.event("End")
    assert len([one for one in hub.messages() if one["type"] == "track"]) == 4


def test_same_order_counts_once(page, hub, address):
    visit(page, address)
    order = {"transaction_id": "T1", "value": 25, "currency": "EUR", "items": ITEMS}
    push = "order => dataLayer.push({ event: 'purchase', ecommerce: order })"
    page.evaluate(push, order)
    page.evaluate("kartoteka.track('Order Completed', { order_id: 'T1' })")
    eventually(lambda: hub.events("purchase") + hub.events("Order Completed"))
    visit(page, address)
    page.evaluate(push, order)
    page.evaluate(push, {**order, "transaction_id": "T2"})
    eventually(lambda: len(hub.events("purchase") + hub.events("Order Completed")) == 2)
    page.evaluate("kartoteka.track('End')")
    hub.event("End")
    assert len(hub.events("purchase") + hub.events("Order Completed")) == 2


def test_frozen_layer_stays_usable(page, hub, shop, address):
    entry = json.dumps({"event": "view_item", "ecommerce": {"items": ITEMS}})
    shop.head = f"<script>dataLayer = Object.freeze([{entry}])</script>"
    visit(page, address)
    hub.event("view_item")


def test_shops_own_errors_stay_its_own(page, hub, shop, address):
    shop.head = "<script>dataLayer = []; dataLayer.push = () => { throw new Error('own') }; </script>"
    visit(page, address)
    thrown = "() => { try { dataLayer.push({}) } catch (error) { return error.message } }"
    assert page.evaluate(thrown) == "own"
    elsewhere = "history.pushState({}, '', 'https://elsewhere.example')"
    refused = f"() => {{ try {{ {elsewhere} }} catch (error) {{ return error.name }} }}"
    assert page.evaluate(refused) == "SecurityError"
    assert page.evaluate("history.pushState(null, '', '/x') === undefined")
    eventually(lambda: address + "/x" in hub.pages())


def test_markup_speaks_when_the_layer_is_silent(page, hub, shop, address):
    shop.body["/cup"] = PRODUCT + '<script type="application/ld+json">{broken</script>'
    visit(page, address + "/cup")
    said = hub.event("Product Viewed")
    assert (said["sku"], said["name"], said["price"], said["priceCurrency"]) == ("S1", "Cup", "12.50", "EUR")


def test_markup_is_silent_after_the_layer(page, hub, shop, address):
    entry = json.dumps({"event": "view_item", "ecommerce": {"items": ITEMS}})
    shop.head, shop.body["/"] = f"<script>dataLayer = [{entry}]</script>", PRODUCT
    visit(page, address)
    page.wait_for_load_state()
    page.evaluate("kartoteka.track('End')")
    hub.event("End")
    assert not hub.events("Product Viewed")


@pytest.mark.parametrize(
    ("markup", "product"),
    [
        (
            '<a href="#" class="button ajax_add_to_cart add_to_cart_button" data-product_id="11">Add</a>',
            {"product_id": "11"},
        ),
        (
            STOP + '<form><input name="quantity" value="3"><button name="add-to-cart" value="12" '
            'class="single_add_to_cart_button"><b>Add</b></button></form>',
            {"product_id": "12", "quantity": "3"},
        ),
        (
            '<div id="product"><input name="quantity" value="1">'
            '<input type="hidden" name="product_id" value="13">'
            '<button type="button" id="button-cart">Add</button></div>',
            {"product_id": "13", "quantity": "1"},
        ),
        (
            STOP + '<form action="/cart/add"><input type="hidden" name="id" value="14">'
            '<button name="add">Add</button></form>',
            {"product_id": "14"},
        ),
    ],
    ids=["woocommerce-list", "woocommerce-product", "opencart", "shopify"],
)
def test_themes_button_adds_a_product(page, hub, shop, address, markup, product):
    shop.body["/"] = markup
    visit(page, address)
    page.click("text=Add")
    assert hub.event("Product Added") == product


def test_variable_product_link_adds_nothing(page, hub, shop, address):
    shop.body["/"] = (
        '<a href="#" class="button product_type_variable add_to_cart_button" data-product_id="1">Choose</a>'
    )
    visit(page, address)
    page.click("text=Choose")
    page.evaluate("kartoteka.track('End')")
    hub.event("End")
    assert not hub.events("Product Added")


def test_lead_fields_are_recognised(page, hub, shop, address):
    shop.body["/"] = form(
        '<input name="Your-Name" value="Anna"><input name="Email" value="anna@mail.example">'
        '<input type="tel" name="t" value="+49 1512 3456 7890"><input id="last" value="Berg">'
        '<textarea name="message">Hello</textarea>'
        '<input type="hidden" name="email_hidden" value="x"><input type="checkbox" name="phone_ok" checked>'
    )
    visit(page, address)
    page.click("text=Send")
    assert hub.event("Form Submitted") == {
        "form": "lead",
        "name": "Anna",
        "email": "anna@mail.example",
        "phone": "+49 1512 3456 7890",
        "lastName": "Berg",
    }


SENSITIVE = [
    '<input type="password" name="email_password" value="SECRET">',
    '<input name="user_password_name" value="SECRET">',
    '<input type="tel" autocomplete="cc-number" value="SECRET">',
    '<input type="tel" name="cardnumber" value="SECRET">',
    '<input type="tel" name="cvc" value="SECRET"><input type="tel" id="cvv" value="SECRET">',
    f'<input type="tel" name="phone2" value="{CARD}">',
    f'<input name="nickname" value="{AMEX}">',
    '<input type="tel" autocomplete="one-time-code" value="SECRET">',
    '<input type="tel" name="otp" value="SECRET">',
    '<input type="hidden" name="name" value="SECRET">',
    '<input name="first_name" value="SECRET" data-private>',
    '<div data-private><p><input name="last_name" value="SECRET"></p></div>',
    '<input name="comment" value="SECRET"><textarea name="name">SECRET</textarea>',
]


@pytest.mark.parametrize("field", SENSITIVE)
def test_sensitive_field_never_leaves(page, hub, shop, address, field):
    shop.body["/"] = form('<input type="email" value="a@b.example">' + field)
    visit(page, address)
    page.click("text=Send")
    assert hub.event("Form Submitted") == {"form": "lead", "email": "a@b.example"}
    assert not [word for word in ("SECRET", CARD, AMEX) if word in json.dumps(hub.batches)]


@pytest.mark.parametrize(
    "fields",
    [
        '<input type="search" name="q" value="cup">',
        '<input type="tel" name="phone" value="+7700"><input type="password" value="x">',
        '<input name="username" value="anna"><input type="password" value="x">',
    ],
    ids=["search", "sign-in by phone", "sign-in by name"],
)
def test_other_forms_are_no_leads(page, hub, shop, address, fields):
    shop.body["/"] = form(fields)
    visit(page, address)
    page.click("text=Send")
    page.evaluate("kartoteka.track('End')")
    hub.event("End")
    assert not hub.events("Form Submitted")


def test_capture_and_forms_can_be_off(page, hub, shop, address):
    hub.settings |= {"capture": False, "forms": False}
    shop.body["/"] = PRODUCT + form('<input type="email" value="a@b.example">')
    visit(page, address)
    page.click("text=Send")
    page.evaluate("kartoteka.track('End')")
    hub.event("End")
    assert [one.get("event") for one in hub.messages() if one["type"] == "track"] == ["End"]


def test_visitor_keeps_its_id_on_a_sister(page, context, hub, shop, address):
    sister = Shop(hub.settings["to"])
    with serve(sister.app()) as other:
        other = other.replace("127.0.0.1", "localhost")
        hub.settings["sisters"] = ["localhost"]
        shop.body["/"] = f'<a href="{other}/there?a=1#part">Sister</a>'
        visit(page, address)
        page.hover("text=Sister")
        eventually(lambda: "_kt=pass-1" in page.get_attribute("a", "href"))
        page.click("text=Sister")
        page.wait_for_url("**/there*")
        page.wait_for_function("!!(window.kartoteka && kartoteka.track)")
        assert page.url == f"{other}/there?a=1#part"
        pages = eventually(
            lambda: [one for one in hub.messages() if "localhost" in one["context"]["page"]["url"]]
        )
        assert (
            {one["anonymousId"] for one in pages}
            == {hub.passes["pass-1"]}
            == {page.evaluate("kartoteka.id()")}
        )
        visit(page, f"{other}/there?_kt=pass-2")
        assert page.evaluate("kartoteka.id()") == hub.passes["pass-1"]


def test_bad_pass_changes_nothing(page, hub, address):
    visit(page, address + "/?b=2&_kt=nonsense")
    assert urlsplit(page.url).query == "b=2"
    assert eventually(hub.pages) == [address + "/?b=2"]
    assert page.evaluate("kartoteka.id()") == hub.messages()[0]["anonymousId"] != "undefined"


def test_refused_pass_leaves_the_link_alone(page, hub, shop, address):
    hub.gives = False
    hub.settings["sisters"] = ["sister.example"]
    shop.body["/"] = '<a href="https://sister.example/there">Sister</a>'
    visit(page, address)
    with page.expect_response("**/v1/handover"):
        page.hover("text=Sister")
    page.wait_for_timeout(200)
    assert page.get_attribute("a", "href") == "https://sister.example/there"


def test_forms_are_loaded_where_they_live(page, hub, address):
    visit(page, address)
    page.wait_for_load_state()
    assert not hub.asked
    hub.settings["popups"] = True
    visit(page, address)
    page.wait_for_function("window.drawn")
    assert hub.asked == ["/k/s1.forms.js"]
