"""Invoices with their lines and what happened to them, as facts of the counterparty they are made out to."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from customers import documents
from customers.batch import Came, changed_at
from customers.documents import Told
from foundation.clock import new_id
from foundation.database import copy_rows
from foundation.records import Invoice

_COLUMNS = {
    "id": "uuid", "source_id": "uuid", "external_id": "text", "number": "text", "profile_id": "uuid",
    "customer_id": "uuid", "state": "text", "currency": "text", "total": "numeric", "paid": "numeric",
    "said_state": "text", "said_paid": "numeric", "order_number": "text", "issued_at": "timestamptz",
    "due_at": "timestamptz", "changed_at": "timestamptz", "landed_id": "bigint", "record_hash": "bytea",
}  # fmt: skip
_DERIVED = ("state", "paid")  # customers.settling makes them of what is said and of payments
_LINE = (
    "invoice_id", "position", "product_external_id", "sku", "name", "quantity", "unit_price", "discount",
    "tax", "total",
)  # fmt: skip
BEFORE = "ARRAY[d.order_number]"
_encode = msgspec.json.Encoder().encode

Owners = Mapping[str, tuple[UUID | None, UUID | None]]  # external id -> profile and card


def write(
    session: Session, source: UUID, invoices: Mapping[str, Came[Invoice]], owners: Owners
) -> Sequence[Row[Any]]:
    """Write the new and the changed ones, lines replaced, happenings added; answers them."""
    if not invoices:
        return []
    rows = (_row(source, came, owners[one]) for one, came in invoices.items())
    written = documents.write(session, "invoices", _COLUMNS, _DERIVED, BEFORE, source, rows)
    known = [row.id for row in written if not row.fresh]
    if known:
        session.execute(text("DELETE FROM invoice_lines WHERE invoice_id = ANY(:ids)"), {"ids": known})
    copy_rows(session, "invoice_lines", _LINE, _lines(written, invoices))
    moved = [row for row in written if not row.fresh and (row.was_profile != row.profile_id or row.was_gone)]
    documents.follow(
        session, source,
        {key: (row.profile_id, row.customer_id) for row in moved for key in keys(row.external_id)},
    )  # fmt: skip
    documents.tell(
        session, source, [one for row in written for one in _events(row, invoices[row.external_id])]
    )
    return written


def _row(source: UUID, came: Came[Invoice], owner: tuple[UUID | None, UUID | None]) -> tuple[Any, ...]:
    one = came.record
    return (
        new_id(), source, one.external_id, one.number, *owner, one.state, one.currency, one.total, one.paid,
        one.state, one.paid, one.order_number, one.issued_at, one.due_at, changed_at(came), came.landed_id,
        came.hash,
    )  # fmt: skip


def _lines(written: Sequence[Row[Any]], invoices: Mapping[str, Came[Invoice]]) -> Iterable[Sequence[Any]]:
    for row in written:
        for position, line in enumerate(invoices[row.external_id].record.lines, start=1):
            yield (
                row.id, position, line.product_id, line.sku, line.name, line.quantity, line.unit_price,
                line.discount, line.tax, line.total,
            )  # fmt: skip


def keys(external_id: str) -> list[str]:
    """The keys of everything that can stand on the timeline of an invoice."""
    return [documents.key("invoice", external_id, what) for what in ("issued", "paid", "cancelled")]


def event(row: Row[Any], what: str, at: datetime, number: str, currency: str, amount: object) -> Told:
    """A timeline row of an invoice."""
    data = {"invoice": str(row.id), "number": number, "currency": currency, "amount": str(amount)}
    key = documents.key("invoice", row.external_id, what)
    return Told(key, row.profile_id, row.customer_id, f"invoice.{what}", at, _encode(data).decode())


def _events(row: Row[Any], came: Came[Invoice]) -> Iterable[Told]:
    """That it was issued, which a draft isn't yet, or cancelled; `customers.settling` tells of paid ones."""
    one = came.record
    if one.state in ("open", "paid"):
        at = one.issued_at or changed_at(came)
        yield event(row, "issued", at, one.number, one.currency, one.total)
    elif one.state == "cancelled":
        yield event(row, "cancelled", changed_at(came), one.number, one.currency, one.total)


def gone(session: Session, source: UUID, ids: Mapping[str, datetime]) -> Sequence[Row[Any]]:
    """Mark invoices their source has no more; nothing is owed on them and their happenings don't show."""
    found = documents.gone(session, "invoices", BEFORE, source, ids)
    hidden = {key: (row.profile_id, None) for row in found for key in keys(row.external_id)}
    documents.follow(session, source, hidden)
    return found
