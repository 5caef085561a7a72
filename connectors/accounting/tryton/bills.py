"""Writing customer invoices: drafts, made out to a party and left to the accountant to post.

The key of a change stands in the note of the invoice's first line, which isn't printed; the order's number in
the reference. Tryton counts taxes itself, from net prices: a line's net price is made of its total and tax.
"""

from decimal import Decimal
from typing import Any

from connectors.accounting.tryton import current, records
from connectors.accounting.tryton.client import Client
from connectors.accounting.tryton.sources import SOURCES
from connectors.accounting.tryton.values import Node, listed, money, nested, text
from connectors.base import Change
from foundation.errors import BadInput, Misconfigured
from foundation.records import Invoice, Line

WRITES = ("order_number", "issued_at", "lines")

_SOURCE = SOURCES["invoices"]
_MODELS = {"lines": "account.invoice.line"}
_OPEN = ["closed", "!=", True]
_CENT = Decimal("0.01")
_PRODUCT = (
    "template.default_uom.symbol", "template.account_category.account_revenue",
    "template.account_category.customer_taxes.rate", "template.account_category.customer_taxes.type",
)  # fmt: skip


def write(client: Client, change: Change, invoice: Invoice) -> int:
    """Make a draft, or change one; answers its id."""
    if not change.external_id:
        return _create(client, change.key, invoice)
    node = current.read(client, _SOURCE, change, _SOURCE.fields)
    if node.get("state") != "draft":
        raise BadInput(f"it is {node.get('state')}: only drafts can be changed", "state")
    fields, values = set(change.fields or WRITES), Node()
    if "order_number" in fields:
        values["reference"] = invoice.order_number or None
    if "issued_at" in fields:
        values["invoice_date"] = invoice.issued_at.date() if invoice.issued_at else None
    if "lines" in fields:
        known = listed(node, "lines")
        note = next((line["note"] for line in known if text(line.get("note")).startswith(records.KEY)), None)
        values["lines"] = [
            ["delete", [line["id"] for line in known]],
            ["create", _lines(client, invoice, note)],
        ]
    client.write(_SOURCE.model, int(node["id"]), values, current.stamps(node, _SOURCE, _MODELS))
    return int(node["id"])


def _create(client: Client, key: str, invoice: Invoice) -> int:
    mark = records.KEY + key
    if not invoice.customer_id.isdecimal():
        raise BadInput("the invoice names no party of Tryton", "customer_id")
    party = _party(client, int(invoice.customer_id))
    known = current.first(client, _SOURCE.model, [["party", "=", party["id"]], ["lines.note", "=", mark]])
    if known:
        return int(known["id"])
    values: Node = {
        "type": "out",
        "party": party["id"],
        "invoice_address": _address(client, party),
        "company": client.context.get("company"),
        "currency": _needed(client, "currency.currency", [["code", "=", invoice.currency]], "currency"),
        "journal": _needed(client, "account.journal", [["type", "=", "revenue"]], "journal"),
        "account": party.get("account_receivable") or _receivable(client),
        "payment_term": party.get("customer_payment_term"),
        "reference": invoice.order_number or None,
        "invoice_date": invoice.issued_at.date() if invoice.issued_at else None,
        "lines": [["create", _lines(client, invoice, mark)]],
    }
    return client.create(_SOURCE.model, values)


def _party(client: Client, number: int) -> Node:
    fields = ("account_receivable", "customer_payment_term", "addresses.active")
    party = current.first(client, "party.party", [["id", "=", number]], fields)
    if party is None:
        raise BadInput(f"there is no party {number}", "customer_id")
    return party


def _address(client: Client, party: Node) -> int:
    """Where the invoice goes: the party's first address, an empty one if it has none."""
    places = [place for place in listed(party, "addresses") if place.get("active", True)]
    return int(places[0]["id"]) if places else client.create("party.address", {"party": party["id"]})


def _needed(client: Client, model: str, domain: list[Any], field: str) -> int:
    found = current.first(client, model, domain)
    if found is None:
        raise BadInput(f"Tryton has no {model} for this invoice ({domain[0][0]} {domain[0][2]})", field)
    return int(found["id"])


def _receivable(client: Client) -> int:
    return _default(client, "default_account_receivable", [["type.receivable", "=", True], _OPEN])


def _default(client: Client, name: str, domain: list[Any]) -> int:
    """An account of the company: the one its configuration names, or the only one there is."""
    chosen = current.first(client, "account.configuration", [], (name,))
    if chosen and chosen.get(name):
        return int(chosen[name])
    found = client.rows("account.account", domain, ["id"], 2)
    if len(found) == 1:
        return int(found[0]["id"])
    raise Misconfigured(
        f"Choose “{name.replace('_', ' ')}” in Tryton's accounting configuration.", "database"
    )


def _lines(client: Client, invoice: Invoice, note: str | None) -> list[Node]:
    if not invoice.lines:
        raise BadInput("an invoice without lines can't be made", "lines")
    made = [_line(client, line) for line in invoice.lines]
    made[0]["note"] = note
    return made


def _line(client: Client, line: Line) -> Node:
    product = _product(client, line)
    category = nested(product, "template", "account_category")
    net = line.total - line.tax
    account = category.get("account_revenue") or _default(
        client, "default_category_account_revenue", [["type.revenue", "=", True], _OPEN]
    )
    values: Node = {
        "type": "line",
        "description": line.name or line.sku or None,
        "quantity": float(line.quantity),
        "unit_price": (net / line.quantity if line.quantity else net).quantize(Decimal("0.0001")),
        "account": account,
        "taxes": [["add", _taxes(client, line, net, listed(category, "customer_taxes"))]],
    }
    if product:
        values |= {"product": product["id"], "unit": nested(product, "template", "default_uom")["id"]}
    return values


def _product(client: Client, line: Line) -> Node:
    """The product of a line; an empty one where it is of none that Tryton knows."""
    if not line.product_id.isdecimal():
        return {}
    found = current.first(client, "product.product", [["id", "=", int(line.product_id)]], _PRODUCT)
    if found is None:
        raise BadInput(f"there is no product {line.product_id}", "lines")
    return found


def _taxes(client: Client, line: Line, net: Decimal, usual: list[Node]) -> list[int]:
    """The taxes that make the line's tax: those of its product, or the only one of this rate."""
    if not line.tax:
        return []
    if usual and _fits(usual, line, net):
        return [tax["id"] for tax in usual]
    domain = [["type", "=", "percentage"], ["parent", "=", None]]
    found = client.rows("account.tax", domain, ["rate", "type", "group.kind"])
    fitting = [tax for tax in found if nested(tax, "group").get("kind") in (None, "sale", "both")]
    fitting = [tax for tax in fitting if _fits([tax], line, net)]
    if len(fitting) != 1:
        rate = (line.tax / net * 100).quantize(_CENT) if net else Decimal(0)
        raise BadInput(f"{len(fitting)} taxes in Tryton make {rate} %: give its product a category", "lines")
    return [fitting[0]["id"]]


def _fits(taxes: list[Node], line: Line, net: Decimal) -> bool:
    if any(tax.get("type") != "percentage" for tax in taxes):
        return False
    rate = sum((money(tax.get("rate"), "rate") for tax in taxes), Decimal(0))
    return abs(net * rate - line.tax) <= _CENT
