"""Some time after an order: would they recommend us? Answered by one click and a button."""

from types import MappingProxyType

from email_campaigns.triggers import buying
from email_campaigns.triggers.base import Trigger
from foundation.text import _

TRIGGER = Trigger(
    key="nps",
    name=lambda: _("Would you recommend us?"),
    about=lambda: _("Some time after an order."),
    purpose="marketing",
    fields=(buying.moment_field(), buying.least_field()),
    kinds=buying.KINDS,
    entries=buying.entries,
    over=buying.either(buying.SENT_BACK, buying.since_then("letter.answered")),
    needless=lambda: _("the order was cancelled or sent back, or the question was answered"),
    reentry=MappingProxyType({"kind": "after", "days": 180}),
    first_wait=(21, "days"),
)
