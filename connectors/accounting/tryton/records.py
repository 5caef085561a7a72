"""What Tryton's objects say in our vocabulary: parties, products, customer invoices and payments."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from connectors.accounting.tryton.values import (
    Node,
    identifier,
    listed,
    moment,
    money,
    nested,
    quantity,
    text,
    touched_at,
)
from connectors.base import Raw
from foundation.errors import BadInput
from foundation.records import Address, AnyRecord, Gone, Invoice, Line, Payment, Person, Product

KEY = "kartoteka:"  # begins what we write beside an object to know that we made it

TAX_TYPES = {
    "ru.inn": "ru_vat", "tr.vkn": "tr_vat", "tr.tckn": "tr_tckimlik", "kr.brn": "kr_vat", "kr.rrn": "kr_krn",
    "eu.vat": "eu_vat", "us.ein": "us_ein",
}  # fmt: skip
_TAX_KINDS = {name: kind for kind, name in TAX_TYPES.items()}
_EU_VAT = re.compile(
    r"(at|be|bg|cy|cz|de|dk|ee|es|fi|fr|gr|hr|hu|ie|it|lt|lu|lv|mt|nl|pl|pt|ro|se|si|sk)_vat"
)
_UNTYPED = re.compile(r"(?=(\D*\d){7})[A-Z0-9-]{8,16}")  # a tax number whose type nobody said
_OF_HUMANS = frozenset({"tr.tckn", "kr.rrn", "kz.iin"})
_PHONES = ("phone", "mobile")
_MONEY_JOURNALS = ("cash", "bank", "statement")
_STATES: dict[str, Literal["draft", "open", "paid", "cancelled"]] = {
    "draft": "draft", "validated": "draft", "posted": "open", "paid": "paid", "cancelled": "cancelled",
}  # fmt: skip
_GONE = {"parties": "person", "products": "product", "invoices": "invoice", "payments": "payment"}
_CURRENCY = re.compile(r"[A-Z]{3}")


def normalise(stream: str, raw: Raw) -> list[AnyRecord]:
    """The records; an empty list for a journal line that is no payment."""
    if raw.gone:
        return [Gone(external_id=raw.external_id, what=_GONE[stream])]  # type: ignore[arg-type]
    try:
        node = msgspec.json.decode(raw.payload, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise BadInput(f"no JSON object: {error}") from error
    return list(_READERS[stream](node))


def _party(node: Node) -> Sequence[AnyRecord]:
    if not node.get("active", True):
        return [Gone(external_id=identifier(node), what="person", at=touched_at(node))]
    name, (number, kind) = text(node.get("name")), _tax(node)
    human = not number or kind in _OF_HUMANS or (kind == "ru.inn" and len(number) == 12)
    ways = [way for way in listed(node, "contact_mechanisms") if way.get("active", True)]
    places = [_place(place) for place in listed(node, "addresses") if place.get("active", True)]
    registration = [i for i in listed(node, "identifiers") if i.get("type") in ("ru_ogrn", "be_businessid")]
    return [
        Person(
            external_id=identifier(node),
            kind="person" if human else "company",
            name=name,
            company="" if human else name,
            emails=_values(ways, ("email",)),
            phones=_values(ways, _PHONES),
            tax_number=number,
            tax_kind=kind,
            registration_number=text(registration[0].get("code")) if registration else "",
            language=text(nested(node, "lang").get("code"))[:2],
            addresses=tuple(place for place in places if place != Address()),
            changed_at=touched_at(node),
            country=next((place.country for place in places if place.country), ""),
            extra={"code": text(node.get("code"))} if node.get("code") else {},
        )
    ]


def tax_identifier(node: Node) -> Node | None:
    """The identifier that is the party's tax number: the first one in use that can be."""
    for thing in listed(node, "identifiers"):
        name, code = str(thing.get("type") or ""), text(thing.get("code"))
        if not thing.get("active", True):
            continue
        # Tryton has no type for Kazakhstan's numbers, so they stand there without one
        if name in _TAX_KINDS or name.endswith("_vat") or (not name and _UNTYPED.fullmatch(code)):
            return thing
    return None


def _tax(node: Node) -> tuple[str, str]:
    """The tax number with its kind, "" for one that we don't know."""
    thing = tax_identifier(node)
    if thing is None:
        return "", ""
    name = str(thing.get("type") or "")
    return text(thing.get("code")), "eu.vat" if _EU_VAT.fullmatch(name) else _TAX_KINDS.get(name, "")


def _values(ways: list[Node], types: tuple[str, ...]) -> tuple[str, ...]:
    found = (text(way.get("value")) for way in ways if way.get("type") in types)
    return tuple(dict.fromkeys(value for value in found if value))


def _place(node: Node) -> Address:
    return Address(
        line=", ".join(filter(None, (text(part) for part in str(node.get("street") or "").splitlines()))),
        city=text(node.get("city")),
        region=text(nested(node, "subdivision").get("name")),
        postcode=text(node.get("postal_code")),
        country=text(nested(node, "country").get("code")).upper()[:2],
        name=text(node.get("party_name")),
    )


