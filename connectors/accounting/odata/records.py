"""What a row of a 1C base means in our vocabulary: pure, by the connection's mapping."""

import re
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from connectors.accounting.odata.mapping import CURRENCIES, ENTITY, Reading
from connectors.accounting.odata.values import Row, instant, linked, number, pick, reference, rows_at, text
from connectors.base import Raw
from foundation.errors import BadInput
from foundation.records import Address, AnyRecord, Invoice, Line, Payment, Person, PersonKind, Product

COUNTERPARTIES = ("Catalog_Контрагенты", "Catalog_Партнеры")
GOODS = ("Catalog_Номенклатура",)
_INVOICES = ("Document_СчетНаОплатуПокупателю", "Document_СчетПокупателю", "Document_СчетНаОплатуКлиенту")
EMAIL, PHONE, _ADDRESS = "АдресЭлектроннойПочты", "Телефон", "Адрес"
_MAIL = re.compile(r"[^\s,;<>]+@[^\s,;<>]+")
_NUMERIC = {
    "051": "AMD", "944": "AZN", "933": "BYN", "756": "CHF", "156": "CNY", "203": "CZK", "978": "EUR",
    "826": "GBP", "981": "GEL", "356": "INR", "392": "JPY", "417": "KGS", "410": "KRW", "398": "KZT",
    "498": "MDL", "496": "MNT", "985": "PLN", "643": "RUB", "810": "RUB", "941": "RSD", "972": "TJS",
    "934": "TMT", "949": "TRY", "980": "UAH", "840": "USD", "860": "UZS", "784": "AED",
}  # fmt: skip


def is_ours(row: Row, reading: Reading) -> bool:
    """False for groups, what the mapping leaves out, and money to others than buyers."""
    entity = row.get(ENTITY)
    counts = reading.back.get(entity) if isinstance(entity, str) else None
    if row.get("IsFolder") is True or (counts and said(row, reading, "operation") not in counts):
        return False
    return not any(text(pick(row, field)) in values for field, values in reading.leave_out.items())


def record(stream: str, row: Row, reading: Reading, country: str, zone: ZoneInfo) -> list[AnyRecord]:
    """The record of one row; none for what is nobody's bill or money."""
    if not is_ours(row, reading):
        return []
    if stream == "counterparties":
        return [person(row, reading, country)]
    if stream == "nomenclature":
        return [product(row, reading)]
    if not (customer := _linked(row, reading, "customer_id", COUNTERPARTIES)):
        return []
    if stream == "invoices":
        return [invoice(row, reading, customer, country, zone)]
    return [payment(row, reading, customer, country, zone)] if row.get("Posted") is not False else []


def person(row: Row, reading: Reading, country: str) -> Person:
    """A counterparty with what its contact information says."""
    tax = said(row, reading, "tax_number")
    name, legal = said(row, reading, "name"), said(row, reading, "company")
    kind = _kind(said(row, reading, "kind"), tax, country)
    contacts = [one for table in reading.tables for one in rows_at(row, table)]
    code = said(row, reading, "code")
    return Person(
        external_id=key(row),
        kind=kind,
        name=name if kind == "person" else "",
        company=legal if kind == "company" else "",
        emails=emails(contacts),
        phones=phones(contacts),
        tax_number=tax,
        tax_kind=_tax_kind(tax, country, kind),
        registration_number=said(row, reading, "registration_number"),
        addresses=tuple(dict.fromkeys(a for c in contacts if (a := _address(c)))),
        note=said(row, reading, "note"),
        country=country,
        extra={"code": code} if code else {},
    )


def product(row: Row, reading: Reading) -> Product:
    """An item of the nomenclature. Its prices stand in registers, not in it."""
    return Product(
        external_id=key(row),
        name=said(row, reading, "name"),
        sku=said(row, reading, "sku"),
        barcode=said(row, reading, "barcode"),
        unit=said(row, reading, "unit"),
        category=said(row, reading, "category"),
    )


def invoice(row: Row, reading: Reading, customer: str, country: str, zone: ZoneInfo) -> Invoice:
    """An invoice to a customer; one that isn't posted is a draft."""
    tax_in = _first(row, reading.fields["tax_in"])
    tables = [one for table in reading.tables for one in rows_at(row, table)]
    return Invoice(
        external_id=key(row),
        number=said(row, reading, "number") or key(row),
        customer_id=customer,
        currency=_currency(row, reading, country),
        total=number(_value(row, reading, "total"), "/total"),
        state="draft" if row.get("Posted") is False else "open",
        order_number=said(row, reading, "order_number"),
        lines=tuple(_line(i, one, reading, tax_in is not False) for i, one in enumerate(tables, 1)),
        issued_at=instant(_value(row, reading, "issued_at"), zone),
        due_at=instant(_value(row, reading, "due_at"), zone),
    )


def payment(row: Row, reading: Reading, customer: str, country: str, zone: ZoneInfo) -> Payment:
    """Money that came in, or went back; which invoice it pays where the document says so."""
    amount = number(_value(row, reading, "amount"), "/amount")
    return Payment(
        external_id=key(row),
        customer_id=customer,
        currency=_currency(row, reading, country),
        amount=-abs(amount) if str(row.get(ENTITY)) in reading.back else amount,
        number=said(row, reading, "number"),
        invoice_id=_linked(row, reading, "invoice_id", _INVOICES),
        paid_at=instant(_value(row, reading, "paid_at"), zone),
    )


