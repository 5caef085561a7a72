"""What is special about Vendure: its change times, its paging, its errors, its guests and its money."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import responses

from connectors import registry
from connectors.base import Raw, raw_json
from connectors.http import Http
from connectors.shops.vendure.client import document
from connectors.shops.vendure.connector import Vendure
from foundation.errors import BadInput, Misconfigured, Permanent, Temporary
from foundation.records import Gone, Order, Person, Product
from tests.connectors.shops.vendure_shop import BEGIN, FORBIDDEN, VendureShop, stamp
from tests.liar import liar

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vendure"
RECORDED = Path(__file__).parents[4] / "shared" / "data" / "real" / "vendure"
ADDRESS = "https://shop.example"


def things(stream: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FIXTURES / f"{stream}.json").read_text("utf-8"))
    return found


def read(stream: str, thing: dict[str, Any]) -> list[Any]:
    return list(Vendure.normalise(stream, raw_json(thing["id"], thing), None))


def order(number: int, **changes: Any) -> Order:
    """The n-th order of the fixtures: 0 delivered with a part refunded, 1 a guest's, 2 cancelled, 3 refunded
    whole, 4 being modified, 5 a cart, 6 without a customer, 7 in won."""
    [found] = read("orders", {**things("orders")[number], **changes})
    assert isinstance(found, Order)
    return found


def rows(count: int, gap: timedelta = timedelta(seconds=1), **extra: Any) -> list[dict[str, Any]]:
    """Customers changed one after another."""
    person = things("customers")[0]
    times = [stamp(BEGIN + gap * n) for n in range(count)]
    return [
        {**person, "id": str(n + 1), "createdAt": at, "updatedAt": at, "touched": {"items": []}, **extra}
        for n, at in enumerate(times)
    ]


@pytest.fixture
def shop() -> Iterator[VendureShop]:
    """A shop that answers at ADDRESS."""
    made = VendureShop(customers=rows(25))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.POST, f"{ADDRESS}/admin-api", made.answer)
        yield made


def connect(**typed: Any) -> Vendure:
    settings = registry.parse_settings(Vendure, {"address": ADDRESS, "api_key": "key-1", **typed})
    return Vendure(settings, Vendure.make_http(settings, sleep=lambda _: None))


def pull_ids(
    connector: Vendure, stream: str = "customers", cursor: str | None = None
) -> tuple[list[str], str]:
    ids: list[str] = []
    for page in connector.pull(stream, cursor):
        ids += [record.external_id for record in page.records]
        cursor = page.cursor or cursor
    return ids, cursor or ""


# signing in


def test_check_says_what_is_there(shop: VendureShop) -> None:
    assert connect().check() == "Reached the channel “main”: 25 customers, 0 orders, 0 products."


def test_wrong_key_names_the_setting(shop: VendureShop) -> None:
    with pytest.raises(Misconfigured, match="not currently authorized") as caught:
        connect(api_key="other").check()
    assert caught.value.setting == "api_key"


def test_wrong_password_names_the_setting(shop: VendureShop) -> None:
    with pytest.raises(Misconfigured, match="credentials are invalid") as caught:
        connect(api_key="", username="staff", password="no").check()
    assert caught.value.setting == "password"


def test_password_signs_in_once(shop: VendureShop) -> None:
    connector = connect(api_key="", username="staff", password="word-1")
    connector.check()
    connector.check()
    assert shop.operations == ["SignIn", "Counts", "Counts"]


def test_ended_session_is_renewed_once(shop: VendureShop) -> None:
    connector = connect(api_key="", username="staff", password="word-1")
    connector.check()
    shop.token = "token-2"
    connector.check()
    shop.scripted = [
        (200, json.dumps(FORBIDDEN)),
        (200, '{"data":{"login":{}}}'),
        (200, json.dumps(FORBIDDEN)),
    ]
    with pytest.raises(Misconfigured):
        connector.check()
    assert shop.operations.count("SignIn") == 3


@pytest.mark.parametrize(
    "typed", [{"api_key": ""}, {"api_key": "", "username": "u"}, {"page_size": "1001"}, {"page_size": "1"}]
)
def test_impossible_settings_are_refused(typed: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        registry.parse_settings(Vendure, {"address": ADDRESS, "api_key": "k", **typed})


def test_unknown_channel_is_told(shop: VendureShop) -> None:
    """To a token it doesn't know the shop answers with its default channel."""
    with pytest.raises(Misconfigured, match="no channel") as caught:
        pull_ids(connect(channel="other-token"))
    assert caught.value.setting == "channel"
    assert "25 customers" in connect(channel="main-token").check()


