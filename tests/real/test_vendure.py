"""The Vendure connector against a real server: what it reads, what it misses and how that is caught."""

import json
from collections.abc import Iterable
from typing import Any

import psycopg
import pytest

from connectors import registry
from connectors.base import Raw
from connectors.shops.vendure.connector import Vendure
from foundation.embedded import Servers
from foundation.errors import Misconfigured, Temporary
from foundation.records import Order, Person
from tests.real.shop_driver import Driver, Filled
from tests.real.vendure_shop import RealShop

pytestmark = pytest.mark.real

SIGN_INS = [{"api_key": "api_key"}, {"username": "username", "password": "password"}]


def connect(shop: RealShop, **typed: Any) -> Vendure:
    if not typed.keys() & {"api_key", "username"}:
        typed = {"api_key": shop.info["api_key"], **typed}
    settings = registry.parse_settings(Vendure, {"address": shop.info["base"], **typed})
    return Vendure(settings, Vendure.make_http(settings, allow_private=True, attempts=1))


def staff(shop: RealShop) -> dict[str, str]:
    """The sign-in by password: the shop spends 0.2 s on each call with a key."""
    return {"username": shop.info["username"], "password": shop.info["password"]}


def pull(connector: Vendure, stream: str, cursor: str | None = None) -> tuple[dict[str, Raw], str]:
    """The newest version of each object, and the last cursor."""
    found: dict[str, Raw] = {}
    for page in connector.pull(stream, cursor):
        assert page.bad == ()
        found |= {raw.external_id: raw for raw in page.records}
        cursor = page.cursor
    return found, cursor or ""


def orders(raws: Iterable[Raw]) -> dict[str, Order]:
    read = [record for raw in raws for record in Vendure.normalise("orders", raw, None)]
    return {record.external_id: record for record in read if isinstance(record, Order)}


@pytest.mark.parametrize("keys", SIGN_INS, ids=["key", "password"])
def test_both_sign_ins_reach_the_shop(vendure: RealShop, filled: Filled, keys: dict[str, str]) -> None:
    said = connect(vendure, **{name: vendure.info[key] for name, key in keys.items()}).check()
    assert "__default_channel__" in said and "4 products" in said


@pytest.mark.parametrize("typed", [{"api_key": "wrong"}, {"username": "superadmin", "password": "wrong"}])
def test_wrong_sign_in_is_told(vendure: RealShop, typed: dict[str, str]) -> None:
    with pytest.raises(Misconfigured):
        connect(vendure, **typed).check()


def test_unknown_channel_is_told(vendure: RealShop) -> None:
    """The shop itself would answer with its default channel."""
    with pytest.raises(Misconfigured, match="channel") as caught:
        connect(vendure, channel="no-such-token").check()
    assert caught.value.setting == "channel"


@pytest.mark.parametrize("page_size", [5, 1000])
def test_everything_is_read(vendure: RealShop, driver: Driver, filled: Filled, page_size: int) -> None:
    connector = connect(vendure, page_size=page_size, **staff(vendure))
    truth = driver.truth()
    customers, _ = pull(connector, "customers")
    people = [r for raw in customers.values() for r in Vendure.normalise("customers", raw, None)]
    assert {p.external_id: (p.emails[0], p.family_name, p.guest) for p in people} == truth.customers
    assert {buyer.id for buyer in filled.buyers} & set(customers) == {b.id for b in filled.buyers} - {
        *filled.deleted
    }
    found, _ = pull(connector, "orders")
    assert {
        o.external_id: (o.number, o.source_state, int(o.total * 100), int(o.refunded * 100))
        for o in orders(found.values()).values()
    } == truth.orders
    assert {order.id for order in filled.orders} <= set(found)
    assert {entry.external_id for entry in connector.listing("orders")} == set(found)
    assert {entry.external_id for entry in connector.listing("customers")} == set(customers)


def test_orders_carry_what_happened(vendure: RealShop, filled: Filled) -> None:
    found = orders(pull(connect(vendure), "orders")[0].values())
    placed = {order.id: order for order in filled.orders}
    untouched = set(placed) - set(filled.cancelled)
    assert all(int(found[i].total * 100) == placed[i].total for i in untouched)
    assert all(found[i].number == placed[i].code for i in placed)
    assert all(found[i].state == "refunded" and found[i].refunded == found[i].total for i in filled.refunded)
    assert all(found[i].state == "cancelled" for i in filled.cancelled)
    assert all(found[i].state in ("shipped", "completed") for i in filled.shipped)
    assert all(sum(line.total for line in o.lines) + o.shipping == o.total for o in found.values())
    guests = {order.id for order in filled.orders if order.guest}
    assert {i for i in placed if found[i].customer and found[i].customer.guest} == guests


