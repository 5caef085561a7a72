"""Orders of the home shop as the invoices that a ledger is to get, and what is still missing for that."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from foundation import clock
from foundation.records import Invoice, Line
from foundation.text import language
from sync.directories.charging import charged
from sync.directories.fields import amount
from sync.directories.tables import Directory

STATES = ("open", "paid", "shipped", "completed")  # of orders that get an invoice
NAMED = 3  # goods without a partner, named where somebody waits for them
Why = list[str | int]  # a key of `directory words` and what stands in it

_ORDERS = text("""
SELECT o.id, coalesce(nullif(o.number, ''), o.external_id) AS number, o.currency, o.total, o.shipping, o.tax,
  o.customer_id, o.gone_at IS NULL AND o.state = ANY(:states) AS alive, c.name AS buyer,
  coalesce(c.language, '') AS language
FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE o.id = ANY(:ids)
""")
_LINES = text("""
SELECT n.*, p.id AS product_id, coalesce(nullif(n.name, ''), p.name, n.sku) AS title, (
    SELECT l.external_id FROM links l JOIN directories d ON d.id = l.directory_id
    WHERE l.local_id = p.id AND l.state IN ('linked', 'made') AND l.gone_there_at IS NULL
      AND d.connection_id = :there AND d.what = 'nomenclature' LIMIT 1) AS partner
FROM order_lines n LEFT JOIN products p ON p.source_id = :home AND p.external_id = n.product_external_id
WHERE n.order_id = ANY(:ids) ORDER BY n.order_id, n.position
""")
# on the card already, or made there from it and not read yet
_BUYERS = text("""
SELECT card, array_agg(DISTINCT external_id) AS ids FROM (
  SELECT p.customer_id AS card, p.external_id FROM profiles p
  WHERE p.source_id = :there AND p.kind <> 'guest' AND p.gone_at IS NULL AND p.customer_id = ANY(:cards)
  UNION ALL
  SELECT l.local_id, l.external_id FROM links l JOIN directories d ON d.id = l.directory_id
  WHERE d.connection_id = :there AND d.what = 'counterparties' AND l.local_id = ANY(:cards)
    AND l.state = 'made' AND l.gone_there_at IS NULL
) AS f GROUP BY card
""")
_UNDER_WAY = text("""
SELECT DISTINCT local_id FROM pushes WHERE connection_id = :there AND local_id = ANY(:ids)
  AND link_id IS NULL AND state IN ('waiting', 'sent')
""")


class Bill(NamedTuple):
    """An order as an invoice. What has no id there yet and is on its way stands in it without one."""

    order_id: UUID
    title: str
    record: Invoice
    waits: tuple[Why, ...]  # why it can't be made yet
    alive: bool  # whether there is still anything to be billed

    @property
    def fields(self) -> dict[str, str]:
        """What both sides are to agree on."""
        return {"total": amount(self.record.total), "currency": self.record.currency}


def drawn(
    session: Session, directory: Directory, ids: Collection[UUID], coming: Collection[UUID] | None = None
) -> dict[UUID, Bill]:
    """Orders as invoices there. `coming` are cards and products that will have a partner by then.

    None: only what is there already counts, nothing that is on its way.
    """
    given = {
        "ids": list(ids),
        "states": list(STATES),
        "there": directory.connection_id,
        "home": directory.home_id,
    }
    orders = session.execute(_ORDERS, given).all()
    lines: dict[UUID, list[Row[Any]]] = {}
    for row in session.execute(_LINES, given):
        lines.setdefault(row.order_id, []).append(row)
    cards = [row.customer_id for row in orders if row.customer_id]
    buyers = {row.card: row.ids for row in session.execute(_BUYERS, {**given, "cards": cards})}
    sent: set[UUID] = set()
    if coming is not None:
        wanted = [*cards, *(one.product_id for rows in lines.values() for one in rows if one.product_id)]
        sent = set(session.scalars(_UNDER_WAY, {**given, "ids": wanted}))
        sent |= {one for one in wanted if one in coming}
    found = {}
    for row in orders:
        with language(row.language):
            found[row.id] = _bill(directory, row, lines.get(row.id, []), buyers, sent)
    return found


def _bill(
    directory: Directory, order: Row[Any], rows: list[Row[Any]], buyers: Mapping[UUID, list[str]],
    sent: Collection[UUID],
) -> Bill:  # fmt: skip
    to = buyers.get(order.customer_id, [])
    lines = charged(order.total, order.shipping, order.tax, [_line(one) for one in rows])
    days = directory.due_days
    record = Invoice(
        external_id="", number="", customer_id=to[0] if len(to) == 1 else "", currency=order.currency,
        total=order.total, state="draft", order_number=order.number, lines=lines,
        due_at=clock.now() + timedelta(days=days) if days is not None else None,
    )  # fmt: skip
    waits: list[Why] = []
    if order.customer_id is None:
        waits.append(["card"])
    elif len(to) > 1:
        waits.append(["buyers", len(to)])
    elif not to and order.customer_id not in sent:
        waits.append(["buyer"])
    lost = {one.title: None for one in rows if _partner(one) is None and one.product_id not in sent}
    if lost:
        named = "; ".join(list(lost)[:NAMED]) + ("; …" if len(lost) > NAMED else "")
        waits.append(["goods", len(lost), named])
    if not lines:
        waits.append(["lines"])
    title = ", ".join(filter(None, (order.number, order.buyer)))
    return Bill(order.id, title, record, tuple(waits), order.alive)


def _partner(row: Row[Any]) -> str | None:
    """What a line's product is there; empty for what is no product here either, such as a gift wrapping."""
    return row.partner if row.product_external_id else ""


def _line(row: Row[Any]) -> Line:
    return Line(
        position=row.position, product_id=_partner(row) or "", sku=row.sku, name=row.title or "",
        quantity=row.quantity, unit_price=row.unit_price, discount=row.discount, tax=row.tax, total=row.total,
    )  # fmt: skip
