"""What the API answers about invoices and payments."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, literal_column, select, tuple_
from sqlalchemy.orm import aliased

from console.api.asking import PAGING, Ask, NotFound, Param, pack
from console.api.shapes import Line, List, Money, copied, money
from customers import bills
from customers.facts import Invoice as InvoiceRow
from customers.facts import InvoiceLine
from customers.facts import Payment as PaymentRow
from foundation.clock import now

_ROW = aliased(InvoiceRow, name="i")
_COUNTED_AS: ColumnElement[UUID | None] = literal_column(bills.COUNTED_AS)
STATES = ("draft", "open", "paid", "cancelled", "gone")
INVOICES = (
    Param("customer", "id", "Only of this card."),
    Param("connection", "id", "Only of this connection."),
    Param("state", "choice", "Only in this state.", STATES),
    Param("number", "text", "Only with this number."),
    Param("order_number", "text", "Only for the order with this number."),
    Param("due_before", "time", "Only due before this instant."),
    *PAGING,
)
PAYMENTS = (
    Param("customer", "id", "Only of this card."),
    Param("connection", "id", "Only of this connection."),
    Param("invoice", "id", "Only for this invoice."),
    Param("paid_since", "time", "Only made at or after this instant."),
    *PAGING,
)


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as lists show it. `state` and `paid` are what its source says and its payments together.

    `counted_as` is the same invoice in another ledger, where it counts; null when it counts itself.
    """

    id: UUID
    connection_id: UUID
    external_id: str
    number: str
    customer_id: UUID | None
    order_number: str
    state: str
    overdue: bool
    counted_as: UUID | None
    total: Money
    paid: Money
    said_state: str
    said_paid: Money
    received: Money
    issued_at: datetime | None
    due_at: datetime | None
    settled_at: datetime | None
    changed_at: datetime | None
    gone_at: datetime | None


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """Money received, or with a minus given back."""

    id: UUID
    connection_id: UUID
    external_id: str
    number: str
    customer_id: UUID | None
    invoice_id: UUID | None
    order_number: str
    amount: Money
    paid_at: datetime
    gone_at: datetime | None


class WholeInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice with its lines and payments."""

    invoice: Invoice
    lines: list[Line]
    payments: list[Payment]


def invoices(ask: Ask) -> List[Invoice]:
    """Invoices, the latest first; without a day of issue they don't stand in this list."""
    row = _ROW
    query = select(row, _COUNTED_AS).where(row.issued_at.is_not(None))
    equal = {
        "customer": row.customer_id, "connection": row.source_id, "state": row.state, "number": row.number,
        "order_number": row.order_number,
    }  # fmt: skip
    for name, column in equal.items():
        if (wanted := ask.query.get(name)) is not None:
            query = query.where(column == wanted)
    if before := ask.query.get("due_before"):
        query = query.where(row.due_at < before)
    if edge := ask.cursor(datetime.fromisoformat, UUID):
        query = query.where(tuple_(row.issued_at, row.id) < tuple_(*edge))
    rows = ask.db.execute(query.order_by(row.issued_at.desc(), row.id.desc()).limit(ask.limit + 1)).all()
    last = rows[ask.limit - 1][0] if len(rows) > ask.limit else None
    following = pack(last.issued_at.isoformat(), str(last.id)) if last and last.issued_at else None
    return List([_invoice(*one) for one in rows[: ask.limit]], following)


def invoice(ask: Ask) -> WholeInvoice:
    """One invoice with its lines and payments."""
    found = ask.db.execute(select(_ROW, _COUNTED_AS).where(_ROW.id == ask.id())).first()
    if found is None:
        raise NotFound
    row, counted_as = found
    line, payment = InvoiceLine, PaymentRow
    lines = ask.db.scalars(select(line).where(line.invoice_id == row.id).order_by(line.position))
    paid = ask.db.scalars(
        select(payment)
        .where(payment.invoice_id == row.id, payment.gone_at.is_(None))
        .order_by(payment.paid_at, payment.id)
    )
    return WholeInvoice(
        invoice=_invoice(row, counted_as),
        lines=[_line(one, row.currency) for one in lines],
        payments=[_payment(one) for one in paid],
    )


def payments(ask: Ask) -> List[Payment]:
    """Payments, the latest first."""
    row = PaymentRow
    query = select(row)
    equal = {"customer": row.customer_id, "connection": row.source_id, "invoice": row.invoice_id}
    for name, column in equal.items():
        if (wanted := ask.query.get(name)) is not None:
            query = query.where(column == wanted)
    if since := ask.query.get("paid_since"):
        query = query.where(row.paid_at >= since)
    if edge := ask.cursor(datetime.fromisoformat, UUID):
        query = query.where(tuple_(row.paid_at, row.id) < tuple_(*edge))
    rows = ask.db.scalars(query.order_by(row.paid_at.desc(), row.id.desc()).limit(ask.limit + 1)).all()
    last = rows[ask.limit - 1] if len(rows) > ask.limit else None
    following = pack(last.paid_at.isoformat(), str(last.id)) if last else None
    return List([_payment(one) for one in rows[: ask.limit]], following)


def _invoice(row: InvoiceRow, counted_as: UUID | None) -> Invoice:
    names = ("total", "paid", "said_paid", "received")
    sums: dict[str, Any] = {name: money(getattr(row, name), row.currency) for name in names}
    late = row.due_at is not None and row.due_at < now()
    overdue = late and row.state == "open" and row.total > row.paid and counted_as is None
    return copied(Invoice, row, connection_id=row.source_id, overdue=overdue, counted_as=counted_as, **sums)


def _payment(row: PaymentRow) -> Payment:
    return copied(Payment, row, connection_id=row.source_id, amount=money(row.amount, row.currency))


def _line(row: InvoiceLine, currency: str) -> Line:
    names = ("unit_price", "discount", "tax", "total")
    sums: dict[str, Any] = {name: money(getattr(row, name), currency) for name in names}
    return copied(Line, row, quantity=f"{row.quantity.normalize():f}", **sums)
