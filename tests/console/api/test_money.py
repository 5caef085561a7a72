"""Invoices and payments as scripts read them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from customers import store
from customers.tables import Source
from foundation.clock import now
from foundation.database import transaction
from foundation.records import Gone, Invoice, Line, Payment


@pytest.fixture
def bills(engine, shop):
    """Anna owes 70 of 100 since a day and 5 KZT; another invoice is gone, and one payment names nothing."""
    at = now()

    def bill(number, total, days, **more):
        return Invoice(
            external_id=number, number=number, customer_id="anna", total=Decimal(total),
            issued_at=at - timedelta(days=days), due_at=at - timedelta(days=1), **more,
        )  # fmt: skip

    lines = (Line(position=1, sku="CUP", name="Cup", quantity=Decimal(2), total=Decimal(100)),)
    records = [
        bill("1", 100, 30, currency="EUR", lines=lines, order_number="A-1"),
        bill("2", 5, 20, currency="KZT"),
        bill("3", 9, 10, currency="EUR"),
        Payment(external_id="p1", customer_id="anna", currency="EUR", amount=Decimal(30), invoice_id="1",
                paid_at=at - timedelta(days=3)),
        Payment(external_id="p2", customer_id="anna", currency="EUR", amount=Decimal("-2.5"), paid_at=at),
    ]  # fmt: skip
    with transaction(engine) as session:
        items = [store.Resolved(number, at, (record,)) for number, record in enumerate(records, 10)]
        store.apply(session, shop.id, items)
        gone = Gone(external_id="3", what="invoice")
        store.apply(session, shop.id, [store.Resolved(20, at, (gone,))])


def test_counts_leave_out_what_is_gone(reader, bills):
    counts = reader.get("/api/v1/counts").json()
    assert (counts["invoices"], counts["payments"]) == (2, 2)


def test_card_has_its_debts(reader, anna, bills, count_queries):
    with count_queries() as queries:
        card = reader.get(f"/api/v1/customers/{anna['id']}").json()
    assert len(queries) <= 7
    assert card["invoices"] == 2
    euro, tenge = card["debts"]
    assert euro["owed"] == euro["overdue"] == {"amount": "70.00", "currency": "EUR"}
    assert (tenge["owed"]["amount"], tenge["invoices"]) == ("5.00", 1)


def test_invoices_by_page_and_by_state(reader, bills):
    seen, cursor = [], None
    while True:
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        answer = reader.get("/api/v1/invoices", params=params).json()
        seen += [(one["number"], one["state"], one["overdue"]) for one in answer["data"]]
        if (cursor := answer["next"]) is None:
            break
    assert seen == [("3", "gone", False), ("2", "open", True), ("1", "open", True)]
    for query, numbers in (
        ({"state": "open", "number": "1"}, ["1"]), ({"order_number": "A-1"}, ["1"]),
        ({"due_before": "2020-01-01T00:00:00Z"}, []), ({"customer": "0" * 32}, []),
    ):  # fmt: skip
        found = reader.get("/api/v1/invoices", params=query).json()["data"]
        assert [one["number"] for one in found] == numbers, query


def test_invoice_with_its_lines_and_payments(reader, bills):
    (listed,) = reader.get("/api/v1/invoices", params={"number": "1"}).json()["data"]
    whole = reader.get(f"/api/v1/invoices/{listed['id']}").json()
    assert whole["invoice"] == listed
    assert listed["received"] == listed["paid"] == {"amount": "30.00", "currency": "EUR"}
    assert (listed["said_state"], listed["said_paid"]["amount"]) == ("open", "0.00")
    assert [(one["sku"], one["quantity"]) for one in whole["lines"]] == [("CUP", "2")]
    assert [one["external_id"] for one in whole["payments"]] == ["p1"]
    assert reader.get(f"/api/v1/invoices/{'0' * 32}").status_code == 404


def test_an_invoice_of_two_ledgers_says_where_it_counts(reader, engine, bills):
    with transaction(engine) as session:
        session.execute(text("UPDATE sources SET role = 'accounting'"))
        other = Source(name="Other books", kind="odoo", role="accounting")
        session.add(other)
        session.flush()
        session.execute(
            text("INSERT INTO invoices SELECT (jsonb_populate_record(i, jsonb_build_object('id',"
                 " gen_random_uuid(), 'source_id', CAST(:other AS uuid), 'paid', 0))).*"
                 " FROM invoices i WHERE i.number = '1'"),
            {"other": other.id},
        )  # fmt: skip
    found = reader.get("/api/v1/invoices", params={"number": "1"}).json()["data"]
    counted = next(one for one in found if one["counted_as"] is None)
    (copy,) = (one for one in found if one["counted_as"])
    assert copy["counted_as"] == counted["id"] and counted["paid"]["amount"] == "30.00"
    assert (counted["overdue"], copy["overdue"]) == (True, False)
    assert reader.get(f"/api/v1/invoices/{copy['id']}").json()["invoice"] == copy


def test_payments_by_invoice(reader, bills):
    (listed,) = reader.get("/api/v1/invoices", params={"number": "1"}).json()["data"]
    found = reader.get("/api/v1/payments", params={"invoice": listed["id"]}).json()["data"]
    assert [one["amount"]["amount"] for one in found] == ["30.00"]
    everything = reader.get("/api/v1/payments").json()["data"]
    assert [one["amount"]["amount"] for one in everything] == ["-2.50", "30.00"]
    first = reader.get("/api/v1/payments", params={"limit": 1}).json()
    second = reader.get("/api/v1/payments", params={"limit": 1, "cursor": first["next"]}).json()
    assert [one["external_id"] for one in first["data"] + second["data"]] == ["p2", "p1"]
