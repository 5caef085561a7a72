"""An invoice was due some days ago and isn't paid."""

from types import MappingProxyType

from email_campaigns.triggers import owing
from email_campaigns.triggers.base import Field, Trigger
from foundation.text import _

TRIGGER = Trigger(
    key="invoice_overdue",
    name=lambda: _("Invoice overdue"),
    about=lambda: _("An invoice was due some days ago and isn't paid."),
    purpose="transactional",
    fields=(Field("days", "days", 1, lambda: _("Days after it was due"), lowest=0, highest=365),),
    kinds=frozenset(),
    entries=owing.entries(1, 1),
    over=lambda: owing.SETTLED,
    needless=lambda: _("the invoice was paid, cancelled or put off"),
    reentry=MappingProxyType({"kind": "each"}),
)
