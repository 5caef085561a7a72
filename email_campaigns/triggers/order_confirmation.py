"""An order was placed: the letter that the shop would else send itself."""

from types import MappingProxyType

from email_campaigns.triggers import buying
from email_campaigns.triggers.base import Trigger
from foundation.text import _

TRIGGER = Trigger(
    key="order_confirmation",
    name=lambda: _("Order confirmation"),
    about=lambda: _("An order was placed. Switch the shop's own confirmation off first."),
    purpose="transactional",
    fields=(buying.moment_field(),),
    kinds=buying.KINDS,
    entries=buying.entries,
    over=lambda: buying.CANCELLED,
    needless=lambda: _("the order was cancelled, or its payment failed"),
    reentry=MappingProxyType({"kind": "each"}),
)
