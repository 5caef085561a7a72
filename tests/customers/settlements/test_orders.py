"""A ledger that brings no invoices says by its orders what was sold."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from customers.settlements.reading import Period, read
from customers.settlements.words import document
from foundation.records import Order, Shipment
from tests.customers.test_invoices import company, invoice, payment
from tests.customers.world import row, say, shop
from tests.people import JANUARY

EVER = Period(date(2000, 1, 1), date(2100, 1, 1), ZoneInfo("UTC"))


def sold(number: str, state: str, **changes: Any) -> Order:
    """An order of the company over 1000 KZT."""
    said = {
        "external_id": f"o{number}", "number": number, "state": state, "currency": "KZT",
        "total": Decimal(1000), "customer_id": "c1", "customer": company(),
        "placed_at": JANUARY, "changed_at": JANUARY,
    }  # fmt: skip
    return Order(**(said | changes))


def lines(session: Session) -> list[tuple[str, Decimal]]:
    """The lines of the company's statement, the closing balance last."""
    card = row(session, "SELECT id FROM customers WHERE kind = 'company'").id
    (account,) = read(session, card, EVER).accounts
    return [*((document(one), one.amount) for one in account.entries), ("closing", account.closing)]


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("open", [("closing", -400)]),
        ("shipped", [("Order 7", 1000), ("closing", 600)]),
        ("paid", [("Order 7", 1000), ("Order 7 paid, as the accounts say", -600), ("closing", 0)]),
        ("cancelled", [("closing", -400)]),
    ],
)
def test_orders_of_a_ledger_that_were_paid_or_left_count(
    session: Session, state: str, found: list[tuple[str, int]]
) -> None:
    one = payment(amount=400, invoice_id="", order_number="7")
    say(session, shop(session, "1C", "accounting"), company(), sold("7", state), one)
    told = lines(session)
    assert ("Payment, order 7", -400) in told
    assert [line for line in told if not line[0].startswith("Payment")] == found


def test_an_order_with_an_invoice_does_not_count_twice(session: Session) -> None:
    say(
        session, shop(session, "1C", "accounting"), company(), sold("7", "shipped"), invoice(order_number="7")
    )
    assert lines(session) == [("Invoice 1, order 7", 1000), ("closing", 1000)]


def test_orders_of_shops_are_no_documents_of_the_books(session: Session) -> None:
    say(session, shop(session), company(), sold("7", "shipped"), payment(amount=400, invoice_id=""))
    assert lines(session) == [("Payment", -400), ("closing", -400)]


def sent(number: str, total: int | None, day: int = 0) -> Shipment:
    return Shipment(
        external_id=f"s{number}", number=number, at=JANUARY + timedelta(days=day),
        total=None if total is None else Decimal(total),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "shipments", "found"),
    [
        ("shipped", (sent("A", 300), sent("B", 200, 9)),
         [("Shipment A, order 7", 300), ("Shipment B, order 7", 200), ("closing", 100)]),
        ("shipped", (sent("A", 300), sent("B", None)), [("Order 7", 1000), ("closing", 600)]),
        ("paid", (sent("A", 300),),
         [("Order 7", 700), ("Order 7 paid, as the accounts say", -600), ("Shipment A, order 7", 300),
          ("closing", 0)]),
        ("completed", (sent("A", 1200),),
         [("Shipment A, order 7", 1200), ("Shipment A paid, as the accounts say", -600), ("closing", 200)]),
        ("open", (sent("A", 300),), [("closing", -400)]),
    ],
)  # fmt: skip
def test_what_left_is_charged_by_its_shipments(
    session: Session, state: str, shipments: tuple[Shipment, ...], found: list[tuple[str, int]]
) -> None:
    one = payment(amount=400, invoice_id="", order_number="7")
    say(session, shop(session, "1C", "accounting"), company(), sold("7", state, shipments=shipments), one)
    assert sorted(line for line in lines(session) if not line[0].startswith("Payment")) == sorted(found)


def test_an_order_its_invoice_and_its_shipment_are_one_charge(session: Session) -> None:
    order = sold("7", "shipped", shipments=(sent("A", 1000),))
    say(session, shop(session, "1C", "accounting"), company(), order, invoice(order_number="7"))
    assert lines(session) == [("Invoice 1, order 7", 1000), ("closing", 1000)]


def test_a_shipment_that_the_ledger_took_back_is_charged_no_more(session: Session) -> None:
    ledger = shop(session, "1C", "accounting")
    say(session, ledger, company(), sold("7", "shipped", shipments=(sent("A", 300), sent("B", 200))))
    say(session, ledger, sold("7", "shipped", shipments=(sent("B", 200),)), landed=5)
    assert lines(session) == [("Shipment B, order 7", 200), ("closing", 200)]
