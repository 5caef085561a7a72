"""What is read of Tryton: the model of each stream, its fields, and the parts whose changes are its own.

A party's time of change stands still when its address, e-mail or tax number changes, a product's when its
template does: so parts are looked at too. An invoice's lines to pay stand in its move.
"""

import dataclasses
from datetime import datetime
from typing import Any

from connectors.accounting.tryton.values import DATES


@dataclasses.dataclass(frozen=True)
class Source:
    """How a stream is asked for. `parts` are paths to objects whose change is a change of the whole."""

    model: str
    fields: tuple[str, ...]
    parts: tuple[str, ...] = ()
    only: tuple[Any, ...] = ()

    @property
    def dates(self) -> list[str]:
        """The times of the object and of its parts."""
        return [f"{path}.{name}" if path else name for path in ("", *self.parts) for name in DATES]

    def domain(self, since: datetime | None = None, after: int = 0) -> list[Any]:
        """Objects with an id behind `after` that changed at or since an instant."""
        found: list[Any] = [["id", ">", after], *self.only]
        return [*found, ["OR", *([path, ">=", since] for path in self.dates)]] if since else found


SOURCES = {
    "parties": Source(
        "party.party",
        (
            "name", "code", "active", "lang.code", "replaced_by.name",
            "identifiers.type", "identifiers.code", "identifiers.active",
            "contact_mechanisms.type", "contact_mechanisms.value", "contact_mechanisms.active",
            "addresses.active", "addresses.party_name", "addresses.street", "addresses.city",
            "addresses.postal_code", "addresses.subdivision.name", "addresses.country.code",
        ),
        ("addresses", "contact_mechanisms", "identifiers"),
    ),
    "products": Source(
        "product.product",
        (
            "name", "code", "active", "list_price", "identifiers.type", "identifiers.code",
            "template.active", "template.list_price", "template.default_uom.symbol",
            "template.categories.name", "template.account_category.name",
        ),
        ("template", "identifiers"),
    ),
    "invoices": Source(
        "account.invoice",
        (
            "number", "type", "state", "reference", "invoice_date", "party.name", "currency.code",
            "untaxed_amount", "tax_amount", "total_amount", "amount_to_pay",
            "lines_to_pay.maturity_date", "lines_to_pay.reconciliation",
            "lines.type", "lines.product.code", "lines.product.name", "lines.description", "lines.note",
            "lines.quantity", "lines.unit_price", "lines.amount", "lines.taxes.rate", "lines.taxes.type",
        ),
        ("lines", "move.lines"),
        (["type", "=", "out"],),
    ),
    "payments": Source(
        "account.move.line",
        (
            "date", "debit", "credit", "amount_second_currency", "second_currency.code", "party.name",
            "account.type.receivable", "move.state", "move.origin", "move.journal.type",
            "move.company.currency.code", "invoice_payments.reference",
            "reconciliation.lines.move.origin",
        ),
        ("move", "reconciliation", "invoice_payments"),
        (
            ["account.type.receivable", "=", True],
            ["party", "!=", None],
            ["move.state", "=", "posted"],
            ["OR", ["move.origin", "=", None], ["move.origin", "not like", "account.invoice,%"],
             ["invoice_payments", "!=", None]],
        ),
    ),
}  # fmt: skip
