"""Our records as MoySklad takes them: the fields of an object's body that are to become another."""

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import msgspec

from connectors.accounting.moysklad.client import ADDRESS, Client
from connectors.accounting.moysklad.names import Names
from connectors.accounting.moysklad.records import COUNTRIES
from connectors.accounting.moysklad.values import MOSCOW, kopecks, parts, stamp
from connectors.values import text
from foundation.errors import BadInput
from foundation.records import Address, Invoice, Line, Payment, Person

PERSON = (
    "kind", "name", "given_name", "family_name", "middle_name", "company", "emails", "phones", "tax_number",
    "registration_number", "birthday", "addresses", "tags", "note",
)  # fmt: skip
INVOICE = ("number", "customer_id", "currency", "state", "lines", "issued_at", "due_at")
PAYMENT = ("customer_id", "currency", "amount", "invoice_id", "paid_at")
_LONGEST = 255
_REGIONS = ("KZ", "UZ")  # with kinds of counterparties of their own

Body = dict[str, Any]


def reference(entity: str, external_id: str) -> Body:
    """How MoySklad is told which object is meant."""
    href = f"{ADDRESS}entity/{entity}/{external_id}"
    return {"meta": {"href": href, "type": entity, "mediaType": "application/json"}}


def person(record: Person, names: Names, region: str, now: Mapping[str, Any]) -> Body:
    """A counterparty; `now` is what stands there, where it does."""
    company = record.kind == "company"
    whole = " ".join(filter(None, (record.family_name, record.given_name, record.middle_name)))
    said = record.name or (record.company if company else "") or whole or record.company
    body = {
        **_kind(company, region, text(now.get("companyType"))),
        "name": (said or next(iter((*record.emails, *record.phones)), ""))[:_LONGEST],
        "legalFirstName": record.given_name,
        "legalLastName": record.family_name,
        "legalMiddleName": record.middle_name,
        "legalTitle": record.company,
        "email": _joined(record.emails, "emails"),
        "phone": _joined(record.phones, "phones"),
        "kpp": record.registration_number,
        "tags": list(record.tags),
        "description": record.note,
        "birthDate": _midnight(record.birthday) if record.birthday else None,
    }
    body |= _tax(record.tax_number, text(body.get("companyType") or now.get("companyType")))
    if not body["name"]:
        raise BadInput("a counterparty needs a name", "name")
    return body | _addresses(record.addresses, names, now)


PERSON_KEYS: Mapping[str, tuple[str, ...]] = {
    "kind": ("companyType",), "name": ("name",), "given_name": ("legalFirstName",),
    "family_name": ("legalLastName",), "middle_name": ("legalMiddleName",), "company": ("legalTitle",),
    "emails": ("email",), "phones": ("phone",),
    "tax_number": ("inn", "mod__requisites__kz", "mod__requisites__uz"), "registration_number": ("kpp",),
    "birthday": ("birthDate",), "tags": ("tags",), "note": ("description",),
    "addresses": ("actualAddress", "legalAddress", "actualAddressFull", "legalAddressFull"),
}  # fmt: skip
INVOICE_KEYS: Mapping[str, tuple[str, ...]] = {
    "number": ("name",), "customer_id": ("agent",), "currency": ("rate",), "state": ("applicable",),
    "lines": ("positions", "vatIncluded", "vatEnabled"), "issued_at": ("moment",),
    "due_at": ("paymentPlannedMoment",),
}  # fmt: skip
PAYMENT_KEYS: Mapping[str, tuple[str, ...]] = {
    "customer_id": ("agent",), "currency": ("rate",), "amount": ("sum", "operations"),
    "invoice_id": ("operations",), "paid_at": ("moment",),
}  # fmt: skip


def only(body: Body, keys: Mapping[str, tuple[str, ...]], fields: Collection[str]) -> Body:
    """The part of a body that the fields stand for; all of it where none are named."""
    wanted = {key for field in fields for key in keys.get(field, ())}
    return {key: value for key, value in body.items() if key in wanted} if fields else body


def invoice(record: Invoice, names: Names, kinds: Callable[[Collection[str]], Mapping[str, str]]) -> Body:
    """An invoice; `kinds` tells of items whether they are products, variants or services."""
    if record.state == "cancelled":
        raise BadInput("MoySklad has no cancelled invoices: delete it there", "state")
    of = kinds({line.product_id for line in record.lines if line.product_id})
    return {
        "name": record.number,
        "agent": reference("counterparty", _customer(record.customer_id)),
        "rate": _rate(record.currency, names),
        "applicable": record.state != "draft",
        "vatEnabled": any(line.tax for line in record.lines),
        "vatIncluded": True,
        "positions": [_position(line, of) for line in record.lines],
        **({"moment": stamp(record.issued_at)} if record.issued_at else {}),
        "paymentPlannedMoment": stamp(record.due_at) if record.due_at else None,
    }


def payment(record: Payment, names: Names) -> Body:
    """Money that came in."""
    if record.amount <= 0:
        raise BadInput("only money that came in can be written; give money back in MoySklad", "amount")
    linked = {**reference("invoiceout", record.invoice_id), "linkedSum": kopecks(record.amount)}
    return {
        "agent": reference("counterparty", _customer(record.customer_id)),
        "rate": _rate(record.currency, names),
        "sum": kopecks(record.amount),
        "operations": [linked] if record.invoice_id else [],
        **({"moment": stamp(record.paid_at)} if record.paid_at else {}),
    }


