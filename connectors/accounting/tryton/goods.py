"""Writing products: name, number, price, barcode. A product of Tryton is a variant of a template."""

from typing import Any

from connectors.accounting.tryton import current, records
from connectors.accounting.tryton.client import Client
from connectors.accounting.tryton.sources import SOURCES
from connectors.accounting.tryton.values import Node, listed, nested, text
from connectors.base import Change
from foundation.errors import BadInput, Misconfigured
from foundation.records import Product

WRITES = ("name", "sku", "price", "barcode", "active")

_SOURCE = SOURCES["products"]
_FIELDS = (*_SOURCE.fields, "suffix_code", "prefix_code", "template.products")


def write(client: Client, change: Change, product: Product) -> int:
    """Make or change one product; answers its id."""
    if product.currency:
        _check_currency(client, product.currency)
    if not change.external_id:
        return _create(client, change.key, product)
    node = current.read(client, _SOURCE, change, _FIELDS)
    fields = set(change.fields or WRITES)
    template = nested(node, "template")
    own: Node = {}
    shared: Node = {}
    if "name" in fields and product.name != text(node.get("name")):
        _check_alone(template, "name")
        shared["name"] = product.name
    if "sku" in fields and product.sku != text(node.get("code")):
        own["suffix_code"] = _suffix(node, product.sku)
    if "price" in fields and product.price is not None:
        (own if _has_own_price(client, node) else shared)["list_price"] = product.price
    if "barcode" in fields and (codes := _barcodes(node, product.barcode)):
        own["identifiers"] = codes
    if "active" in fields and product.active != bool(node.get("active", True)):
        own["active"] = product.active
    values = shared | ({"products": [["write", [node["id"]], own]]} if own else {})
    if values:
        stamps = current.stamps(node, _SOURCE, {"template": "product.template"})
        client.write("product.template", int(template["id"]), values, stamps)
    return int(node["id"])


def _create(client: Client, key: str, product: Product) -> int:
    mark = records.KEY + key
    known = current.first(client, _SOURCE.model, [["identifiers.code", "=", mark]])
    if known:
        return int(known["id"])
    codes = [{"type": None, "code": mark}]
    if product.barcode:
        codes.insert(0, {"type": "ean", "code": product.barcode})
    variant = {"suffix_code": product.sku or None, "identifiers": [["create", codes]]}
    values: Node = {
        "name": product.name or product.sku,
        "type": "goods",
        "default_uom": _unit(client, product.unit),
        "list_price": product.price,
        "products": [["create", [variant]]],
    }
    categories = client.rows("product.category", [["accounting", "=", True]], ["id"], 2)
    if len(categories) == 1:  # which of several it belongs to is for the accountant to say
        values["account_category"] = categories[0]["id"]
    template = client.create("product.template", values)
    made = current.first(client, _SOURCE.model, [["template", "=", template]])
    if made is None:
        raise Misconfigured(
            "The product that was just made can't be read: does the user lack a right?", "user"
        )
    return int(made["id"])


def _variants(template: Node) -> int:
    return len(template.get("products") or ())


def _has_own_price(client: Client, node: Node) -> bool:
    """Whether a variant's price is its own; before series 8 it is always the template's."""
    template = nested(node, "template")
    if client.old:
        _check_alone(template, "price")
        return False
    return node.get("list_price") is not None or _variants(template) > 1


def _check_alone(template: Node, field: str) -> None:
    if _variants(template) > 1:
        raise BadInput(f"{_variants(template)} variants share it: change it in Tryton", field)


def _check_currency(client: Client, currency: str) -> None:
    domain = [["id", "=", client.context.get("company")], ["currency.code", "=", currency]]
    if not current.first(client, "company.company", domain):
        raise BadInput(f"prices of this company aren't in {currency}", "currency")


def _suffix(node: Node, sku: str) -> str | None:
    prefix = text(node.get("prefix_code"))
    if not sku.startswith(prefix):
        raise BadInput(f"numbers of this product's variants begin with “{prefix}”", "sku")
    return sku[len(prefix) :] or None


def _barcodes(node: Node, wanted: str) -> list[Any]:
    known = [code for code in listed(node, "identifiers") if code.get("type") == "ean"]
    if known and text(known[0].get("code")) == wanted:
        return []
    if known and wanted:
        return [["write", [known[0]["id"]], {"code": wanted}]]
    if known:
        return [["delete", [known[0]["id"]]]]
    return [["create", [{"type": "ean", "code": wanted}]]] if wanted else []


def _unit(client: Client, name: str) -> int:
    """The unit of this symbol or name; the piece where there is none."""
    wanted = [["symbol", "=", name], ["name", "=", name]] if name else []
    for rule in [*wanted, ["symbol", "=", "u"], ["category.name", "=", "Units"]]:
        found = current.first(client, "product.uom", [rule])
        if found:
            return int(found["id"])
    raise BadInput("the base has no unit to sell this in", "unit")
