"""What happened to an order and when: dates come from its history, keys from the things themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from connectors.shops.vendure.values import Node, identifier, instant, listed, money, nested, text
from foundation.records import Happening


@dataclass(frozen=True)
class Refund:
    """Money that was given back."""

    id: str
    amount: Decimal
    at: datetime
    reason: str


def refunds(node: Node, decimals: int) -> list[Refund]:
    """Settled refunds of all payments; pending and failed ones moved no money."""
    found = []
    for payment in listed(node, "payments"):
        for refund in listed(payment, "refunds"):
            if refund.get("state") == "Settled":
                amount = money(refund.get("total"), decimals, "payments.refunds.total")
                at = _turned(node, "ORDER_REFUND_TRANSITION", "refundId", refund, "Settled")
                found.append(Refund(identifier(refund), amount, at, text(refund.get("reason"))))
    return found


def happenings(node: Node, decimals: int) -> tuple[Happening, ...]:
    """Placed, paid, shipped, delivered, refunded, cancelled; oldest first, with keys that never change."""
    found = [*_money_events(node, decimals), *_parcel_events(node), *_state_events(node, decimals)]
    return tuple(sorted(found, key=lambda happening: (happening.at, happening.key)))


def _money_events(node: Node, decimals: int) -> Iterator[Happening]:
    for payment in listed(node, "payments"):
        if payment.get("state") == "Settled":
            yield Happening(
                kind="paid",
                at=_turned(node, "ORDER_PAYMENT_TRANSITION", "paymentId", payment, "Settled"),
                key=f"payment:{identifier(payment)}",
                amount=money(payment.get("amount"), decimals, "payments.amount"),
                note=text(payment.get("method")),
            )
    for refund in refunds(node, decimals):
        yield Happening(
            kind="refunded", at=refund.at, key=f"refund:{refund.id}", amount=refund.amount, note=refund.reason
        )


def _parcel_events(node: Node) -> Iterator[Happening]:
    for parcel in listed(node, "fulfillments"):
        state = parcel.get("state")
        for kind, reached in (("shipped", ("Shipped", "Delivered")), ("delivered", ("Delivered",))):
            if state in reached:
                at = _turned(node, "ORDER_FULFILLMENT_TRANSITION", "fulfillmentId", parcel, kind.capitalize())
                note = text(parcel.get("trackingCode"))
                yield Happening(kind=kind, at=at, key=f"{kind}:{identifier(parcel)}", note=note)


def _state_events(node: Node, decimals: int) -> Iterator[Happening]:
    if node.get("orderPlacedAt"):
        total = money(node.get("totalWithTax"), decimals, "totalWithTax")
        yield Happening(kind="placed", at=instant(node["orderPlacedAt"]), key="placed", amount=total)
    for entry in listed(nested(node, "history"), "items"):
        if (
            entry.get("type") == "ORDER_STATE_TRANSITION"
            and nested(entry, "data").get("to") == "Cancelled"
            and node.get("state") == "Cancelled"
        ):
            yield Happening(kind="cancelled", at=instant(entry.get("createdAt")), key="cancelled")
            return


def _turned(node: Node, kind: str, name: str, thing: Node, state: str) -> datetime:
    """When a payment, refund or parcel turned into a state; when it was made, where history is silent."""
    for entry in listed(nested(node, "history"), "items"):
        data = nested(entry, "data")
        if entry.get("type") == kind and data.get("to") == state and str(data.get(name)) == identifier(thing):
            return instant(entry.get("createdAt"))
    return instant(thing.get("createdAt"))
