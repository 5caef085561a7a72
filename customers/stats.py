"""What a card adds up to: orders, sums per currency, last seen and RFM; always counted, never added up."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# An order counts when the buyer bound themselves; a refund takes its money back, not its having been.
COUNTED = "o.gone_at IS NULL AND o.state NOT IN ('cart', 'failed', 'cancelled')"

_REFRESH = f"""
WITH wanted AS (SELECT id FROM customers WHERE id = ANY(:ids) AND live),
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
)
INSERT INTO customer_stats AS s (
  customer_id, profiles, orders, spent, currency, sums, first_order_at, last_order_at, last_seen_at
)
SELECT w.id, (SELECT count(*) FROM profiles p WHERE p.customer_id = w.id AND p.gone_at IS NULL),
  coalesce(c.orders, 0), coalesce(c.spent, 0), c.currency,
  CASE WHEN c.currencies > 1 THEN c.sums ELSE '{{}}' END,
  c.first_at, c.last_at, (SELECT max(t.occurred_at) FROM timeline t WHERE t.customer_id = w.id)
FROM wanted w LEFT JOIN per_card c ON c.customer_id = w.id
ON CONFLICT (customer_id) DO UPDATE SET
  (profiles, orders, spent, currency, sums, first_order_at, last_order_at, last_seen_at) = ROW (
    excluded.profiles, excluded.orders, excluded.spent, excluded.currency, excluded.sums,
    excluded.first_order_at, excluded.last_order_at, excluded.last_seen_at)
WHERE (s.profiles, s.orders, s.spent, s.currency, s.sums, s.first_order_at, s.last_order_at, s.last_seen_at)
  IS DISTINCT FROM (
    excluded.profiles, excluded.orders, excluded.spent, excluded.currency, excluded.sums,
    excluded.first_order_at, excluded.last_order_at, excluded.last_seen_at)
"""

_RFM = """
WITH marked AS (
  SELECT customer_id, ntile(5) OVER (PARTITION BY currency ORDER BY last_order_at, customer_id) AS recency,
    ntile(5) OVER (PARTITION BY currency ORDER BY orders, customer_id) AS frequency,
    ntile(5) OVER (PARTITION BY currency ORDER BY spent, customer_id) AS monetary
  FROM customer_stats WHERE orders > 0
), wanted AS (
  SELECT s.customer_id, m.recency, m.frequency, m.monetary
  FROM customer_stats s LEFT JOIN marked m ON m.customer_id = s.customer_id
  WHERE s.orders > 0 OR s.recency IS NOT NULL
)
UPDATE customer_stats s SET (recency, frequency, monetary) = ROW (w.recency, w.frequency, w.monetary)
FROM wanted w WHERE w.customer_id = s.customer_id
  AND (s.recency, s.frequency, s.monetary) IS DISTINCT FROM (w.recency, w.frequency, w.monetary) RETURNING 1
"""


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
        session.execute(text(_REFRESH), {"ids": list(cards)})


def drop(session: Session, cards: Collection[UUID]) -> None:
    """Take the figures of cards that live no more."""
    if cards:
        session.execute(
            text("DELETE FROM customer_stats WHERE customer_id = ANY(:ids)"), {"ids": list(cards)}
        )


def refresh_rfm(session: Session) -> int:
    """Mark every card with orders from 1 to 5 for recency, frequency and money, 5 the best; how many changed.

    Cards of one currency are compared with each other; a card without orders has no marks.
    """
    return len(session.execute(text(_RFM)).all())


def counts(session: Session) -> Counts:
    """How much there is; what is gone or hidden doesn't count. Full scans of narrow indexes at most."""
    row = session.execute(
        text(
            "SELECT (SELECT count(*) FROM customers WHERE live),"
            " (SELECT count(*) FROM profiles WHERE gone_at IS NULL),"
            " (SELECT count(*) FROM orders WHERE gone_at IS NULL),"
            " (SELECT count(*) FROM products WHERE gone_at IS NULL),"
            " (SELECT count(*) FROM timeline WHERE customer_id IS NOT NULL)"
        )
    ).one()
    return Counts(*row)
