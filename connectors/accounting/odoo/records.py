"""What Odoo's rows mean in our vocabulary: pure and patient."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from connectors.accounting.odoo.values import (
    FOUR,
    Thing,
    id_of,
    identifier,
    instant,
    midnight,
    name_of,
    number,
    prose,
    things,
)
from connectors.values import rounded, text
from foundation.errors import BadInput
from foundation.records import Address, Gone, Invoice, Line, Payment, Person, Product

_EU = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT",
    "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip
_OWN_ADDRESSES = ("invoice", "delivery", "other")  # children of these types are places, others people
_CODE = re.compile(r"\[(?P<code>[^\]]+)\]\s*(?P<name>.*)")
_PAID: Mapping[str, Literal["open", "paid", "cancelled"]] = {
    "paid": "paid", "in_payment": "paid", "reversed": "cancelled",
}  # fmt: skip
_ALIVE = ("in_process", "paid", "posted")
_HUNDRED = Decimal(100)


def person(thing: Thing, country: str) -> Person:
    """A counterparty with the addresses and people that hang on it."""
    company, name = thing.get("is_company") is True, text(thing.get("name"))
    children = things(thing.get("people"))
    places = [thing, *(one for one in children if one.get("type") in _OWN_ADDRESSES)]
    addresses = tuple(dict.fromkeys(a for place in places if (a := _address(place, own=place is thing))))
    code = _country(thing) or country
    tax = text(thing.get("vat"))
    return Person(
        external_id=identifier(thing.get("id")),
        kind="company" if company else "person",
        name=name,
        company=name if company else "",
        emails=_split(thing.get("email"), r"[\s,;<>]+", "@"),
        phones=tuple(dict.fromkeys(p for n in ("phone", "mobile") if (p := text(thing.get(n))))),
        tax_number="" if tax in ("/", "NA", "na") else tax,  # how one says there that there is none
        tax_kind=_tax_kind(tax, code),
        registration_number=text(thing.get("company_registry")),
        language=text(thing.get("lang")).replace("_", "-"),
        addresses=addresses,
        tags=tuple(dict.fromkeys(t for t in map(text, _listed(thing.get("tags"))) if t)),
        note=prose(thing.get("comment")),
        created_at=instant(thing.get("create_date")),
        changed_at=instant(thing.get("write_date")),
        country=code,
        extra=_extra(thing, [one for one in children if one.get("type") not in _OWN_ADDRESSES]),
    )


def product(thing: Thing, stock: str) -> Product:
    """An item: each variant is one."""
    left, price = thing.get(stock) if stock else None, thing.get("lst_price")
    return Product(
        external_id=identifier(thing.get("id")),
        name=text(thing.get("display_name")) or text(thing.get("name")),
        sku=text(thing.get("default_code")),
        barcode=text(thing.get("barcode")),
        price=None if price is None else rounded(number(price, "/lst_price"), FOUR, "/lst_price"),
        currency=_code(thing),
        unit=name_of(thing.get("uom_id")),
        category=name_of(thing.get("categ_id")),
        active=thing.get("active") is not False and thing.get("sale_ok") is not False,
        stock=None if left is None or left is False else number(left, f"/{stock}"),
        changed_at=instant(thing.get("write_date")),
    )


def invoice(thing: Thing, zone: str) -> Invoice:
    """An invoice to a customer; one that a credit note has taken back is cancelled."""
    external_id, name, cent = identifier(thing.get("id")), text(thing.get("name")), _cent(thing)
    total = rounded(number(thing.get("amount_total"), "/amount_total"), cent, "/amount_total")
    left = rounded(number(thing.get("amount_residual"), "/amount_residual"), cent, "/amount_residual")
    posted = thing.get("state") == "posted"
    state: Literal["draft", "open", "paid", "cancelled"] = "draft"
    if posted:
        state = _PAID.get(text(thing.get("payment_state")), "open")
    elif thing.get("state") == "cancel":
        state = "cancelled"
    return Invoice(
        external_id=external_id,
        number=name if name not in ("", "/") else external_id,
        customer_id=_customer(thing, "commercial_partner_id", "partner_id"),
        currency=_currency(thing),
        total=total,
        paid=total - left if posted else Decimal(0),
        state=state,
        order_number=text(thing.get("invoice_origin")),
        lines=tuple(_line(n, one, cent) for n, one in enumerate(_ordered(thing.get("lines")), 1)),
        issued_at=midnight(thing.get("invoice_date"), zone),
        due_at=midnight(thing.get("invoice_date_due"), zone),
        changed_at=instant(thing.get("write_date")),
    )


def payment(thing: Thing, zone: str) -> Payment | Gone:
    """Money from a customer, or given back to one; a draft and a cancelled one are none."""
    external_id = identifier(thing.get("id"))
    if thing.get("state") not in _ALIVE:
        return Gone(external_id=external_id, what="payment", at=instant(thing.get("write_date")))
    amount = rounded(number(thing.get("amount"), "/amount"), _cent(thing), "/amount")
    invoices = [one for one in _listed(thing.get("reconciled_invoice_ids")) if id_of(one)]
    return Payment(
        external_id=external_id,
        customer_id=_customer(thing, "partner_id"),
        currency=_currency(thing),
        amount=-amount if thing.get("payment_type") == "outbound" else amount,
        number=text(thing.get("name")),
        # money for several invoices is nobody's in particular: what each got is on the invoice
        invoice_id=str(id_of(invoices[0])) if len(invoices) == 1 else "",
        paid_at=midnight(thing.get("date"), zone),
    )


def _line(position: int, thing: Thing, cent: Decimal) -> Line:
    """A line with its tax in, whichever way its price is meant."""
    at = f"/lines/{position - 1}"
    quantity, share = number(thing.get("quantity"), at), number(thing.get("discount"), at) / _HUNDRED
    total = rounded(number(thing.get("price_total"), at), cent, at)
    net = rounded(number(thing.get("price_subtotal"), at), cent, at)
    before = total / (1 - share) if share < 1 else number(thing.get("price_unit"), at) * quantity
    label = name_of(thing.get("product_id"))
    known = _CODE.fullmatch(label)
    return Line(
        position=position,
        product_id=str(id_of(thing.get("product_id")) or ""),
        sku=known["code"].strip() if known else "",
        name=text(thing.get("name")) or (known["name"] if known else label),
        quantity=quantity,
        unit_price=rounded(before / quantity if quantity else Decimal(0), FOUR, at),
        discount=rounded(before, cent, at) - total,
        tax=total - net,
        total=total,
    )


def _ordered(lines: Any) -> list[Thing]:
    return sorted(things(lines), key=lambda one: (id_of(one.get("sequence")), id_of(one.get("id"))))


def _customer(thing: Thing, *names: str) -> str:
    for name in names:
        if found := id_of(thing.get(name)):
            return identifier(found, f"/{name}")
    raise BadInput("the counterparty is missing", f"/{names[-1]}")


def _code(thing: Thing) -> str:
    code = name_of(thing.get("currency_id")).upper()
    return code if re.fullmatch("[A-Z]{3}", code) else ""


def _currency(thing: Thing) -> str:
    if code := _code(thing):
        return code
    raise BadInput("a currency with a code of three letters was expected", "/currency_id")


def _cent(thing: Thing) -> Decimal:
    """The smallest amount of the row's currency."""
    places = thing.get("decimal_places")
    known = isinstance(places, int) and not isinstance(places, bool) and 0 <= places <= 6
    return Decimal(1).scaleb(-places if known and isinstance(places, int) else -2)


