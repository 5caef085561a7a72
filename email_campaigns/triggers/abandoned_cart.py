"""A filled cart was left alone, for as long as the site's settings say."""

from types import MappingProxyType

from email_campaigns.triggers import given_up, parts
from email_campaigns.triggers.base import Trigger
from foundation.text import _

# emptied or ordered: nothing of it waits any more
_GONE = """EXISTS (SELECT FROM carts c WHERE c.site_id = CAST(r.cause ->> 'source' AS uuid)
  AND c.key = r.cause ->> 'subject' AND c.state IN ('emptied', 'ordered') AND c.changed_at <= :now)"""
OVER = f"({given_up.ORDERED} OR {_GONE})"

TRIGGER = Trigger(
    key="abandoned_cart",
    name=lambda: _("Abandoned cart"),
    about=lambda: _("A filled cart was left alone. How long that takes is set at the site."),
    purpose="marketing",
    fields=(parts.least_field(lambda: _("Cart value, at least")),),
    kinds=frozenset({"cart.abandoned"}),
    entries=given_up.entries("cart.abandoned", given_up.CART),
    over=lambda: OVER,
    needless=lambda: _("an order came by whatever way, or the cart was emptied"),
    reentry=MappingProxyType({"kind": "after", "days": 3}),
    first_wait=(1, "hours"),
)
