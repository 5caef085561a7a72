"""Carts hold what was done with them, in whatever order that is told."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from tests.conftest import empty
from tests.web_capture.happening import START, happen
from web_capture.carts import current as carts
from web_capture.carts import log as cart_log
from web_capture.happened import Happened
from web_capture.tables import Site

MUG = {"product_id": "mug", "name": "Mug", "price": 10, "quantity": 2}
TEA = {"product_id": "tea", "name": "Tea", "price": 4.5, "quantity": 1}
SHOWN = (
    "SELECT key, device, profile_id, state, lines, items, value, currency, url, since, changed_at, acted_at,"
    " active_at, checkout_at, checkout_id, order_id, ordered_at, due_at FROM carts ORDER BY key"
)
ANNA = UUID(int=7)


@pytest.fixture
def site(session) -> Site:
    return Site(id=UUID(int=1), key="k", domain="shop.example", origins=[], settings={})


def made(session: Session, site: Site, *batches: list[Happened]) -> list[dict]:
    """The carts that batches of events make."""
    for rows in batches:
        carts.record(session, site, rows)
    return [dict(row) for row in session.execute(text(SHOWN)).mappings()]


def test_added_products_fill_a_cart(session, site):
    rows = [happen(0, "Product Added", **MUG, profile=ANNA), happen(1, "Product Added", **TEA)]
    (cart,) = made(session, site, rows, [happen(2, "Product Removed", **{**MUG, "quantity": 1})])
    assert [(line["name"], line["quantity"]) for line in cart["lines"]] == [("Mug", 1), ("Tea", 1)]
    assert (cart["key"], cart["state"], cart["items"]) == ("d:d1", "open", 2)
    assert (cart["value"], cart["currency"], cart["since"]) == (Decimal("14.5"), "KZT", START)
    assert cart["due_at"] == START + timedelta(minutes=62)


def test_removing_without_number_removes_all(session, site):
    gone = {"product_id": "mug"}
    (cart,) = made(session, site, [happen(0, "Product Added", **MUG), happen(1, "Product Removed", **gone)])
    assert (cart["state"], cart["items"], cart["due_at"]) == ("emptied", 0, None)


def test_viewed_cart_is_the_whole(session, site):
    seen = happen(5, "Cart Viewed", products=[TEA], cart_id="C1", cart_url="https://shop.example/cart?id=C1")
    (cart,) = made(session, site, [happen(0, "Product Added", cart_id="C1", **MUG), seen])
    assert (cart["key"], cart["url"]) == ("c:C1 d1", "https://shop.example/cart?id=C1")
    assert [line["name"] for line in cart["lines"]] == ["Tea"]


def test_late_news_changes_no_newer_whole(session, site):
    seen = happen(5, "Cart Viewed", products=[TEA])
    (cart,) = made(session, site, [seen], [happen(1, "Product Added", **MUG)])
    assert [line["name"] for line in cart["lines"]] == ["Tea"]
    assert cart["since"] == START + timedelta(minutes=1)


def test_empty_list_empties_the_cart(session, site):
    (cart,) = made(session, site, [happen(0, "Product Added", **MUG), happen(1, "Cart Viewed", products=[])])
    assert (cart["state"], cart["lines"], cart["due_at"]) == ("emptied", [], None)


def test_look_without_products_changes_nothing(session, site):
    (cart,) = made(session, site, [happen(0, "Product Added", **MUG), happen(1, "Cart Viewed")])
    assert (cart["state"], cart["items"]) == ("open", 2)


def test_checkout_is_remembered(session, site):
    start = happen(
        3, "Checkout Started", products=[MUG], checkout_id="K9", value=19, url="https://shop.example/k"
    )
    (cart,) = made(session, site, [start])
    assert (cart["checkout_id"], cart["value"]) == ("K9", 19)
    assert (cart["checkout_at"], cart["due_at"]) == (
        START + timedelta(minutes=3),
        START + timedelta(minutes=33),
    )
    assert cart["url"] == "https://shop.example/k"


def test_order_closes_the_cart(session, site):
    order = happen(9, "Order Completed", order_id="N1", total=20, products=[MUG])
    (cart,) = made(session, site, [happen(0, "Product Added", **MUG), order])
    assert (cart["state"], cart["due_at"], cart["order_id"]) == ("ordered", None, "N1")
    assert cart["ordered_at"] == START + timedelta(minutes=9)
    (cart,) = made(
        session, site, [happen(10, "Product Removed", **MUG), happen(11, "Cart Viewed", products=[])]
    )
    assert cart["state"] == "ordered"
    (cart,) = made(session, site, [happen(12, "Product Added", **TEA)])
    assert (cart["state"], cart["since"], cart["order_id"]) == ("open", START + timedelta(minutes=12), "")
    assert [line["name"] for line in cart["lines"]] == ["Tea"]


def test_page_that_still_shows_the_cart_fills_none(session, site):
    rows = [
        happen(0, "Product Added", "d1", product_id="7"),
        happen(5, "Order Completed", "d1", order_id="1"),
        happen(5.1, "Cart Viewed", "d1", products=[{"product_id": "7"}]),
    ]
    assert [one["state"] for one in made(session, site, rows)] == ["ordered"]
    rows.append(happen(6, "Product Added", "d1", product_id="8"))
    assert [one["state"] for one in made(session, site, rows)] == ["open"]


def test_order_closes_both_of_its_carts(session, site):
    rows = [happen(0, "Product Added", **MUG), happen(1, "Product Added", cart_id="C1", **MUG)]
    found = made(session, site, [*rows, happen(2, "Order Completed", cart_id="C1", order_id="N1", total=20)])
    assert [(cart["key"], cart["state"]) for cart in found] == [("c:C1 d1", "ordered"), ("d:d1", "ordered")]
    told = session.execute(text("SELECT order_id, cart_id, total, currency, device FROM web_orders")).all()
    assert [tuple(row) for row in told] == [("N1", "C1", 20, "KZT", "d1")]


def test_earliest_word_of_orders_holds(session, site):
    for minute in (5, 4, 6):
        made(session, site, [happen(minute, "Order Completed", order_id="N1", total=minute)])
    assert session.execute(text("SELECT total FROM web_orders")).all() == [(4,)]


def test_order_of_nobody_is_kept(session, site):
    assert made(session, site, [happen(0, "Order Completed", device="", order_id="N1", total=3)]) == []
    assert session.execute(text("SELECT order_id FROM web_orders")).all() == [("N1",)]


def test_filling_begins_with_its_first_product(session, site):
    rows = [
        happen(1, "Order Completed"),
        happen(2, "Product Added", **TEA),
        happen(3, "Cart Viewed", products=[MUG]),
    ]
    (cart,) = made(session, site, rows)
    assert (cart["since"], cart["items"]) == (START + timedelta(minutes=2), 2)


def test_log_begins_at_the_last_order():
    kinds = ("add", "order", "add", "order", "add")
    acts = [cart_log.Act(n, f"m{n}", kind, False, [TEA]) for n, kind in enumerate(kinds)]
    assert [act.at for act in cart_log.together((), acts)] == [3, 4]


def test_click_of_letters_is_no_act(session, site):
    seen = {"products": [MUG], "utm": ("kartoteka", "email")}
    (cart,) = made(session, site, [happen(0, "Cart Viewed", **seen)])
    assert (cart["state"], cart["acted_at"], cart["due_at"]) == ("open", None, None)
    (cart,) = made(session, site, [happen(5, "Product Added", **TEA)])
    assert (cart["acted_at"], cart["items"]) == (START + timedelta(minutes=5), 3)


def test_addresses_of_others_are_not_kept(session, site):
    seen = happen(
        0, "Cart Viewed", products=[MUG], cart_url="https://evil.example/cart", url="https://evil.example"
    )
    (cart,) = made(session, site, [seen])
    assert cart["url"] == ""


def test_bots_fill_no_carts(session, site):
    assert made(session, site, [happen(0, "Product Added", bot="headless", **MUG)]) == []


def test_site_chooses_its_silence(session, site):
    site.settings = {"abandonment": {"cart": 5, "checkout": "soon", "browse": 0}}
    (cart,) = made(session, site, [happen(0, "Product Added", **MUG)])
    assert cart["due_at"] == START + timedelta(minutes=5)


def test_long_log_is_kept_short(session, site):
    for start in range(0, 900, 100):
        (cart,) = made(session, site, [happen(start + n, "Product Added", **MUG) for n in range(100)])
    assert (cart["items"], cart["since"]) == (1800, START)
    (kept,) = session.scalars(text("SELECT log FROM carts"))
    assert len(kept) < 60_000


NAMES = (
    "Product Added", "Product Removed", "Cart Viewed", "Checkout Started", "Order Completed",
    "Product Viewed",
)  # fmt: skip
DEEDS = st.tuples(
    st.integers(0, 60),
    st.sampled_from(NAMES),
    st.sampled_from(("d1", "d2")),
    st.sampled_from(({}, {"cart_id": "C1"})),
    st.sampled_from(({}, {"products": [MUG]}, {"products": []}, {"products": [MUG, TEA], "value": 7})),
    st.booleans(),
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(deeds=st.lists(DEEDS, min_size=1, max_size=16), cuts=st.sets(st.integers(1, 15)), seed=st.randoms())
def test_order_of_arrival_is_no_matter(
    engine: Engine, site: Site, deeds: list, cuts: set[int], seed: Random
) -> None:
    rows = []
    for minute, name, device, cart, said, letter in deeds:
        single = TEA if name.startswith("Product") else said
        utm = {"utm": ("kartoteka", "email")} if letter else {}
        rows.append(
            happen(minute, name, device, profile=UUID(int=minute), **single, **cart, **utm, order_id="N1")
        )
    with Session(engine) as session:
        expected = made(session, site, rows)
        browsed = session.execute(
            text("SELECT device, viewed_at, profile_id FROM browsings ORDER BY 1")
        ).all()
        session.rollback()
        shuffled = list(rows)
        seed.shuffle(shuffled)
        places = [0, *sorted(cuts), len(rows)]
        batches = [shuffled[a:b] for a, b in pairwise(places)]
        assert made(session, site, *batches) == expected
        again = session.execute(text("SELECT device, viewed_at, profile_id FROM browsings ORDER BY 1")).all()
        assert again == browsed
    empty(engine)


def test_batch_costs_a_few_statements(session, site):
    rows = [happen(0, "Product Added", f"d{n}", **MUG) for n in range(100)]
    rows += [happen(0, "Product Viewed", f"e{n}", **MUG) for n in range(100)]
    rows += [happen(0, "Order Completed", f"f{n}", order_id=f"N{n}", total=3) for n in range(100)]
    sent: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *args: sent.append(args[2]))
    carts.record(session, site, rows)
    carts.record(session, site, [happen(1, "Product Added", f"d{n}", **MUG) for n in range(100)])
    assert len(sent) == 6 + 4


def test_lines_of_a_cart_are_bounded():
    rows = [happen(n, "Product Added", product_id=f"p{n}").data["products"][0] for n in range(300)]
    acts = [cart_log.Act(n, f"m{n}", "add", False, [row]) for n, row in enumerate(rows)]
    assert len(cart_log.fold(acts).lines) == cart_log.MOST_LINES


def test_another_browser_cannot_take_a_cart_by_its_id(session, site):
    link = "https://shop.example/cart?t=SECRET"
    seen = happen(0, "Cart Viewed", "anna", products=[MUG], cart_id="1001", cart_url=link)
    annas, eves = made(session, site, [seen], [happen(1, "Cart Viewed", "eve", cart_id="1001")])
    assert (annas["device"], annas["items"], annas["url"]) == ("anna", 2, link)
    assert (eves["device"], eves["items"], eves["url"]) == ("eve", 0, "")


def test_the_shop_orders_every_cart_of_an_id(session, site):
    filled = [happen(0, "Product Added", device, cart_id="C1", **MUG) for device in ("phone", "desk")]
    claimed = happen(1, "Order Completed", "eve", cart_id="C1", order_id="7")
    found = made(session, site, filled, [claimed])
    assert {cart["device"]: cart["state"] for cart in found if cart["device"] != "eve"} == {
        "phone": "open", "desk": "open"
    }  # fmt: skip
    told = happen(2, "Order Completed", "", cart_id="C1", order_id="8", secret=True)
    found = made(session, site, [told])
    assert {cart["state"] for cart in found} == {"ordered"}
