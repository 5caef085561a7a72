"""What somebody bought is likely used up: by how often they buy it, else by how often people do."""

from datetime import timedelta
from types import MappingProxyType

from customers.stats import COUNTED
from email_campaigns.triggers import parts
from email_campaigns.triggers.base import Field, Select, Trigger, Window
from foundation.text import _

OWN, COMMON = 2, 5  # intervals that a median is believed from: a person's, a product's
# purchases of twice the longest interval; the median of the gaps between them; due from the last one on
_ENTRIES = f"""
WITH bought AS (
  SELECT o.customer_id, l.sku, o.placed_at, o.id, l.position
  FROM orders o JOIN order_lines l ON l.order_id = o.id
  WHERE o.placed_at > :t_from AND o.placed_at <= :t_until AND {COUNTED} AND o.customer_id IS NOT NULL
    AND l.sku <> '' AND (cardinality(CAST(:t_skus AS text[])) = 0 OR l.sku = ANY(CAST(:t_skus AS text[])))),
gaps AS (
  SELECT *, CAST(extract(epoch FROM placed_at - lag(placed_at) OVER w) / 86400 AS float) AS gap,
    lead(placed_at) OVER w IS NULL AS newest
  FROM bought WINDOW w AS (PARTITION BY customer_id, sku ORDER BY placed_at, id, position)),
own AS (
  SELECT customer_id, sku, percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS days, count(*) AS times
  FROM gaps WHERE gap >= 1 GROUP BY customer_id, sku HAVING count(*) >= {OWN}),
common AS (
  SELECT sku, percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS days FROM gaps WHERE gap >= 1
  GROUP BY sku HAVING count(*) >= {COMMON}),
due AS (
  SELECT g.*, own.days AS own, greatest(CAST(:t_lowest AS float),
    least(CAST(:t_highest AS float), coalesce(own.days, common.days))) AS days
  FROM gaps g LEFT JOIN own USING (customer_id, sku) LEFT JOIN common USING (sku)
  WHERE g.newest AND coalesce(own.days, common.days) IS NOT NULL),
fires AS (
  SELECT DISTINCT ON (d.id) d.*, d.placed_at + make_interval(secs => d.days * 86400) - :t_before AS at
  FROM due d WHERE d.placed_at + make_interval(secs => d.days * 86400) - :t_before > :t_since
    AND d.placed_at + make_interval(secs => d.days * 86400) - :t_before <= :t_until
  ORDER BY d.id, d.placed_at + make_interval(secs => d.days * 86400), d.position)
SELECT o.customer_id, o.profile_id, 'order:' || o.id AS key, f.at, jsonb_build_object('order', {parts.ORDER},
    'product', (SELECT jsonb_strip_nulls(jsonb_build_object('name', coalesce(nullif(l.name, ''), l.sku),
      'sku', l.sku, 'url', p.record ->> 'url', 'image', p.record ->> 'image',
      'price', {parts.money("p.price", "p.currency")}))
      FROM order_lines l LEFT JOIN products p ON p.source_id = o.source_id
        AND p.external_id = nullif(l.product_external_id, '')
      WHERE l.order_id = o.id AND l.position = f.position)) AS context,
  jsonb_build_object('at', f.at, 'kind', 'time', 'order', o.id, 'since', o.placed_at, 'sku', f.sku,
    'days', round(CAST(f.days AS numeric), 1), 'by', CASE WHEN f.own IS NULL THEN 'product' ELSE 'person' END
  ) AS cause
FROM fires f JOIN orders o ON o.id = f.id WHERE o.profile_id IS NOT NULL"""
# bought again since, whatever the order was called
_AGAIN = f"""EXISTS (SELECT FROM orders o JOIN order_lines l ON l.order_id = o.id
  WHERE o.customer_id = {parts.CARD} AND {COUNTED} AND l.sku = r.cause ->> 'sku' AND o.placed_at <= :now
    AND o.placed_at > CAST(r.cause ->> 'since' AS timestamptz))"""


def _entries(window: Window) -> Select:
    said = window.settings
    lowest, highest = int(said.get("lowest", 10)), int(said.get("highest", 120))
    return _ENTRIES, {
        "t_since": window.since, "t_until": window.until, "t_skus": list(said.get("skus") or ()),
        "t_from": window.since - timedelta(days=2 * highest), "t_lowest": lowest, "t_highest": highest,
        "t_before": timedelta(days=said.get("days", 3)),
    }  # fmt: skip


TRIGGER = Trigger(
    key="replenishment",
    name=lambda: _("Time to reorder"),
    about=lambda: _("What was bought is likely used up: by the median of the customer's own intervals "
                    "between purchases of it, else of everybody's."),
    purpose="marketing",
    fields=(
        Field("skus", "skus", (), lambda: _("SKUs"), lambda: _("What is used up; empty for everything.")),
        Field("days", "days", 3, lambda: _("Days before it is used up"), lowest=0, highest=60),
        Field("lowest", "days", 10, lambda: _("Shortest interval"), lowest=2, highest=365),
        Field("highest", "days", 120, lambda: _("Longest interval"), lowest=2, highest=365),
    ),
    kinds=frozenset(),
    entries=_entries,
    over=lambda: _AGAIN,
    needless=lambda: _("it was bought again"),
    reentry=MappingProxyType({"kind": "each"}),
)  # fmt: skip
