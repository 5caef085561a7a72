"""What a card adds up to: orders, sums per currency, last seen and RFM; always counted, never added up."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import bills
from customers.touched import TELL, wake_followers
from foundation.clock import now
from foundation.database import GRAPH_LOCK, lock

# An order counts when the buyer bound themselves; a refund takes its money back, not its having been. What a
# ledger sends back of an order counts where it was placed.
COUNTED = "o.gone_at IS NULL AND o.copy_of IS NULL AND o.state NOT IN ('cart', 'failed', 'cancelled')"

_REFRESH = f"""
WITH {TELL}, wanted AS (SELECT id FROM customers WHERE id = ANY(:ids) AND live),
per_currency AS (
  SELECT o.customer_id, o.currency, count(*) AS orders, sum(o.total - o.refunded) AS spent,
    min(o.placed_at) AS first_at, max(o.placed_at) AS last_at
  FROM orders o WHERE o.customer_id = ANY(:ids) AND {COUNTED} GROUP BY o.customer_id, o.currency
),
per_card AS (
  SELECT customer_id, sum(orders) AS orders, min(first_at) AS first_at, max(last_at) AS last_at,
    (array_agg(currency ORDER BY orders DESC, currency))[1] AS currency,
    (array_agg(spent ORDER BY orders DESC, currency))[1] AS spent,
    jsonb_object_agg(currency, CAST(spent AS text)) AS sums, count(*) AS currencies
  FROM per_currency GROUP BY customer_id
),
owing AS (
  SELECT customer_id, sum(invoices) AS invoices,
    coalesce(jsonb_object_agg(currency, CAST(owed AS text)) FILTER (WHERE owed > 0), '{{}}') AS debts
  FROM (
    SELECT i.customer_id, i.currency, count(*) AS invoices,
      sum(i.total - i.paid) FILTER (WHERE i.state = 'open' AND i.total > i.paid AND {bills.ONCE}) AS owed
    FROM invoices i WHERE i.customer_id = ANY(:ids) AND i.state <> 'gone' GROUP BY 1, 2
  ) AS by_currency GROUP BY customer_id
)
INSERT INTO customer_stats AS s (
  customer_id, profiles, orders, spent, currency, sums, first_order_at, last_order_at, last_seen_at,
  invoices, debts
)
SELECT w.id, (SELECT count(*) FROM profiles p WHERE p.customer_id = w.id AND p.gone_at IS NULL),
  coalesce(c.orders, 0), coalesce(c.spent, 0), c.currency,
  CASE WHEN c.currencies > 1 THEN c.sums ELSE '{{}}' END,
  c.first_at, c.last_at, (SELECT max(t.occurred_at) FROM timeline t WHERE t.customer_id = w.id
    AND t.kind NOT LIKE '%.abandoned' AND t.kind NOT LIKE 'invoice.%'
    AND t.kind NOT IN ('letter.sent', 'letter.bounced')
    AND coalesce(t.data ->> 'machine', 'false') <> 'true'),
  coalesce(b.invoices, 0), coalesce(b.debts, '{{}}')
FROM wanted w LEFT JOIN per_card c ON c.customer_id = w.id LEFT JOIN owing b ON b.customer_id = w.id
ON CONFLICT (customer_id) DO UPDATE SET
  (profiles, orders, spent, currency, sums, first_order_at, last_order_at, last_seen_at, invoices, debts)
  = ROW (excluded.profiles, excluded.orders, excluded.spent, excluded.currency, excluded.sums,
    excluded.first_order_at, excluded.last_order_at, excluded.last_seen_at, excluded.invoices, excluded.debts)
WHERE (s.profiles, s.orders, s.spent, s.currency, s.sums, s.first_order_at, s.last_order_at, s.last_seen_at,
    s.invoices, s.debts)
  IS DISTINCT FROM (
    excluded.profiles, excluded.orders, excluded.spent, excluded.currency, excluded.sums,
    excluded.first_order_at, excluded.last_order_at, excluded.last_seen_at, excluded.invoices, excluded.debts)
"""

_CUTS = """
SELECT currency, percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY last_order_at),
  percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY orders),
  percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY spent)
