"""Products that cost less or can be bought again: who wanted them, once a day, not when they were bought."""

from datetime import timedelta

import pytest

from customers.tables import Source
from foundation.clock import now
from foundation.database import transaction
from foundation.records import Gone
from tests.email_campaigns.triggers.scene import LONG_AGO, Scene
from tests.web_capture.carts.test_abandonment import after
from tests.web_capture.happening import happen

KEYS = ("price_drop", "back_in_stock")


def wants(scene: Scene, clock, how: str = "Product Added", **line: str) -> None:
    """Anna leaves a mug of the shop in her cart, or only looks at it."""
    anna = scene.person("anna", "d1")
    scene.do(happen(0, how, profile=anna, products=[line or {"sku": "MUG", "name": "Mug"}]))
    after(clock, 200)
    scene.kinds()
    scene.run("UPDATE timeline t SET customer_id = p.customer_id FROM profiles p WHERE p.id = t.profile_id")


def news(scene: Scene, key: str) -> None:
    """The mug costs less, or is there again."""
    if key == "price_drop":
        scene.product("MUG", price=80)
    else:
        scene.product("MUG", stock=3)


def before(scene: Scene, key: str) -> None:
    scene.product("MUG", price=100, stock=0 if key == "back_in_stock" else 5)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("how", ["Product Added", "Product Viewed", "Checkout Started"])
def test_who_wanted_it_is_told(scene: Scene, clock, key, how):
    before(scene, key)
    wants(scene, clock, how)
    assert scene.ask(key) == []
    news(scene, key)
    (entry,) = scene.ask(key)
    said = scene.letter(key, entry)
    assert "The MUG" in said.subject and "https://shop.example/p/MUG" in said.text
    if key == "price_drop":
        assert "80" in said.text and "100" in said.text
    assert [other for other in KEYS if scene.ask(other)] == [key]
    assert scene.ask(key, wanted="cart") == ([] if how == "Product Viewed" else [entry])
    assert scene.ask(key, arrived=timedelta(minutes=2)) == [entry]


@pytest.mark.parametrize("key", KEYS)
def test_wish_list_counts(scene: Scene, clock, key):
    before(scene, key)
    anna = scene.person("anna", "d1")
    row = happen(0, "Product Added to Wishlist", profile=anna, product_id="MUG")
    scene.run(
        "INSERT INTO timeline (source_id, source_key, profile_id, kind, occurred_at, received_at, data)"
        " VALUES (:s, 'w', :p, :kind, :at, :at, jsonb_build_object('products',"
        " jsonb_build_array(jsonb_build_object('product_id', 'MUG'))))",
        s=scene.site, p=anna, kind=row.kind, at=now() - timedelta(hours=3),
    )  # fmt: skip
    news(scene, key)
    assert len(scene.ask(key, wanted="wishlist")) == len(scene.ask(key)) == 1


@pytest.mark.parametrize("key", KEYS)
def test_first_import_and_sameness_are_no_news(scene: Scene, clock, key):
    wants(scene, clock)
    scene.product("MUG", price=80, stock=3)
    scene.product("MUG", price=80, stock=3, name="Renamed")
    assert scene.ask(key) == [] and scene.rows("SELECT * FROM product_moves") == []


def test_other_currency_dearer_and_little_cheaper_are_no_drop(scene: Scene, clock):
    scene.product("MUG", price=100)
    wants(scene, clock)
    scene.product("MUG", price=50, currency="EUR")
    scene.product("MUG", price=100)
    scene.product("MUG", price=120)
    scene.product("MUG", price=109)
    assert scene.ask("price_drop") == []
    assert len(scene.ask("price_drop", percent=9)) == 1


@pytest.mark.parametrize("way", ["stock", "active", "gone"])
def test_ways_to_be_back(scene: Scene, clock, way):
    scene.product("MUG", active=way != "active", stock=0 if way == "stock" else 4)
    if way == "gone":
        scene.tell(Gone(external_id="MUG", what="product"))
    wants(scene, clock)
    scene.product("MUG")
    (entry,) = scene.ask("back_in_stock")
    assert not scene.over("back_in_stock", entry)
    scene.product("MUG", stock=0)
    assert scene.over("back_in_stock", entry)


def test_unknown_stock_is_never_back(scene: Scene, clock):
    scene.product("MUG", stock=None)
    wants(scene, clock)
    scene.product("MUG", stock=5)
    assert scene.ask("back_in_stock") == []


@pytest.mark.parametrize("key", KEYS)
def test_a_sale_is_one_letter_a_day(scene: Scene, clock, key):
    stock = 0 if key == "back_in_stock" else 5
    for sku in ("MUG", "TEA"):
        scene.product(sku, stock=stock)
    anna = scene.person("anna", "d1")
    scene.do(happen(0, "Cart Viewed", profile=anna, products=[{"sku": "MUG"}, {"sku": "TEA"}]))
    after(clock, 200)
    scene.kinds()
    first = None
    for sku in ("MUG", "TEA"):
        scene.product(sku, price=50, stock=5)
        (entry,) = scene.ask(key)
        first = first or entry
        assert entry.key == first.key and entry.context["product"]["sku"] == "MUG"
        clock.advance(timedelta(minutes=1))


@pytest.mark.parametrize("key", KEYS)
def test_who_bought_it_is_not_told(scene: Scene, clock, key):
    before(scene, key)
    wants(scene, clock)
    scene.buys("anna", "N1", sku="MUG")
    news(scene, key)
    assert scene.ask(key) == []


@pytest.mark.parametrize("key", KEYS)
def test_over_when_bought(scene: Scene, clock, key):
    before(scene, key)
    wants(scene, clock)
    news(scene, key)
    (entry,) = scene.ask(key)
    assert not scene.over(key, entry)
    scene.buys("anna", "N1", sku="TEA")
    assert not scene.over(key, entry)
    scene.buys("anna", "N2", sku="MUG")
    assert scene.over(key, entry)


def test_over_when_as_dear_again_or_gone(scene: Scene, clock):
    scene.product("MUG")
    wants(scene, clock)
    scene.product("MUG", price=80)
    (entry,) = scene.ask("price_drop")
    scene.product("MUG", price=100)
    assert scene.over("price_drop", entry)
    scene.product("MUG", price=70)
    assert not scene.over("price_drop", entry)
    scene.tell(Gone(external_id="MUG", what="product"))
    assert scene.over("price_drop", entry)


def test_long_ago_wanted_is_forgotten(scene: Scene, clock):
    scene.product("MUG")
    wants(scene, clock)
    clock.advance(timedelta(days=31))
    scene.product("MUG", price=80)
    assert scene.ask("price_drop") == []
    assert len(scene.ask("price_drop", lately=40)) == 1


def test_accounting_sells_to_nobody(scene: Scene, clock):
    with transaction(scene.engine) as session:
        books = Source(name="Books", kind="one_c", role="accounting", created_at=LONG_AGO)
        session.add(books)
    scene.product("MUG", source=books)
    wants(scene, clock)
    scene.product("MUG", price=80, source=books)
    assert scene.ask("price_drop") == []
