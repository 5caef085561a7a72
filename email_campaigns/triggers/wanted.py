"""What the triggers of products have in common: who wanted one, of which there is news."""

from collections.abc import Mapping
from datetime import timedelta

from customers.facts import WANTED as KINDS
from customers.stats import COUNTED
from email_campaigns.triggers import parts
from email_campaigns.triggers.base import Field, Select, Window
from foundation.text import _

LINES = "coalesce(t.data -> 'lines', t.data -> 'products')"
WANTED = f"t.kind IN ({KINDS})"
_KINDS = {
    "any": ["browse.abandoned", "cart.abandoned", "checkout.abandoned", "web.product_added_to_wishlist"],
    "cart": ["cart.abandoned", "checkout.abandoned"],
    "wishlist": ["web.product_added_to_wishlist"],
}
# of the product `p` of a move `m`: what letters say of it
PRODUCT_SHOWN = f"""jsonb_build_object('product', jsonb_strip_nulls(jsonb_build_object(
    'name', p.name, 'sku', nullif(p.sku, ''), 'url', p.record ->> 'url', 'image', p.record ->> 'image',
    'price', {parts.money("p.price", "p.currency")},
    'old_price', {parts.money("m.was", "m.currency")})))"""
# one product a person and day, the first there is news of, of several the one they wanted last: a sale of
# everything isn't a hundred letters
_ENTRIES = f"""
SELECT DISTINCT ON (coalesce(w.customer_id, w.profile_id), m.day) w.customer_id, w.profile_id,
  m.what || ':' || m.day AS key, m.at, {PRODUCT_SHOWN} AS context,
  jsonb_build_object('at', m.at, 'kind', 'product.' || m.what, 'row', m.id, 'product', p.id, 'sku', p.sku,
    'external_id', p.external_id, 'since', w.occurred_at, 'wanted', w.kind,
    'was', CAST(m.was AS text)) AS cause
FROM (SELECT *, CAST(CAST(at AT TIME ZONE 'UTC' AS date) AS text) AS day FROM product_moves
    WHERE what = :t_what AND at > :t_since AND at <= :t_until AND at > :t_arrived
      AND (what <> 'price' OR was > 0 AND (was - now) * 100 >= was * :t_percent)) m
JOIN products p ON p.id = m.product_id AND p.gone_at IS NULL
JOIN sources s ON s.id = p.source_id AND s.role IN ('shop', 'file')
CROSS JOIN LATERAL (
  SELECT t.customer_id, t.profile_id, t.occurred_at, t.kind FROM timeline t
  WHERE {WANTED} AND t.kind = ANY(:t_kinds) AND t.occurred_at > m.at - :t_lately AND t.occurred_at <= m.at
    AND t.profile_id IS NOT NULL AND p.sku <> ''
    AND {LINES} @> jsonb_build_array(jsonb_build_object('sku', p.sku))
  UNION ALL
  SELECT t.customer_id, t.profile_id, t.occurred_at, t.kind FROM timeline t
  WHERE {WANTED} AND t.kind = ANY(:t_kinds) AND t.occurred_at > m.at - :t_lately AND t.occurred_at <= m.at
    AND t.profile_id IS NOT NULL
    AND {LINES} @> jsonb_build_array(jsonb_build_object('product_id', p.external_id))) w
WHERE NOT {{bought}}
ORDER BY coalesce(w.customer_id, w.profile_id), m.day, m.at, w.occurred_at DESC, m.id"""
_BOUGHT = """EXISTS (SELECT FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.customer_id = {card}
  AND {counted} AND (l.sku = {sku} OR l.product_external_id = {external}) AND o.placed_at > {since}
  AND o.placed_at <= {until})"""
# between the wish `w` and the move `m`
BOUGHT_BEFORE = _BOUGHT.format(
    card="w.customer_id", counted=COUNTED, sku="nullif(p.sku, '')", external="p.external_id",
    since="w.occurred_at", until="m.at",
)  # fmt: skip
ENTRIES = _ENTRIES.format(bought=BOUGHT_BEFORE)
BOUGHT = _BOUGHT.format(
    card=parts.CARD, counted=COUNTED, sku="nullif(r.cause ->> 'sku', '')",
    external="nullif(r.cause ->> 'external_id', '')",
    since="CAST(r.cause ->> 'since' AS timestamptz)", until=":now",
)  # fmt: skip
PRODUCT = "SELECT FROM products p WHERE p.id = CAST(r.cause ->> 'product' AS uuid)"


def fields() -> tuple[Field, ...]:
    """Who wanted it, and how lately."""
    return (
        Field("wanted", "choice", "any", lambda: _("Who had it"), choices=_places),
        Field("lately", "days", 30, lambda: _("Within the last days"), lowest=1, highest=180),
    )


def _places() -> Mapping[str, str]:
    return {
        "any": _("looked at, in the cart or on the wish list"), "cart": _("in the cart"),
        "wishlist": _("on the wish list"),
    }  # fmt: skip


def entries(window: Window, what: str) -> Select:
    """Who wanted a product of which there is such news."""
    said = window.settings
    return ENTRIES, parts.window(
        window, what=what, kinds=_KINDS.get(said.get("wanted", "any"), []),
        lately=timedelta(days=said.get("lately", 30)), percent=said.get("percent", 0),
    )  # fmt: skip
