"""The plugins' scripts, run in Node with stand-ins for the shop: what they say, and that they never throw."""

import json
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.web_capture.test_plugin_wordpress import landed
from tests.web_capture.test_plugins import VALUES, entries
from web_capture.commerce import data_of, kind_of
from web_capture.people import actor_of

HARNESSES = Path(__file__).parent / "js"
Says = Callable[..., Any]
node = shutil.which("node")
pytestmark = pytest.mark.skipif(node is None, reason="node is missing: apt-get install nodejs")
PAGE = json.dumps(
    {"ask": "/ajax", "consent": "marketing", "events": [["Product Viewed", {"product_id": "7"}]]}
)
PRICE: dict[str, Any] = {"amount": 12500.5, "currencyCode": "KZT"}
KETTLE = {"id": "7", "title": "Kettle", "vendor": "Tula", "url": "/products/kettle", "type": "Tea"}
VARIANT = {"id": "71", "title": "red", "sku": "KET-1", "price": PRICE, "image": {"src": "https://cdn/k.jpg"},
           "product": KETTLE}  # fmt: skip
CART_LINE = {"merchandise": VARIANT, "quantity": 2}
CART = {"id": "c", "cost": {"totalAmount": PRICE}, "lines": [CART_LINE]}
COLLECTION = {"id": "3", "title": "Tea", "productVariants": [VARIANT]}
CHECKOUT = {
    "token": "c1", "order": {"id": "gid://shopify/OrderIdentity/9001"}, "currencyCode": "KZT",
    "totalPrice": PRICE, "subtotalPrice": PRICE, "totalTax": PRICE, "email": "anna@example.kz",
    "shippingLine": {"price": PRICE}, "discountApplications": [{"title": "SPRING"}],
    "billingAddress": {"firstName": "Anna", "lastName": None, "phone": "+77012345678"},
    "lineItems": [{"title": "Kettle", "quantity": 2, "variant": VARIANT}],
}  # fmt: skip


def node_says(harness: str, source: str, folder: Path, given: dict[str, Any]) -> Any:
    """What a harness prints that runs a script of ours."""
    (folder / "plugin.js").write_text(source, "utf-8")
    done = subprocess.run(
        [str(node), str(HARNESSES / harness), str(folder / "plugin.js")],
        input=json.dumps(given), capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0 and not done.stderr, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def pixel(tmp_path: Path) -> Says:
    """What the pixel posts about events."""
    return partial(_pixel, tmp_path)


def _pixel(folder: Path, *events: tuple[str, Any], path: str = "/products/kettle", **given: Any) -> Any:
    place = {"href": f"https://shop.example{path}", "pathname": path, "search": ""}
    context = {"document": {"location": place, "title": "Kettle", "referrer": ""},
               "navigator": {"language": "kk", "userAgent": "Firefox"}}  # fmt: skip
    made = [
        {"name": name, "id": f"e{n}", "clientId": "client", "timestamp": "2026-01-02T00:00:00.000Z",
         "data": data, "context": context}
        for n, (name, data) in enumerate(events)
    ]  # fmt: skip
    cookies = given.pop("cookies", {"_k": "1763.42"})
    return node_says(
        "shopify.js", entries("shopify")["pixel.js"], folder, {"events": made, "cookies": cookies, **given}
    )


def read(posted: dict[str, Any]) -> Any:
    body = json.loads(posted["body"])
    assert (posted["url"], body["writeKey"]) == ("https://crm.example/v1/batch", VALUES.write_key)
    return landed(body["batch"][0], secret=False)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("product_viewed", {"productVariant": VARIANT}, "web.product_viewed"),
        ("product_added_to_cart", {"cartLine": CART_LINE}, "web.product_added"),
        ("product_removed_from_cart", {"cartLine": CART_LINE}, "web.product_removed"),
        ("cart_viewed", {"cart": CART}, "web.cart_viewed"),
        ("collection_viewed", {"collection": COLLECTION}, "web.product_list_viewed"),
        ("checkout_started", {"checkout": CHECKOUT}, "web.checkout_started"),
        ("payment_info_submitted", {"checkout": CHECKOUT}, "web.payment_info_entered"),
        ("checkout_completed", {"checkout": CHECKOUT}, "web.order_completed"),
    ],
)  # fmt: skip
def test_pixel_is_understood(pixel: Says, name: str, data: Any, kind: str) -> None:
    (posted,) = pixel((name, data))["posted"]
    message = read(posted)
    typed = data_of(message, "USD")
    assert (kind, "1763.42") == (kind_of(message), message.device)
    (kettle,) = typed["products"]
    assert (kettle["product_id"], kettle["variant"], kettle["name"]) == ("7", "71", "Kettle")
    assert kettle["price"] == {"amount": "12500.5", "currency": "KZT"}
    assert message.url == "https://shop.example/products/kettle"


