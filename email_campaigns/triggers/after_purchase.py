"""Some days after an order."""

from types import MappingProxyType

from email_campaigns.triggers import buying
from email_campaigns.triggers.base import Trigger
from foundation.text import _

TRIGGER = Trigger(
    key="after_purchase",
    name=lambda: _("After purchase"),
    about=lambda: _("An order was placed, paid, sent off or delivered."),
    purpose="marketing",
    fields=(buying.moment_field(), buying.least_field()),
    kinds=buying.KINDS,
    entries=buying.entries,
    over=lambda: buying.SENT_BACK,
    needless=lambda: _("the order was cancelled or sent back"),
    reentry=MappingProxyType({"kind": "after", "days": 30}),
    first_wait=(7, "days"),
)
