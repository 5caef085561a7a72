"""Invoices and payments for reading: what a card owes, its invoices beside their orders, one of them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import timeline

# the order of an invoice: with its number, of any shop, on the same card
ORDER_OF = """
LEFT JOIN LATERAL (
  SELECT o.id, o.state FROM orders o WHERE i.order_number <> '' AND o.number = i.order_number
    AND o.customer_id = i.customer_id AND o.gone_at IS NULL
  ORDER BY o.placed_at DESC NULLS LAST, o.id DESC LIMIT 1
) AS o ON true
"""
# the same invoice in another ledger: of the two that counts of which more is paid
_TWIN = """
  FROM sources i_s, invoices t JOIN sources ts ON ts.id = t.source_id AND ts.role = 'accounting'
  WHERE i_s.id = i.source_id AND i_s.role = 'accounting' AND i.state IN ('open', 'paid') AND i.number <> ''
    AND t.number = i.number AND t.number <> '' AND t.customer_id = i.customer_id
    AND t.source_id <> i.source_id AND t.currency = i.currency AND t.total = i.total
    AND t.state IN ('open', 'paid')
    AND t.issued_at > i.issued_at - interval '1 day' AND t.issued_at < i.issued_at + interval '1 day'
"""
_BEATS = "(t.paid, i.id) > (i.paid, t.id)"
ONCE = f"NOT EXISTS (SELECT {_TWIN} AND {_BEATS})"  # whether the invoice `i` counts
COUNTED_AS = (
    f"(SELECT t.id {_TWIN} AND {_BEATS} ORDER BY t.paid DESC, t.id LIMIT 1)"  # else the one that does
)
_TWIN_OF = f"""
LEFT JOIN LATERAL (
  SELECT t.id, ts.name, {_BEATS} AS counts {_TWIN} ORDER BY counts DESC, t.paid DESC, t.id LIMIT 1
) AS twin ON true
"""
_COLUMNS = """
  i.id, i.number, i.state, i.currency, i.total, i.paid, i.said_state, i.said_paid, i.received, i.issued_at,
  i.due_at, i.settled_at, i.gone_at, i.customer_id, s.name AS source, i.order_number, o.id AS order_id,
  o.state AS order_state, twin.id AS twin_id, twin.name AS twin_source, twin.counts AS twin_counts
"""
_PAGE = f"""
SELECT {_COLUMNS} FROM (
  SELECT * FROM invoices i WHERE i.customer_id = :id {{before}}
  ORDER BY i.issued_at DESC NULLS LAST, i.id DESC LIMIT :limit
) AS i JOIN sources s ON s.id = i.source_id {ORDER_OF} {_TWIN_OF}
ORDER BY i.issued_at DESC NULLS LAST, i.id DESC
"""
_ONE = f"""
SELECT {_COLUMNS} FROM invoices i JOIN sources s ON s.id = i.source_id {ORDER_OF} {_TWIN_OF} WHERE i.id = :id
"""
# the other way round: the invoices of an order
_OF_ORDER = f"""
SELECT {_COLUMNS} FROM orders o JOIN invoices i ON i.customer_id = o.customer_id AND i.order_number = o.number
JOIN sources s ON s.id = i.source_id {_TWIN_OF}
WHERE o.id = :id AND o.number <> '' AND i.gone_at IS NULL ORDER BY i.issued_at, i.id LIMIT 20
"""
_DEBTS = f"""
SELECT currency, sum(total - paid), count(*), coalesce(sum(total - paid) FILTER (WHERE due_at < :at), 0),
  count(*) FILTER (WHERE due_at < :at), min(due_at)
FROM invoices i WHERE customer_id = :id AND state = 'open' AND total > paid AND {ONCE}
GROUP BY currency ORDER BY 1
"""
_PAYMENTS = """
SELECT p.id, p.currency, p.amount, p.paid_at, p.gone_at, s.name AS source, p.order_number, p.number,
  i.id AS invoice_id, i.number AS invoice_number
