"""Payments as facts of the counterparty who paid, or was given back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.orm import Session

from customers import documents
from customers.batch import Came
from customers.documents import Told
from customers.invoices import Owners
from foundation.clock import new_id
from foundation.records import Payment

_COLUMNS = {
    "id": "uuid", "source_id": "uuid", "external_id": "text", "profile_id": "uuid", "customer_id": "uuid",
    "currency": "text", "amount": "numeric", "number": "text", "invoice_external_id": "text",
    "order_number": "text",
    "paid_at": "timestamptz", "landed_id": "bigint", "record_hash": "bytea",
}  # fmt: skip
BEFORE = "ARRAY[d.order_number]"
_encode = msgspec.json.Encoder().encode


def write(
    session: Session, source: UUID, payments: Mapping[str, Came[Payment]], owners: Owners
) -> Sequence[Row[Any]]:
    """Write the new and the changed ones; answers them."""
    if not payments:
        return []
    rows = (_row(source, came, owners[one]) for one, came in payments.items())
    written = documents.write(session, "payments", _COLUMNS, (), BEFORE, source, rows)
    moved = [row for row in written if not row.fresh and (row.was_profile != row.profile_id or row.was_gone)]
    documents.follow(
        session, source, {_key(row.external_id): (row.profile_id, row.customer_id) for row in moved}
    )
    documents.tell(session, source, [_event(row, payments[row.external_id]) for row in written])
    return written


def _row(source: UUID, came: Came[Payment], owner: tuple[UUID | None, UUID | None]) -> tuple[Any, ...]:
    one = came.record
    return (
        new_id(), source, one.external_id, *owner, one.currency, one.amount, one.number, one.invoice_id,
        one.order_number, one.paid_at or came.received_at, came.landed_id, came.hash,
    )  # fmt: skip


def _key(external_id: str) -> str:
    return documents.key("payment", external_id, "made")


def _event(row: Row[Any], came: Came[Payment]) -> Told:
    one = came.record
    data = {"payment": str(row.id), "currency": one.currency, "amount": str(abs(one.amount))}
    if one.number:
        data["number"] = one.number
    kind = "payment.received" if one.amount >= 0 else "payment.returned"
    at = one.paid_at or came.received_at
    return Told(_key(row.external_id), row.profile_id, row.customer_id, kind, at, _encode(data).decode())


def gone(session: Session, source: UUID, ids: Mapping[str, datetime]) -> Sequence[Row[Any]]:
    """Mark payments their source has no more; they pay nothing and their happenings don't show."""
    found = documents.gone(session, "payments", BEFORE, source, ids)
    documents.follow(session, source, {_key(row.external_id): (row.profile_id, None) for row in found})
    return found