def test_channel_and_key_are_sent() -> None:
    settings = registry.parse_settings(Vendure, {"address": ADDRESS, "api_key": "k", "channel": "second"})
    headers = Vendure.make_http(settings).headers
    assert (headers["vendure-api-key"], headers["vendure-token"]) == ("k", "second")


# errors


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("USER_INPUT_ERROR", Permanent), ("GRAPHQL_VALIDATION_FAILED", Permanent),
        ("INTERNAL_SERVER_ERROR", Temporary), ("CHANNEL_NOT_FOUND", Misconfigured),
    ],
)  # fmt: skip
def test_errors_keep_the_shops_words(shop: VendureShop, code: str, kind: type[Exception]) -> None:
    said = {"errors": [{"message": "Cannot take more than 1000", "extensions": {"code": code}}], "data": None}
    shop.scripted = [(200, json.dumps(said))]
    with pytest.raises(kind, match="Cannot take more than 1000"):
        connect().check()


@pytest.mark.parametrize("body", ["null", "[]", '"x"', "{}", '{"data": null}', '{"errors": []}'])
def test_answers_without_data_are_temporary(shop: VendureShop, body: str) -> None:
    shop.scripted = [(200, body)]
    with pytest.raises(Temporary):
        connect().check()


def test_errors_of_any_shape_are_told(shop: VendureShop) -> None:
    for errors in ([{}], ["odd"], "odd"):
        shop.scripted = [(200, json.dumps({"errors": errors}))]
        with pytest.raises((Permanent, Temporary)):
            connect().check()


def test_each_question_travels_alone() -> None:
    """The shop mixes up operations that share a document (its cache knows them by the text only)."""
    assert document("Orders").count("query ") == 1 and "OrderListing" not in document("Orders")
    assert "fragment Buyer on Customer" in document("Orders")
    assert "fragment" not in document("SignIn")


# pulling


@pytest.mark.parametrize("page_size", [2, 3, 7, 25, 1000])
@pytest.mark.parametrize(
    "gap", [timedelta(0), timedelta(milliseconds=1), timedelta(seconds=1), timedelta(hours=1)]
)
def test_every_row_comes_once(shop: VendureShop, page_size: int, gap: timedelta) -> None:
    shop.lists["customers"].rows = {row["id"]: row for row in rows(25, gap)}
    ids, _ = pull_ids(connect(page_size=page_size))
    assert sorted(ids, key=int) == [str(n) for n in range(1, 26)]


def test_second_pull_reads_only_the_changed(shop: VendureShop) -> None:
    _, cursor = pull_ids(connect())
    later = shop.now + timedelta(minutes=5)
    shop.lists["customers"].rows["7"]["updatedAt"] = stamp(later)
    shop.now = later
    ids, _ = pull_ids(connect(), cursor=cursor)
    assert ids == ["7"]


def test_cursor_overlaps_the_last_change(shop: VendureShop) -> None:
    """A transaction that commits late carries an earlier time than rows already read."""
    _, cursor = pull_ids(connect())
    late = {**rows(1)[0], "id": "99", "updatedAt": stamp(shop.now - timedelta(seconds=100))}
    shop.lists["customers"].rows["99"] = late
    assert pull_ids(connect(), cursor=cursor)[0] == ["99"]


def test_cursor_never_passes_the_start(shop: VendureShop) -> None:
    """Rows that change while a long pull runs are read again by the next."""
    shop.now = BEGIN + timedelta(seconds=10)
    _, cursor = pull_ids(connect())
    assert json.loads(cursor)["updatedAt"] == "2026-03-02T09:00:10Z"


def test_broken_pull_goes_on_at_its_page(shop: VendureShop) -> None:
    shop.lists["customers"].rows = {row["id"]: row for row in rows(40, timedelta(minutes=10))}
    pages = connect(page_size=10).pull("customers", None)
    first = [next(pages), next(pages)]
    rest, _ = pull_ids(connect(page_size=10), cursor=first[-1].cursor)
    assert first[0].total == 40
    assert {r.external_id for page in first for r in page.records} | set(rest) == {
        str(n) for n in range(1, 41)
    }
    assert len(rest) < 30