def key(row: Row) -> str:
    """The reference that a row is known by."""
    found = reference(row.get("Ref_Key"))
    if not found:
        raise BadInput("a reference was expected", "/Ref_Key")
    return found


def found_at(row: Row, reading: Reading, field: str) -> str:
    """The path that a field's value comes from; "" where none has one."""
    return first_said(row, reading.fields[field])


def first_said(row: Row, paths: Sequence[str]) -> str:
    """The first path that leads to a value; an empty reference is none."""
    for path in paths:
        value = pick(row, path)
        if text(value) and (reference(value) or path.startswith("@") or not path.endswith("_Key")):
            return path
    return ""


def said(row: Row, reading: Reading, field: str) -> str:
    """A field as text."""
    path = found_at(row, reading, field)
    return text(pick(row, path)) if path else ""


def _value(row: Row, reading: Reading, field: str) -> Any:
    path = found_at(row, reading, field)
    return pick(row, path) if path else None


def _linked(row: Row, reading: Reading, field: str, kinds: tuple[str, ...]) -> str:
    return next((ref for path in reading.fields[field] if (ref := linked(row, path, kinds))), "")


def _kind(word: str, tax: str, country: str) -> PersonKind:
    """By what the base says, else by the number: twelve digits are a person's in Russia, БИН has its mark."""
    if word:
        return "person" if word.casefold().startswith(("физ", "индивид", "жеке")) else "company"
    if country == "KZ" and len(tax) == 12:
        return "company" if tax[4] in "456" else "person"
    if country == "RU" and len(tax) == 12:
        return "person"
    return "person" if country == "UZ" and len(tax) == 14 else "company"


def _tax_kind(tax: str, country: str, kind: PersonKind) -> str:
    if not tax:
        return ""
    if country == "KZ":
        return "kz.bin" if len(tax) == 12 and tax[4] in "456" else "kz.iin"
    if country == "UZ":
        return "uz.pinfl" if len(tax) == 14 else "uz.stir"
    return {"RU": "ru.inn", "BY": "by.unp"}.get(country, "")


def emails(contacts: Sequence[Row]) -> tuple[str, ...]:
    """The e-mail addresses among contacts; one row may hold several."""
    rows = (c for c in contacts if text(c.get("Тип")) == EMAIL)
    return _once(
        m for c in rows for m in _MAIL.findall(text(c.get("АдресЭП")) or text(c.get("Представление")))
    )


def phones(contacts: Sequence[Row]) -> tuple[str, ...]:
    """The telephone numbers among contacts, as they are shown."""
    return _once(text(c.get("Представление")) for c in contacts if text(c.get("Тип")) == PHONE)


def _once(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _address(contact: Row) -> Address | None:
    line = text(contact.get("Представление"))
    if text(contact.get("Тип")) != _ADDRESS or not line:
        return None
    return Address(line=line, city=text(contact.get("Город")), region=text(contact.get("Регион")))


def _line(position: int, row: Row, reading: Reading, tax_in: bool) -> Line:
    at = f"/lines/{position}"
    amounts = {
        name: number(_first(row, reading.line.get(name, ())), f"{at}/{name}", 6 if name == "quantity" else 4)
        for name in ("quantity", "unit_price", "total", "discount", "tax")
    }
    paths = reading.line.get("product_id", ())
    return Line(
        position=position,
        product_id=next((ref for path in paths if (ref := linked(row, path, GOODS))), ""),
        name=text(_first(row, reading.line.get("name", ()))),
        quantity=amounts["quantity"],
        unit_price=amounts["unit_price"],
        discount=amounts["discount"],
        tax=amounts["tax"],
        total=amounts["total"] if tax_in else amounts["total"] + amounts["tax"],
    )


def _first(row: Row, paths: tuple[str, ...]) -> Any:
    return next((value for path in paths if (value := pick(row, path)) not in (None, "")), None)


def _currency(row: Row, reading: Reading, country: str) -> str:
    """The document's own currency; the country's where the document names none."""
    code = said(row, reading, "currency")
    if found := alphabetic(code):
        return found
    if code or said(row, reading, "currency_ref"):
        raise BadInput(
            "its currency can't be named: publish Catalog_Валюты with codes of ISO 4217", "/currency"
        )
    if country not in CURRENCIES:
        raise BadInput("the document names no currency, and the connection no country", "/currency")
    return CURRENCIES[country]


def alphabetic(code: str) -> str:
    """A currency code of 1C, which is numeric (643), as three letters; "" when it is neither."""
    found = _NUMERIC.get(code.zfill(3), code.upper())
    return found if re.fullmatch("[A-Z]{3}", found) else ""


def read_row(raw: Raw) -> dict[str, Any]:
    """The row of a raw record; BadInput when it is none."""
    try:
        row = msgspec.json.decode(raw.payload)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise BadInput(f"the record is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise BadInput("the record is no object")
    return row


def zone_named(name: str) -> ZoneInfo:
    """The time zone of a base."""
    try:
        return ZoneInfo(name.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput("There is no such time zone; Asia/Almaty is one.", "zone") from error