def _product(node: Node) -> Sequence[AnyRecord]:
    template, codes = nested(node, "template"), listed(node, "identifiers")
    categories = [*listed(template, "categories"), nested(template, "account_category")]
    barcodes = (text(code.get("code")) for code in codes if code.get("type") == "ean")
    prices = (node.get("list_price"), template.get("list_price"))  # a variant may have its own
    price = next((one for one in prices if one is not None), None)
    return [
        Product(
            external_id=identifier(node),
            name=text(node.get("name")),
            sku=text(node.get("code")),
            barcode=next(barcodes, ""),
            price=None if price is None else money(price, "list_price"),
            currency=text(node.get("company_currency")),
            unit=text(nested(template, "default_uom").get("symbol")),
            category=next(filter(None, (text(category.get("name")) for category in categories)), ""),
            active=bool(node.get("active", True)) and bool(template.get("active", True)),
            changed_at=touched_at(node),
        )
    ]


def _invoice(node: Node) -> Sequence[AnyRecord]:
    if node.get("type") != "out":
        return []
    state = _STATES.get(str(node.get("state")))
    if state is None:
        raise BadInput(f"{node.get('state')!r} is no state of an invoice", "state")
    total = money(node.get("total_amount"), "total_amount")
    due = money(node.get("amount_to_pay"), "amount_to_pay")
    paid = {"paid": total, "open": total - due}.get(state, Decimal(0))
    external_id = identifier(node)
    return [
        Invoice(
            external_id=external_id,
            number=text(node.get("number")) or f"#{external_id}",
            customer_id=identifier(nested(node, "party")),
            currency=_currency(nested(node, "currency").get("code")),
            total=total,
            paid=paid,
            state=state,
            order_number=text(node.get("reference")),
            lines=_lines(node),
            issued_at=moment(node.get("invoice_date"), "invoice_date"),
            due_at=_due(node),
            changed_at=touched_at(node),
        )
    ]


def _lines(node: Node) -> tuple[Line, ...]:
    """Its lines, with the tax of each as its rates say; titles and comments are left out."""
    found = [line for line in listed(node, "lines") if line.get("type", "line") == "line"]
    return tuple(_line(line, number) for number, line in enumerate(found, 1))


def _line(line: Node, position: int) -> Line:
    product, amount = nested(line, "product"), money(line.get("amount"), "lines.amount")
    percentages = (tax for tax in listed(line, "taxes") if tax.get("type") == "percentage")
    rate = sum((money(tax.get("rate"), "lines.taxes.rate") for tax in percentages), Decimal(0))
    tax = (amount * rate).quantize(Decimal("0.01"))
    price = money(line.get("unit_price"), "lines.unit_price")
    return Line(
        position=position,
        product_id=identifier(product) if product else "",
        sku=text(product.get("code")),
        name=text(line.get("description")) or text(product.get("name")),
        quantity=quantity(line.get("quantity"), "lines.quantity"),
        unit_price=(price * (1 + rate)).quantize(Decimal("0.0001")),
        tax=tax,
        total=amount + tax,
    )


def _due(node: Node) -> datetime | None:
    """When the next of its lines is to be paid; the last one's day once all are."""
    lines = [(moment(line.get("maturity_date")), line) for line in listed(node, "lines_to_pay")]
    waiting = [day for day, line in lines if day and not line.get("reconciliation")]
    return min(waiting) if waiting else max((day for day, _ in lines if day), default=None)


def _payment(node: Node) -> Sequence[AnyRecord]:
    """Money that came in or went back: a line on a receivable account that isn't an invoice's own."""
    move, links = nested(node, "move"), listed(node, "invoice_payments")
    journal, origin = nested(move, "journal").get("type"), str(move.get("origin") or "")
    settled = listed(nested(node, "reconciliation"), "lines")
    own = origin.startswith("account.invoice,") and not links
    if own or journal == "write-off" or not (links or settled or journal in _MONEY_JOURNALS):
        return []
    other = node.get("second_currency")
    if other:
        amount, currency = -money(node.get("amount_second_currency")), nested(node, "second_currency")
    else:
        amount = money(node.get("credit"), "credit") - money(node.get("debit"), "debit")
        currency = nested(move, "company", "currency")
    origins = {
        str(nested(line, "move").get("origin") or "").partition("account.invoice,")[2] for line in settled
    }
    invoices = {identifier(link) for link in links} or origins - {""}
    reference = {text(link.get("reference")) for link in links}
    return [
        Payment(
            external_id=identifier(node),
            customer_id=identifier(nested(node, "party")),
            currency=_currency(currency.get("code")),
            amount=amount,
            invoice_id=invoices.pop() if len(invoices) == 1 else "",
            order_number=reference.pop() if len(reference) == 1 else "",
            paid_at=moment(node.get("date"), "date"),
        )
    ]


def _currency(code: Any) -> str:
    if not isinstance(code, str) or not _CURRENCY.fullmatch(code):
        raise BadInput(f"{code!r} is no currency", "currency")
    return code


_READERS: dict[str, Callable[[Node], Sequence[AnyRecord]]] = {
    "parties": _party,
    "products": _product,
    "invoices": _invoice,
    "payments": _payment,
}
