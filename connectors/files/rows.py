"""What a row of a table means in our vocabulary: pure, from the text of its cells alone.

A payload is {"fields": {our field: text as it came}, "extra": {heading: text}, "as": {…}}; "as" holds what
only the whole file could say: how a column's open dates and numbers are meant, and defaults this row needs.
Further rows of one order stand in "more". What can't be read but matters little stays as an extra.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from connectors.files.keys import emails, order_key, product_key
from connectors.files.keys import phones as split_phones
from connectors.files.values import (
    clean,
    currency,
    currency_in,
    day,
    decimal,
    digits_lost,
    flag,
    instant,
)
from connectors.files.words import COMPANIES, COUNTRIES, STATES
from foundation.errors import BadInput
from foundation.records import Address, Consent, Happening, Line, Order, OrderState, Person, Product

LINE_FIELDS = ("sku", "product", "quantity", "unit_price", "line_total")
_ADDRESS = ("address", "city", "region", "postcode", "country")
_T = TypeVar("_T")


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of an order after its first."""

    fields: dict[str, str] = {}
    extra: dict[str, str] = {}


class Payload(msgspec.Struct, frozen=True, omit_defaults=True, rename={"habits": "as"}):
    """A landed row, or several of one order."""

    fields: dict[str, str] = {}
    extra: dict[str, str] = {}
    habits: dict[str, str] = {}
    more: tuple[Part, ...] = ()

    def text(self, field: str) -> str:
        """A field cleaned; empty when it is missing."""
        said = self.fields.get(field)
        return clean(said) if said else ""

    def number(self, field: str) -> Decimal | None:
        """A field as a number; BadInput names the field."""
        return _named(field, lambda: decimal(self.fields.get(field, ""), self.habits.get(field, "")))

    def moment(self, field: str) -> datetime | None:
        """A field as an instant in UTC; BadInput names the field."""
        zone = self.habits.get("zone", "UTC")
        return _named(field, lambda: instant(self.fields.get(field, ""), self.habits.get(field, ""), zone))


def person(payload: Payload, external_id: str, *, guest: bool = False) -> Person:
    """A customer; what can't be read of birthday, consent or dates stays as an extra."""
    extra = {heading: text for heading, said in payload.extra.items() if (text := clean(said))}
    addresses = emails(payload.fields.get("email", ""))
    if not addresses and payload.text("email"):
        extra["email"] = payload.text("email")
    phones = tuple(p for p in split_phones(payload.fields.get("phone", "")) if _is_phone(p))
    if payload.text("phone") and len(phones) < len(split_phones(payload.fields["phone"])):
        extra["phone"] = payload.text("phone")
    country = country_code(payload.text("country"))
    names: dict[str, Any] = {
        f: payload.text(f) for f in ("name", "given_name", "family_name", "middle_name", "company")
    }
    return Person(
        external_id=external_id,
        kind="company" if _is_company(payload, names) else "person",
        guest=guest,
        **names,
        emails=addresses,
        phones=phones,
        tax_number=payload.text("tax_number"),
        registration_number=payload.text("registration_number"),
        birthday=_or_extra(extra, "birthday", payload, lambda: _birthday(payload)),
        language=payload.text("language"),
        addresses=_addresses(payload, country),
        tags=tuple(
            dict.fromkeys(t for t in map(clean, re.split(r"[,;|]", payload.fields.get("tags", ""))) if t)
        ),
        note=clean(payload.fields.get("note", "")) if not guest else "",
        consents=tuple(_consents(payload, extra)),
        created_at=_or_extra(extra, "created_at", payload, lambda: payload.moment("created_at")),
        changed_at=_or_extra(extra, "changed_at", payload, lambda: payload.moment("changed_at")),
        country=country or payload.habits.get("country", ""),
        device_ids=(device,) if (device := payload.text("device_id")) else (),
        extra={} if guest else extra,
    )


def order(payload: Payload) -> Order:
    """An order of one or several rows; BadInput when a sum, date or currency can't be read."""
    number = order_key(payload.fields)
    parts = [payload, *(Payload(p.fields, p.extra, payload.habits) for p in payload.more)]
    totals = [total for part in parts if (total := part.number("total")) is not None]
    summed = len(set(totals)) > 1 and not any("line_total" in part.fields for part in parts)
    lines = tuple(_lines(parts, "total" if summed else "line_total"))
    if not totals and not lines:
        raise BadInput("the order has no sum and no lines", "total")
    shipping, discount = (payload.number(f) or Decimal(0) for f in ("shipping", "discount"))
    total = totals[0] if totals and not summed else sum((li.total for li in lines), shipping - discount)
    account = payload.text("customer_id")
    buyer = person(payload, account or f"order:{number}", guest=not account)
    placed = payload.moment("placed_at")
    source_state = payload.text("state")
    address = buyer.addresses[0] if buyer.addresses else None
    return Order(
        external_id=number,
        number=number,
        state=_state(source_state),
        source_state=source_state,
        currency=_currency(payload),
        total=total,
        discount=discount,
        shipping=shipping,
        tax=payload.number("tax") or Decimal(0),
        refunded=abs(payload.number("refunded") or Decimal(0)),
        customer_id=buyer.external_id,
        customer=buyer,
        lines=lines,
        coupons=(coupon,) if (coupon := payload.text("coupon")) else (),
        billing=address,
        delivery=address,
        note=payload.text("note"),
        happenings=(Happening(kind="placed", at=placed, key="placed", amount=total),) if placed else (),
        placed_at=placed,
        extra={heading: text for heading, said in payload.extra.items() if (text := clean(said))},
    )