def test_pixel_tells_of_the_order(pixel: Says) -> None:
    (posted,) = pixel(("checkout_completed", {"checkout": CHECKOUT}))["posted"]
    message = read(posted)
    data = data_of(message, "")
    assert (data["order_id"], data["checkout_id"], data["coupon"]) == ("9001", "c1", "SPRING")
    assert data["total"] == {"amount": "12500.5", "currency": "KZT"}
    assert message.traits == {"email": "anna@example.kz", "phone": "+77012345678", "firstName": "Anna"}
    assert actor_of(message, []) == ("lead", "1763.42|e:anna@example.kz")


def test_pixel_tells_search_and_checkout_pages(pixel: Says) -> None:
    found = pixel(("search_submitted", {"searchResult": {"query": "tea"}}), ("page_viewed", {}))["posted"]
    assert [kind_of(read(one)) for one in found] == ["web.products_searched"]
    found = pixel(("page_viewed", {}), path="/checkouts/cn/1")["posted"]
    assert json.loads(found[0]["body"])["batch"][0]["type"] == "page"


def test_pixel_survives_anything(pixel: Says) -> None:
    names = pixel()["heard"]
    assert len(names) == 11
    for data in (None, {}, {"checkout": None, "cart": None, "cartLine": {}, "productVariant": None}):
        assert len(pixel(*[(name, data) for name in names])["posted"]) <= len(names)
    (posted,) = pixel(("product_viewed", {"productVariant": VARIANT}), offline=True, cookies={})["posted"]
    assert read(posted).device == "client"


@pytest.fixture
def wordpress(tmp_path: Path) -> Says:
    """What the WordPress plugin's script tells, asks and stores on a page."""
    source = entries("wordpress")["kartoteka/kartoteka.js"]
    return lambda **given: node_says("wordpress.js", source, tmp_path, {"page": PAGE, **given})


ME = {
    "user": {"id": "7", "traits": {"email": "a@x.kz"}, "signature": "f0"},
    "events": [["Product Added", {}]],
}


def test_sign_in_is_told_once(wordpress: Says) -> None:
    found = wordpress(cookie="_k=d; _kartoteka_user=abc", answer=ME)
    assert found["told"] == [
        ["track", "Product Viewed", {"product_id": "7"}],
        ["track", "Product Added", {}],
        ["identify", "7", {"email": "a@x.kz"}, "f0"],
    ]
    assert found["asked"] == [["/ajax", {"X-Kartoteka": "1"}, "action=kartoteka_me"]]
    assert found["stored"] == {"kartoteka.user": "abc d"}
    again = wordpress(cookie="_k=d; _kartoteka_user=abc", stored=found["stored"], answer=ME)
    assert again["asked"] == [] and len(again["told"]) == 1


def test_sign_out_begins_anew(wordpress: Says) -> None:
    found = wordpress(cookie="_k=d", stored={"kartoteka.user": "abc d"})
    assert found["told"][1:] == [["reset"]] and found["stored"] == {}


def test_without_consent_it_asks_again(wordpress: Says) -> None:
    assert wordpress(cookie="_kartoteka_user=abc", answer=ME)["stored"] == {}


@pytest.mark.parametrize("given", [{"blocked": True}, {"offline": True}, {"page": None}, {"page": "x"}])
def test_trouble_disturbs_nobody(wordpress: Says, given: dict[str, Any]) -> None:
    found = wordpress(cookie="_k=d; _kartoteka_user=abc", answer=ME, **given)
    assert "identify" not in [call[0] for call in found["told"]] and found["stored"] == {}
    assert len(found["asked"]) == ("offline" in given)


def test_cart_answers_are_told(wordpress: Says) -> None:
    noted = json.dumps([["Product Added", {"product_id": "9"}]])
    happens = [["added_to_cart", {}, {"#kartoteka-noted": noted}], ["removed_from_cart", {}, {}],
               ["wc-blocks_added_to_cart", {}]]  # fmt: skip
    found = wordpress(
        cookie="_k=d", happens=happens, answer={"user": None, "events": [["Product Removed", {}]]}
    )
    assert [call[1] for call in found["told"]] == ["Product Viewed", "Product Added", "Product Removed"]
    assert len(found["asked"]) == 1


def test_banner_is_heeded(wordpress: Says) -> None:
    def said(consents: dict[str, str], *happens: Any) -> Any:
        return [
            call for call in wordpress(consents=consents, happens=happens)["told"] if call[0] == "consent"
        ]

    assert said({"wp_consent_marketing": "allow"}) == [["consent", True]]
    assert said({"wp_consent_marketing": "deny"}) == [["consent", False]]
    assert said({"wp_consent_statistics": "allow"}) == []
    assert said({}, ["wp_listen_for_consent_change", {"detail": {"marketing": "deny"}}]) == [
        ["consent", False]
    ]
    assert said({}, ["wp_listen_for_consent_change", {"detail": {"statistics": "allow"}}]) == []
