"""A customer of the small company with invoices and payments of its ledger."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Engine, text

from customers import ours
from foundation import clock
from foundation.database import transaction
from foundation.records import Gone, Invoice, Line, Order, Payment, Shipment
from tests.console import company


def anna(engine: Engine) -> UUID:
    """Anna Yudina owes, is late, has paid in part, in advance and in another currency; her card."""
    ids = company.found(engine)
    at = clock.now()
    lines = (
        Line(position=1, sku="SAM-3", name="Samovar 3 l", unit_price=Decimal(31000), total=Decimal(31000)),
        Line(position=2, sku="CUP-2", name="Cup with handle", quantity=Decimal(2), unit_price=Decimal(2400),
             total=Decimal(4800)),
    )  # fmt: skip

    def bill(number: str, days: int, total: str, **more: object) -> Invoice:
        said = {"currency": "KZT", "due_at": at - timedelta(days=days - 14), "lines": lines} | more
        return Invoice(
            external_id=f"i-{number}", number=number, customer_id="c-77", total=Decimal(total),
            issued_at=at - timedelta(days=days), changed_at=at - timedelta(days=days), **said,
        )  # fmt: skip

    def paid(number: str, days: int, amount: str, currency: str = "KZT", **more: str) -> Payment:
        return Payment(
            external_id=f"p-{number}", number=number, customer_id="c-77", currency=currency,
            amount=Decimal(amount), paid_at=at - timedelta(days=days), **more,
        )  # fmt: skip

    records = [
        bill("СФ-101", 60, "35800", order_number="B-10400"),
        bill("СФ-102", 40, "128400.50", order_number="B-10401"),
        bill("СФ-103", 9, "35800", order_number="B-10402"),
        bill("СФ-104", 30, "2400", state="paid"),
        bill("СФ-105", 12, "7100", state="cancelled"),
        bill("СФ-106", 3, "19900", state="draft"),
        bill("СФ-107", 20, "1000"),
        bill("СФ-108", 8, "220.25", currency="EUR"),
        paid("П-1", 50, "35800", invoice_id="i-СФ-101"),
        paid("П-2", 30, "60000", order_number="B-10401"),
        paid("П-3", 2, "5000"),
        paid("П-4", 1, "-1500"),
    ]
    with transaction(engine) as session:
        company.apply(session, ids["ledger"], records)
        company.apply(session, ids["ledger"], [Gone(external_id="i-СФ-107", what="invoice")])
    return next(key for name, key in ids.items() if "Юдина" in name)


COPY = "ffffffff-ffff-4fff-bfff-ffffffffffff"


def books(engine: Engine) -> tuple[UUID, UUID]:
    """The ledger sells without invoices, too, and another has one of its invoices; that one and the order."""
    at = clock.now()
    shipments = tuple(
        Shipment(external_id=f"s{number}", number=f"РТУ-{number}", at=at - timedelta(days=9 - number),
                 total=Decimal(9000), lines=(Line(position=1, name="Tea bowl", quantity=Decimal(number)),))
        for number in (1, 2)
    )  # fmt: skip
    sold = Order(
        external_id="o-1", number="ЗК-1", state="shipped", currency="KZT", total=Decimal(27000),
        customer_id="c-77", placed_at=at - timedelta(days=10), shipments=shipments,
    )  # fmt: skip
    with transaction(engine) as session:
        ours.save(session, "ТОО «Самовар»", "050642955749", "Алматы, <b>Абая</b> 10")
        ledger = session.execute(text("SELECT id FROM sources WHERE name = '1C ledger'")).scalar_one()
        company.apply(session, ledger, [sold])
        session.execute(text("UPDATE sources SET role = 'accounting' WHERE id = :id"), {"id": ledger})
        other = company.source(session, "Other <books>", "odoo", "accounting")
        bill = session.execute(
            text("INSERT INTO invoices SELECT (jsonb_populate_record(i, jsonb_build_object('id',"
                 " CAST(:copy AS uuid), 'source_id', CAST(:other AS uuid)))).*"
                 " FROM invoices i WHERE i.number = 'СФ-103' RETURNING id"),
            {"copy": COPY, "other": other},
        ).scalar_one()  # fmt: skip
        order = session.execute(text("SELECT id FROM orders WHERE number = 'ЗК-1'")).scalar_one()
    return bill, order