def items(client: Client, names: Names, wanted: Collection[str]) -> dict[str, str]:
    """What each item is, by its id: the address of a line names it."""
    found: dict[str, str] = {}
    ordered = sorted(wanted)
    for start in range(0, len(ordered), 50):
        chosen = ";".join(f"id={one}" for one in ordered[start : start + 50])
        rows, _ = client.rows("entity/assortment", LIGHT, filter=f"{chosen};archived=true;archived=false")
        found |= {text(row.get("id")): text((row.get("meta") or {}).get("type")) for row in rows}
    return found


def itemised(client: Client, record: Invoice) -> Invoice:
    """Lines that name no item, such as delivery, as the item of that name: MoySklad takes no others."""
    named: dict[str, str] = {}
    for name in {line.name for line in record.lines if line.name and not line.product_id}:
        wanted = name.replace(";", "\\;")
        rows, _ = client.rows("entity/assortment", LIGHT, filter=f"name={wanted}", limit=100)
        same = [row for row in rows if text(row.get("name")) == name]
        named[name] = text(same[0].get("id")) if same else ""
    lines = []
    for line in record.lines:
        item = line.product_id or named.get(line.name, "")
        if not item:
            words = f"MoySklad takes lines of its own items only: make a service “{line.name}” there"
            raise BadInput(words, f"lines/{line.position}")
        lines.append(msgspec.structs.replace(line, product_id=item))
    return msgspec.structs.replace(record, lines=tuple(lines))


LIGHT = {"X-Lognex-Remap-Beta-Feature": "assortmentWithoutStock"}  # the heavy way is to be taken away


def _kind(company: bool, region: str, now: str) -> Body:
    """What kind of counterparty; an entrepreneur stays one."""
    suffix = now[-2:] if now[-2:] in _REGIONS else "" if now else region if region in _REGIONS else ""
    if company and now.startswith("entrepreneur"):
        return {"companyType": now}
    return {"companyType": f"{'legal' if company else 'individual'}{suffix}"}


def _tax(number: str, kind: str) -> Body:
    if kind.endswith("KZ"):
        return {"mod__requisites__kz": {"bin" if kind.startswith("legal") else "iin": number}}
    if kind.endswith("UZ"):
        name = "pinfl" if kind.startswith("individual") else "inn"
        return {"mod__requisites__uz": {name: number}}
    return {"inn": number}


def _joined(values: tuple[str, ...], at: str) -> str:
    found = ", ".join(values)
    if len(found) > _LONGEST:
        raise BadInput(f"MoySklad keeps {_LONGEST} characters of them in all", at)
    return found


def _midnight(day: date) -> str:
    return stamp(datetime.combine(day, time(), MOSCOW))


def _addresses(addresses: tuple[Address, ...], names: Names, now: Mapping[str, Any]) -> Body:
    """The first as the actual address, unless only a legal one was there; that one is never taken away."""
    order = ["actualAddress", "legalAddress"]
    if text(now.get("legalAddress")) and not text(now.get("actualAddress")):
        order.reverse()
    body: Body = {} if addresses else {order[0]: ""}
    for name, place in zip(order, addresses, strict=False):
        body[f"{name}Full"] = _address(place, names)
    return body


def _address(place: Address, names: Names) -> Body:
    body: Body = {
        "postalCode": place.postcode[:6], "city": place.city, "street": place.line[:_LONGEST], "house": "",
        "apartment": "", "addInfo": "",
    }  # fmt: skip
    number = next((n for n, code in COUNTRIES.items() if code == place.country), "")
    for entity, key, wanted in (("country", "code", number), ("region", "name", place.region)):
        known = names.entries(entity).items() if wanted else ()
        at = next((i for i, one in known if text(one.get(key)).casefold() == wanted.casefold()), "")
        body |= {entity: reference(entity, at)} if at else {}
    return body


def _customer(external_id: str) -> str:
    if not external_id:
        raise BadInput("the counterparty is missing", "customer_id")
    return external_id


def _rate(code: str, names: Names) -> Body:
    return {"currency": reference("currency", currency_id(code, names))}


def currency_id(code: str, names: Names) -> str:
    """MoySklad's id of a currency."""
    for external_id, entry in names.entries("currency").items():
        if text(entry.get("isoCode")).upper() == code and not entry.get("archived"):
            return external_id
    raise BadInput(f"there is no currency {code!r} in MoySklad: add it there", "currency")


def _position(line: Line, kinds: Mapping[str, str]) -> Body:
    at = f"lines/{line.position}"
    if line.product_id not in kinds:
        raise BadInput("MoySklad takes lines of its own items only, and this one is none of them", at)
    before = line.unit_price * line.quantity
    share = line.discount / before * 100 if before else Decimal(0)
    net = line.total - line.tax
    rate = int((line.tax / net * 100).to_integral_value()) if net else 0
    return {
        "assortment": reference(kinds[line.product_id], line.product_id),
        "quantity": float(line.quantity),
        "price": kopecks(line.unit_price),
        "discount": float(share),
        "vat": rate,
        "vatEnabled": rate > 0,
    }


def barcodes(now: Mapping[str, Any], before: str, after: str) -> list[Body]:
    """The item's barcodes with one of them replaced."""
    kept: list[Body] = [dict(one) for one in parts(now, "barcodes") if before not in map(text, one.values())]
    kind = {8: "ean8", 12: "upc", 13: "ean13", 14: "gtin"}.get(len(after)) if after.isdecimal() else None
    return [{kind or "code128": after}, *kept] if after else kept