def test_moving_rows_are_not_lost(shop: VendureShop) -> None:
    """Each page comes after one row changed, leaving its place to the rows behind it."""
    listed = shop.lists["customers"]
    listed.rows = {row["id"]: row for row in rows(30, timedelta(0))}
    moving = iter(range(1, 9))

    def move(_: Any) -> None:
        if number := next(moving, None):
            listed.rows[str(number)]["updatedAt"] = stamp(BEGIN + timedelta(minutes=number))

    listed.before_page = move
    latest: dict[str, str] = {}
    for page in connect(page_size=4).pull("customers", None):
        latest |= {r.external_id: json.loads(r.payload)["updatedAt"] for r in page.records}
    assert latest == {row["id"]: row["updatedAt"] for row in listed.rows.values()}


def test_deleted_rows_hide_no_others(shop: VendureShop) -> None:
    listed = shop.lists["customers"]
    listed.rows = {row["id"]: row for row in rows(30, timedelta(0))}
    going = iter(["1", "2", "5"])
    listed.before_page = lambda _: listed.rows.pop(next(going, ""), None)
    ids, _ = pull_ids(connect(page_size=4))
    assert set(ids) >= set(listed.rows)


@pytest.mark.parametrize("stuck", ["page", "nothing"])
def test_repeating_pages_stop_the_pull(shop: VendureShop, stuck: str) -> None:
    listed = shop.lists["customers"]
    page = {"totalItems": 500, "items": rows(10) if stuck == "page" else []}
    listed.read = lambda options: (listed.asked.append(options), page)[1]  # type: ignore[method-assign]
    with pytest.raises(Temporary, match=r"same page|rows from here"):
        pull_ids(connect(page_size=10))
    assert len(listed.asked) < 10


def test_list_that_never_rests_is_left(shop: VendureShop) -> None:
    """Every page comes upside down, so no page ever begins where the one before ended."""
    listed = shop.lists["customers"]
    listed.rows = {row["id"]: row for row in rows(30, timedelta(0))}
    original = listed.read

    def unruly(options: dict[str, Any]) -> dict[str, Any]:
        page = original(options)
        return {**page, "items": page["items"][::-1]}

    listed.read = unruly  # type: ignore[method-assign]
    with pytest.raises(Temporary, match="keeps changing"):
        pull_ids(connect(page_size=4))


def test_bad_rows_are_named_and_passed(shop: VendureShop) -> None:
    listed = shop.lists["customers"]
    original = listed.read

    def spoiled(options: dict[str, Any]) -> dict[str, Any]:
        page = original(options)
        page["items"][3] = {"id": "4", "updatedAt": "yesterday"}
        page["items"][5] = "odd"
        return page

    listed.read = spoiled  # type: ignore[method-assign]
    pages = list(connect().pull("customers", None))
    assert sum(len(page.records) for page in pages) == 23
    assert ["yesterday" in bad.reason or "no id" in bad.reason for page in pages for bad in page.bad] == [
        True,
        True,
    ]


def test_object_the_shop_stumbles_over_is_passed(shop: VendureShop) -> None:
    shop.poison = {"7"}
    pages = list(connect(page_size=10).pull("customers", None))
    ids = {record.external_id for page in pages for record in page.records}
    assert ids == {str(n) for n in range(1, 26)} - {"7"}
    assert {bad.reason for page in pages for bad in page.bad} == {
        "id 7: shop.example is in trouble: “relation lost”."
    }
    with pytest.raises(Temporary, match=r"customers 7: .*relation lost"):
        list(connect().fetch("customers", ["6", "7"]))


def test_shop_that_stumbles_over_all_is_ill(shop: VendureShop) -> None:
    shop.poison = {str(n) for n in range(1, 26)}
    with pytest.raises(Temporary, match="relation lost"):
        next(connect(page_size=5).pull("customers", None))


def test_orders_are_polled_by_placement_too(shop: VendureShop) -> None:
    """Paying places an order without moving its `updatedAt`."""
    at = stamp(BEGIN)
    placed = {**things("orders")[1], "id": "1", "updatedAt": at, "orderPlacedAt": at, "touched": None}
    shop.lists["orders"].rows = {"1": placed}
    ids, cursor = pull_ids(connect(), "orders")
    assert ids == ["1"]
    slow = {
        **placed,
        "id": "2",
        "updatedAt": stamp(BEGIN),
        "orderPlacedAt": stamp(shop.now + timedelta(minutes=3)),
    }
    shop.lists["orders"].rows["2"] = slow
    assert pull_ids(connect(), "orders", cursor)[0] == ["2"]


