"""What a WooCommerce object means."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Raw, raw_json
from connectors.shops.woocommerce import ShopSettings, WooCommerce, reading
from foundation.errors import BadInput, Misconfigured
from foundation.records import Gone, Order, Person, Product
from tests.connectors.shops.woo_shop import an_order

FIXTURES = Path(__file__).parents[2] / "fixtures" / "woocommerce"
SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "apis" / "woocommerce"
SETTINGS = ShopSettings(address="https://shop.example", key="ck", secret="cs", country="kz")


def read(stream: str, thing: Any) -> Any:
    found = WooCommerce.normalise(stream, raw_json("1", thing), SETTINGS)
    return found[0] if found else None


def fixture(stream: str, number: int) -> Any:
    return read(stream, json.loads((FIXTURES / f"{stream}.json").read_text("utf-8"))[number])


def test_an_account_is_a_person() -> None:
    anna = fixture("customers", 0)
    assert isinstance(anna, Person) and not anna.guest
    assert (anna.external_id, anna.given_name, anna.family_name) == ("7", "Anna", "Ivanova")
    assert anna.emails == ("anna@example.kz", "anna.work@example.kz")
    assert anna.phones == ("8 (701) 123-45-67", "+77012223344")
    assert [address.line for address in anna.addresses] == ["Abay 10", "Tole bi 5"]
    assert anna.changed_at == datetime(2025, 12, 2, 9, tzinfo=UTC)


def test_entities_and_blanks_are_decoded() -> None:
    aygul = fixture("customers", 1)
    assert (aygul.given_name, aygul.family_name) == ("Aygül", "Yılmaz")
    assert aygul.company == "Yılmaz & Oğulları" and aygul.tags == ("subscriber",)
    assert fixture("products", 0).name == "Tea & Mint"


def test_a_nameless_account_is_a_company() -> None:
    tea = fixture("customers", 2)
    assert tea.kind == "company" and tea.company == "ТОО «Чай»"


def test_an_order_adds_up() -> None:
    order = fixture("orders", 0)
    assert isinstance(order, Order)
    assert order.state == "paid" and order.source_state == "processing"
    assert sum(line.total for line in order.lines) + order.shipping == order.total == Decimal("1568.00")
    line = order.lines[0]
    assert (line.total, line.discount, line.unit_price) == (1008, 112, 560)
    assert order.coupons == ("spring",) and order.extra["attribution_utm_source"] == "instagram"


def test_refunds_count_once_and_positive() -> None:
    order = fixture("orders", 1)
    assert order.refunded == Decimal("120.50") and order.total == Decimal("1568.00")
    refunds = {h.key: h.amount for h in order.happenings if h.kind == "refunded"}
    assert refunds == {"refund:730": Decimal("100.50"), "refund:731": Decimal("20.00")}


def test_a_guest_hangs_on_the_order() -> None:
    order = fixture("orders", 1)
    assert order.customer_id == "order:728" and order.customer.guest
    assert order.customer.emails == ("anna@example.kz",)


def test_an_order_without_anybody_is_kept() -> None:
    order = fixture("orders", 4)
    assert order.customer_id == "order:733" and order.customer.emails == ()
    assert order.state == "cancelled" and order.billing is None


@pytest.mark.parametrize("status", ["checkout-draft", "auto-draft"])
def test_drafts_are_no_orders(status: str) -> None:
    assert read("orders", an_order(1, status=status)) is None


def test_types_mixed_by_plugins_are_read() -> None:
    order = fixture("orders", 3)
    assert (order.external_id, order.number, order.customer_id) == ("732", "732", "7")
    assert order.lines[0].sku == "123" and order.lines[0].quantity == Decimal("1.5")
    assert order.lines[1].name == "Packing" and order.lines[1].total == Decimal("11.20")
    assert order.state == "shipped" and order.source_state == "partial-shipped"
    assert fixture("products", 1).stock == Decimal("12.5")


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"status": "pending", "date_paid_gmt": None}, "open"),
        ({"status": "on-hold"}, "open"),
        ({"status": "processing", "date_paid_gmt": None}, "open"),
        ({"status": "processing"}, "paid"),
        ({"status": "completed"}, "completed"),
        ({"status": "cancelled"}, "cancelled"),
        ({"status": "refunded"}, "refunded"),
        ({"status": "failed"}, "failed"),
        ({"status": "packed-by-elves"}, "paid"),
        ({"status": "packed-by-elves", "date_paid_gmt": None}, "open"),
        ({"status": "picked-up", "date_completed_gmt": "2026-01-01T10:00:00"}, "completed"),
    ],
)
def test_every_state_has_a_meaning(fields: dict[str, Any], state: str) -> None:
    assert read("orders", an_order(1, **fields)).state == state


@pytest.mark.parametrize(
    ("said", "amount"), [("12,50", "12.50"), ("1 234.5", "1234.5"), (12.5, "12.5"), ("-0", "0")]
)
def test_odd_amounts_are_read(said: Any, amount: str) -> None:
    assert read("orders", an_order(1, total=said)).total == Decimal(amount)


@pytest.mark.parametrize("said", ["abc", "NaN", "1e400", [], {}, True])
def test_no_amount_is_an_error(said: Any) -> None:
    with pytest.raises(BadInput, match="/total"):
        read("orders", an_order(1, total=said))


@pytest.mark.parametrize("said", ["", None, "грн", "KZTT", 5])
def test_no_currency_is_an_error(said: Any) -> None:
    with pytest.raises(BadInput, match="/currency"):
        read("orders", an_order(1, currency=said))


@pytest.mark.parametrize("currency", ["JPY", "KWD", "kzt"])
def test_currencies_of_any_decimals(currency: str) -> None:
    order = read("orders", an_order(1, currency=currency, total="1234.567"))
    assert order.currency == currency.upper() and order.total == Decimal("1234.567")


@pytest.mark.parametrize("email", ["", None, "not an address"])
def test_an_order_without_email_is_kept(email: Any) -> None:
    assert read("orders", an_order(1, billing={"email": email})).customer.emails == ()


def test_two_emails_in_a_field_are_two() -> None:
    order = read("orders", an_order(1, billing={"email": "a@example.kz, B@example.kz;A@EXAMPLE.KZ"}))
    assert order.customer.emails == ("a@example.kz", "B@example.kz")


def test_five_thousand_lines_are_read() -> None:
    line = an_order(1)["line_items"][0]
    assert len(read("orders", an_order(1, line_items=[line] * 5000)).lines) == 5000


@pytest.mark.parametrize("value", [None, "", "0000-00-00T00:00:00", "yesterday", 1767225600])
def test_missing_times_are_none(value: Any) -> None:
    order = read("orders", an_order(1, date_created_gmt=value, date_paid_gmt=value, date_modified_gmt=value))
    assert order.placed_at is None and order.happenings == ()


def test_only_utc_times_count() -> None:
    order = read("orders", an_order(1, date_created="2020-01-01T00:00:00", date_paid="2020-01-01T00:00:00"))
    assert order.placed_at == datetime(2026, 1, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("huge", [2**53 + 1, str(2**53 + 1), float(2**52)])
def test_ids_of_any_type_are_kept(huge: Any) -> None:
    assert read("orders", an_order(1, id=huge)).external_id == str(int(huge))


def test_large_foreign_fields_do_no_harm() -> None:
    meta = [{"id": 1, "key": "_plugin", "value": "x" * 2_000_000}]
    order = read("orders", an_order(1, meta_data=meta, surprise={"deep": [1]}, shipping=[]))
    assert order.delivery is None and "_plugin" not in order.extra


def test_nul_and_half_letters_vanish() -> None:
    anna = read("customers", {"id": 1, "first_name": "A\u0000nna\u202e", "email": "a@example.kz"})
    assert anna.given_name == "Anna"


def test_gone_is_a_mark() -> None:
    gone = Raw("5", '{"id":5}', gone=True)
    assert WooCommerce.normalise("orders", gone, SETTINGS) == [Gone(external_id="5", what="order")]


@pytest.mark.parametrize("payload", ["", "[]", "null", "{", "[" * 100_000])
def test_unreadable_records_are_named(payload: str) -> None:
    with pytest.raises(BadInput):
        WooCommerce.normalise("orders", Raw("5", payload), SETTINGS)


def test_an_empty_address_is_refused() -> None:
    with pytest.raises(Misconfigured, match="address"):
        WooCommerce.make_http(ShopSettings(address=" ", key="k", secret="s"))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples of real shops are not here")
def test_real_answers_of_shops_are_read() -> None:
    kinds = {"customer": Person, "order": Order, "product": Product}
    read_in = 0
    for path in sorted(SAMPLES.glob("*.json")):
        what = next((kind for kind in kinds if path.name.split("_", 1)[1].startswith(kind)), None)
        if what is None or path.stem.endswith(("notes", "statuses", "refunds_list", "downloads", "response")):
            continue
        things = json.loads(path.read_text("utf-8"))
        for thing in things if isinstance(things, list) else [things]:
            raw = reading.raw(thing)
            assert isinstance(raw, Raw), path.name
            for record in WooCommerce.normalise(f"{what}s", raw, SETTINGS):
                assert isinstance(record, kinds[what])
                read_in += 1
    assert read_in > 40


def bought_with(device: Any, **fields: Any) -> Person:
    """The buyer of an order that our plugin marked."""
    meta = [{"id": 1, "key": "_other", "value": "x"}, {"id": 2, "key": "_kartoteka_device", "value": device}]
    buyer = read("orders", an_order(1, meta_data=meta, **fields)).customer
    assert isinstance(buyer, Person)
    return buyer


@pytest.mark.parametrize(("customer_id", "guest"), [(0, True), (7, False)])
def test_buyer_brings_the_browser(customer_id: int, guest: bool) -> None:
    buyer = bought_with("1763.42", customer_id=customer_id)
    assert (buyer.guest, buyer.device_ids) == (guest, ("1763.42",))


@pytest.mark.parametrize(
    "said", ["", " ", "x" * 101, "a\nb", "a\x00b", "a\u2028b", None, 5, ["d"], {"a": "b"}, True]
)
def test_no_browser_is_left_out(said: Any) -> None:
    assert bought_with(said).device_ids == ()


def test_longest_browser_is_kept() -> None:
    assert bought_with("x" * 100).device_ids == ("x" * 100,)
    assert read("orders", an_order(1)).customer.device_ids == ()