FROM payments p JOIN sources s ON s.id = p.source_id LEFT JOIN invoices i ON i.id = p.invoice_id
WHERE {where} ORDER BY p.paid_at DESC, p.id DESC LIMIT :limit
"""


class Bill(NamedTuple):
    """An invoice with what its ledger says, what its payments come to, and what a shop says of its order."""

    id: UUID
    number: str
    state: str
    currency: str
    total: Decimal
    paid: Decimal
    said_state: str
    said_paid: Decimal
    received: Decimal
    issued_at: datetime | None
    due_at: datetime | None
    settled_at: datetime | None
    gone_at: datetime | None
    customer_id: UUID | None
    source: str
    order_number: str
    order_id: UUID | None
    order_state: str | None
    twin_id: UUID | None = None  # the same invoice in another ledger
    twin_source: str | None = None
    twin_counts: bool | None = None  # … which is the one that counts

    @property
    def owed(self) -> Decimal:
        """What is still to be paid, of the one that counts."""
        if self.twin_counts:
            return Decimal(0)
        return max(self.total - self.paid, Decimal(0)) if self.state == "open" else Decimal(0)

    def overdue(self, at: datetime) -> bool:
        """Whether its day has passed and it isn't paid."""
        return self.owed > 0 and self.due_at is not None and self.due_at < at


class Debt(NamedTuple):
    """What a card owes in one currency, and how much of it is overdue."""

    currency: str
    owed: Decimal
    invoices: int
    overdue: Decimal
    late: int
    due_at: datetime | None  # the first


class Paid(NamedTuple):
    """A payment and the invoice it pays."""

    id: UUID
    currency: str
    amount: Decimal
    paid_at: datetime
    gone_at: datetime | None
    source: str
    order_number: str
    number: str
    invoice_id: UUID | None
    invoice_number: str | None


def page(
    session: Session, customer_id: UUID, before: str | None = None, limit: int = 50
) -> tuple[list[Bill], str | None]:
    """Invoices of a live card, newest first, those gone included; and the next cursor. One query."""
    values: dict[str, Any] = {"id": customer_id, "limit": limit + 1}
    condition = ""
    if before:
        values["at"], values["invoice"] = timeline.read_cursor(before, UUID)
        undated = "i.issued_at IS NULL"
        if values["at"] is None:
            condition = f"AND {undated} AND i.id < :invoice"
        else:
            condition = f"AND ((i.issued_at, i.id) < (:at, :invoice) OR {undated})"
    rows = [Bill(*row) for row in session.execute(text(_PAGE.format(before=condition)), values)]
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], timeline.write_cursor(last.issued_at, last.id)


def read(session: Session, invoice_id: UUID) -> Bill | None:
    """One invoice."""
    row = session.execute(text(_ONE), {"id": invoice_id}).first()
    return Bill(*row) if row else None


def of_order(session: Session, order_id: UUID) -> Sequence[Bill]:
    """The invoices of an order: those of the same card that name its number."""
    return [Bill(*row) for row in session.execute(text(_OF_ORDER), {"id": order_id})]


def debts(session: Session, customer_id: UUID, at: datetime) -> list[Debt]:
    """What a card owes at an instant, per currency."""
    return [Debt(*row) for row in session.execute(text(_DEBTS), {"id": customer_id, "at": at})]


def payments(session: Session, customer_id: UUID, limit: int = 50) -> list[Paid]:
    """The newest payments of a card."""
    query = text(_PAYMENTS.format(where="p.customer_id = :id"))
    return [Paid(*row) for row in session.execute(query, {"id": customer_id, "limit": limit})]


def payments_of(session: Session, invoice_id: UUID, limit: int = 200) -> list[Paid]:
    """The payments of an invoice, the newest first."""
    query = text(_PAYMENTS.format(where="p.invoice_id = :id AND p.gone_at IS NULL"))
    return [Paid(*row) for row in session.execute(query, {"id": invoice_id, "limit": limit})]
