"""The connection: it is called, its settings say how to read, and its fixtures come to what they mean."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors import registry
from connectors.accounting.commerceml.connector import CommerceML, CommerceMLSettings
from connectors.base import Raw, raw_json
from foundation.errors import BadInput
from foundation.records import Gone, Invoice, Order, Payment, Person, Product
from tests.connectors.accounting.commerceml.cml import one

FIXTURES = Path(__file__).parents[3] / "fixtures" / "commerceml"
KAZAKH = CommerceMLSettings(zone="Asia/Almaty", country="KZ", currency="KZT")


def fixture(stream: str, number: int) -> list[Any]:
    things = json.loads((FIXTURES / f"{stream}.json").read_text("utf-8"))
    thing = things[number]
    return list(CommerceML.normalise(stream, raw_json(thing["id"], thing), KAZAKH))


def test_it_is_found_and_called() -> None:
    assert registry.find("commerceml") is CommerceML and CommerceML.called
    connector = CommerceML(CommerceMLSettings(), CommerceML.make_http(CommerceMLSettings()))
    assert "1C will call" in connector.check()
    assert [list(connector.pull(stream.name, None)) for stream in connector.streams] == [[], [], []]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("zone", "Mars/Olympus"), ("zone", "../etc/passwd"), ("country", "RUS"), ("currency", "тугрики"),
        ("statuses", "F = gone"), ("encoding", "koi8-r"), ("version", "9.9"), ("container", "maybe"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(name: str, value: str) -> None:
    with pytest.raises(BadInput):
        registry.parse_settings(CommerceML, {name: value})


def test_a_product_of_all_its_parts() -> None:
    assert fixture("products", 0) == [
        Product(
            external_id="5e1f2a30-0000-4000-8000-000000000001",
            name="Стол «Берёза»",
            sku="СТ-1",
            barcode="4870000000017",
            price=Decimal(45000),
            currency="KZT",
            unit="шт",
            category="Мебель / Столы",
            image="import_files/5e/stol.jpg",
            stock=Decimal(3),
        )
    ]


def test_a_chosen_kind_of_price() -> None:
    thing = json.loads((FIXTURES / "products.json").read_text("utf-8"))[0]
    settings = CommerceMLSettings(price_type="оптовая")
    (found,) = CommerceML.normalise("products", raw_json("1", thing), settings)
    assert isinstance(found, Product) and found.price == Decimal("39000.50")


def test_counterparties_of_kazakhstan() -> None:
    anna, firm = one(fixture("counterparties", 0), Person), one(fixture("counterparties", 1), Person)
    assert (anna.kind, anna.emails, anna.addresses[0].city) == ("person", ("anna@example.org",), "Алматы")
    assert (firm.kind, firm.company, firm.tax_kind, firm.country) == ("company", "ТОО «Ёж»", "kz.bin", "KZ")


def test_an_order_of_a_container_and_its_payment() -> None:
    found = fixture("documents", 0)
    order, payment = one(found, Order), one(found, Payment)
    assert (order.state, order.total, order.shipping, order.discount) == ("paid", 82000, 1000, 9000)
    assert order.placed_at == datetime(2026, 3, 1, 5, 20, 30, tzinfo=UTC)
    assert order.changed_at == datetime(2026, 3, 2, 4, tzinfo=UTC)
    assert (payment.external_id, payment.order_number, payment.amount) == ("payment:31", "1007", 82000)
    assert payment.customer_id == order.customer_id


def test_a_bill_and_a_payment_of_its_own() -> None:
    bill, payment = one(fixture("documents", 1), Invoice), one(fixture("documents", 2), Payment)
    assert (bill.number, bill.total, bill.state) == ("КЗ00-000044", 45000, "open")
    assert (payment.order_number, payment.customer_id) == ("КЗ00-000044", bill.customer_id)


def test_what_is_gone_is_gone() -> None:
    assert CommerceML.normalise("products", Raw("g", "", gone=True), KAZAKH) == [
        Gone(external_id="g", what="product")
    ]
    assert CommerceML.normalise("counterparties", Raw("k", "", gone=True), KAZAKH) == [
        Gone(external_id="k", what="person")
    ]
