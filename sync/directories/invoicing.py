"""Making invoices there: which orders are to have one, and what is sent when its turn comes."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from connectors.base import Change
from foundation.records import Invoice
from sync.directories import bills, fields
from sync.directories.bills import Bill, Why
from sync.directories.deciding import Planned
from sync.directories.invoices import FREE, TAKEN
from sync.directories.making import ALL, NONE, seen
from sync.directories.pairs import PAGE, Setting
from sync.directories.tables import Directory, Push

_CENT = Decimal("0.01")
# the ledger has an invoice of this number that isn't ours to touch
_BILLED = """EXISTS (SELECT FROM invoices r WHERE r.source_id = :source
    AND r.order_number = o.number AND r.order_number <> '' AND r.gone_at IS NULL
    AND NOT EXISTS (SELECT FROM links z
      WHERE z.directory_id = :directory AND z.external_id = r.external_id))"""
_BY_NOW = text(f"SELECT {_BILLED} OR {TAKEN} FROM orders o WHERE o.id = :order")
_ORDERS = f"""
SELECT o.id, w.error AS refused, {_BILLED} AS billed
FROM orders o LEFT JOIN customers c ON c.id = o.customer_id
LEFT JOIN pushes w ON w.local_id = o.id AND w.directory_id = :directory AND w.link_id IS NULL
  AND w.state IN ('waiting', 'sent', 'done', 'failed')
WHERE o.source_id = :home AND o.gone_at IS NULL AND o.state = ANY(:states) AND o.id > :after AND o.total > 0
  AND (o.placed_at >= :since OR (o.placed_at IS NULL AND o.changed_at >= :since))
  AND (:all OR c.kind = 'company')
  AND (w.id IS NULL OR w.state = 'failed') AND NOT {TAKEN}
  AND NOT EXISTS (SELECT FROM invoices i WHERE i.source_id = :source AND i.order_number <> ''
    AND i.order_number = o.number AND {FREE.format(i="i")})
ORDER BY o.id LIMIT :limit
"""


def wanted(
    session: Session, here: Setting, counts: Counter[str], coming: Collection[UUID]
) -> Iterator[Planned]:  # fmt: skip
    """Invoices that are to be made there, and orders that wait for something first, with what it is.

    `coming` are the cards and products that the same plan makes there or pairs with something.
    """
    directory = here.directory
    if directory.creates == NONE or not seen(session, here):
        return
    after = UUID(int=0)
    while True:
        rows = orders(session, directory, after, PAGE)
        drawn = bills.drawn(session, directory, [row.id for row in rows], coming)
        for row in rows:
            bill = drawn[row.id]
            waits = why(row, bill)
            counts["unready" if waits else "made"] += 1
            detail = {"waits": waits} if waits else _told(directory, bill)
            yield Planned(directory.id, row.id, "", bill.title, detail)
        if len(rows) < PAGE:
            return
        after = rows[-1].id


def orders(session: Session, directory: Directory, after: UUID, limit: int) -> Sequence[Row[Any]]:
    """Orders without an invoice that are to have one, or would if the directory made any."""
    values = {
        "source": directory.connection_id, "home": directory.home_id, "directory": directory.id,
        "states": list(bills.STATES), "since": directory.since or directory.created_at,
        "all": directory.creates in (ALL, NONE), "after": after, "limit": limit,
    }  # fmt: skip
    return session.execute(text(_ORDERS), values).all()


def why(row: Row[Any], bill: Bill) -> list[Why]:
    """What an order waits for: first of all what only a person can put right."""
    if row.refused is not None:
        return [["refused", row.refused]]
    return [["billed"]] if row.billed else list(bill.waits)


def _told(directory: Directory, bill: Bill) -> dict[str, Any]:
    """What a plan says of an invoice, and is held to; nothing in it depends on a language."""
    record = bill.record
    lines = [[one.product_id, fields.amount(one.quantity), fields.amount(one.total)] for one in record.lines]
    said = {"to": record.customer_id, "lines": lines, "days": directory.due_days}
    return {"make": {**bill.fields, "number": record.order_number}, "bill": said}


def record(session: Session, row: Push) -> tuple[Invoice | None, str]:
    """The invoice that a push is to write, or why it can't be sent any more: the next run decides anew."""
    directory = session.get_one(Directory, row.directory_id)
    bill = bills.drawn(session, directory, [row.local_id]).get(row.local_id)
    if bill is None or (not row.external_id and not bill.alive):
        return None, "The order is no longer there."
    values = {"source": directory.connection_id, "directory": directory.id, "order": row.local_id}
    if row.link_id is None and session.scalar(_BY_NOW, values):
        return None, "Somebody was faster: " + WHY["billed"]
    if bill.waits and "total" in row.fields:
        return None, "; ".join(said(one) for one in bill.waits)
    told: Mapping[str, str] = bill.fields
    if any(row.fields.get(name, value) != value for name, value in told.items()):
        return None, "The order has changed since."
    state: Any = "cancelled" if row.fields.get("cancelled") else "draft"
    return msgspec.structs.replace(bill.record, external_id=row.external_id, state=state), ""


def change(row: Push, writes: Collection[str]) -> Change:
    """What is sent: a new invoice, or those parts of a draft that hold what has changed."""
    named = {part for name in row.fields for part in fields.INVOICE.get(name, ()) if part in writes}
    return Change(
        key=str(row.id), record=msgspec.convert(row.record, type=Invoice), external_id=row.external_id,
        fields=tuple(sorted(named)) if row.external_id else (), version=row.version,
    )  # fmt: skip


def form(row: Push, name: str, value: str | None, other: str | None) -> str | None:
    """What the ledger made of a value where that is only rounding, a cent a line; else it is a difference."""
    if name != "total" or value is None or other is None:
        return value
    lines = len((row.record or {}).get("lines", ()))
    return other if abs(Decimal(value) - Decimal(other)) <= _CENT * lines else value


def said(why: Why) -> str:
    """Why an order waits, in words."""
    return WHY[str(why[0])].format(*why[1:])


WHY = {
    "card": "nobody knows whose order it is",
    "buyer": "the buyer isn't there yet",
    "buyers": "the buyer is {} counterparties there",
    "goods": "{} of its goods have no partner there: {}",
    "lines": "its lines don't add up to what it costs",
    "billed": "there is an invoice with its number already",
    "refused": "it was not taken: {}",
}
