"""Somebody has had what they bought for a while: time to ask what they think of it."""

from types import MappingProxyType

from email_campaigns.triggers import buying
from email_campaigns.triggers.base import Trigger
from foundation.text import _

TRIGGER = Trigger(
    key="review_request",
    name=lambda: _("Review request"),
    about=lambda: _("Some time after an order."),
    purpose="marketing",
    fields=(buying.moment_field(), buying.least_field()),
    kinds=buying.KINDS,
    entries=buying.entries,
    over=buying.either(buying.SENT_BACK, buying.since_then("web.product_reviewed")),
    needless=lambda: _("the order was cancelled or sent back, or a review was written"),
    reentry=MappingProxyType({"kind": "after", "days": 30}),
    first_wait=(14, "days"),
)
