"""An invoice will be due in some days and isn't paid."""

from types import MappingProxyType

from email_campaigns.triggers import owing
from email_campaigns.triggers.base import Field, Trigger
from foundation.text import _

TRIGGER = Trigger(
    key="invoice_due",
    name=lambda: _("Invoice due"),
    about=lambda: _("An unpaid invoice will be due in some days."),
    purpose="transactional",
    fields=(Field("days", "days", 3, lambda: _("Days before it is due"), lowest=0, highest=90),),
    kinds=frozenset(),
    entries=owing.entries(3, -1),
    over=lambda: f"({owing.SETTLED} OR CAST(r.cause ->> 'due_at' AS timestamptz) + interval '1 day' <= :now)",
    needless=lambda: _("the invoice was paid, cancelled or put off, or the day is here"),
    reentry=MappingProxyType({"kind": "each"}),
)
