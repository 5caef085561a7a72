"""Somebody began to pay and stopped."""

from types import MappingProxyType

from email_campaigns.triggers import abandoned_cart, given_up, parts
from email_campaigns.triggers.base import Trigger
from foundation.text import _

TRIGGER = Trigger(
    key="abandoned_checkout",
    name=lambda: _("Abandoned checkout"),
    about=lambda: _("Somebody began to pay and stopped. How long that takes is set at the site."),
    purpose="marketing",
    fields=(parts.least_field(lambda: _("Cart value, at least")),),
    kinds=frozenset({"checkout.abandoned"}),
    entries=given_up.entries("checkout.abandoned", given_up.CART),
    over=lambda: abandoned_cart.OVER,
    needless=lambda: _("an order came by whatever way, or the cart was emptied"),
    reentry=MappingProxyType({"kind": "after", "days": 3}),
    first_wait=(1, "hours"),
)