def test_listing_and_pull_agree_on_versions(vendure: RealShop, filled: Filled) -> None:
    """Otherwise reconciliation would find a difference for ever."""
    connector = connect(vendure)
    for stream in ("customers", "orders", "products"):
        pulled, _ = pull(connector, stream)
        listed = {entry.external_id: entry.version_at for entry in connector.listing(stream)}
        assert listed == {raw.external_id: raw.version_at for raw in pulled.values()}


def test_fetch_is_what_pull_read(vendure: RealShop, filled: Filled) -> None:
    connector = connect(vendure)
    pulled, _ = pull(connector, "orders")
    again = {raw.external_id: raw.version_hash for raw in connector.fetch("orders", list(pulled))}
    assert again == {external_id: raw.version_hash for external_id, raw in pulled.items()}


def test_changes_come_since_a_cursor(vendure: RealShop, driver: Driver, filled: Filled) -> None:
    connector = connect(vendure)
    _, customers_at = pull(connector, "customers")
    before, orders_at = pull(connector, "orders")
    buyer = driver.register(driver.person())
    new = driver.order(buyer, [(driver.variants[0], 1)])
    guest = driver.order(driver.person(), [(driver.variants[2], 2)])
    driver.edit_customer(buyer.id, lastName="Renamed")
    customers, _ = pull(connector, "customers", customers_at)
    [person] = Vendure.normalise("customers", customers[buyer.id], None)
    assert isinstance(person, Person) and person.family_name == "Renamed"
    changed, _ = pull(connector, "orders", orders_at)
    assert {new.id, guest.id} <= set(changed) and not {new.id, guest.id} & set(before)


def test_what_moves_no_clock_is_caught(vendure: RealShop, driver: Driver, filled: Filled) -> None:
    """Shipping, refunds and addresses leave `updatedAt` alone."""
    connector = connect(vendure)
    buyer = driver.register(driver.person())
    order = driver.order(buyer, [(driver.variants[0], 1)])
    first, cursor = pull(connector, "orders")
    person = next(connector.fetch("customers", [buyer.id]))
    driver.ship(order.id, deliver=True)
    driver.refund(order.id, 100)
    driver.edit_address(buyer.id, city="Bursa")
    second, _ = pull(connector, "orders", cursor)
    before, after = first[order.id], second[order.id]
    assert json.loads(before.payload)["updatedAt"] == json.loads(after.payload)["updatedAt"]
    assert before.version_at and after.version_at and before.version_at < after.version_at
    assert {h.kind for h in orders([after])[order.id].happenings} == {
        "placed", "paid", "shipped", "delivered", "refunded"
    }  # fmt: skip
    listed = {entry.external_id: entry.version_at for entry in connector.listing("customers")}
    assert listed[buyer.id] > person.version_at


def test_deleted_customers_are_gone(vendure: RealShop, driver: Driver, filled: Filled) -> None:
    connector = connect(vendure)
    buyer = driver.register(driver.person())
    order = driver.order(buyer, [(driver.variants[1], 1)])
    driver.delete_customer(buyer.id)
    [raw] = connector.fetch("customers", [buyer.id])
    assert raw.gone and buyer.id not in {entry.external_id for entry in connector.listing("customers")}
    kept = orders(connector.fetch("orders", [order.id]))[order.id]
    assert kept.customer_id == buyer.id  # the order still knows its buyer


def test_carts_are_not_orders(vendure: RealShop, driver: Driver, filled: Filled) -> None:
    connector = connect(vendure)
    cart = driver.order(driver.person(), [(driver.variants[0], 1)], pay=False)
    assert cart.id not in pull(connector, "orders")[0]
    assert [raw.gone for raw in connector.fetch("orders", [cart.id])] == [True]


def test_one_instant_for_all_is_read_whole(servers: Servers, vendure: RealShop, filled: Filled) -> None:
    """A migration of the shop may touch every row in one transaction."""
    url = servers.database_url.replace("/kartoteka?", "/vendure?")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE customer SET \"updatedAt\" = timestamp '2026-01-05 10:00:00.123456'")
        [[count]] = connection.execute('SELECT count(*) FROM customer WHERE "deletedAt" IS NULL').fetchall()
    customers, _ = pull(connect(vendure, page_size=4, **staff(vendure)), "customers")
    assert len(customers) == count


def test_pull_survives_the_death_of_the_shop(vendure: RealShop, driver: Driver, filled: Filled) -> None:
    expected = driver.truth().orders
    found: set[str] = set()
    cursor: str | None = None
    pages = connect(vendure, page_size=5, **staff(vendure)).pull("orders", None)
    for _ in range(3):
        page = next(pages)
        found |= {raw.external_id for raw in page.records}
        cursor = page.cursor
    vendure.kill()
    with pytest.raises(Temporary):
        next(pages)
    assert found < set(expected)
    vendure.start()
    rest, _ = pull(connect(vendure, page_size=5, **staff(vendure)), "orders", cursor)
    assert found | set(rest) == set(expected)