def product(payload: Payload) -> Product:
    """A product; BadInput when its price or stock is no number."""
    active = _named("active", lambda: flag(payload.fields.get("active", "")))
    price = payload.number("price")
    return Product(
        external_id=product_key(payload.fields),
        name=payload.text("name") or payload.text("sku"),
        price=price,
        currency=_currency(payload, "price", needed=False) if price is not None else "",
        stock=payload.number("stock"),
        active=active is not False,
        changed_at=payload.moment("changed_at"),
        **{f: payload.text(f) for f in ("sku", "barcode", "unit", "category", "url", "image")},
    )


def _lines(parts: list[Payload], total_field: str) -> Iterator[Line]:
    for position, part in enumerate(parts, 1):
        if not any(part.text(field) for field in {*LINE_FIELDS, total_field}):
            continue
        quantity, price, total = (part.number(f) for f in ("quantity", "unit_price", total_field))
        amount = Decimal(1) if quantity is None else quantity
        if total is None:
            total = (price or Decimal(0)) * amount
        if price is None:
            price = (total / amount).quantize(Decimal("0.0001")) if amount else Decimal(0)
        yield Line(
            position=position, sku=part.text("sku"), name=part.text("product"), quantity=amount,
            unit_price=price, discount=max(price * amount - total, Decimal(0)), total=total,
        )  # fmt: skip


def _consents(payload: Payload, extra: dict[str, str]) -> Iterator[Consent]:
    at = _or_extra(extra, "consent_at", payload, lambda: payload.moment("consent_at"))
    left = _or_extra(extra, "unsubscribed", payload, lambda: flag(payload.fields.get("unsubscribed", "")))
    given = _or_extra(extra, "consent_email", payload, lambda: flag(payload.fields.get("consent_email", "")))
    if left or given is not None:
        yield Consent(channel="email", given=bool(given) and not left, at=at)
    sms = _or_extra(extra, "consent_sms", payload, lambda: flag(payload.fields.get("consent_sms", "")))
    if sms is not None:
        yield Consent(channel="sms", given=sms, at=at)


def _or_extra(extra: dict[str, str], field: str, payload: Payload, read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except BadInput:
        extra[field] = payload.text(field)
        return None


def _named(field: str, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except BadInput as error:
        raise BadInput(error.message, field) from error


def _birthday(payload: Payload) -> Any:
    return day(payload.fields.get("birthday", ""), payload.habits.get("birthday", ""))


def _is_phone(part: str) -> bool:
    return not digits_lost(part) and len(re.sub(r"\D", "", part)) >= 5


def country_code(said: str) -> str:
    """The ISO code of a country named in any of our languages; empty when it is none we know."""
    if re.fullmatch("[A-Za-z]{2}", said) and said.casefold() not in COUNTRIES:
        return said.upper()
    return COUNTRIES.get(said.casefold(), "")


def told_country(said: str) -> str:
    """The country that a setting names, in words or two letters; empty when it names none."""
    code = country_code(said.strip())
    if said.strip() and not code:
        raise BadInput(f"there is no country “{said.strip()[:40]}”: give its two letters", "country")
    return code


def _addresses(payload: Payload, country: str) -> tuple[Address, ...]:
    if not any(payload.text(field) for field in _ADDRESS):
        return ()
    line = payload.text("address")
    said = payload.text("country")
    if said and not country:  # an unknown country's name is kept where it can be read
        line = ", ".join(part for part in (line, said) if part)
    return (
        Address(
            line=line, city=payload.text("city"), region=payload.text("region"),
            postcode=payload.text("postcode"), country=country,
        ),
    )  # fmt: skip


def _is_company(payload: Payload, names: Mapping[str, str]) -> bool:
    if said := payload.text("kind").casefold():
        return bool(COMPANIES & {said, *said.split()})
    return bool(names["company"]) and not (names["name"] or names["given_name"] or names["family_name"])


def _state(said: str) -> OrderState:
    state: Any = STATES.get(re.sub(r"[\W_]+", " ", said.casefold().replace("ё", "е")).strip(), "open")
    return state  # type: ignore[no-any-return]


def _currency(payload: Payload, field: str = "total", needed: bool = True) -> str:
    """By the column, by the sign beside the amount, by the import's setting."""
    said = payload.text("currency")
    found = currency(said) or currency_in(payload.text(field)) or payload.habits.get("currency", "")
    if needed and not re.fullmatch("[A-Z]{3}", found):
        what = f"“{said[:20]}” is no currency" if said else "no currency: name one in the import's settings"
        raise BadInput(what, "currency")
    return found
