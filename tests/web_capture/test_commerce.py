"""Purchases are understood under any usual name; amounts are exact, and the unusable is kept beside them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from web_capture.commerce import data_of, kind_of
from web_capture.messages import KINDS, Message, read
from web_capture.money import money
from web_capture.vocabulary import EVENTS, FIELDS, PRODUCT_FIELDS

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "apis" / "segment" / "ecommerce_v2_events.json"
needs_samples = pytest.mark.skipif(not SAMPLES.is_file(), reason="the samples of Segment's spec are not here")
PRODUCT = {
    "product_id": "507f1f77bcf86cd799439011", "sku": "G-32", "category": "Games",
    "name": "Monopoly: 3rd Edition", "brand": "Hasbro", "variant": "200 pieces",
    "price": {"amount": "18.99", "currency": "KZT"}, "quantity": 1, "position": 3,
    "url": "https://www.example.com/product/path",
    "image_url": "https://www.example.com/product/path.jpg",
}  # fmt: skip


def message(event: str, properties: Any = None, kind: str = "track", **said: Any) -> Message:
    landed = {"at": datetime(2025, 11, 22, tzinfo=UTC), "kind": kind, "secret": False}
    return read(
        1,
        msgspec.json.encode({**landed, "said": {"event": event, "properties": properties, **said}}).decode(),
    )


def data(event: str, **properties: Any) -> dict[str, Any]:
    return data_of(message(event, properties), "KZT")


def sample(event: str) -> dict[str, Any]:
    said = next(one for one in json.loads(SAMPLES.read_text("utf-8")) if one["event"] == event)
    return data_of(message(event, said["properties"]), "KZT")


@needs_samples
def test_every_event_of_the_spec_is_typed() -> None:
    events = json.loads(SAMPLES.read_text("utf-8"))
    kinds = {kind_of(message(said["event"])) for said in events}
    assert len(kinds) == len(events) == 28
    assert kinds == {f"web.{said['event'].lower().replace(' ', '_')}" for said in events}
    for said in events:
        got = data_of(message(said["event"], said["properties"]), "KZT")
        rest = got.get("properties", {})
        known = (said["properties"].keys() & FIELDS.keys()) - rest.keys()
        assert known or "products" in got or said["event"].startswith("Promotion")
        assert not rest.keys() & FIELDS.keys()
        assert len(got.get("products", [])) == len(
            said["properties"].get("products", got.get("products", []))
        )


@needs_samples
def test_product_at_the_top_is_a_product() -> None:
    assert sample("Product Added") == {
        "event": "Product Added", "cart_id": "skdjsidjsdkdj29j", "coupon": "MAYDEALS", "products": [PRODUCT],
    }  # fmt: skip
    viewed = sample("Product Viewed")
    assert viewed["products"][0]["price"] == viewed["value"] == {"amount": "18.99", "currency": "USD"}


@needs_samples
def test_completed_order_keeps_its_sums_apart() -> None:
    got = sample("Order Completed")
    sums = ("total", "subtotal", "revenue", "shipping", "tax", "discount")
    assert [got[name]["amount"] for name in sums] == ["27.5", "22.5", "22.5", "3", "2", "2.5"]
    assert {got[name]["currency"] for name in sums} == {"USD"}
    assert "value" not in got
    assert (got["order_id"], got["checkout_id"], got["coupon"]) == (
        "50314b8e9bcf000000000000",
        "fksdjfsdjfisjf9sdfjsd9f",
        "hasbros",
    )
    assert [(p["sku"], p["quantity"]) for p in got["products"]] == [("45790-32", 1), ("46493-32", 2)]
    assert got["properties"] == {"affiliation": "Google Store"}


@needs_samples
def test_checkout_step_is_typed() -> None:
    assert sample("Checkout Step Completed") == {
        "event": "Checkout Step Completed", "checkout_id": "50314b8e9bcf000000000000", "step": 2,
        "shipping_method": "Fedex", "payment_method": "Visa",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("Completed Order", "web.order_completed"), ("viewed product", "web.product_viewed"),
        ("  ADDED  PRODUCT ", "web.product_added"), ("Removed Product", "web.product_removed"),
        ("view_item", "web.product_viewed"), ("add_to_cart", "web.product_added"),
        ("purchase", "web.order_completed"), ("begin_checkout", "web.checkout_started"),
        ("InitiateCheckout", "web.checkout_started"), ("orderCanceled", "web.order_cancelled"),
        ("checkout_completed", "web.order_completed"), ("product_added_to_cart", "web.product_added"),
        ("Wishlist Product Added to Cart", "web.wishlist_product_added_to_cart"),
        ("Product Added To Wishlist", "web.product_added_to_wishlist"), ("Form Submitted", "web.lead"),
        ("generate_lead", "web.lead"), ("Song Played", "web.event"), ("", "web.event"), ("...", "web.event"),
    ],
)  # fmt: skip
def test_usual_names_mean_the_same(event: str, kind: str) -> None:
    assert kind_of(message(event)) == kind


def test_other_calls_have_their_own_kind() -> None:
    for kind in set(KINDS) - {"track"}:
        assert kind_of(message("Order Completed", kind=kind)) == f"web.{kind}"
    assert len(set(EVENTS.values()) - {"cart_updated"}) == 28, "the spec's, and one of ours"


def test_unknown_event_stays_as_it_came() -> None:
    said = {"revenue": 14.99, "name": "Leap to Conclusions Mat", "products": [{"price": "7"}], "url": "x"}
    assert data("Item Purchased", **said) == {"event": "Item Purchased", "properties": said}
    lead = {"email": "a@example.com", "coupon": "c", "value": 5}
    assert data("Form Submitted", **lead)["properties"] == lead


def test_only_product_events_are_about_one_product() -> None:
    banner = {"promotion_id": "p", "name": "75% off", "position": "top"}
    assert data("Promotion Viewed", **banner) == {"event": "Promotion Viewed", "properties": banner}


def test_analytics_4_is_understood() -> None:
    item = {"item_id": "S1", "item_name": "Tee", "item_brand": "B", "price": 9.5, "quantity": 2, "index": 0}
    got = data(
        "purchase", transaction_id="T1", value=19, currency="eur", items=[{**item, "affiliation": "x"}]
    )
    assert got["order_id"] == "T1"
    assert got["value"] == {"amount": "19", "currency": "EUR"}
    assert got["products"] == [
        {"product_id": "S1", "name": "Tee", "brand": "B", "price": {"amount": "9.5", "currency": "EUR"},
         "quantity": 2, "position": 0, "properties": {"affiliation": "x"}}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "ids", "left"),
    [
        ({}, [], None), ([], [], None), (None, [], None), ("p1", [], "p1"), (5, [], 5),
        ({"0": {"id": 1}, "1": {"id": 2}}, ["1", "2"], None), ({"sku": "a", "id": "b"}, ["b"], None),
        (["x", {"id": 1}, None, [], {}], ["1"], ["x", None, [], {}]), ([{"odd": 1}], [], [{"odd": 1}]),
    ],
)  # fmt: skip
def test_products_come_in_odd_shapes(said: Any, ids: list[str], left: Any) -> None:
    got = data("Cart Viewed", products=said)
    assert [product["product_id"] for product in got.get("products", [])] == ids
    assert got.get("properties", {}).get("products") == left


def test_endless_cart_is_bounded() -> None:
    got = data("Cart Viewed", products=[{"id": n} for n in range(101)])
    assert (len(got["products"]), got["cut"]) == (100, True)
    assert "cut" not in data("Cart Viewed", products=[{"id": n} for n in range(100)])


def test_own_name_goes_before_another() -> None:
    got = data("Product Viewed", id="x", product_id="y", coupon_id="c1", coupon="c2")
    assert (got["products"], got["coupon"]) == ([{"product_id": "y"}], "c2")
    assert got["properties"] == {"id": "x", "coupon_id": "c1"}


@pytest.mark.parametrize("url", ["javascript:alert(1)", " data:text/html,x", "/p/1", 'https://x"onclick=', 7])
def test_typed_addresses_are_pages(url: Any) -> None:
    got = data("Product Viewed", sku="s", url=url, image_url=url)
    assert got["products"] == [{"sku": "s"}]
    assert got["properties"] == {"url": url, "image_url": url}


@pytest.mark.parametrize(
    "price", ["free", -1, -1.5, "-1", True, None, [], {}, "1e400", "NaN", "1e5", "", "12 50", 1e300]
)
def test_nonsense_price_stays_a_property(price: Any) -> None:
    got = data("Product Viewed", sku="s", price=price, value=price)
    assert got["products"] == [{"sku": "s"}]
    assert "value" not in got
    assert got["properties"] == {"price": price, "value": price}


@pytest.mark.parametrize(
    ("said", "amount", "currency"),
    [
        (19, "19", "KZT"), (18.99, "18.99", "KZT"), (0.1 + 0.2, "0.3", "KZT"),
        (59.97000000000001, "59.97", "KZT"),
        (0, "0", "KZT"), (-0.0, "0", "KZT"), (1e13, "10000000000000", "KZT"), (1e-7, "0", "KZT"),
        ("12.50", "12.50", "KZT"), ("1 299,00", "1299.00", "KZT"),
        ("1\u00a0299\u202f000,5", "1299000.5", "KZT"),
        ("$12.50", "12.50", "KZT"), ("1,299", "1299", "KZT"), ("1,299.50", "1299.50", "KZT"),
        ("1.299,50", "1299.50", "KZT"), ("1.299", "1.299", "KZT"),
        ("12,5", "12.5", "KZT"), ("0,299", "0.299", "KZT"),
        ("1'299.00", "1299.00", "KZT"), (".5", "0.5", "KZT"), ("007", "7", "KZT"), ("500 руб.", "500", "KZT"),
        ("1 299 ₽", "1299", "RUB"), ("12.50 USD", "12.50", "USD"), ("€9", "9", "EUR"),
        ({"amount": "12.50", "currencyCode": "EUR"}, "12.50", "EUR"), ("99999999999999.9999",) * 2 + ("KZT",),
    ],
)  # fmt: skip
def test_amounts_are_exact(said: Any, amount: str, currency: str) -> None:
    assert money(said, "KZT") == {"amount": amount, "currency": currency}


@pytest.mark.parametrize(
    "said",
    [float("nan"), float("inf"), -float("inf"), 10**14, "99999999999999.99991", "٣", "1²", {"amount": {}}],
)
def test_no_amount_is_made_up(said: Any) -> None:
    assert money(said, "KZT") is None


@pytest.mark.parametrize("currency", ["€", "", "tenge", 398, None, {}])
def test_site_names_the_missing_currency(currency: Any) -> None:
    got = data("Cart Viewed", currency=currency, value=5)
    assert got["value"] == {"amount": "5", "currency": "KZT"}
    assert got["properties"] == {"currency": currency}


@pytest.mark.parametrize(
    ("said", "expected"),
    [(2, 2), (2.0, 2), (0.35, 0.35), ("3", 3), ("0.5", 0.5), (0, 0), (-1, None), ("x", None), (True, None),
     (1e300, None)],
)  # fmt: skip
def test_quantities_are_numbers(said: Any, expected: Any) -> None:
    quantity = data("Product Added", sku="s", quantity=said)["products"][0].get("quantity")
    assert (quantity, type(quantity)) == (expected, type(expected))


def test_page_says_its_place_once() -> None:
    page = {"url": "https://shop.example/a", "title": "T", "referrer": "x"}
    got = data_of(message("", page, "page", name="Home", anonymousId="d"), "KZT")
    assert got == {
        "event": "Home", "device": "d", "url": "https://shop.example/a", "path": "/a", "title": "T",
        "properties": {"referrer": "x"},
    }  # fmt: skip


def test_traits_and_groups_are_shown() -> None:
    got = data_of(message("", None, "group", traits={"name": "Initech"}, groupId="g"), "KZT")
    assert got == {"traits": {"name": "Initech"}, "group": "g"}
    assert data_of(message("", None, "alias", previousId="p"), "KZT") == {"previous": "p"}
    assert data_of(message("E", {"a": "x" * 2_001}), "KZT")["cut"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()), max_size=9) | st.text("0123456789.,e- '$", max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
THING = st.dictionaries(st.sampled_from(sorted(PRODUCT_FIELDS)), JSON, max_size=6)
PROPERTIES = st.dictionaries(
    st.sampled_from(sorted(FIELDS.keys() | PRODUCT_FIELDS.keys())), JSON | THING | st.lists(THING, max_size=3)
)


@given(st.sampled_from(sorted(EVENTS)) | st.text(max_size=9), PROPERTIES | JSON)
def test_any_properties_make_storable_data(event: str, properties: Any) -> None:
    said = read(1, json.dumps({"kind": "track", "said": {"event": event, "properties": properties}}))
    got = data_of(said, "KZT")
    assert "\\u0000" not in msgspec.json.encode(got).decode()
    assert kind_of(said).startswith("web.")
    amounts = [got.get("total"), *(product.get("price") for product in got.get("products", []))]
    if kind_of(said) != "web.event":
        assert all(set(one) == {"amount", "currency"} for one in amounts if one)
        addresses = [p[name] for p in got.get("products", []) for name in ("url", "image_url") if name in p]
        assert all(address.lower().startswith("http") for address in addresses)
