"""Which payment pays which invoice, and what is owed after that: what the source says and its payments.

A payment pays the invoice it names; one that names an order only pays the one invoice its payer has for that
order at the same source. The larger of the two sides holds: whatever of them is missing, nobody is dunned who
has paid.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from customers import documents, invoices, payments
from customers.batch import Batch, Billed, PersonId
from foundation.clock import now

_ALLOCATE = text("""
WITH found AS (
  SELECT q.id, q.invoice_id AS was, CASE WHEN q.invoice_external_id <> '' THEN (
      SELECT i.id FROM invoices i WHERE i.source_id = q.source_id AND i.external_id = q.invoice_external_id)
    ELSE (SELECT (array_agg(i.id))[1] FROM invoices i WHERE i.source_id = q.source_id
      AND q.order_number <> '' AND i.order_number = q.order_number AND i.profile_id = q.profile_id
      AND i.gone_at IS NULL AND i.said_state IN ('open', 'paid') HAVING count(*) = 1) END AS pays
  FROM payments q WHERE q.source_id = :source AND (q.id = ANY(:payments)
    OR (q.invoice_external_id <> '' AND q.invoice_external_id = ANY(:invoices))
    OR (q.order_number <> '' AND q.order_number = ANY(:orders)))
), written AS (
  UPDATE payments p SET invoice_id = f.pays FROM found f
  WHERE p.id = f.id AND p.invoice_id IS DISTINCT FROM f.pays
)
SELECT was, pays FROM found
""")
_SETTLE = text("""
WITH running AS (
  SELECT p.invoice_id, p.amount, p.paid_at, sum(p.amount) OVER (
    PARTITION BY p.invoice_id ORDER BY p.paid_at, p.external_id ROWS UNBOUNDED PRECEDING) AS so_far
  FROM payments p JOIN invoices i ON i.id = p.invoice_id AND i.currency = p.currency
  WHERE p.invoice_id = ANY(:ids) AND p.gone_at IS NULL
), sums AS (
  SELECT i.id, i.settled_at AS was, coalesce(sum(r.amount), 0) AS received,
    min(r.paid_at) FILTER (WHERE r.so_far >= i.total) AS covered_at
  FROM invoices i LEFT JOIN running r ON r.invoice_id = i.id WHERE i.id = ANY(:ids) GROUP BY i.id
), stand AS (
  SELECT s.*, greatest(i.said_paid, s.received, CASE WHEN i.said_state = 'paid' THEN i.total END) AS paid,
    CASE WHEN i.gone_at IS NOT NULL THEN 'gone' WHEN i.said_state <> 'open' THEN i.said_state
      WHEN i.total >= 0 AND greatest(i.said_paid, s.received) >= i.total THEN 'paid' ELSE 'open' END AS state
  FROM sums s JOIN invoices i ON i.id = s.id
)
UPDATE invoices i SET received = s.received, paid = s.paid, state = s.state,
  settled_at = CASE WHEN s.state = 'paid' THEN coalesce(s.covered_at, s.was, i.changed_at) END
FROM stand s WHERE s.id = i.id
RETURNING i.id, i.external_id, i.profile_id, i.customer_id, i.number, i.currency, i.total, i.settled_at,
  i.settled_at IS NOT NULL AND s.was IS NULL AS fresh
""")
# what a back-test of a journey sees of a day that is over is drawn from these
_KEEP = text("""
INSERT INTO invoice_moves (invoice_id, state, paid, at, received_at)
SELECT i.id, s.state, i.said_paid, coalesce(i.gone_at, i.changed_at, :at), :at
FROM invoices i
CROSS JOIN LATERAL (SELECT CASE WHEN i.gone_at IS NULL THEN i.said_state ELSE 'gone' END AS state) s
LEFT JOIN LATERAL (
  SELECT w.state, w.paid FROM invoice_moves w WHERE w.invoice_id = i.id ORDER BY w.id DESC LIMIT 1
) AS m ON true
WHERE i.id = ANY(:ids) AND (m.state, m.paid) IS DISTINCT FROM (s.state, i.said_paid) ORDER BY i.id
""")


def write(
    session: Session, source: UUID, batch: Batch, ids: Mapping[PersonId, UUID],
    customer: Mapping[UUID, UUID | None],
) -> Billed:  # fmt: skip
    """Write a batch's invoices and payments and what they come to. The caller holds `GRAPH_LOCK` alone."""
    billed = Billed()

    def owner(key: PersonId | None) -> tuple[UUID | None, UUID | None]:
        profile = ids.get(key) if key else None
        return profile, customer.get(profile) if profile else None

    bills = {one: owner(batch.payer_id(came.record)) for one, came in batch.invoices.items()}
    money = {one: owner(batch.payer_id(came.record)) for one, came in batch.payments.items()}
    issued = invoices.write(session, source, batch.invoices, bills)
    paid = payments.write(session, source, batch.payments, money)
    void = invoices.gone(session, source, batch.gone_invoices)
    unpaid = payments.gone(session, source, batch.gone_payments)
    billed.counts = {
        name: sum(row.fresh == fresh for row in rows)
        for kind, rows in (("invoices", issued), ("payments", paid))
        for name, fresh in ((f"{kind}_new", True), (f"{kind}_changed", False))
    }
    for row in (*issued, *paid):
        billed.cards |= {one for one in (row.customer_id, row.was_customer) if one}
        billed.profiles |= {row.profile_id} - {None}
        billed.left |= {row.was_profile} - {None, row.profile_id}
    for row in (*void, *unpaid):
        billed.cards |= {row.customer_id} - {None}
        billed.left |= {row.profile_id} - {None}
    billed.cards |= _settle(session, source, batch, (*issued, *void), (*paid, *unpaid))
    return billed


def _settle(
    session: Session, source: UUID, batch: Batch, bills: Collection[Row[Any]], money: Collection[Row[Any]]
) -> set[UUID]:
    """Work out what these invoices and payments change; cards whose debts are others now."""
    orders = {number for row in (*bills, *money) for number in row.before or () if number}
    orders |= {came.record.order_number for came in batch.invoices.values()}
    orders |= {came.record.order_number for came in batch.payments.values()}
    if bills:
        session.execute(_KEEP, {"ids": [row.id for row in bills], "at": now()})
    pairs = session.execute(
        _ALLOCATE,
        {
            "source": source,
            "payments": [row.id for row in money],
            "invoices": [row.external_id for row in bills],
            "orders": sorted(orders - {""}),
        },
    ).all()
    ids = {row.id for row in bills} | {one for pair in pairs for one in pair if one}
    settled = session.execute(_SETTLE, {"ids": list(ids)}).all() if ids else []
    documents.tell(session, source, [_paid(row) for row in settled if row.fresh])
    return {row.customer_id for row in settled if row.customer_id}


def _paid(row: Row[Any]) -> documents.Told:
    return invoices.event(row, "paid", row.settled_at, row.number, row.currency, row.total)
