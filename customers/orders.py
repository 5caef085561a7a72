"""Orders with their lines and what happened to them, as facts of the profile that bought."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.batch import Came, changed_at
from foundation.clock import new_ids, now
from foundation.database import copy_rows, staged
from foundation.records import Happening, Order

_COLUMNS = {
    "id": "uuid", "source_id": "uuid", "external_id": "text", "number": "text", "profile_id": "uuid",
    "customer_id": "uuid", "state": "text", "source_state": "text", "currency": "text", "total": "numeric",
    "discount": "numeric", "shipping": "numeric", "tax": "numeric", "refunded": "numeric", "details": "jsonb",
    "placed_at": "timestamptz", "changed_at": "timestamptz", "landed_id": "bigint", "record_hash": "bytea",
}  # fmt: skip
_LINE = (
    "order_id", "position", "product_external_id", "sku", "name", "quantity", "unit_price", "discount",
    "tax", "total",
)  # fmt: skip
_EVENT = {
    "source_id": "uuid", "source_key": "text", "profile_id": "uuid", "customer_id": "uuid", "kind": "text",
    "occurred_at": "timestamptz", "received_at": "timestamptz", "data": "jsonb",
}  # fmt: skip
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Placed:
    """An order to write, its row's id and whose it is."""

    id: UUID
    order: Order
    came: Came[Order]
    profile: UUID | None
    customer: UUID | None
    was: tuple[UUID | None, UUID | None] | None = None  # profile and card as stored; None: a new row
    was_gone: bool = False


def find(
    session: Session, source: UUID, orders: Mapping[str, Came[Order]], buyers: Mapping[str, UUID | None]
) -> list[Placed]:
    """The new and the changed orders of a batch; `buyers` maps external ids to profiles."""
    query = text(
        "SELECT external_id, id, record_hash, profile_id, customer_id, gone_at IS NOT NULL FROM orders"
        " WHERE source_id = :source AND external_id = ANY(:ids)"
    )
    stored = (
        {r[0]: r for r in session.execute(query, {"source": source, "ids": list(orders)})} if orders else {}
    )
    found, ids = [], new_ids(len(orders) - len(stored))
    for external_id, came in orders.items():
        profile, row = buyers.get(external_id), stored.get(external_id)
        if row is None:
            found.append(Placed(next(ids), came.record, came, profile, None))
        elif row[2] != came.hash or row[3] != profile or row[5]:
            found.append(Placed(row[1], came.record, came, profile, None, (row[3], row[4]), row[5]))
    return found


def write(session: Session, source: UUID, placed: Sequence[Placed]) -> None:
    """Write orders whose `customer` is known by now. Lines are replaced; happenings only ever added."""
    fresh = [one for one in placed if one.was is None]
    changed = [one for one in placed if one.was is not None]
    if fresh:
        copy_rows(session, "orders", tuple(_COLUMNS), (_row(source, one) for one in fresh))
        copy_rows(session, "order_lines", _LINE, _lines(fresh))
    if changed:
        _update(session, source, changed)
    _write_events(session, source, placed)


def _row(source: UUID, one: Placed) -> tuple[Any, ...]:
    order = one.order
    return (
        one.id, source, order.external_id, order.number, one.profile, one.customer, order.state,
        order.source_state, order.currency, order.total, order.discount, order.shipping, order.tax,
        order.refunded, _details(order), order.placed_at, changed_at(one.came), one.came.landed_id,
        one.came.hash,
    )  # fmt: skip


def _details(order: Order) -> str:
    """What a card shows of an order beside its figures, as JSON without empty parts."""
    parts = {
        "coupons": order.coupons, "billing": order.billing, "delivery": order.delivery, "note": order.note,
        "extra": order.extra,
    }  # fmt: skip
    return _encode({name: part for name, part in parts.items() if part}).decode()


def _lines(placed: Iterable[Placed]) -> Iterable[tuple[Any, ...]]:
    """Rows for COPY; text where making it is cheaper than having the driver make it."""
    for one in placed:
        order_id = one.id.hex
        for position, line in enumerate(one.order.lines, start=1):
            yield (
                order_id, position, line.product_id, line.sku, line.name, line.quantity, line.unit_price,
                line.discount, line.tax, line.total,
            )  # fmt: skip


