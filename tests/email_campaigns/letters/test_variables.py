"""The variables of many customers: what they hold, whose they are, and what they cost."""

import json
from datetime import timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from customers.tables import Source
from email_campaigns.letters import catalogue, lifting, store, variables
from email_campaigns.letters.render import render
from email_campaigns.letters.values import Amount
from foundation.records import Address, Line, Order, Person, Product
from foundation.sealing import Sealer
from tests.console.test_queries import counted
from tests.customers.world import say, shop
from tests.email_campaigns.letters.making import version, words
from tests.web_capture.happening import happen
from web_capture import sites
from web_capture.carts import current as carts
from web_capture.tables import Site

EVIL = "javascript:alert(1)"


def person(key: str, **said: Any) -> Person:
    return Person(
        external_id=key, emails=(f"{key}@mail.example",), given_name=key.title(), name=key.title(), **said
    )


def order(buyer: Person, number: str, at: Any, price: int = 100) -> Order:
    lines = (Line(position=1, product_id="7", sku="TEA", name="Tea", quantity=Decimal(2),
        unit_price=Decimal(price),
                  total=Decimal(2 * price)),)  # fmt: skip
    return Order(
        external_id=number, number=number, state="paid", currency="KZT", total=Decimal(2 * price),
        lines=lines,
        customer_id=buyer.external_id, customer=buyer, placed_at=at, changed_at=at,
        delivery=Address(line="1 Main street", city="Almaty"),
    )  # fmt: skip


def ids(session: Session) -> dict[str, UUID]:
    """Cards by given name."""
    return dict(session.execute(text("SELECT given_name, id FROM customers WHERE live")).all())


@pytest.fixture
def bazaar(session: Session, clock: ModuleType) -> Source:
    source = shop(session, "Bazaar")
    tea = Product(external_id="7", name="Tea", sku="TEA", price=Decimal(90), currency="KZT",
                  url="https://shop.kz/tea", image="https://shop.kz/tea.jpg")  # fmt: skip
    bad = Product(
        external_id="8", name="Bad", sku="BAD", price=Decimal(1), currency="KZT", url=EVIL, image="data:x"
    )
    say(session, source, tea, bad)
    return source


def test_card_and_last_order(session: Session, bazaar: Source, clock: ModuleType) -> None:
    anna = person("anna", language="ru", addresses=(Address(city="Almaty", country="KZ"),))
    now = clock.now()
    orders = [order(anna, f"B-{n}", now - timedelta(days=9 - n), 100 + n) for n in range(3)]
    say(session, bazaar, anna, *orders, person("boris"))
    found = variables.contexts(session, ids(session).values(), now)
    mine = found[ids(session)["Anna"]]
    assert mine["customer"]["given_name"] == "Anna" and mine["customer"]["language"] == "ru"
    assert mine["customer"]["orders"] == 3
    assert mine["customer"]["spent"] == Amount(Decimal(606), "KZT")
    assert (mine["order"]["number"], mine["order"]["total"]) == ("B-2", Amount(Decimal(204), "KZT"))
    assert mine["order"]["address"] == "1 Main street, Almaty" and mine["shop"] == {"name": "Bazaar"}
    assert mine["order"]["lines"] == [
        {"name": "Tea", "sku": "TEA", "price": Amount(Decimal(102), "KZT"), "url": "https://shop.kz/tea",
         "image": "https://shop.kz/tea.jpg", "quantity": Decimal(2), "total": Amount(Decimal(204), "KZT")}
    ]  # fmt: skip
    assert "order" not in found[ids(session)["Boris"]]
    earlier = variables.contexts(session, [ids(session)["Anna"]], now - timedelta(days=8))
    assert earlier[ids(session)["Anna"]]["order"]["number"] == "B-1"


def test_unknown_customer_has_no_variables(session: Session, clock: ModuleType) -> None:
    assert variables.contexts(session, [uuid4()], clock.now()) == {}
    assert variables.contexts(session, [], clock.now()) == {}


