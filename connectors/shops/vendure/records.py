"""One raw Vendure object as records of the common vocabulary. Pure.

Money comes as whole numbers with the shop's own number of decimals (`moneyDecimals`, two unless its
MoneyStrategy says otherwise, and the same for every currency: 100 of KRW is one won).
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from connectors.base import Raw
from connectors.shops.vendure.happenings import happenings, refunds
from connectors.shops.vendure.people import buyer, person, place
from connectors.shops.vendure.values import Node, identifier, instant, listed, moment, money, nested, text
from foundation.errors import BadInput
from foundation.records import AnyRecord, Gone, Line, Order, OrderState, Product

_GONE = {"customers": "person", "orders": "order", "products": "product"}
_NOT_ORDERS = frozenset({"Created", "Draft", "AddingItems", "ArrangingPayment"})
_STATES: dict[str, OrderState] = {
    "PaymentAuthorized": "open",
    "PaymentSettled": "paid",
    "PartiallyShipped": "shipped",
    "Shipped": "shipped",
    "PartiallyDelivered": "shipped",
    "Delivered": "completed",
    "Modifying": "open",
    "ArrangingAdditionalPayment": "open",
    "Cancelled": "cancelled",
}
_CURRENCY = re.compile(r"[A-Z]{3}")


def normalise(stream: str, raw: Raw) -> list[AnyRecord]:
    """The records; an empty list for a cart, a draft or one seller's part of a larger order."""
    if raw.gone:
        return [Gone(external_id=raw.external_id, what=_GONE[stream])]  # type: ignore[arg-type]
    try:
        node = msgspec.json.decode(raw.payload, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise BadInput(f"no JSON object: {error}") from error
    return list(_READERS[stream](node))


def touched_at(node: Node) -> datetime:
    """When an object last changed by any of its clocks (its own, its placing, its newest history entry)."""
    times = [node.get("updatedAt"), node.get("orderPlacedAt")]
    times += [entry.get("createdAt") for entry in listed(nested(node, "touched"), "items")]
    return max(instant(value) for value in times if value)


def _customer(node: Node) -> Sequence[AnyRecord]:
    return [person(node)]


def _order(node: Node) -> Sequence[AnyRecord]:
    if node.get("active") or node.get("state") in _NOT_ORDERS or node.get("type") == "Seller":
        return []
    external_id = identifier(node)
    decimals, currency = _decimals(node), str(node.get("currencyCode"))
    if not _CURRENCY.fullmatch(currency):
        raise BadInput(f"{currency!r} is no currency", "currencyCode")
    amount: Callable[[str], Decimal] = lambda name: money(node.get(name), decimals, name)  # noqa: E731
    who = buyer(node, external_id)
    taken_off = listed(node, "discounts")
    total, given_back = amount("totalWithTax"), sum((r.amount for r in refunds(node, decimals)), Decimal(0))
    return [
        Order(
            external_id=external_id,
            number=text(node.get("code")),
            state=_state(node, given_back, decimals),
            source_state=text(node.get("state")),
            currency=currency,
            total=total,
            discount=-sum((money(d.get("amountWithTax"), decimals) for d in taken_off), Decimal(0)),
            shipping=amount("shippingWithTax"),
            tax=total - amount("total"),
            refunded=given_back,
            customer_id=who.external_id,
            customer=who,
            lines=_lines(node, decimals),
            coupons=tuple(text(code) for code in node.get("couponCodes") or ()),
            billing=place(node, "billingAddress"),
            delivery=place(node, "shippingAddress"),
            happenings=happenings(node, decimals),
            placed_at=moment(node.get("orderPlacedAt")),
            changed_at=touched_at(node),
            extra=_extra(node),
        )
    ]  # fmt: skip


def _state(node: Node, given_back: Decimal, decimals: int) -> OrderState:
    """Our state; "refunded" once all that was paid has been given back."""
    settled = [p for p in listed(node, "payments") if p.get("state") == "Settled"]
    paid = sum((money(p.get("amount"), decimals) for p in settled), Decimal(0))
    if given_back and given_back >= paid:
        return "refunded"
    return _STATES.get(str(node.get("state")), "open")


def _lines(node: Node, decimals: int) -> tuple[Line, ...]:
    lines = [_line(line, number, decimals) for number, line in enumerate(listed(node, "lines"), 1)]
    for number, surcharge in enumerate(listed(node, "surcharges"), len(lines) + 1):
        price = money(surcharge.get("priceWithTax"), decimals, "surcharges")
        lines.append(
            Line(
                position=number,
                sku=text(surcharge.get("sku")),
                name=text(surcharge.get("description")),
                unit_price=price,
                tax=price - money(surcharge.get("price"), decimals, "surcharges"),
                total=price,
            )
        )
    return tuple(lines)


def _line(line: Node, number: int, decimals: int) -> Line:
    """One line. A cancelled one has quantity 0: the shop takes back what it no longer sells."""
    amount: Callable[[str], Decimal] = lambda name: money(line.get(name), decimals, f"lines.{name}")  # noqa: E731
    variant, total = nested(line, "productVariant"), amount("proratedLinePriceWithTax")
    return Line(
        position=number,
        product_id=text(variant.get("id")),
        sku=text(variant.get("sku")),
        name=text(variant.get("name")),
        quantity=Decimal(int(line.get("quantity") or 0)),
        unit_price=amount("unitPriceWithTax"),
        discount=amount("linePriceWithTax") - total,
        tax=total - amount("proratedLinePrice"),
        total=total,
    )


def _extra(node: Node) -> dict[str, str]:
    """What else a person may want to read: promotions, ways of payment and delivery, tracking codes."""
    methods = (nested(line, "shippingMethod") for line in listed(node, "shippingLines"))
    found = {
        "promotions": [text(promotion.get("name")) for promotion in listed(node, "promotions")],
        "payment": [text(payment.get("method")) for payment in listed(node, "payments")],
        "transaction": [text(payment.get("transactionId")) for payment in listed(node, "payments")],
        "delivery": [text(method.get("name")) for method in methods],
        "tracking": [text(parcel.get("trackingCode")) for parcel in listed(node, "fulfillments")],
    }
    joined = {name: ", ".join(dict.fromkeys(filter(None, values))) for name, values in found.items()}
    return {name: value for name, value in joined.items() if value}


def _product(node: Node) -> Sequence[AnyRecord]:
    parent = nested(node, "product")
    pictures = (nested(thing, "featuredAsset").get("preview") for thing in (node, parent))
    levels = listed(node, "stockLevels")
    free = sum(int(level.get("stockOnHand") or 0) - int(level.get("stockAllocated") or 0) for level in levels)
    return [
        Product(
            external_id=identifier(node),
            name=text(node.get("name")) or text(parent.get("name")),
            sku=text(node.get("sku")),
            price=money(node.get("priceWithTax"), _decimals(node), "priceWithTax"),
            currency=text(node.get("currencyCode")),
            category=text(parent.get("name")),
            image=next((text(picture) for picture in pictures if picture), ""),
            active=bool(node.get("enabled")) and bool(parent.get("enabled", True)),
            stock=Decimal(free) if levels else None,
            changed_at=moment(node.get("updatedAt")),
        )
    ]


_READERS: dict[str, Callable[[Node], Sequence[AnyRecord]]] = {
    "customers": _customer,
    "orders": _order,
    "products": _product,
}


def _decimals(node: Node) -> int:
    found = node.get("moneyDecimals", 2)
    if not isinstance(found, int) or not 0 <= found <= 6:
        raise BadInput(f"{found!r} is no number of decimals", "moneyDecimals")
    return found