def test_carts_are_never_asked_for(shop: VendureShop) -> None:
    pull_ids(connect(), "orders")
    asked = shop.lists["orders"].asked[0]["filter"]
    assert asked["active"] == {"eq": False} and asked["type"] == {"notEq": "Seller"}


def silent_shop(shop: VendureShop, count: int = 12) -> str:
    """Orders placed hourly, and the cursor after everything was read."""
    for number in range(1, count + 1):
        at = stamp(BEGIN + timedelta(hours=number))
        thing = {**things("orders")[1], "id": str(number), "updatedAt": at, "orderPlacedAt": at}
        shop.lists["orders"].rows[str(number)] = {**thing, "touched": {"items": [{"createdAt": at}]}}
    _, cursor = pull_ids(connect(), "orders")
    shop.now += timedelta(hours=6)
    return cursor


def test_silent_changes_come_with_the_next_pull(shop: VendureShop) -> None:
    """Shipping and refunds write history and move nothing else."""
    cursor = silent_shop(shop)
    history = {"items": [{"createdAt": stamp(shop.now - timedelta(hours=1))}]}
    for external_id in ("3", "8"):
        shop.lists["orders"].rows[external_id]["touched"] = history
    ids, cursor = pull_ids(connect(page_size=2), "orders", cursor)
    assert ids == ["3", "8"]
    shop.now += timedelta(hours=6)
    assert pull_ids(connect(), "orders", cursor)[0] == []


def test_first_pull_looks_for_no_silent_changes(shop: VendureShop) -> None:
    silent_shop(shop)
    assert not any(operation.endswith("Listing") for operation in shop.operations)


def test_silent_changes_survive_a_broken_pull(shop: VendureShop) -> None:
    """The cursor of a page names the old time until all of them are through."""
    cursor = silent_shop(shop)
    history = {"items": [{"createdAt": stamp(shop.now - timedelta(hours=1))}]}
    for external_id in ("3", "8", "9"):
        shop.lists["orders"].rows[external_id]["touched"] = history
    first = next(connect(page_size=2).pull("orders", cursor))
    assert [raw.external_id for raw in first.records] == ["3", "8"]
    assert "9" in pull_ids(connect(), "orders", first.cursor)[0]


def test_changed_orders_are_read_once(shop: VendureShop) -> None:
    cursor = silent_shop(shop)
    at = stamp(shop.now - timedelta(hours=1))
    shop.lists["orders"].rows["4"] |= {"updatedAt": at, "touched": {"items": [{"createdAt": at}]}}
    assert pull_ids(connect(), "orders", cursor)[0] == ["4"]


def test_open_orders_are_revisited() -> None:
    [stream] = [stream for stream in Vendure.streams if stream.name == "orders"]
    assert stream.revisit == ("open",)


def test_fetch_tells_the_gone(shop: VendureShop) -> None:
    found = list(connect(page_size=2).fetch("customers", ["3", "77", "5"]))
    assert [(raw.external_id, raw.gone) for raw in found] == [("3", False), ("77", True), ("5", False)]
    assert list(Vendure.normalise("customers", found[1], None)) == [Gone(external_id="77", what="person")]


def test_fetch_gives_the_same_version_as_pull(shop: VendureShop) -> None:
    pulled = [record for page in connect().pull("customers", None) for record in page.records][4]
    assert [pulled] == list(connect().fetch("customers", [pulled.external_id]))


def test_listing_shows_every_object(shop: VendureShop) -> None:
    touched = {"items": [{"createdAt": stamp(BEGIN + timedelta(days=3))}]}
    shop.lists["customers"].rows["2"]["touched"] = touched
    entries = {entry.external_id: entry for entry in connect().listing("customers")}
    assert len(entries) == 25
    assert entries["2"].version_at == BEGIN + timedelta(days=3)  # an address changed
    assert entries["3"].version_at == entries["3"].day_at == BEGIN + timedelta(seconds=2)


def test_listing_begins_with_a_day(shop: VendureShop) -> None:
    since = BEGIN + timedelta(seconds=20)
    assert sorted(entry.external_id for entry in connect().listing("customers", since)) == [
        "21",
        "22",
        "23",
        "24",
        "25",
    ]


