"""What triggers' SQL is made of: news of a window, goods as letters show them, and orders that came after.

Parameters begin with `t_`, so that whoever embeds the SQL has all other names. The one exception is :now.
"""

from datetime import timedelta
from typing import Any

from customers.stats import COUNTED
from email_campaigns.triggers.base import Field, Window, Words
from foundation.text import _

MOST_LINES = 50  # of a cart or an order that a letter is about
LONGEST = 150  # characters of a product's name that only a page told
GRACE = "interval '10 minutes'"  # a shop's clock and ours
_SKEW = timedelta(days=1)  # nothing is received so long before it happens
# the living card of a run's person, wherever merges have brought it
CARD = "(SELECT q.customer_id FROM profiles q WHERE q.id = r.profile_id)"
NEWS = "t.occurred_at > :t_since AND t.occurred_at <= :t_until AND t.received_at > :t_arrived"


def window(asked: Window, **more: Any) -> dict[str, Any]:
    """The parameters of NEWS, and more of them."""
    arrived = asked.arrived_since or asked.since - _SKEW
    return {"t_since": asked.since, "t_until": asked.until, "t_arrived": arrived} | {
        f"t_{name}": value for name, value in more.items()
    }


def ordered_since(moment: str) -> str:
    """Whether the run's person has placed an order since a moment, as a condition over `r`."""
    return (
        f"EXISTS (SELECT FROM orders o WHERE o.customer_id = {CARD} AND {COUNTED}"
        f" AND o.placed_at > {moment} AND o.placed_at <= :now)"
    )


def _said(name: str) -> str:
    """A page's name of a product, short and without anything that mail programs make a link of."""
    split = f"regexp_replace({name}, '[.](?=[^0-9 ])', '. ', 'g')"
    return f"nullif(left(btrim(regexp_replace({split}, '://|@', ' ', 'g')), {LONGEST}), '')"


_NAME = "coalesce(g.name, {}, {})".format(_said("x.line ->> 'name'"), _said("x.line ->> 'sku'"))


def goods(lines: str, source: str) -> str:
    """JSON lines of captured events as a letter shows them: a scalar subquery.

    What a page says of a product is anybody's word: the catalogue goes before it, a name leads nowhere, and
    an address is taken only when it leads to the site that the event is of.
    """
    return f"""(SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'name', {_NAME}, 'sku', x.line ->> 'sku',
      'price', x.line -> 'price', 'quantity', x.line -> 'quantity', 'image',
      coalesce(g.image, x.line ->> 'image_url'), 'url', coalesce(g.url, CASE WHEN EXISTS (
        SELECT FROM sites s WHERE s.id = {source} AND (h.host = s.domain OR h.host = ANY(s.origins)
          OR right(h.host, length(s.domain) + 1) = '.' || s.domain)) THEN x.line ->> 'url' END)
      )) ORDER BY x.n), CAST('[]' AS jsonb))
    FROM jsonb_array_elements(CASE jsonb_typeof({lines}) WHEN 'array' THEN {lines} ELSE '[]' END)
      WITH ORDINALITY AS x (line, n)
    CROSS JOIN LATERAL
      (SELECT lower(substring(x.line ->> 'url' FROM '^https?://([^/?#\\\\]+)')) AS host) h
    LEFT JOIN LATERAL (SELECT p.name, p.record ->> 'url' AS url, p.record ->> 'image' AS image
      FROM products p WHERE p.sku = nullif(x.line ->> 'sku', '') AND p.gone_at IS NULL
      ORDER BY p.changed_at DESC, p.id LIMIT 1) g ON true
    WHERE x.n <= {MOST_LINES} AND {_NAME} IS NOT NULL)"""


def money(amount: str, currency: str) -> str:
    """An amount as letters lift it; NULL stays NULL."""
    return (
        f"CASE WHEN {amount} IS NOT NULL AND {currency} <> '' THEN jsonb_build_object('amount',"
        f" CAST({amount} AS text), 'currency', {currency}) END"
    )


# of the order `o`: what letters say of it
ORDER = f"""jsonb_strip_nulls(jsonb_build_object('number', o.number, 'state', o.state,
  'placed_at', o.placed_at, 'total', {money("o.total", "o.currency")},
  'discount', {money("o.discount", "o.currency")}, 'shipping', {money("o.shipping", "o.currency")},
  'tax', {money("o.tax", "o.currency")}, 'address', nullif(concat_ws(', ',
    nullif(o.details -> 'delivery' ->> 'line', ''), nullif(o.details -> 'delivery' ->> 'city', '')), ''),
  'lines', (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', coalesce(
      nullif(l.name, ''), l.sku), 'sku', nullif(l.sku, ''), 'quantity', trim_scale(l.quantity),
      'price', {money("l.unit_price", "o.currency")}, 'total', {money("l.total", "o.currency")},
      'url', p.record ->> 'url', 'image', p.record ->> 'image')) ORDER BY l.position), CAST('[]' AS jsonb))
    FROM (SELECT * FROM order_lines WHERE order_id = o.id ORDER BY position LIMIT {MOST_LINES}) l
    LEFT JOIN products p ON p.source_id = o.source_id
      AND p.external_id = nullif(l.product_external_id, ''))))"""
# of the source of an order or a consent: it told as it happened, and didn't bring its past along
LIVE_SOURCE = "EXISTS (SELECT FROM sources s WHERE s.id = {0} AND s.role <> 'file' AND s.created_at <= {1})"


# whose address a card has: the same that the ledger of deliveries takes. Of the card `c`
PROFILE = """coalesce(CAST(c.origins ->> 'email' AS uuid), (SELECT q.id FROM profiles q
  WHERE q.customer_id = c.id ORDER BY q.gone_at NULLS FIRST, q.id LIMIT 1))"""


def least_field(label: Words) -> Field:
    """How much must be at stake."""
    return Field("least", "number", 0, label, lambda: _("In the shop's currency; 0 for any."), 0, 10**9)