def filled(session: Session, sealer: Sealer, source: Source, *buyers: tuple[Person, str]) -> None:
    """A site where each of these devices holds a cart."""
    site, _keys = sites.add(session, sealer, "shop.kz", currency="KZT")
    for buyer, _device in buyers:
        say(session, source, buyer)
    profiles = dict(session.execute(text("SELECT external_id, id FROM profiles")).all())
    rows = [
        happen(n, "Product Added", device, profile=profiles[buyer.external_id], product_id="7", price=5,
            quantity=2,
               name=f"Cup of {buyer.external_id}", product_url="https://shop.kz/cup", image_url=EVIL,
               cart_url="https://shop.kz/cart")
        for n, (buyer, device) in enumerate(buyers)
    ]  # fmt: skip
    carts.record(session, session.get_one(Site, site.id), rows)


def test_cart_is_ones_own(session: Session, bazaar: Source, sealer: Sealer, clock: ModuleType) -> None:
    """Anna and Boris use one device: neither gets the other's cart."""
    clock.advance(timedelta(hours=1))
    anna, boris = person("anna", device_ids=("d1", "d2")), person("boris", device_ids=("d1",))
    filled(session, sealer, bazaar, (anna, "d1"), (boris, "d3"))
    session.execute(text("UPDATE carts SET device = 'd1'"))
    found = variables.contexts(session, ids(session).values(), clock.now())
    cart = found[ids(session)["Anna"]]["cart"]
    assert [one["name"] for one in cart["lines"]] == ["Cup of anna"]
    assert cart["value"] == Amount(Decimal(10), "KZT") and cart["lines"][0]["quantity"] == 2
    assert "image" not in cart["lines"][0] and cart["lines"][0]["url"] == "https://shop.kz/cup"
    assert [one["name"] for one in found[ids(session)["Boris"]]["cart"]["lines"]] == ["Cup of boris"]


def test_ordered_cart_is_no_cart(session: Session, bazaar: Source, sealer: Sealer, clock: ModuleType) -> None:
    clock.advance(timedelta(hours=1))
    filled(session, sealer, bazaar, (person("anna", device_ids=("d1",)), "d1"))
    session.execute(text("UPDATE carts SET state = 'ordered'"))
    (only,) = variables.contexts(session, ids(session).values(), clock.now()).values()
    assert "cart" not in only and only["shop"]["url"] == "https://shop.kz"


def test_unpaid_invoice_that_is_due_first(session: Session, bazaar: Source, clock: ModuleType) -> None:
    say(session, bazaar, person("anna"))
    card, now = ids(session)["Anna"], clock.now()
    for number, paid, days in (("I-1", 100, -9), ("I-2", 40, -3), ("I-3", 0, 5)):
        session.execute(
            text("INSERT INTO invoices (id, source_id, external_id, number, customer_id, state, currency,"
                 " total, paid, issued_at, due_at) VALUES (:id, :source, :number, :number, :card, 'open',"
                 " 'KZT', 100, :paid, :at, :due)"),
            {"id": uuid4(), "source": bazaar.id, "number": number, "card": card, "paid": paid,
             "at": now - timedelta(days=20), "due": now + timedelta(days=days)},
        )  # fmt: skip
    invoice = variables.contexts(session, [card], now)[card]["invoice"]
    assert (invoice["number"], invoice["owed"], invoice["days_late"]) == (
        "I-2",
        Amount(Decimal(60), "KZT"),
        3,
    )


def test_products_are_read_by_sku(session: Session, bazaar: Source, clock: ModuleType) -> None:
    say(session, bazaar, person("anna"))
    letter = version({"type": "products", "skus": ["TEA", "BAD", "NONE"]})
    (context,) = variables.contexts(session, ids(session).values(), clock.now(), letter).values()
    assert context["products"]["TEA"]["price"] == Amount(Decimal(90), "KZT")
    assert set(context["products"]) == {"TEA", "BAD"} and "url" not in context["products"]["BAD"]
    assert "https://shop.kz/tea" in render(letter, "en", context).text


