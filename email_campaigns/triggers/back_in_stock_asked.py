"""A product can be bought again, and somebody asked by a form to be told: one letter, then it is done."""

from datetime import timedelta
from types import MappingProxyType

from customers.consent import BACK_IN_STOCK
from customers.products import FOR_SALE
from email_campaigns.triggers import parts, wanted
from email_campaigns.triggers.base import Field, Select, Trigger, Window
from foundation.text import _

# an ask is withdrawn by whoever said no to such letters after it, wherever on the card
_WITHDRAWN = f"""EXISTS (SELECT FROM profiles q JOIN consents k ON k.profile_id = q.id AND NOT k.given
  AND k.channel = 'email' AND k.purpose = '{BACK_IN_STOCK}' AND k.at > {{since}}
  WHERE q.customer_id = {{card}})"""
_ASKS = f"""
  SELECT t.id, t.customer_id, t.profile_id, t.occurred_at FROM timeline t
  WHERE {wanted.WANTED} AND t.kind = 'web.back_in_stock_asked' AND t.profile_id IS NOT NULL
    AND t.occurred_at > m.at - :t_lately AND t.occurred_at <= m.at
    AND {wanted.LINES} @> jsonb_build_array(jsonb_build_object("""
# Once a person and product: their first ask since it was back the last time, and an ask is done when it was.
_ENTRIES = f"""
SELECT DISTINCT ON (coalesce(w.customer_id, w.profile_id), p.id) w.customer_id, w.profile_id,
  'asked:' || w.id AS key, m.at, {wanted.PRODUCT_SHOWN} AS context,
  jsonb_build_object('at', m.at, 'kind', 'product.back', 'row', m.id, 'product', p.id, 'sku', p.sku,
    'external_id', p.external_id, 'since', w.occurred_at, 'asked', w.id) AS cause
FROM product_moves m
JOIN products p ON p.id = m.product_id AND p.gone_at IS NULL
JOIN sources s ON s.id = p.source_id AND s.role IN ('shop', 'file')
CROSS JOIN LATERAL ({_ASKS}'sku', p.sku)) AND p.sku <> ''
  UNION ALL {_ASKS}'product_id', p.external_id))) w
WHERE m.what = 'back' AND m.at > :t_since AND m.at <= :t_until AND m.at > :t_arrived
  AND NOT EXISTS (SELECT FROM product_moves e WHERE e.product_id = p.id AND e.what = 'back'
    AND e.at > w.occurred_at AND e.at < m.at)
  AND NOT {wanted.BOUGHT_BEFORE}
  AND NOT {_WITHDRAWN.format(card="w.customer_id", since="w.occurred_at")}
ORDER BY coalesce(w.customer_id, w.profile_id), p.id, w.occurred_at, w.id"""
_OVER = f"""({wanted.BOUGHT} OR NOT EXISTS ({wanted.PRODUCT} AND {FOR_SALE})
  OR {_WITHDRAWN.format(card=parts.CARD, since="CAST(r.cause ->> 'since' AS timestamptz)")})"""


def _entries(window: Window) -> Select:
    return _ENTRIES, parts.window(window, lately=timedelta(days=window.settings.get("lately", 180)))


TRIGGER = Trigger(
    key="back_in_stock_asked",
    name=lambda: _("Back in stock, as asked"),
    about=lambda: _("A product can be bought again, and somebody asked by a form to be told."),
    purpose="transactional",
    fields=(Field("lately", "days", 180, lambda: _("Asked within the last days"), lowest=1, highest=365),),
    kinds=frozenset({"product.back"}),
    entries=_entries,
    over=lambda: _OVER,
    needless=lambda: _("it was bought, is gone again, or the wish was withdrawn"),
    reentry=MappingProxyType({"kind": "each"}),
)
