"""What Tryton's objects become: counterparties, products, invoices in all their states, payments."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.accounting.tryton import values
from connectors.accounting.tryton.connector import Tryton
from connectors.base import Raw, raw_json
from foundation.errors import BadInput
from foundation.records import Address, Gone, Invoice, Payment, Person, Product

FIXTURES = Path(__file__).parents[2] / "fixtures" / "tryton"
RECORDED = Path(__file__).parents[4] / "shared" / "data" / "real" / "tryton"


def thing(stream: str, number: int) -> dict[str, Any]:
    found = json.loads((FIXTURES / f"{stream}.json").read_text("utf-8"))
    return next(node for node in found if node["id"] == number)


def read(stream: str, number: int, **changes: Any) -> list[Any]:
    node = {**thing(stream, number), **changes}
    return list(Tryton.normalise(stream, raw_json(str(number), node), None))


def person(number: int, **changes: Any) -> Person:
    [found] = read("parties", number, **changes)
    assert isinstance(found, Person)
    return found


def invoice(number: int, **changes: Any) -> Invoice:
    [found] = read("invoices", number, **changes)
    assert isinstance(found, Invoice)
    return found


def payment(number: int, **changes: Any) -> Payment:
    [found] = read("payments", number, **changes)
    assert isinstance(found, Payment)
    return found


def day(month: int, day: int) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


# parties


def test_company_has_its_tax_number() -> None:
    found = person(11)
    assert (found.kind, found.name, found.company) == (
        "company",
        "Akdeniz Çay Ltd. Şti.",
        "Akdeniz Çay Ltd. Şti.",
    )
    assert (found.tax_number, found.tax_kind, found.language) == ("4540536920", "tr.vkn", "tr")
    assert found.emails == ("muhasebe@akdeniz.example",) and found.phones == ("+90 242 000 00 11",)
    assert found.addresses == (
        Address(
            line="Atatürk Cad. 5, Kat 2", city="Antalya", region="Antalya", postcode="07100", country="TR"
        ),
    )
    assert found.country == "TR" and found.extra == {"code": "11"}


def test_archived_contacts_and_places_are_left_out() -> None:
    assert person(12).emails == ("buh@vasilek.example",)
    assert [place.line for place in person(14).addresses] == ["Сатпаев 3"]


def test_empty_address_says_nothing() -> None:
    """Tryton makes one with each party."""
    assert person(12).addresses == ()


def test_registration_number_is_no_tax_number() -> None:
    found = person(12)
    assert (found.tax_number, found.tax_kind, found.registration_number) == (
        "7707083893", "ru.inn", "1027700132195",
    )  # fmt: skip


def test_whose_number_says_who_it_is() -> None:
    assert person(13).kind == "person" and person(13).tax_number == ""
    assert (
        person(16).kind == "person" and person(16).tax_number == "500100732259"
    )  # a human's ИНН has 12 digits
    humans = [{"id": 1, "type": "tr_tckimlik", "code": "10000000146", "active": 1}]
    assert person(13, identifiers=humans).kind == "person"


def test_number_without_a_type_is_a_tax_number() -> None:
    """Tryton knows no numbers of Kazakhstan; ours beside it, which says who made the party, is none."""
    found = person(14)
    assert (found.tax_number, found.tax_kind, found.kind) == ("980440001234", "", "company")


@pytest.mark.parametrize(
    ("code", "number"),
    [("DE136695976", "DE136695976"), ("NL123456789B01", "NL123456789B01"), ("116-82-00276", "116-82-00276"),
     ("CUSTOMER-7", ""), ("0001", ""), ("kartoteka:12345678", "")],
)  # fmt: skip
def test_only_what_looks_like_one_is_a_tax_number(code: str, number: str) -> None:
    assert person(13, identifiers=[{"id": 1, "type": None, "code": code, "active": 1}]).tax_number == number


@pytest.mark.parametrize(("name", "kind"), [("de_vat", "eu.vat"), ("by_vat", ""), ("kr_vat", "kr.brn")])
def test_types_of_numbers_are_known(name: str, kind: str) -> None:
    identifiers = [{"id": 1, "type": name, "code": "123", "active": 1}]
    assert (person(13, identifiers=identifiers).tax_kind) == kind
    assert person(13, identifiers=identifiers).tax_number == "123"


def test_archived_party_is_gone() -> None:
    [found] = read("parties", 15)
    assert found == Gone(external_id="15", what="person", at=datetime(2026, 3, 2, 10, 30, 5, 123456, UTC))


def test_deleted_is_gone() -> None:
    raw = Raw("9", "", gone=True)
    kinds = {
        s: Tryton.normalise(s, raw, None)[0].what for s in ("parties", "products", "invoices", "payments")
    }  # type: ignore[union-attr]
    assert kinds == {"parties": "person", "products": "product", "invoices": "invoice", "payments": "payment"}


def test_newest_part_says_when_it_changed() -> None:
    assert person(12).changed_at == datetime(2026, 3, 3, 11, 0, tzinfo=UTC)
    moved = [
        {
            **thing("parties", 12)["addresses"][0],
            "write_date": thing("products", 22)["template"]["write_date"],
        }
    ]
    assert person(12, addresses=moved).changed_at == datetime(2026, 3, 6, 9, 0, tzinfo=UTC)


# products


def product(number: int, **changes: Any) -> Product:
    [found] = read("products", number, **changes)
    assert isinstance(found, Product)
    return found


def test_product_is_a_variant_with_its_template() -> None:
    found = product(21)
    assert (found.name, found.sku, found.barcode) == ("Самовар 5 л", "SAM-5", "4006381333931")
    assert (found.price, found.currency, found.unit, found.category) == (
        Decimal("150.00"),
        "EUR",
        "u",
        "Goods",
    )
    assert product(24).price == Decimal("170.00")  # its own, not its template's
    assert product(22).category == "Mutfak" and product(22).price == Decimal("12.3456")
    assert product(22).changed_at == datetime(2026, 3, 6, 9, 0, tzinfo=UTC)  # its template changed last


def test_archived_product_is_not_sold() -> None:
    assert not product(23).active and product(23).price is None
    assert not product(21, template={"active": 0}).active and product(21).active


# invoices


@pytest.mark.parametrize(
    ("number", "state", "paid"),
    [
        (31, "draft", "0"),
        (36, "draft", "0"),
        (32, "open", "60.00"),
        (33, "paid", "60.00"),
        (34, "cancelled", "0"),
    ],
)
def test_states_and_what_is_paid(number: int, state: str, paid: str) -> None:
    found = invoice(number)
    assert (found.state, found.paid) == (state, Decimal(paid))


def test_next_instalment_says_when_it_is_due() -> None:
    assert invoice(32).due_at == day(4, 14)  # the first one of three is settled
    assert invoice(33).due_at == day(3, 20)
    assert invoice(31).due_at is None


def test_credit_note_is_negative() -> None:
    found = invoice(35)
    assert (found.total, found.paid, found.lines[0].quantity) == (Decimal("-60.00"), 0, Decimal(-1))


def test_lines_have_their_tax_in() -> None:
    first, second = invoice(31).lines
    assert (first.product_id, first.sku, first.name, first.quantity) == ("21", "SAM-5", "Самовар 5 л", 2)
    assert (first.unit_price, first.tax, first.total) == (Decimal(180), Decimal(60), Decimal(360))
    assert (second.name, second.product_id, second.total) == ("Kargo", "", Decimal(12))
    assert sum(line.total for line in invoice(31).lines) == invoice(31).total
    assert invoice(32).lines[0].quantity == Decimal("1.5") and invoice(32).lines[0].tax == 0
    assert len(invoice(33).lines) == 1  # titles are no lines


def test_reference_is_the_order() -> None:
    assert invoice(31).order_number == "WEB-31" and invoice(34).order_number == ""
    assert invoice(31).number == "#31" and invoice(32).number == "7"  # it gets its number when it is posted


def test_supplier_bill_is_none_of_ours() -> None:
    assert read("invoices", 37) == []


# payments


@pytest.mark.parametrize(
    ("number", "amount", "currency", "invoice_id"),
    [
        (61, "60.00", "EUR", "32"),  # a part of it
        (62, "60.00", "EUR", "33"),  # settled
        (63, "25.00", "EUR", ""),  # before there is an invoice
        (64, "-15.00", "EUR", ""),  # given back
        (65, "100.00", "EUR", "32"),  # of a bank's file: known by what it is reconciled with
        (66, "30.00", "EUR", ""),  # of two invoices
        (67, "33.00", "USD", "32"),  # in another currency
    ],
)
def test_payments_say_what_they_pay(number: int, amount: str, currency: str, invoice_id: str) -> None:
    found = payment(number)
    assert (found.amount, found.currency, found.invoice_id) == (Decimal(amount), currency, invoice_id)
    assert found.paid_at == day(3, 5) and found.customer_id


@pytest.mark.parametrize(
    "number",
    [68, 69, 70, 71],
    ids=["write-off", "opening debt", "an invoice's own", "a settled invoice's own"],
)
def test_what_is_no_money_is_no_payment(number: int) -> None:
    assert read("payments", number) == []


# hostile values


@pytest.mark.parametrize(
    ("stream", "number", "changes"),
    [
        ("parties", 11, {"id": None}),
        ("parties", 11, {"id": True}),
        ("parties", 11, {"addresses": "x"}),
        ("parties", 11, {"addresses": ["x"]}),
        ("parties", 11, {"lang": [1]}),
        ("products", 21, {"list_price": 12.5}),
        ("products", 21, {"list_price": {"__class__": "Decimal", "decimal": "NaN"}}),
        ("products", 21, {"list_price": {"__class__": "Decimal", "decimal": "1e99"}}),
        ("products", 21, {"list_price": {"__class__": "Decimal"}}),
        ("invoices", 31, {"state": "odd"}),
        ("invoices", 31, {"party": None}),
        ("invoices", 31, {"currency": {"code": "euro"}}),
        ("invoices", 31, {"invoice_date": {"__class__": "date", "year": 2026, "month": 13, "day": 1}}),
        ("invoices", 31, {"invoice_date": {"__class__": "date", "year": 2026}}),
        ("invoices", 31, {"invoice_date": "2026-01-01"}),
        ("payments", 61, {"credit": "60"}),
        ("payments", 61, {"write_date": {"__class__": "datetime", "year": 2026, "zone": 3}, "party": None}),
    ],
)
def test_odd_values_are_refused_with_words(stream: str, number: int, changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        read(stream, number, **changes)


@pytest.mark.parametrize("payload", ["", "[]", "null", "{"])
def test_payload_that_is_no_object_is_refused(payload: str) -> None:
    with pytest.raises(BadInput):
        Tryton.normalise("parties", Raw("1", payload), None)


def test_control_characters_are_dropped() -> None:
    assert person(11, name=" A\x00\n\tB\u202e ").name == "A B"


@pytest.mark.parametrize(
    ("said", "meant"), [(2.0, "2"), (0.1, "0.1"), (1e3, "1000"), (None, "1"), ("3", "3")]
)
def test_quantities_are_exact(said: Any, meant: str) -> None:
    assert str(values.quantity(said)) == meant


@pytest.mark.parametrize("said", [True, {}, float("inf"), "x"])
def test_odd_quantities_are_refused(said: Any) -> None:
    with pytest.raises(BadInput):
        values.quantity(said)


def test_written_values_are_tagged() -> None:
    at = datetime(2026, 3, 1, 2, 3, 4, 5, tzinfo=UTC)
    written = values.encode({"a": [Decimal("1.50"), at], "b": at.date(), "c": (None, 1, "x")})
    assert written == {
        "a": [
            {"__class__": "Decimal", "decimal": "1.50"},
            {"__class__": "datetime", "year": 2026, "month": 3, "day": 1, "hour": 2, "minute": 3, "second": 4,
             "microsecond": 5},
        ],
        "b": {"__class__": "date", "year": 2026, "month": 3, "day": 1},
        "c": [None, 1, "x"],
    }  # fmt: skip
    assert values.encode(Decimal("1E+3")) == {"__class__": "Decimal", "decimal": "1000"}


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the shared recordings aren't here")
def test_recorded_answers_are_read() -> None:
    def recorded(name: str) -> list[dict[str, Any]]:
        nodes: list[dict[str, Any]] = values.without_dots(
            json.loads((RECORDED / f"tryton-{name}.json").read_text("utf-8"))
        )
        return nodes

    parties = [*recorded("parties-page1"), *recorded("parties-page2")]
    people = [r for node in parties for r in Tryton.normalise("parties", raw_json("1", node), None)]
    assert [person.name for person in people if isinstance(person, Person)][:2] == [
        "Kartoteka Deneme A.Ş.", "Yılmaz Ticaret Ltd. Şti.",
    ]  # fmt: skip
    [node] = recorded("invoice")
    node["lines"] = [{**line, "taxes": None} for line in recorded("invoice-lines")]
    [bill] = Tryton.normalise("invoices", raw_json("4", {**node, "lines_to_pay": None}), None)
    assert isinstance(bill, Invoice) and (bill.total, bill.state) == (Decimal("288.00"), "open")