# reading orders


def test_amounts_add_up() -> None:
    for number in (0, 1, 3, 4, 6, 7):
        found = order(number)
        assert sum(line.total for line in found.lines) + found.shipping == found.total
        assert all(line.unit_price * line.quantity - line.discount == line.total for line in found.lines)
        assert found.tax > 0


def test_part_refund_keeps_the_state() -> None:
    found = order(0)
    assert (found.state, found.refunded, found.total) == ("completed", Decimal("5.00"), Decimal("269.79"))
    assert (found.coupons, found.discount) == (("WELCOME10",), Decimal("29.31"))


def test_whole_refund_makes_it_refunded() -> None:
    found = order(3)
    assert found.state == "refunded" and found.refunded == found.total


def test_pending_refund_moves_no_money() -> None:
    payment = things("orders")[3]["payments"][0]
    refund = {**payment["refunds"][0], "state": "Pending"}
    found = order(3, payments=[{**payment, "refunds": [refund]}])
    assert found.refunded == 0 and found.state == "paid"


def test_happenings_come_in_order() -> None:
    found = order(0)
    assert {h.kind for h in found.happenings} == {"placed", "paid", "shipped", "delivered", "refunded"}
    assert [h.at for h in found.happenings] == sorted(h.at for h in found.happenings)
    assert [h.amount for h in found.happenings if h.kind == "refunded"] == [Decimal("5.00")]


def test_happenings_keep_their_keys() -> None:
    """Without its history an order has the same happenings, at the times the things were made."""
    keys = [
        sorted(h.key for h in order(0, **change).happenings) for change in ({}, {"history": {"items": []}})
    ]
    assert keys[0] == keys[1]


def test_cancelled_order_has_nothing_left() -> None:
    found = order(2)
    assert found.state == "cancelled" and "cancelled" in [h.key for h in found.happenings]
    assert all(line.quantity == 0 and line.total == 0 for line in found.lines)


def test_surcharge_is_a_line() -> None:
    found = order(4)
    assert (found.source_state, found.state) == ("Modifying", "open")
    assert (found.lines[-1].sku, found.lines[-1].total, found.lines[-1].tax) == (
        "WRAP",
        Decimal("3.00"),
        Decimal("0.50"),
    )


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("PaymentAuthorized", "open"), ("PaymentSettled", "paid"), ("PartiallyShipped", "shipped"),
        ("Shipped", "shipped"), ("PartiallyDelivered", "shipped"), ("Delivered", "completed"),
        ("Cancelled", "cancelled"), ("OwnState", "open"),
    ],
)  # fmt: skip
def test_states_are_translated(theirs: str, ours: str) -> None:
    found = order(1, state=theirs)
    assert (found.state, found.source_state) == (ours, theirs)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "AddingItems"}, {"state": "ArrangingPayment"}, {"state": "Draft"}, {"active": True},
        {"type": "Seller"},
    ],
)  # fmt: skip
def test_what_is_no_order_is_left_out(change: dict[str, Any]) -> None:
    assert read("orders", {**things("orders")[1], **change}) == []
    assert read("orders", things("orders")[5]) == []


def test_guest_is_a_customer_without_account() -> None:
    found = order(1)
    assert found.customer is not None and found.customer.guest
    assert found.customer_id == things("orders")[1]["customer"]["id"]


def test_order_without_customer_makes_a_guest() -> None:
    found = order(6)
    assert found.customer_id == "order:9002"
    assert found.customer is not None and found.customer.guest and found.customer.addresses


def test_empty_billing_address_is_none() -> None:
    found = order(0)
    assert found.billing is None and found.delivery is not None and found.delivery.country


def test_won_has_two_decimals_here_too() -> None:
    """Vendure counts every currency in the same minor units: 18600 is 186 won."""
    assert order(7).total == Decimal("186.00") and order(7).currency == "KRW"
    assert order(7, moneyDecimals=3).total == Decimal("18.600")
    assert order(7, moneyDecimals=0).total == 18600