def _country(thing: Thing) -> str:
    code = text(thing.get("country_code")).upper()
    return code if re.fullmatch("[A-Z]{2}", code) else ""


def _tax_kind(number_: str, country: str) -> str:
    if country == "RU":
        return "ru.inn"
    return "eu.vat" if country in _EU and number_ else ""


def _address(thing: Thing, *, own: bool) -> Address | None:
    line = ", ".join(filter(None, (text(thing.get(key)) for key in ("street", "street2"))))
    region = re.sub(r"\s*\([A-Z]{2}\)$", "", name_of(thing.get("state_id")))
    found = Address(
        line=line, city=text(thing.get("city")), region=region, postcode=text(thing.get("zip")),
        country=_country(thing),
    )  # fmt: skip
    if found == Address():
        return None
    if own:
        return found
    return Address(
        line=line, city=found.city, region=region, postcode=found.postcode, country=found.country,
        name=text(thing.get("name")), phone=text(thing.get("phone")),
    )  # fmt: skip


def _extra(thing: Thing, people: list[Thing]) -> dict[str, str]:
    said = (
        " ".join(filter(None, (text(one.get(key)) for key in ("name", "function", "email", "phone"))))
        for one in people
    )
    kept = {
        "contacts": "; ".join(filter(None, said))[:1000],
        "ref": text(thing.get("ref")),
        "website": text(thing.get("website")),
    }
    return {key: value for key, value in kept.items() if value}


def _split(value: Any, at: str, needs: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(v for v in map(text, re.split(at, text(value))) if v and needs in v))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
