"""Somebody we know looked at products, put nothing into a cart, and went."""

from types import MappingProxyType

from email_campaigns.triggers import given_up
from email_campaigns.triggers.base import Trigger
from foundation.text import _

# what lies in a cart meanwhile is the carts' matter
_CARTED = """EXISTS (SELECT FROM carts c WHERE c.site_id = CAST(r.cause ->> 'source' AS uuid)
  AND c.device = nullif(r.cause ->> 'device', '') AND c.items > 0 AND c.changed_at <= :now
  AND c.changed_at > CAST(r.cause ->> 'since' AS timestamptz))"""

TRIGGER = Trigger(
    key="abandoned_browse",
    name=lambda: _("Looked and left"),
    about=lambda: _("Somebody looked at products, put none into a cart, and went."),
    purpose="marketing",
    fields=(),
    kinds=frozenset({"browse.abandoned"}),
    entries=given_up.entries("browse.abandoned", given_up.LOOKED),
    over=lambda: f"({given_up.ORDERED} OR {_CARTED})",
    needless=lambda: _("an order came by whatever way, or something lies in the cart now"),
    reentry=MappingProxyType({"kind": "after", "days": 7}),
    first_wait=(3, "hours"),
)
