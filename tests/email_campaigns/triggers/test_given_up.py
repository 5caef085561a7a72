"""Carts, checkouts and browses given up: who, with what, and what takes it back."""

from datetime import timedelta

import pytest

from foundation.records import Consent, Person
from tests.email_campaigns.triggers.scene import Scene
from tests.web_capture.carts.test_abandonment import MUG, after
from tests.web_capture.happening import happen

SKU = {**MUG, "sku": "MUG", "url": "https://shop.example/mug", "image_url": "https://cdn.example/mug.jpg"}
KEYS = ("abandoned_browse", "abandoned_cart", "abandoned_checkout")


def left(scene: Scene, clock, key: str = "abandoned_cart", **more):
    """Anna leaves something; the entry it makes."""
    anna = scene.person("anna", "d1")
    name = {"abandoned_browse": "Product Viewed", "abandoned_cart": "Product Added",
            "abandoned_checkout": "Checkout Started"}[key]  # fmt: skip
    cart = {"cart_id": "C1"} if "Started" in name else {}
    scene.do(happen(0, name, profile=anna, products=[SKU | more], **cart))
    after(clock, 130)
    assert len(scene.kinds()) == 1
    (entry,) = scene.ask(key)
    return entry


@pytest.mark.parametrize("key", KEYS)
def test_letter_shows_what_was_left(scene, clock, key):
    entry = left(scene, clock, key)
    assert entry.customer_id and entry.at <= clock.now()
    said = scene.letter(key, entry)
    assert "Mug" in said.text and "10" in said.text
    assert [other for other in KEYS if scene.ask(other)] == [key]


def test_same_occurrence_has_the_same_key(scene, clock):
    first = left(scene, clock)
    clock.advance(timedelta(hours=2))
    scene.kinds()
    assert [one.key for one in scene.ask("abandoned_cart")] == [first.key]
    assert scene.ask("abandoned_cart", arrived=timedelta(minutes=2)) == []
    clock.advance(timedelta(hours=24))
    assert scene.ask("abandoned_cart") == []


def test_only_what_arrived_since_is_asked_for(scene, clock):
    left(scene, clock)
    assert len(scene.ask("abandoned_cart", arrived=timedelta(minutes=2))) == 1


def test_least_value(scene, clock):
    left(scene, clock)
    assert len(scene.ask("abandoned_cart", least=20)) == 1
    assert scene.ask("abandoned_cart", least=21) == []


def test_nobody_known_is_named_without_a_card(scene, clock):
    scene.do(happen(0, "Product Added", profile=scene.person("x", "d1"), **MUG))
    after(clock, 100)
    scene.kinds()
    scene.run("UPDATE timeline SET customer_id = NULL")
    assert [one.customer_id for one in scene.ask("abandoned_cart")] == [None]


def test_catalogue_goes_before_the_page(scene, clock):
    scene.product("MUG")
    entry = left(scene, clock, name="Win a prize at evil.example", url="https://evil.example/")
    (line,) = entry.context["cart"]["lines"]
    assert (line["name"], line["url"]) == ("The MUG", "https://shop.example/p/MUG")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Tea 0.5 l, strong", "Tea 0.5 l, strong"),
        ("Go to evil.example/win", "Go to evil. example/win"),
        ("https://evil.example", "https evil. example"),
        ("write a@evil.example", "write a evil. example"),
        ("x" * 500, "x" * 150),
        ("  ", "MUG"),
    ],
)
def test_names_that_pages_tell_are_no_links(scene, clock, name, shown):
    entry = left(scene, clock, name=name)
    assert entry.context["cart"]["lines"][0]["name"] == shown


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://shop.example/a", True),
        ("https://www.shop.example/a", True),
        ("https://evil.example/", False),
        ("https://shop.example@evil.example/", False),
        ("https://shop.example.evil.example/", False),
        ("https://evilshop.example/", False),
        ("javascript:alert(1)", False),
    ],
)
def test_pages_lead_nowhere_else(scene, clock, url, kept):
    entry = left(scene, clock, url=url)
    assert entry.context["cart"]["lines"][0].get("url") == (url if kept else None)


@pytest.mark.parametrize("key", KEYS)
def test_still_needed_while_nothing_is_bought(scene, clock, key):
    entry = left(scene, clock, key)
    scene.order("dana", 140, number="N2")
    scene.order("anna", -60, number="N0")
    scene.order("anna", 140, number="N3", state="cancelled")
    after(clock, 200)
    assert not scene.over(key, entry)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("way", ["shop", "page", "page elsewhere", "another card"])
def test_over_by_an_order_of_any_path(scene, clock, key, way):
    if way == "another card":
        scene.person("boris", "d1", claimed=True)
    entry = left(scene, clock, key)
    if way == "shop":
        scene.order("anna", 140)
    elif way == "page":
        scene.do(happen(140, "Order Completed", order_id="N1", total=20))
    elif way == "page elsewhere":
        scene.person("anna2", "d9")
        anna = scene.rows("SELECT profile_id FROM timeline LIMIT 1")[0][0]
        scene.do(happen(140, "Order Completed", "d9", profile=anna, order_id="N1", total=20))
    else:
        scene.order("boris", 140)
    after(clock, 300)
    if way == "shop":
        assert scene.over(key, entry), "at once, before web capture looks back"
    scene.kinds()
    assert scene.over(key, entry)


def test_over_by_the_cart_on_another_device(scene, clock):
    entry = left(scene, clock, "abandoned_checkout")
    scene.do(happen(140, "Order Completed", "other", order_id="N1", cart_id="C1", total=20))
    after(clock, 300)
    scene.kinds()
    assert scene.over("abandoned_checkout", entry)


def test_order_of_the_future_ends_nothing(scene, clock):
    entry = left(scene, clock)
    scene.order("anna", 600)
    assert not scene.over("abandoned_cart", entry)


def test_order_before_it_was_told_counts(scene, clock):
    """Placed in the silence, but it lands late."""
    entry = left(scene, clock)
    scene.order("anna", 20)
    assert scene.over("abandoned_cart", entry)


def test_emptied_cart_is_over(scene, clock):
    entry = left(scene, clock)
    assert not scene.over("abandoned_cart", entry)
    scene.do(happen(131, "Cart Viewed", products=[]))
    after(clock, 140)
    assert scene.rows("SELECT state FROM carts") == [("emptied",)]
    assert scene.over("abandoned_cart", entry)


def test_browse_is_over_once_something_lies_in_the_cart(scene, clock):
    entry = left(scene, clock, "abandoned_browse")
    anna = entry.profile_id
    scene.do(happen(150, "Product Added", profile=anna, **MUG))
    after(clock, 160)
    assert scene.over("abandoned_browse", entry)


def test_order_of_the_card_it_was_merged_into_counts(scene, clock):
    entry = left(scene, clock)
    scene.tell(Person(external_id="shop-olga", emails=("olga@p.kz",), name="olga",
                      consents=(Consent(channel="email", given=True),)))  # fmt: skip
    scene.order("olga", 140)
    after(clock, 150)
    assert not scene.over("abandoned_cart", entry)
    card = scene.rows("SELECT customer_id FROM orders")[0][0]
    scene.run("UPDATE profiles SET customer_id = :card WHERE id = :id", card=card, id=entry.profile_id)
    assert scene.over("abandoned_cart", entry)
