"""An order as rows for COPY, made before anybody waits for a lock; whose it is comes in later. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from customers.batch import Came, changed_at
from foundation.database import NULL, copy_text
from foundation.records import Happening, Order

HEAD = {"id": "uuid", "source_id": "uuid", "external_id": "text", "number": "text"}
OWNER = {"profile_id": "uuid", "customer_id": "uuid"}
TAIL = {
    "state": "text", "source_state": "text", "currency": "text", "total": "numeric", "discount": "numeric",
    "shipping": "numeric", "tax": "numeric", "refunded": "numeric", "details": "jsonb",
    "placed_at": "timestamptz", "changed_at": "timestamptz", "landed_id": "bigint", "record_hash": "bytea",
}  # fmt: skip
LINE = (
    "order_id", "position", "product_external_id", "sku", "name", "quantity", "unit_price", "discount",
    "tax", "total",
)  # fmt: skip
EVENT_HEAD = {"source_id": "uuid", "source_key": "text"}
EVENT_TAIL = {"kind": "text", "occurred_at": "timestamptz", "data": "jsonb", "received_at": "timestamptz"}
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Draft:
    """The rows of an order under an id; `row` and each of `events` want the owner between their halves."""

    id: UUID
    row: tuple[str, str]
    lines: Sequence[str]
    events: Sequence[tuple[str, str]]  # without received_at


def draft(source: UUID, row_id: UUID, came: Came[Order]) -> Draft:
    """The rows of an order that came, should `row_id` be its row's id."""
    order, mark = came.record, row_id.hex
    head = f"{mark}\t{source.hex}\t{copy_text(order.external_id)}\t{copy_text(order.number)}"
    tail = (
        f"{copy_text(order.state)}\t{copy_text(order.source_state)}\t{copy_text(order.currency)}"
        f"\t{order.total!s}\t{order.discount!s}\t{order.shipping!s}\t{order.tax!s}\t{order.refunded!s}"
        f"\t{copy_text(_details(order))}\t{order.placed_at or NULL}\t{changed_at(came)}"
        f"\t{NULL if came.landed_id is None else came.landed_id}\t\\\\x{came.hash.hex()}"
    )
    lines = [
        f"{mark}\t{position}\t{copy_text(line.product_id)}\t{copy_text(line.sku)}\t{copy_text(line.name)}"
        f"\t{line.quantity!s}\t{line.unit_price!s}\t{line.discount!s}\t{line.tax!s}\t{line.total!s}"
        for position, line in enumerate(order.lines, start=1)
    ]
    return Draft(row_id, (head, tail), lines, _events(source, row_id, came))


def owner(profile: UUID | None, customer: UUID | None) -> str:
    """Whose the rows are, to stand between their halves."""
    return f"{profile.hex if profile else NULL}\t{customer.hex if customer else NULL}"


def _details(order: Order) -> str:
    """What a card shows of an order beside its figures, as JSON without empty parts."""
    parts = {
        "coupons": order.coupons, "billing": order.billing, "delivery": order.delivery, "note": order.note,
        "extra": order.extra, "shipments": order.shipments,
    }  # fmt: skip
    return _encode({name: part for name, part in parts.items() if part}).decode()


def _events(source: UUID, row_id: UUID, came: Came[Order]) -> list[tuple[str, str]]:
    """Timeline rows of an order, each key once; a colon in the order's id can't be mistaken for ours."""
    order = came.record
    prefix = "order:" + order.external_id.replace("%", "%25").replace(":", "%3A")
    known = {"order": str(row_id), "number": order.number, "currency": order.currency}
    rows = []
    for key, happening in {happening.key: happening for happening in happenings(came)}.items():
        data = known.copy()
        if happening.amount is not None:
            data["amount"] = str(happening.amount)
        if happening.note:
            data["note"] = happening.note
        kind = happening.kind if happening.kind.startswith("order.") else f"order.{happening.kind}"
        head = f"{source.hex}\t{copy_text(f'{prefix}:{key}')}"
        tail = f"{copy_text(kind)}\t{happening.at}\t{copy_text(_encode(data).decode())}"
        rows.append((head, tail))
    return rows


def happenings(came: Came[Order]) -> list[Happening]:
    """What the source tells, and that the order was placed, which every order was; a cart only began."""
    order, told = came.record, list(came.record.happenings)
    kind = "cart" if order.state == "cart" else "placed"
    if all(happening.kind not in (kind, f"order.{kind}") for happening in told):
        at = order.placed_at or changed_at(came)
        told.insert(0, Happening(kind=kind, at=at, key=kind, amount=order.total))
    return told
