"""Writing into Odoo: what is made carries a mark, and is looked for by it before it is made."""

import hashlib
from typing import Any

from connectors.accounting.odoo import writing
from connectors.accounting.odoo.client import Client, Missing, Row
from connectors.accounting.odoo.values import day, id_of
from connectors.base import Change, Overtaken
from foundation import clock
from foundation.errors import BadInput
from foundation.records import Invoice, Payment, Person, Product

_MARKED = {"res.partner": "ref", "account.move": "ref", "account.payment": "memo"}


class Writer:
    """Values of changes, and the calls that carry them."""

    def __init__(self, client: Client, zone: str) -> None:
        self._client, self._zone = client, zone

    def write(self, stream: str, change: Change, now: Row) -> int:
        """Write a change of a row that is `now` so (empty: to be made); answers its id."""
        record = change.record
        try:
            if isinstance(record, Person):
                values = writing.person(record, _fields(change, writing.PERSON), self._client)
                return self._save("res.partner", change, values)
            if isinstance(record, Product):
                return self._product(record, change, now)
            if isinstance(record, Invoice):
                return self._invoice(record, change, now)
            if isinstance(record, Payment):
                return self._payment(record, change)
        except Missing as error:
            raise Overtaken(str(error)) from error
        raise BadInput(f"Odoo takes no {stream} of this kind")

    def _save(self, model: str, change: Change, values: Row) -> int:
        """Write the values, or make a row of them unless one with the mark of this change is there."""
        if change.external_id:
            external_id = writing.local(change.external_id, "id")
            if values:
                self._client.call(model, "write", writes=True, ids=[external_id], vals=values)
            return external_id
        mark = {_MARKED[model]: marked(change.key)}
        return self._find(model, mark) or self._client.create(model, {**values, **mark})

    def _find(self, model: str, values: Row) -> int:
        domain = [[name, "=", value] for name, value in values.items()]
        rows = self._client.rows(model, domain, ["id"], limit=1, archived=True)
        return id_of(rows[0].get("id")) if rows else 0

    def _product(self, record: Product, change: Change, now: Row) -> int:
        """An item has no field for a mark: it is known by its code."""
        values = writing.product(record, _fields(change, writing.PRODUCT), now)
        if change.external_id:
            return self._save("product.product", change, values)
        if not record.sku:
            raise BadInput("an item needs a code (SKU) to be made in Odoo", "sku")
        code = {"default_code": record.sku}
        return self._find("product.product", code) or self._client.create("product.product", values)

    def _invoice(self, record: Invoice, change: Change, now: Row) -> int:
        fields = _fields(change, writing.INVOICE)
        values = writing.invoice(record, fields, self._client, self._zone)
        if not change.external_id:
            values["move_type"] = "out_invoice"
        external_id = self._save("account.move", change, values)
        if "state" in fields:
            [there] = self._client.rows("account.move", [["id", "=", external_id]], ["id", "state"])
            self._bring(external_id, str(there.get("state")), record.state)
        return external_id

    def _bring(self, external_id: int, now: str, wanted: str) -> None:
        """Take an invoice to a state; paid it becomes by payments."""
        steps = {
            ("draft", "posted"): ("action_post",), ("posted", "draft"): ("button_draft",),
            ("cancel", "draft"): ("button_draft",), ("cancel", "posted"): ("button_draft", "action_post"),
            ("draft", "cancel"): ("button_cancel",), ("posted", "cancel"): ("button_draft", "button_cancel"),
        }  # fmt: skip
        there = {"draft": "draft", "cancelled": "cancel"}.get(wanted, "posted")
        for step in steps.get((now, there), ()):
            self._client.call("account.move", step, writes=True, ids=[external_id])

    def _payment(self, record: Payment, change: Change) -> int:
        """A payment; for an invoice by Odoo's own dialog, which settles the one with the other."""
        if change.external_id:
            raise BadInput("Odoo changes no payment that was posted: cancel it there and make another")
        if record.amount <= 0:
            raise BadInput("only money that came in can be written; give money back in Odoo", "amount")
        mark = marked(change.key)
        found = self._find("account.payment", {"memo": mark})
        if not found:
            found = self._register(record, mark) if record.invoice_id else self._book(record, mark)
        rows = self._client.rows("account.payment", [["id", "=", found]], ["id", "state"])
        if rows and rows[0].get("state") == "draft":
            self._client.call("account.payment", "action_post", writes=True, ids=[found])
        return found

    def _book(self, record: Payment, mark: str) -> int:
        values = {
            "payment_type": "inbound", "partner_type": "customer", "memo": mark,
            "partner_id": writing.local(record.customer_id, "customer_id"), "amount": float(record.amount),
            "currency_id": writing.currency(record.currency, self._client), "date": self._day(record),
        }  # fmt: skip
        return self._client.create("account.payment", values)

    def _register(self, record: Payment, mark: str) -> int:
        invoice = writing.local(record.invoice_id, "invoice_id")
        context: dict[str, Any] = {"active_model": "account.move", "active_ids": [invoice]}
        values = {
            "amount": float(record.amount), "payment_date": self._day(record), "communication": mark,
            "currency_id": writing.currency(record.currency, self._client),
        }  # fmt: skip
        model = "account.payment.register"
        dialog = self._client.create(model, values, context)
        self._client.call(model, "action_create_payments", writes=True, ids=[dialog], context=context)
        found = self._find("account.payment", {"memo": mark})
        if not found:
            raise BadInput("Odoo made no payment of it: is the invoice posted and still open?", "invoice_id")
        return found

    def _day(self, record: Payment) -> str:
        return day(record.paid_at or clock.now(), self._zone)


def _fields(change: Change, every: tuple[str, ...]) -> tuple[str, ...]:
    """What is to be written: all of an object that is to be made."""
    return (change.fields if change.external_id else ()) or every


def marked(key: str) -> str:
    """The mark of a change: what is made of it carries this where Odoo keeps references."""
    return f"K-{hashlib.blake2b(key.encode(), digest_size=8).hexdigest()}"


WRITES = {
    "counterparties": writing.PERSON, "nomenclature": writing.PRODUCT, "invoices": writing.INVOICE,
    "payments": writing.PAYMENT,
}  # fmt: skip
