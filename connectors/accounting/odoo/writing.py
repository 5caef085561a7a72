"""Our records as Odoo takes them: the values of fields that are to become another."""

import html
from collections.abc import Collection
from decimal import Decimal

from connectors.accounting.odoo.client import Client, Row
from connectors.accounting.odoo.values import day, id_of, number
from foundation.errors import BadInput
from foundation.records import Address, Invoice, Line, Person, Product

PERSON = (
    "kind", "name", "emails", "phones", "tax_number", "registration_number", "addresses", "tags", "note",
)  # fmt: skip
PRODUCT = ("name", "sku", "barcode", "price")
INVOICE = ("customer_id", "currency", "state", "lines", "issued_at", "due_at", "order_number")
PAYMENT = ("customer_id", "currency", "amount", "invoice_id", "paid_at")
_NEAR = Decimal("0.015")  # what rounding of a line's tax may make


def person(record: Person, fields: Collection[str], client: Client) -> Row:
    """A counterparty."""
    whole = " ".join(filter(None, (record.given_name, record.middle_name, record.family_name)))
    said = record.name or (record.company if record.kind == "company" else "") or whole or record.company
    found: Row = {
        "kind": {"is_company": record.kind == "company"},
        "name": {"name": said or next(iter((*record.emails, *record.phones)), "")},
        "emails": {"email": ", ".join(record.emails) or False},
        "phones": _phones(record.phones, client),
        "tax_number": {"vat": record.tax_number or False},
        "registration_number": {"company_registry": record.registration_number or False},
        "note": {"comment": html.escape(record.note) or False},
    }
    if "name" in fields and not found["name"]["name"]:
        raise BadInput("a counterparty needs a name", "name")
    values = {key: value for field in fields for key, value in found.get(field, {}).items()}
    if "addresses" in fields:  # the others are rows of their own, and people there look after them
        values |= _address(record.addresses[0] if record.addresses else Address(), client)
    if "tags" in fields:
        values["category_id"] = [[6, 0, [_tag(tag, client) for tag in record.tags]]]
    return values


def product(record: Product, fields: Collection[str], now: Row) -> Row:
    """An item; its name is the template's, which all of its variants have."""
    values: Row = {}
    if "name" in fields:
        if number(now.get("product_variant_count"), "name") > 1:
            raise BadInput("several variants share this name: change it in Odoo", "name")
        values["name"] = record.name or record.sku
    if "sku" in fields:
        values["default_code"] = record.sku or False
    if "barcode" in fields:
        values["barcode"] = record.barcode or False
    if "price" in fields and record.price is not None:
        values["lst_price"] = float(record.price)
    return values


def invoice(record: Invoice, fields: Collection[str], client: Client, zone: str) -> Row:
    """An invoice without its state, which takes calls of its own."""
    values: Row = {}
    if "customer_id" in fields:
        values["partner_id"] = local(record.customer_id, "customer_id")
    if "currency" in fields:
        values["currency_id"] = currency(record.currency, client)
    if "issued_at" in fields and record.issued_at:
        values["invoice_date"] = day(record.issued_at, zone)
    if "due_at" in fields and record.due_at:
        values["invoice_date_due"] = day(record.due_at, zone)
    if "order_number" in fields:
        values["invoice_origin"] = record.order_number or False
    if "lines" in fields:
        taxes = _taxes(client) if any(line.tax for line in record.lines) else []
        values["invoice_line_ids"] = [[5, 0, 0], *([0, 0, _line(line, taxes)] for line in record.lines)]
    return values


def local(external_id: str, at: str) -> int:
    """Odoo's number of an object of its own."""
    if not external_id.isdecimal():
        raise BadInput(f"an object of Odoo's was expected, not {external_id[:40]!r}", at)
    return int(external_id)


def currency(code: str, client: Client) -> int:
    """Odoo's number of a currency; those not in use there are archived."""
    rows = client.rows("res.currency", [["name", "=", code]], ["id"], limit=1)
    if not rows:
        raise BadInput(f"there is no currency {code!r} in Odoo: switch it on there", "currency")
    return id_of(rows[0].get("id"))


def _phones(phones: tuple[str, ...], client: Client) -> Row:
    values: Row = {"phone": next(iter(phones), "") or False}
    if client.fields("res.partner", ["mobile"]):  # some databases have a second field
        values["mobile"] = phones[1] if len(phones) > 1 else False
    return values


def _address(place: Address, client: Client) -> Row:
    country: int | bool = False
    state: int | bool = False
    if place.country:
        rows = client.rows("res.country", [["code", "=", place.country]], ["id"], limit=1)
        country = id_of(rows[0].get("id")) if rows else False
    if country and place.region:
        domain = [["country_id", "=", country], ["name", "=ilike", place.region]]
        rows = client.rows("res.country.state", domain, ["id"], limit=1)
        state = id_of(rows[0].get("id")) if rows else False
    return {
        "street": place.line or False, "street2": False, "city": place.city or False,
        "zip": place.postcode or False, "country_id": country, "state_id": state,
    }  # fmt: skip


def _tag(name: str, client: Client) -> int:
    rows = client.rows("res.partner.category", [["name", "=", name]], ["id"], limit=1)
    return id_of(rows[0].get("id")) if rows else client.create("res.partner.category", {"name": name})


def _taxes(client: Client) -> list[Row]:
    fields = client.fields("account.tax", ["id", "amount", "price_include"])
    domain = [["type_tax_use", "=", "sale"], ["amount_type", "=", "percent"]]
    return client.rows("account.tax", domain, fields, limit=500, order="sequence asc, id asc")


def _line(line: Line, taxes: list[Row]) -> Row:
    """A line with the tax of Odoo's that gives the same sum."""
    at, net = f"lines/{line.position}", line.total - line.tax
    values: Row = {
        "name": line.name or line.sku or "-",
        "quantity": float(line.quantity),
        "discount": float(line.discount / before * 100) if (before := line.unit_price * line.quantity) else 0,
        "price_unit": float(line.unit_price),
        "tax_ids": [[6, 0, []]],
    }
    if line.product_id:
        values["product_id"] = local(line.product_id, at)
    if line.tax:
        found = [(abs(net * number(one.get("amount"), at) / 100 - line.tax), one) for one in taxes]
        near = sorted((pair for pair in found if pair[0] < _NEAR), key=lambda pair: pair[0])
        if not near:
            raise BadInput(f"Odoo has no sales tax that makes {line.tax} of {net}: set it up there", at)
        tax = near[0][1]
        values["tax_ids"] = [[6, 0, [id_of(tax["id"])]]]
        if tax.get("price_include") is not True:
            rate = number(tax.get("amount"), at) / 100
            values["price_unit"] = round(float(line.unit_price / (1 + rate)), 6)
    return values
