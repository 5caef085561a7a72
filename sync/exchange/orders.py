"""Orders of our shops as a 1C is to know them: under ids of our own, and under its own where we know them.

A buyer's id is that of their profile, so guests are never one counterparty; goods that are paired with those
of 1C go under its ids, so it makes none anew.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors import registry
from connectors.base import Raw
from customers.tables import Source
from foundation import problems
from foundation.errors import BadInput
from foundation.records import Order
from sync import connections
from sync.tables import Connection, LandedRecord

_PAIRED_GOODS = """
SELECT p.source_id, p.external_id AS ours, l.external_id AS theirs
FROM directories d JOIN links l ON l.directory_id = d.id JOIN products p ON p.id = l.local_id
WHERE d.connection_id = :connection AND d.what = 'nomenclature' AND l.state IN ('linked', 'made')
    AND l.gone_there_at IS NULL AND p.external_id = ANY(:ids)
"""
_PAIRED_CARDS = """
SELECT l.local_id, l.external_id
FROM directories d JOIN links l ON l.directory_id = d.id
WHERE d.connection_id = :connection AND d.what = 'counterparties' AND l.state IN ('linked', 'made')
    AND l.gone_there_at IS NULL AND l.local_id = ANY(:ids)
"""


def records(session: Session, connection_id: UUID, order_ids: Sequence[UUID]) -> dict[UUID, Order]:
    """The orders with these ids; one that can't be read becomes a problem."""
    rows = session.execute(
        text(
            "SELECT o.id, o.source_id, o.external_id, o.profile_id, o.customer_id, o.gone_at, o.landed_id"
            " FROM orders o WHERE o.id = ANY(:ids)"
        ),
        {"ids": list(order_ids)},
    ).all()
    ids = [row.landed_id for row in rows]
    landed = {one.id: one for one in session.scalars(select(LandedRecord).where(LandedRecord.id.in_(ids)))}
    read: dict[UUID, Order] = {}
    for row in rows:
        try:
            read[row.id] = _read(session, row.source_id, row.external_id, landed[row.landed_id])
        except Exception as error:  # noqa: BLE001 - one order must not stop the others
            _report(session, row, error)
    goods = _paired_goods(session, connection_id, read.values())
    cards = _paired_cards(session, connection_id, rows)
    return {row.id: _named(read[row.id], row, goods, cards) for row in rows if row.id in read}


def _paired_goods(
    session: Session, connection_id: UUID, orders: Iterable[Order]
) -> dict[tuple[UUID, str], str]:
    ids = {line.product_id for order in orders for line in order.lines if line.product_id}
    rows = session.execute(text(_PAIRED_GOODS), {"connection": connection_id, "ids": list(ids)})
    return {(row.source_id, row.ours): row.theirs for row in rows}


def _paired_cards(session: Session, connection_id: UUID, rows: Iterable[Any]) -> dict[UUID, str]:
    ids = {row.customer_id for row in rows if row.customer_id}
    found = session.execute(text(_PAIRED_CARDS), {"connection": connection_id, "ids": list(ids)})
    return {row.local_id: row.external_id for row in found}


def _read(session: Session, source_id: UUID, external_id: str, landed: LandedRecord) -> Order:
    cls = registry.find(session.get_one(Source, source_id).kind)
    settings = connections.public_settings(cls, session.get_one(Connection, source_id))
    raw = Raw(landed.external_id, landed.payload, landed.version_at)
    for one in cls.normalise(landed.stream, raw, settings):
        if isinstance(one, Order) and one.external_id == external_id:
            return one
    raise BadInput("its record holds no order any more")


def _named(order: Order, row: Any, goods: Mapping[tuple[UUID, str], str], cards: Mapping[UUID, str]) -> Order:
    """The order under ids that mean the same thing in each exchange."""
    buyer = cards.get(row.customer_id) or str(row.profile_id or row.id)
    return msgspec.structs.replace(
        order,
        external_id=str(row.id),
        customer_id=buyer,
        customer=order.customer and msgspec.structs.replace(order.customer, external_id=buyer),
        state=order.state if row.gone_at is None else "cancelled",
        lines=tuple(
            msgspec.structs.replace(line, product_id=goods[row.source_id, line.product_id])
            if (row.source_id, line.product_id) in goods
            else line
            for line in order.lines
        ),
    )


def _report(session: Session, row: Any, error: Exception) -> None:
    problems.report(
        session,
        area="exchange",
        subject=f"order {row.external_id}",
        message=f"It could not be made ready for 1C: {error}. The other orders went on.",
        source_id=row.source_id,
        key=f"exchange:order:{row.id}",
    )


def says(order: Order) -> dict[str, str]:
    """What an order says, field by field, short enough to be kept with every version."""
    lines = sorted((line.quantity, line.total) for line in order.lines)
    rest = msgspec.structs.replace(
        order, state="open", source_state="", total=0, currency="", lines=(), happenings=(), changed_at=None,
        refunded=0,
    )  # fmt: skip
    return {
        "state": order.state,
        "total": _number(order.total),
        "currency": order.currency,
        "lines": _digest([[_number(quantity), _number(total)] for quantity, total in lines]),
        "rest": _digest(rest),
    }


def told_by(row: Any) -> dict[str, str]:
    """The same of a row with what 1C said of an order."""
    lines = sorted((Decimal(quantity), Decimal(total)) for quantity, total in row.lines)
    return {
        "state": row.state,
        "total": _number(row.total),
        "currency": row.currency,
        "lines": _digest([[_number(quantity), _number(total)] for quantity, total in lines]),
    }


def _number(value: Any) -> str:
    return f"{value:.4f}"


def _digest(thing: Any) -> str:
    return hashlib.blake2b(msgspec.json.encode(thing, order="sorted"), digest_size=8).hexdigest()
