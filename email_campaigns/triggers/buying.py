"""What the triggers of orders have in common: only news, never what a source brought along."""

from collections.abc import Callable, Mapping

from customers.stats import COUNTED
from email_campaigns.triggers import parts
from email_campaigns.triggers.base import Field, Select, Window
from foundation.text import _

# what shops, and ledgers of a shop's order, tell of it, by what a person chooses
MOMENTS: Mapping[str, tuple[str, ...]] = {
    "placed": ("order.placed",),
    "paid": ("order.paid",),
    "shipped": ("order.shipped",),
    "delivered": ("order.delivered", "order.completed"),
}
KINDS = frozenset(kind for kinds in MOMENTS.values() for kind in kinds)
_ENTRIES = f"""
SELECT o.customer_id, o.profile_id, 'order:' || o.id AS key, n.at, jsonb_build_object('order', {parts.ORDER})
    || coalesce((SELECT jsonb_build_object('shop', jsonb_build_object('name', s.name)) FROM sources s
      WHERE s.id = o.source_id AND s.role = 'shop'), jsonb_build_object()) AS context,
  jsonb_build_object('at', n.at, 'kind', n.kind, 'row', n.id, 'order', o.id, 'since', o.placed_at) AS cause
FROM (
  SELECT DISTINCT ON (coalesce(c.copy_of, c.id)) coalesce(c.copy_of, c.id) AS ordered, t.occurred_at AS at,
    t.kind, t.id
  FROM timeline t JOIN orders c ON c.id = CAST(t.data ->> 'order' AS uuid) AND c.gone_at IS NULL
  WHERE t.kind = ANY(:t_kinds) AND {parts.NEWS} AND {parts.LIVE_SOURCE.format("c.source_id", "t.occurred_at")}
  ORDER BY coalesce(c.copy_of, c.id), t.occurred_at, t.id) n
JOIN orders o ON o.id = n.ordered
WHERE {COUNTED} AND o.profile_id IS NOT NULL AND o.total >= :t_least
  AND {parts.LIVE_SOURCE.format("o.source_id", "n.at")}"""
# the order is no order any more
_OFF = """EXISTS (SELECT FROM orders o WHERE o.id = CAST(r.cause ->> 'order' AS uuid)
  AND (o.gone_at IS NOT NULL OR o.state IN ({0})))"""
CANCELLED = _OFF.format("'cart', 'failed', 'cancelled'")
SENT_BACK = _OFF.format("'cart', 'failed', 'cancelled', 'refunded'")


def moment_field() -> Field:
    """Which moment of an order it is about."""
    return Field("moment", "choice", "placed", lambda: _("When an order is"), choices=_moments,
                 help=lambda: _("Not every shop tells of more than that it was placed."))  # fmt: skip


def _moments() -> Mapping[str, str]:
    return {"placed": _("placed"), "paid": _("paid"), "shipped": _("sent off"), "delivered": _("delivered")}


def least_field() -> Field:
    """How much the order must be worth."""
    return parts.least_field(lambda: _("Order value, at least"))


def entries(window: Window) -> Select:
    """Orders of which the chosen moment falls into the window."""
    kinds = MOMENTS.get(window.settings.get("moment", "placed"), ())
    return _ENTRIES, parts.window(window, kinds=list(kinds), least=window.settings.get("least", 0))


def since_then(kind: str) -> str:
    """Whether something of a timeline kind has come from the run's person since they entered."""
    return (
        f"EXISTS (SELECT FROM timeline v WHERE v.customer_id = {parts.CARD} AND v.kind = '{kind}'"
        " AND v.occurred_at > r.entered_at AND v.occurred_at <= :now)"
    )


def either(*conditions: str) -> Callable[[], str]:
    """Over as soon as one of them is true."""
    return lambda: f"({' OR '.join(conditions)})"
