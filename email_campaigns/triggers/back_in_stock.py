"""A product that somebody wanted can be bought again."""

from types import MappingProxyType

from customers.products import FOR_SALE
from email_campaigns.triggers import wanted
from email_campaigns.triggers.base import Select, Trigger, Window
from foundation.text import _


def _entries(window: Window) -> Select:
    return wanted.entries(window, "back")


TRIGGER = Trigger(
    key="back_in_stock",
    name=lambda: _("Back in stock"),
    about=lambda: _("A product can be bought again, and somebody had looked at it or had it in the cart."),
    purpose="marketing",
    fields=wanted.fields(),
    kinds=frozenset({"product.back"}),
    entries=_entries,
    over=lambda: f"({wanted.BOUGHT} OR NOT EXISTS ({wanted.PRODUCT} AND {FOR_SALE}))",
    needless=lambda: _("it was bought, or is gone again"),
    reentry=MappingProxyType({"kind": "after", "days": 7}),
)