def test_queries_are_as_many_for_one_as_for_many(
    session: Session, engine: Engine, bazaar: Source, clock: ModuleType
) -> None:
    people = [person(f"p{n}") for n in range(30)]
    say(session, bazaar, *people, *[order(one, f"B-{n}", clock.now()) for n, one in enumerate(people)])
    session.commit()
    cards = list(ids(session).values())
    for some in (cards[:1], cards):
        with counted(engine) as sent:
            variables.contexts(session, some, clock.now())
        assert len(sent) == 6
    with counted(engine) as sent:
        variables.contexts(session, cards, clock.now(), version(words("{{ customer.name }}")))
    assert len(sent) == 3


def test_what_a_letter_needs_is_enough_for_it(session: Session, bazaar: Source, clock: ModuleType) -> None:
    anna = person("anna")
    say(session, bazaar, anna, order(anna, "B-1", clock.now()))
    letter = version(words("{{ order.number }} {{ shop.name }}"), {"type": "order"})
    (context,) = variables.contexts(session, ids(session).values(), clock.now(), letter).values()
    assert render(letter, "en", context).text.startswith("B-1 Bazaar")


def test_trigger_knows_better(clock: ModuleType) -> None:
    base = {"customer": {"name": "A"}, "order": {"number": "B-1", "state": "paid"}}
    more = json.loads(json.dumps({
        "order": {"number": "B-9", "url": EVIL, "total": {"amount": "12.50", "currency": "KZT"}},
        "product": {"name": "Tea", "url": "https://shop.kz/t", "price": {"amount": "x", "currency": "KZT"}},
        "viewed": [{"name": "Cup", "image": "//x", "seen_at": "2026-03-02T10:00:00Z"}, None,
            {"deep": [[[[[[[1]]]]]]]}],
        "coupon": {"code": "TEN", "until": "2026-04-01"}, "empty": "", "nan": float("nan"),
    }))  # fmt: skip
    found = variables.merged(base, more)
    assert found["order"] == {"number": "B-9", "state": "paid", "total": Amount(Decimal("12.50"), "KZT")}
    assert found["product"] == {"name": "Tea", "url": "https://shop.kz/t"}
    assert "image" not in found["viewed"][0] and found["viewed"][0]["seen_at"].year == 2026
    assert str(found["coupon"]["until"]) == "2026-04-01" and not {"empty", "nan"} & set(found)
    assert base["order"]["number"] == "B-1"


def test_values_are_short_and_printable() -> None:
    found = lifting.lift({"name": "a\x00b\u202ec" + "x" * 5000})
    assert len(found["name"]) == 2000 and found["name"].startswith("a b c")


def test_catalogue_and_example_agree() -> None:
    example = catalogue.example()
    letter = store.draft("en", {"en": {"subject": "x", "blocks": [
        words("\n\n".join(f"{{{{ {one.path} }}}}" for one in catalogue.VARIABLES
                          if "[]" not in one.path and one.kind != "list")),
    ]}})  # fmt: skip
    assert render(letter, "en", example).text
    assert all(catalogue.is_known(path) for path in letter.named.paths)
    for path in ("customer.nope", "nobody", "order.lines[].nope", "customer[].x", "products[].nope"):
        assert not catalogue.is_known(path)


@pytest.mark.parametrize(("source", "paths"), [
    ("{% for l in order.lines %}{{ l.name }}{{ loop.index }}{% endfor %}",
        {"order.lines", "order.lines[].name"}),
    ("{% for l in order.lines | limit(3) %}{{ l.sku }}{% endfor %}", {"order.lines", "order.lines[].sku"}),
    ("{% set o = order %}{{ o.number }}", {"order", "order.number"}),
    ("{{ order.lines[0].name }}{{ customer['city'] }}", {"order.lines[].name", "customer.city"}),
    ("{% for x in range(3) %}{{ x }}{% endfor %}", set()),
    ("{% for l in cart.lines %}{% endfor %}{{ l.name }}", {"cart.lines", "l.name"}),
    ("{% for a in order.lines %}{% for b in cart.lines %}{{ a.name ~ b.name }}{% endfor %}{% endfor %}",
     {"order.lines", "cart.lines", "order.lines[].name", "cart.lines[].name"}),
    ("{{ x if order.total > 3 else y | d(z) }}", {"x", "y", "z", "order.total"}),
])  # fmt: skip
def test_names_are_followed(source: str, paths: set[str]) -> None:
    assert version(words("x"), text=source).named.paths == paths
