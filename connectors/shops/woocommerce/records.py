"""What a WooCommerce object means in our vocabulary: pure, and patient with what plugins do to the types."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.shops.woocommerce.values import decimal, identifier, instant, text
from foundation.errors import BadInput
from foundation.records import Address, AnyRecord, Happening, Line, Order, OrderState, Person, Product

Thing = Mapping[str, Any]

_DRAFTS = {
    "orders": {"auto-draft", "checkout-draft", "draft", "new"},
    "products": {"auto-draft", "importing"},
}
STATES: dict[str, OrderState] = {
    "pending": "open",
    "on-hold": "open",
    "completed": "completed",
    "delivered": "completed",
    "cancelled": "cancelled",
    "refunded": "refunded",
    "failed": "failed",
    "shipped": "shipped",
    "partially-shipped": "shipped",
    "partial-shipped": "shipped",
}
_FOUR = Decimal("0.0001")
_DEVICE, _LONGEST_DEVICE = "_kartoteka_device", 100  # our plugin keeps the buyer's browser with the order


def version_at(thing: Thing) -> datetime | None:
    """When the shop last changed an object (UTC), as far as it says."""
    return instant(thing.get("date_modified_gmt")) or instant(thing.get("date_created_gmt"))


def status(thing: Thing) -> str:
    """The shop's own name of a state, without the prefix that some plugins leave on it."""
    return text(thing.get("status")).removeprefix("wc-")


def is_draft(stream: str, thing: Thing) -> bool:
    """True for what the shop keeps while somebody is still filling it in: neither landed nor listed."""
    return status(thing) in _DRAFTS.get(stream, ())


def person(thing: Thing, country: str) -> Person:
    """A registered customer."""
    billing, shipping = _part(thing, "billing"), _part(thing, "shipping")
    role = text(thing.get("role"))
    return _person(
        identifier(thing.get("id")),
        names=(thing, billing, shipping),
        emails=(thing.get("email"), billing.get("email")),
        parts=(billing, shipping),
        country=country,
        tags=() if role in ("", "customer") else (role,),
        created_at=instant(thing.get("date_created_gmt")),
        changed_at=version_at(thing),
    )


def order(thing: Thing, country: str) -> list[AnyRecord]:
    """An order with its buyer and lines; nothing for drafts, which are no orders."""
    if is_draft("orders", thing):
        return []
    external_id = identifier(thing.get("id"))
    buyer = _buyer(thing, external_id, country)
    lines = _lines(thing)
    total, tax = decimal(thing.get("total"), "/total"), decimal(thing.get("total_tax"), "/total_tax")
    return [
        Order(
            external_id=external_id,
            number=text(thing.get("number")) or external_id,
            state=_state(thing),
            source_state=status(thing),
            currency=_currency(thing.get("currency")),
            total=total,
            tax=tax,
            discount=_both(thing, "discount_total", "discount_tax"),
            shipping=_both(thing, "shipping_total", "shipping_tax"),
            refunded=_refunded(thing),
            customer_id=buyer.external_id,
            customer=buyer,
            lines=lines,
            coupons=tuple(text(c.get("code")) for c in _parts(thing, "coupon_lines") if text(c.get("code"))),
            billing=_address(_part(thing, "billing")),
            delivery=_address(_part(thing, "shipping")),
            note=text(thing.get("customer_note")),
            happenings=tuple(_happenings(thing, total)),
            placed_at=instant(thing.get("date_created_gmt")),
            changed_at=version_at(thing),
            extra=_extra(thing),
        )
    ]


def product(thing: Thing) -> Product:
    """A product of the catalogue; variable products carry the price the shop shows for them."""
    stock = thing.get("stock_quantity")
    images = _parts(thing, "images")
    categories = [text(c.get("name")) for c in _parts(thing, "categories")]
    price = thing.get("price")
    return Product(
        external_id=identifier(thing.get("id")),
        name=text(thing.get("name")),
        sku=text(thing.get("sku")),
        barcode=text(thing.get("global_unique_id")),
        price=None if price in (None, "") else decimal(price, "/price"),
        category=" / ".join(c for c in categories if c),
        url=text(thing.get("permalink")),
        image=text(images[0].get("src")) if images else "",
        active=status(thing) in ("publish", ""),
        stock=None if stock in (None, "") else decimal(stock, "/stock_quantity"),
        changed_at=version_at(thing),
    )


def _buyer(thing: Thing, order_id: str, country: str) -> Person:
    billing, shipping = _part(thing, "billing"), _part(thing, "shipping")
    account = thing.get("customer_id")
    registered = account not in (None, "", 0, "0", False)
    return _person(
        identifier(account, "/customer_id") if registered else f"order:{order_id}",
        guest=not registered,
        names=(billing, shipping),
        emails=(billing.get("email"),),
        parts=(billing, shipping),
        country=country,
        devices=_devices(thing),
        created_at=None if registered else instant(thing.get("date_created_gmt")),
        changed_at=version_at(thing),
    )


def _person(
    external_id: str, *, names: Sequence[Thing], emails: Sequence[Any], parts: Sequence[Thing], country: str,
    guest: bool = False, tags: tuple[str, ...] = (), devices: tuple[str, ...] = (),
    created_at: datetime | None, changed_at: datetime | None,
) -> Person:  # fmt: skip
    named: Thing = next((n for n in names if text(n.get("first_name")) or text(n.get("last_name"))), {})
    addresses = [a for part in parts if (a := _address(part))]
    company = next((c for part in parts if (c := text(part.get("company")))), "")
    phones = (text(part.get("phone")) for part in parts)
    return Person(
        external_id=external_id,
        kind="company" if company and not named else "person",
        guest=guest,
        given_name=text(named.get("first_name")),
        family_name=text(named.get("last_name")),
        company=company,
        emails=_once(e for value in emails for e in re.split(r"[\s,;]+", text(value)) if "@" in e),
        phones=_once(p for p in phones if p),
        addresses=tuple(dict.fromkeys(addresses)),
        tags=tags,
        created_at=created_at,
        changed_at=changed_at,
        device_ids=devices,
        country=next((a.country for a in addresses if a.country), country),
    )


