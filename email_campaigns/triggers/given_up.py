"""What the triggers of things given up have in common: a cart, a checkout, a browse."""

from collections.abc import Callable

from email_campaigns.triggers import parts
from email_campaigns.triggers.base import Select, Window

_CAUSE = """jsonb_build_object('at', t.occurred_at, 'kind', t.kind, 'row', t.id, 'source', t.source_id,
  'source_key', t.source_key, 'since', coalesce(t.data ->> 'since', CAST(t.occurred_at AS text)),
  'subject', regexp_replace(t.source_key, '^[^:]*:(.*):[^:]*$', '\\1'), 'device', t.data ->> 'device')"""
_MONEY = "CASE WHEN t.data -> 'value' ->> 'amount' ~ '^[0-9]{1,15}([.][0-9]{1,8})?$' THEN " \
    "CAST(t.data -> 'value' ->> 'amount' AS numeric) END"  # fmt: skip
CART = f"""jsonb_build_object('cart', jsonb_strip_nulls(jsonb_build_object(
  'lines', {parts.goods("t.data -> 'lines'", "t.source_id")}, 'items', t.data -> 'items',
  'value', t.data -> 'value', 'url', t.data ->> 'url', 'changed_at', t.occurred_at)))"""
LOOKED = f"""jsonb_build_object('viewed', {parts.goods("t.data -> 'lines'", "t.source_id")})"""
# told by web capture once an order takes it back, whatever way that came: by cart, checkout, device, person
_RECOVERED = """EXISTS (SELECT FROM timeline v WHERE v.source_id = CAST(r.cause ->> 'source' AS uuid)
  AND v.source_key = 'recovered:' || (r.cause ->> 'source_key') AND v.received_at <= :now)"""
_SINCE = f"CAST(r.cause ->> 'since' AS timestamptz) - {parts.GRACE}"
_TOLD_ORDER = f"""EXISTS (SELECT FROM web_orders w WHERE w.site_id = CAST(r.cause ->> 'source' AS uuid)
  AND w.device = nullif(r.cause ->> 'device', '') AND w.at > {_SINCE} AND w.at <= :now)"""
ORDERED = f"({_RECOVERED} OR {parts.ordered_since(_SINCE)} OR {_TOLD_ORDER})"


def entries(kind: str, context: str) -> Callable[[Window], Select]:
    """Rows of a timeline kind that web capture writes when something is given up."""
    sql = f"""
    SELECT t.customer_id, t.profile_id, 'row:' || t.id AS key, t.occurred_at AS at, {context} AS context,
      {_CAUSE} AS cause
    FROM timeline t WHERE t.kind = '{kind}' AND {parts.NEWS} AND t.profile_id IS NOT NULL
      AND (:t_least <= 0 OR coalesce({_MONEY}, :t_least) >= :t_least)"""

    def asked(window: Window) -> Select:
        return sql, parts.window(window, least=window.settings.get("least", 0))

    return asked