@pytest.mark.parametrize(
    "change",
    [
        {"totalWithTax": 1.5}, {"totalWithTax": None}, {"totalWithTax": "1"}, {"totalWithTax": True},
        {"totalWithTax": 10**20}, {"currencyCode": None}, {"currencyCode": "dollars"},
        {"orderPlacedAt": "today"}, {"orderPlacedAt": "2026-03-02T09:00:00"}, {"lines": "none"},
        {"lines": [None]}, {"history": []}, {"moneyDecimals": 99}, {"payments": [{"state": "Settled"}]},
        {"payments": [{"state": "Settled", "id": "1"}]}, {"fulfillments": [{"state": "Shipped"}]},
        {"id": ""},
    ],
)  # fmt: skip
def test_bad_orders_say_why(change: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Vendure.normalise("orders", raw_json("x", {**things("orders")[1], **change}), None)


@pytest.mark.parametrize("payload", ["", "{", "[]", "null", '"x"', "1"])
def test_broken_payload_is_bad_input(payload: str) -> None:
    with pytest.raises(BadInput):
        Vendure.normalise("orders", Raw("1", payload), None)


def test_missing_parts_are_empty_parts() -> None:
    """A shop of another version may leave things out."""
    thing = things("orders")[1]
    for name in (
        "surcharges",
        "discounts",
        "promotions",
        "couponCodes",
        "fulfillments",
        "history",
        "shippingLines",
        "type",
    ):
        thing.pop(name)
    [found] = read("orders", thing)
    assert found.total == order(1).total


# reading people and products


def test_customer_is_read_whole() -> None:
    thing = things("customers")[0]
    groups = [{"name": "Wholesale"}, {"name": "A-list"}]
    [found] = read("customers", {**thing, "groups": groups, "title": "Ms", "firstName": " Ay\u00a0şe\x00 "})
    assert isinstance(found, Person)
    assert (found.given_name, found.emails, found.guest) == ("Ay şe", (thing["emailAddress"],), False)
    assert (found.tags, found.extra) == (("A-list", "Wholesale"), {"title": "Ms"})
    assert found.addresses[0].country == thing["addresses"][0]["country"]["code"]
    assert found.changed_at == datetime.fromisoformat(thing["updatedAt"]).astimezone(UTC)


def test_default_address_comes_first() -> None:
    thing = things("customers")[0]
    place = {**thing["addresses"][0], "defaultShippingAddress": False}
    places = [{**place, "id": "10", "city": "Ten"}, {**place, "id": "9", "city": "Nine"}]
    [found] = read(
        "customers",
        {
            **thing,
            "addresses": [*places, {**place, "id": "11", "city": "Home", "defaultBillingAddress": True}],
        },
    )
    assert [address.city for address in found.addresses] == ["Home", "Nine", "Ten"]


def test_stranger_at_an_address_lends_no_phone() -> None:
    thing = {**things("customers")[0], "phoneNumber": None}
    [found] = read("customers", thing)
    assert found.phones == () and found.addresses[0].phone


def test_product_is_read_whole() -> None:
    thing = things("products")[0]
    [found] = read("products", {**thing, "stockLevels": [{"stockOnHand": 10, "stockAllocated": 3}]})
    assert isinstance(found, Product)
    assert (found.sku, found.currency, found.stock, found.active) == (thing["sku"], "USD", 7, True)
    assert found.price == Decimal(thing["priceWithTax"]) / 100


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded answers are not beside the repository")
def test_recorded_answers_are_read() -> None:
    said = json.loads((RECORDED / "vendure-orders-since.json").read_text("utf-8"))
    thing = said["data"]["orders"]["items"][0]
    thing["lines"][0]["proratedLinePrice"] = thing["lines"][0]["linePrice"]  # was not asked for then
    thing["payments"] = []
    [found] = read("orders", thing)
    assert (found.number, found.total, found.customer.guest) == ("XCAXTUDLMYFA9Z1M", Decimal("294.00"), True)
    said = json.loads((RECORDED / "vendure-customers-since.json").read_text("utf-8"))
    [person] = read("customers", said["data"]["customers"]["items"][0])
    assert person.emails == ("guest@example.org",)


# a shop that lies


@pytest.mark.parametrize("path", ["drip", "bomb", "short", "reset", "page", "500", "not-gzip", "cut"])
def test_lying_shop_moves_no_cursor(path: str) -> None:
    with liar() as server:
        typed = {"address": "https://x.example", "api_key": "k", "path": path}
        settings = registry.parse_settings(Vendure, typed)
        http = Http(server.url, allow_private=True, attempts=1, deadline=0.5, max_bytes=1_000_000)
        with pytest.raises((Temporary, Permanent)):
            next(Vendure(settings, http).pull("customers", None))