FROM customer_stats WHERE orders > 0 AND last_order_at IS NOT NULL GROUP BY currency
"""
_MARK = """
WITH cuts AS (SELECT * FROM unnest(CAST(:currencies AS text[])) WITH ORDINALITY AS c (currency, place)),
portion AS (
  SELECT customer_id, currency, orders, spent, last_order_at FROM customer_stats
  WHERE customer_id > :after ORDER BY customer_id LIMIT :limit
), marked AS (
  SELECT p.customer_id,
    (SELECT 1 + count(*) FROM unnest((CAST(:recency AS timestamptz[]))[c.place * 4 - 3 : c.place * 4]) AS cut
      WHERE p.last_order_at > cut) AS recency,
    (SELECT 1 + count(*) FROM unnest((CAST(:frequency AS int[]))[c.place * 4 - 3 : c.place * 4]) AS cut
      WHERE p.orders > cut) AS frequency,
    (SELECT 1 + count(*) FROM unnest((CAST(:monetary AS numeric[]))[c.place * 4 - 3 : c.place * 4]) AS cut
      WHERE p.spent > cut) AS monetary
  FROM portion p JOIN cuts c ON c.currency = p.currency WHERE p.orders > 0 AND p.last_order_at IS NOT NULL
), wanted AS (
  SELECT p.customer_id, m.recency, m.frequency, m.monetary
  FROM portion p LEFT JOIN marked m ON m.customer_id = p.customer_id
), changed AS (
  UPDATE customer_stats s SET (recency, frequency, monetary) = ROW (w.recency, w.frequency, w.monetary)
  FROM wanted w WHERE w.customer_id = s.customer_id
    AND (s.recency, s.frequency, s.monetary) IS DISTINCT FROM (w.recency, w.frequency, w.monetary)
  RETURNING s.customer_id
), told AS (
  INSERT INTO segment_touched (customers, what, at) SELECT array_agg(customer_id), '', :told_at FROM changed
  HAVING count(*) > 0
)
SELECT (SELECT CAST(max(CAST(customer_id AS text)) AS uuid) FROM portion), (SELECT count(*) FROM changed)
"""


class Cuts(NamedTuple):
    """Where the fifths of each currency end: four values a currency, one after the other."""

    currencies: list[str]
    recency: list[datetime]
    frequency: list[int]
    monetary: list[Decimal]


class Counts(NamedTuple):
    """How much there is, for the overview."""

    customers: int
    profiles: int
    orders: int
    products: int
    timeline: int


def refresh(session: Session, cards: Collection[UUID]) -> None:
    """Count these cards anew, those that live."""
    if cards:
        session.execute(text(_REFRESH), {"ids": list(cards), "told_at": now()})
        wake_followers(session)


def postpone(session: Session, cards: Collection[UUID]) -> None:
    """Leave these cards to `catch_up`: during a load each is counted once instead of with every batch.

    Rows that are there are locked, so that `catch_up` passes over the cards of a batch not committed yet.
    """
    if cards:
        query = (
            "INSERT INTO late_stats SELECT unnest(CAST(:ids AS uuid[])) ON CONFLICT (customer_id)"
            " DO UPDATE SET customer_id = excluded.customer_id WHERE false"
        )
        session.execute(text(query), {"ids": sorted(cards)})


_BY_INDEX = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_mergejoin', 'off', true)"


def catch_up(session: Session, limit: int = 2_000) -> bool:
    """Count a portion of the cards that were left for later; whether there were any.

    Several may do so beside batches that postpone cards: those of a batch not committed yet are left out.
    Whoever counts cards at once holds the lock alone.
    """
    if not session.scalar(text("SELECT EXISTS (SELECT FROM late_stats)")):
        return False
    session.execute(text(_BY_INDEX))
    lock(session, GRAPH_LOCK, shared=True)
    query = (
        "DELETE FROM late_stats WHERE customer_id IN (SELECT customer_id FROM late_stats"
        " ORDER BY customer_id LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING customer_id"
    )
    cards = session.scalars(text(query), {"limit": limit}).all()
    refresh(session, cards)
    return bool(cards)


def drop(session: Session, cards: Collection[UUID]) -> None:
    """Take the figures of cards that live no more."""
    if cards:
        query = text(f"WITH {TELL} DELETE FROM customer_stats WHERE customer_id = ANY(:ids)")
        session.execute(query, {"ids": list(cards), "told_at": now()})
        wake_followers(session)


def cuts(session: Session) -> Cuts:
    """The ends of the fifths as the orders stand now; cards of one currency are compared with each other."""
    found = Cuts([], [], [], [])
    for currency, recency, frequency, monetary in session.execute(text(_CUTS)):
        found.currencies.append(currency)
        found.recency.extend(recency)
        found.frequency.extend(frequency)
        found.monetary.extend(monetary)
    return found


def mark(session: Session, ends: Cuts, after: UUID, limit: int) -> tuple[UUID | None, int]:
    """Mark a portion of the cards from 1 to 5, 5 the best: where to go on after, and how many changed.

    A card without orders has no marks; equal cards have equal marks.
    """
    values = {**ends._asdict(), "after": after, "limit": limit, "told_at": now()}
    last, changed = session.execute(text(_MARK), values).one()
    wake_followers(session)
    return last, changed


def refresh_rfm(session: Session) -> int:
    """Mark every card for recency, frequency and money at once; how many changed."""
    ends, after, total = cuts(session), UUID(int=0), 0
    while True:
        last, changed = mark(session, ends, after, 10_000)
        total += changed
        if last is None:
            return total
        after = last


def counts(session: Session) -> Counts:
    """How much there is; what is gone or hidden doesn't count. Full scans of narrow indexes at most."""
    row = session.execute(
        text(
            "SELECT (SELECT count(*) FROM customers WHERE live),"
            " (SELECT count(*) FROM profiles WHERE gone_at IS NULL),"
            " (SELECT count(*) FROM orders WHERE gone_at IS NULL AND copy_of IS NULL),"
            " (SELECT count(*) FROM products WHERE gone_at IS NULL),"
            " (SELECT count(*) FROM timeline WHERE customer_id IS NOT NULL OR kind LIKE 'web.%')"
        )
    ).one()
    return Counts(*row)
