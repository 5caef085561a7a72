"""A product that somebody wanted costs less now."""

from types import MappingProxyType

from email_campaigns.triggers import wanted
from email_campaigns.triggers.base import Field, Select, Trigger, Window
from foundation.text import _

# bought meanwhile, gone, or as dear again
_OVER = (
    f"({wanted.BOUGHT} OR NOT EXISTS ({wanted.PRODUCT} AND p.gone_at IS NULL"
    " AND p.price < CAST(r.cause ->> 'was' AS numeric)))"
)


def _entries(window: Window) -> Select:
    settings = {**window.settings, "percent": window.settings.get("percent", 10)}
    return wanted.entries(Window(settings, window.since, window.until, window.arrived_since), "price")


TRIGGER = Trigger(
    key="price_drop",
    name=lambda: _("Price drop"),
    about=lambda: _("A product costs less than before, and somebody had looked at it or had it in the cart."),
    purpose="marketing",
    fields=(
        *wanted.fields(),
        Field("percent", "number", 10, lambda: _("Cheaper by at least, percent"), lowest=1, highest=99),
    ),
    kinds=frozenset({"product.price"}),
    entries=_entries,
    over=lambda: _OVER,
    needless=lambda: _("it was bought, is gone, or costs as much as before"),
    reentry=MappingProxyType({"kind": "after", "days": 7}),
)
