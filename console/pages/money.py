"""Invoices and payments of a card: what is owed, and who says what of each invoice."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.templating import link
from console.web import Call
from customers import bills
from customers.facts import InvoiceLine
from customers.tables import Customer
from foundation.clock import now

INVOICES, PAYMENTS = 50, 50


def tab(call: Call, customer: UUID) -> dict[str, Any]:
    """The tab of a card: three queries."""
    before, at = call.query("before") or None, now()
    rows, more = bills.page(call.db, customer, before, INVOICES)
    here = f"/customers/{customer}"
    return {
        "at": at,
        "bills": rows,
        "debts_now": [] if before else bills.debts(call.db, customer, at),
        "payments": [] if before else bills.payments(call.db, customer, PAYMENTS),
        "older": link(here, tab="money", before=more) if more else "",
        "newer": link(here, tab="money") if before else "",
    }


def invoice(call: Call) -> Response:
    """One invoice with its lines and payments."""
    bill = bills.read(call.db, call.id())
    if bill is None:
        raise HTTPException(404)
    lines = call.db.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id == bill.id)
        .order_by(InvoiceLine.position)
        .limit(1000)
    )
    return call.page(
        "invoice.html",
        bill=bill,
        at=now(),
        lines=list(lines),
        payments=bills.payments_of(call.db, bill.id),
        customer=call.db.get(Customer, bill.customer_id) if bill.customer_id else None,
    )