def _update(session: Session, source: UUID, changed: Sequence[Placed]) -> None:
    names = ", ".join(name for name in _COLUMNS if name != "id")
    theirs = ", ".join(f"c.{name}" for name in _COLUMNS if name != "id")
    definition = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    with staged(session, "changed_orders", definition, (_row(source, one) for one in changed)):
        session.execute(
            text(
                f"UPDATE orders o SET gone_at = NULL, ({names}) = ROW ({theirs})"
                " FROM changed_orders c WHERE c.id = o.id"
            )
        )
    session.execute(
        text("DELETE FROM order_lines WHERE order_id = ANY(:ids)"), {"ids": [o.id for o in changed]}
    )
    copy_rows(session, "order_lines", _LINE, _lines(changed))
    _follow(session, [one for one in changed if one.was and (one.was[0] != one.profile or one.was_gone)])


def _follow(session: Session, placed: Sequence[Placed]) -> None:
    """What happened to an order goes with it when it turns out to be another profile's, or comes back."""
    if not placed:
        return
    rows = [(str(one.id), one.was[0] if one.was else None, one.profile, one.customer) for one in placed]
    with staged(session, "followed", "number text, was uuid, profile_id uuid, customer_id uuid", rows):
        session.execute(
            text(
                "UPDATE timeline t SET profile_id = f.profile_id, customer_id = f.customer_id FROM followed f"
                " WHERE t.profile_id = f.was AND t.data ->> 'order' = f.number"
            )
        )


def _write_events(session: Session, source: UUID, placed: Sequence[Placed]) -> None:
    at = now()
    fresh = [row for one in placed if one.was is None for row in _events(source, one, at)]
    if fresh:
        copy_rows(session, "timeline", tuple(_EVENT), fresh)
    known = [row for one in placed if one.was is not None for row in _events(source, one, at)]
    if known:
        names = ", ".join(_EVENT)
        definition = ", ".join(f"{name} {kind}" for name, kind in _EVENT.items())
        with staged(session, "order_events", definition, known):
            session.execute(
                text(
                    f"INSERT INTO timeline ({names}) SELECT {names} FROM order_events"
                    " ORDER BY occurred_at ON CONFLICT DO NOTHING"
                )
            )


def _events(source: UUID, one: Placed, at: datetime) -> Iterable[tuple[Any, ...]]:
    """Timeline rows of an order, each key once; a colon in the order's id can't be mistaken for ours."""
    order = one.order
    prefix = "order:" + order.external_id.replace("%", "%25").replace(":", "%3A")
    known = {"order": str(one.id), "number": order.number, "currency": order.currency}
    for key, happening in {happening.key: happening for happening in happenings(one)}.items():
        data = known.copy()
        if happening.amount is not None:
            data["amount"] = str(happening.amount)
        if happening.note:
            data["note"] = happening.note
        kind = happening.kind if happening.kind.startswith("order.") else f"order.{happening.kind}"
        yield (
            source, f"{prefix}:{key}", one.profile, one.customer, kind, happening.at, at,
            _encode(data).decode(),
        )  # fmt: skip


def happenings(one: Placed) -> list[Happening]:
    """What the source tells, and that the order was placed, which every order was; a cart only began."""
    order, told = one.order, list(one.order.happenings)
    kind = "cart" if order.state == "cart" else "placed"
    if all(happening.kind not in (kind, f"order.{kind}") for happening in told):
        at = order.placed_at or changed_at(one.came)
        told.insert(0, Happening(kind=kind, at=at, key=kind, amount=order.total))
    return told


def gone(session: Session, source: UUID, orders: Mapping[str, datetime]) -> tuple[set[UUID], set[UUID]]:
    """Mark orders their source has no more; they don't count and don't show. Their profiles and cards."""
    if not orders:
        return set(), set()
    query = text(
        "UPDATE orders o SET gone_at = g.at FROM unnest(CAST(:ids AS text[]), CAST(:ats AS timestamptz[]))"
        " AS g (external_id, at) WHERE o.source_id = :source AND o.external_id = g.external_id"
        " AND o.gone_at IS NULL RETURNING o.id, o.profile_id, o.customer_id"
    )
    values = {"source": source, "ids": list(orders), "ats": list(orders.values())}
    rows = session.execute(query, values).all()
    profiles = {row[1] for row in rows if row[1]}
    if rows:
        session.execute(
            text(
                "UPDATE timeline SET customer_id = NULL"
                " WHERE profile_id = ANY(:profiles) AND data ->> 'order' = ANY(:orders)"
            ),
            {"profiles": list(profiles), "orders": [str(row[0]) for row in rows]},
        )
    return profiles, {row[2] for row in rows if row[2]}