def _devices(thing: Thing) -> tuple[str, ...]:
    """The browser that an order came from, when our plugin runs in the shop."""
    said = next(
        (meta.get("value") for meta in _parts(thing, "meta_data") if meta.get("key") == _DEVICE), None
    )
    usable = isinstance(said, str) and 0 < len(said) <= _LONGEST_DEVICE and said.isprintable()
    return (str(said).strip(),) if usable and str(said).strip() else ()


def _once(values: Iterable[str]) -> tuple[str, ...]:
    """Values without their repeats in other case, in their order."""
    found: dict[str, str] = {}
    for value in values:
        found.setdefault(value.casefold(), value)
    return tuple(found.values())


def _address(part: Thing) -> Address | None:
    line = ", ".join(p for p in (text(part.get("address_1")), text(part.get("address_2"))) if p)
    city, region, postcode = (text(part.get(k)) for k in ("city", "state", "postcode"))
    country = text(part.get("country")).upper()
    if not (line or city or region or postcode or country):
        return None
    names = (text(part.get(k)) for k in ("first_name", "last_name"))
    return Address(
        line=line, city=city, region=region, postcode=postcode,
        country=country if re.fullmatch("[A-Z]{2}", country) else "",
        name=" ".join(n for n in names if n), phone=text(part.get("phone")),
    )  # fmt: skip


def _lines(thing: Thing) -> tuple[Line, ...]:
    goods = [_line(i, item) for i, item in enumerate(_parts(thing, "line_items"), 1)]
    fees = [_fee(i, fee) for i, fee in enumerate(_parts(thing, "fee_lines"), len(goods) + 1)]
    return (*goods, *fees)


def _line(position: int, item: Thing) -> Line:
    at = f"/line_items/{position - 1}"
    quantity = decimal(item.get("quantity"), f"{at}/quantity")
    before, total = _both(item, "subtotal", "subtotal_tax", at), _both(item, "total", "total_tax", at)
    unit = before / quantity if quantity else decimal(item.get("price"), f"{at}/price")
    account = item.get("product_id")
    return Line(
        position=position,
        product_id="" if account in (None, "", 0, "0") else identifier(account, f"{at}/product_id"),
        sku=text(item.get("sku")),
        name=text(item.get("name")),
        quantity=quantity,
        unit_price=unit.quantize(_FOUR, ROUND_HALF_UP),
        discount=before - total,
        tax=decimal(item.get("total_tax"), f"{at}/total_tax"),
        total=total,
    )


def _fee(position: int, fee: Thing) -> Line:
    total = _both(fee, "total", "total_tax", "/fee_lines")
    tax = decimal(fee.get("total_tax"), "/fee_lines/total_tax")
    return Line(position=position, name=text(fee.get("name")), unit_price=total, tax=tax, total=total)


def _both(thing: Thing, net: str, tax: str, at: str = "") -> Decimal:
    return decimal(thing.get(net), f"{at}/{net}") + decimal(thing.get(tax), f"{at}/{tax}")


def _refunded(thing: Thing) -> Decimal:
    # negative in the order's own list, positive in refund objects: both mean money given back
    return sum((abs(decimal(r.get("total"), "/refunds/total")) for r in _parts(thing, "refunds")), Decimal(0))


def _happenings(thing: Thing, total: Decimal) -> list[Happening]:
    found = [
        Happening(kind=kind, at=at, key=kind, amount=amount)
        for kind, field, amount in (
            ("placed", "date_created_gmt", total),
            ("paid", "date_paid_gmt", total),
            ("completed", "date_completed_gmt", None),
        )
        if (at := instant(thing.get(field)))
    ]
    if (state := status(thing)) in ("cancelled", "failed") and (at := version_at(thing)):
        found.append(Happening(kind=state, at=at, key=state))
    for refund in _parts(thing, "refund_objects"):
        if at := instant(refund.get("date_created_gmt")):
            key = f"refund:{identifier(refund.get('id'), '/refund_objects/id')}"
            amount = abs(decimal(refund.get("amount"), "/refund_objects/amount"))
            found.append(
                Happening(kind="refunded", at=at, key=key, amount=amount, note=text(refund.get("reason")))
            )
    return found


def _state(thing: Thing) -> OrderState:
    known = STATES.get(status(thing))
    if known:
        return known
    # "processing" and the states of plugins: as far as the order's own dates carry
    if status(thing) != "processing" and instant(thing.get("date_completed_gmt")):
        return "completed"
    return "paid" if instant(thing.get("date_paid_gmt")) else "open"


def _currency(value: Any) -> str:
    code = text(value).upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise BadInput(
            f"a currency code of three letters was expected, not {text(value)[:20]!r}", "/currency"
        )
    return code


def _extra(thing: Thing) -> dict[str, str]:
    kept = {"payment_method": text(thing.get("payment_method_title"))}
    for meta in _parts(thing, "meta_data"):
        key = text(meta.get("key"))
        if key.startswith("_wc_order_attribution_"):
            kept[key.removeprefix("_wc_order_")] = text(meta.get("value"))[:500]
    return {key: value for key, value in kept.items() if value}


def _part(thing: Thing, name: str) -> Thing:
    value = thing.get(name)
    return value if isinstance(value, Mapping) else {}


def _parts(thing: Thing, name: str) -> list[Thing]:
    value = thing.get(name)
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []
