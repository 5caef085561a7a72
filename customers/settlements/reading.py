"""The rows of a statement as they are stored, and the days it is about."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.settlements.accounts import Account, Bill, Money, statement
from customers.settlements.shipments import parts
from customers.settlements.twins import once
from foundation.errors import BadInput
from foundation.text import _

MOST = 50_000  # documents of one card; a statement is made in memory
# a ledger that brings no invoices says by its orders what was sold: those that are paid or have left count
_BILLS = text("""
SELECT * FROM (SELECT i.id, i.number, s.name, i.currency, i.total, i.paid,
  coalesce(i.issued_at, i.changed_at, i.due_at, 'epoch'), i.due_at,
  coalesce(i.settled_at, i.changed_at, i.issued_at, 'epoch'), i.order_number, 'invoice',
  s.role = 'accounting' AND i.issued_at IS NOT NULL, ''
FROM invoices i JOIN sources s ON s.id = i.source_id
WHERE i.customer_id = :card AND i.state IN ('open', 'paid')
UNION ALL
SELECT o.id, o.number, s.name, o.currency, o.total,
  CASE WHEN o.state IN ('paid', 'completed') THEN o.total ELSE 0 END,
  coalesce(o.placed_at, o.changed_at), NULL, o.changed_at, '', 'order', true,
  coalesce(CAST(o.details -> 'shipments' AS text), '')
FROM orders o JOIN sources s ON s.id = o.source_id AND s.role = 'accounting'
WHERE o.customer_id = :card AND o.state IN ('paid', 'shipped', 'completed') AND o.gone_at IS NULL
  AND NOT EXISTS (SELECT FROM invoices i WHERE i.customer_id = :card AND i.order_number = o.number
    AND i.state IN ('open', 'paid'))
) AS bills LIMIT :most
""")
_MONEY = text("""
SELECT p.id, p.number, s.name, p.currency, p.amount, p.paid_at, p.invoice_id, p.order_number,
  s.role = 'accounting'
FROM payments p JOIN sources s ON s.id = p.source_id
WHERE p.customer_id = :card AND p.gone_at IS NULL LIMIT :most
""")
_SIDES = text("""
SELECT c.name, c.tax_number, c.address, c.city, c.language, o.name, o.tax_number, o.address
FROM customers c LEFT JOIN our_company o ON true WHERE c.id = :card
""")


class Period(NamedTuple):
    """The days of a statement, both in it, in a time zone."""

    since: date
    until: date
    zone: ZoneInfo

    def instants(self) -> tuple[datetime, datetime]:
        """Where it begins and where it is over."""
        begin = datetime.combine(self.since, time(), self.zone)
        return begin, datetime.combine(self.until + timedelta(days=1), time(), self.zone)


class Side(NamedTuple):
    """Who settles: empty texts where nobody has said."""

    name: str = ""
    tax_number: str = ""
    address: str = ""


class Statement(NamedTuple):
    """A statement of one card."""

    card: UUID
    name: str
    tax_number: str
    language: str
    period: Period
    accounts: Sequence[Account]
    address: str = ""
    ours: Side = Side()


def read(session: Session, card: UUID, period: Period) -> Statement:
    """The statement of a live card: three queries. `BadInput` when the days or the documents make none."""
    if period.until < period.since:
        raise BadInput(_("The period ends before it begins."), "until")
    if not date(1970, 1, 1) <= period.since <= period.until <= date(9000, 1, 1):
        raise BadInput(_("No statement can be made of these years."), "since")
    values = {"card": card, "most": MOST + 1}
    bills = [Bill(*row) for row in session.execute(_BILLS, values)]
    money = [Money(*row) for row in session.execute(_MONEY, values)]
    if len(bills) > MOST or len(money) > MOST:
        raise BadInput(_("This customer has more documents than one statement can hold."), "customer")
    name, tax_number, line, city, language, *ours = session.execute(_SIDES, values).one()
    bills, money = once(bills, money)
    sold = [part for bill in bills for part in parts(bill)]
    accounts = statement(sold, money, *period.instants())
    place = line or "" if city and city in (line or "") else ", ".join(filter(None, (city, line)))
    return Statement(
        card, name, tax_number or "", language or "", period, accounts, place,
        Side(*(part or "" for part in ours)),
    )  # fmt: skip
