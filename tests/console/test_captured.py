"""Captured events in words: what a shop owner reads of each kind, and nothing that can't be read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import happenings
from console.captured import cut, kinds, knows, path_of, told
from console.whose import claim, device_of, who
from web_capture.vocabulary import EVENTS

KETTLE = {"name": "Blue kettle", "price": {"amount": "12500", "currency": "KZT"}, "quantity": 2}
PAGE = {"url": "https://shop.example/contact?x=1"}
FORM = {"properties": {"form_id": "d13908302958", "form": "First pot"}}
TOTAL = {"total": {"amount": "31000", "currency": "KZT"}}


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("web.page", {"title": "Tea", **PAGE}, "Opened “Tea”"),
        ("web.page", PAGE, "Opened “/contact”"),
        ("web.page", {}, "Opened a page"),
        ("web.product_viewed", {"products": [KETTLE]}, "Viewed “Blue kettle”"),
        ("web.product_added", {"products": [KETTLE]}, "Added to cart: Blue kettle"),
        ("web.product_added", {"products": [{"sku": "K-1"}]}, "Added to cart: K-1"),
        ("web.product_added", PAGE, "Added a product to the cart · /contact"),
        ("web.lead", PAGE, "Filled in a form on /contact"),
        ("web.back_in_stock_asked", {"products": [KETTLE]}, "Asked to be told when it is back: Blue kettle"),
        ("web.back_in_stock_asked", PAGE, "Asked to be told · /contact"),
        ("web.identify", {"traits": {"email": "a@p.kz"}}, "Said who they are: a@p.kz"),
        ("web.products_searched", {"query": "чай"}, "Searched for “чай”"),
        ("web.products_searched", {"query": "tea", "url": "https://shop.example/?q"}, "Searched for “tea”"),
        ("web.cart_viewed", {"products": [KETTLE] * 5}, "Looked at the cart: "
         "Blue kettle, Blue kettle, Blue kettle +2"),
        ("web.order_completed", {"order_id": "7"}, "Ordered: order 7"),
        ("web.coupon_denied", {"coupon": "TEA"}, "The coupon TEA was refused"),
        ("cart.abandoned", {"lines": [KETTLE]}, "Left a cart behind: Blue kettle"),
        ("browse.abandoned", {"lines": "x"}, "Looked and left"),
        ("cart.recovered", {"order": "x"}, "Came back and ordered"),
        ("web.event", {"event": "Video  Played\n"}, "“Video Played”"),
        ("web.event", {"event": "Form Viewed"} | FORM, "Saw the form “First pot”"),
        ("web.event", {"event": "Form Closed", **PAGE} | FORM, "Closed the form “First pot” · /contact"),
        ("web.lead", {"event": "Form Submitted", **PAGE} | FORM, "Filled in the form “First pot” · /contact"),
        ("web.event", {"event": "Form Viewed", "properties": {"form": "Theirs"}}, "“Form Viewed”"),
        ("web.event", {"event": "Form Viewed", "properties": ["form_id"]}, "“Form Viewed”"),
        ("web.brand_new", {"event": "x"}, "“x”"),
        ("web.brand_new", {}, "brand new"),
    ],
)  # fmt: skip
def test_event_says_what_happened(kind: str, data: dict[str, Any], words: str) -> None:
    assert told(kind, data).plain == words


def test_amounts_are_for_all_pieces() -> None:
    line = told("web.product_added", {"products": [KETTLE]})
    assert (line.amount, line.currency) == ("25000", "KZT")
    line = told("web.order_completed", {"products": [KETTLE], **TOTAL})
    assert (line.amount, line.currency) == ("31000", "KZT")
    assert told("web.page", {"products": [KETTLE]}).amount is None


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a b", "//evil.example", "ftp://x", 7, None])
def test_only_pages_are_linked(url: object) -> None:
    product = {"name": "x", "url": url}
    for kind in ("web.page", "web.lead", "web.product_viewed", "web.cart_viewed"):
        assert "href" not in told(kind, {"url": url, "title": "x", "products": [product]}).text


def test_markup_stays_text() -> None:
    line = told("web.page", {"title": "<b>x</b>", "url": 'https://a/"onx=<b>'})
    assert "&lt;b&gt;" in line.text and line.plain == "Opened “<b>x</b>”"


def test_every_kind_has_its_words() -> None:
    known = {kind for kind, _words in kinds()}
    assert {f"web.{name}" for name in EVENTS.values()} <= known
    assert all(map(knows, (*known, "cart.abandoned", "web.anything")))
    assert not any(map(knows, ("order.placed", "cart.other")))
    assert len({words for _kind, words in kinds()}) == len(kinds()), (
        "two kinds of one name can't be told apart"
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("title", "url", "event", "products", "total", "value", "traits", "properties", "query", "order_id",
         "coupon", "step", "previous", "group", "list_id", "payment_method")  # fmt: skip


@given(st.sampled_from([kind for kind, _words in kinds()]), st.dictionaries(st.sampled_from(NAMES), JSON))
def test_no_data_breaks_a_line(kind: str, data: dict[str, Any]) -> None:
    line = told(kind, data)
    assert line.plain
    assert len(line.plain) < 500


@given(st.text())
def test_paths_and_cuts_are_short(said: str) -> None:
    assert len(path_of(said)) <= 120 and len(cut(said)) <= 120 and "\n" not in cut(said)


@pytest.mark.parametrize(
    ("external_id", "device", "said"),
    [
        ("d1|u:7", "d1", "7"),
        ("d1|e:a@p.kz", "d1", "a@p.kz"),
        ("d1|u:auth0|7", "d1", "auth0|7"),
        ("x", "", "x"),
    ],
)
def test_lead_is_taken_apart(external_id: str, device: str, said: str) -> None:
    assert (device_of("lead", external_id), claim(external_id)) == (device, said)


def test_each_actor_has_a_name() -> None:
    assert who("visitor", "0123456789abcdef", None).name == "visitor 01234567…cdef"
    assert who("lead", "d|e:a@p.kz", None) == ("a@p.kz", "unverified", "warn")
    assert who("lead", "d|e:a@p.kz", None, proved=True) == ("a@p.kz", "", "")
    assert who("customer", "7", "Anna") == ("Anna", "", "")
    assert who(None, None, None).name == "nobody named"
    assert who(None, None, None, "crawler") == ("", "crawler", "warn")
    assert who("visitor", "d", None, "headless") == ("visitor d", "looks like a program", "warn")


def test_what_a_journey_can_begin_with_has_a_name_each() -> None:
    named = happenings.kinds()
    assert len(dict(named)) == len(named) > 40
    assert dict(named)["order.paid"] == "Order paid" and dict(named)["cart.abandoned"] == "Left a cart behind"
    assert not any("%" in words or words != words.strip() for _kind, words in named)
