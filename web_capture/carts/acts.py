"""What captured events do with carts: the acts, orders and looks at products in them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from web_capture.carts.log import Act, Line, name_of
from web_capture.happened import Happened
from web_capture.values import web_address
from web_capture.visits import origins
from web_capture.visits.sessions import microseconds
from web_capture.vocabulary import FIELDS

KINDS = {
    "web.product_added": "add", "web.wishlist_product_added_to_cart": "add", "web.product_removed": "remove",
    "web.cart_viewed": "whole", "web.cart_updated": "whole", "web.checkout_started": "checkout",
    "web.checkout_step_viewed": "step", "web.checkout_step_completed": "step",
    "web.payment_info_entered": "step", "web.order_completed": "order",
}  # fmt: skip
_LINE = ("product_id", "sku", "variant", "name", "brand", "category", "quantity", "price", "url", "image_url")
_PRODUCTS = tuple(name for name, known in FIELDS.items() if known == "products")
_LINKS = ("cart_url", "cartUrl", "checkout_url", "checkoutUrl", "CheckoutURL", "recovery_url",
          "abandoned_checkout_url", "url")  # fmt: skip
_CART_PAGES = ("web.cart_viewed", "web.cart_updated", "web.checkout_started")
RETURNS = ("web.order_refunded", "web.order_cancelled")
_SUMS = ("value", "total", "subtotal", "revenue")

Who = tuple[int, str, str, str]  # when and by which message last; device, profile


@dataclass
class Told:
    """What a batch of events tells of one cart."""

    who: Who = (0, "", "", "")
    acts: list[Act] = field(default_factory=list)


@dataclass
class Batch:
    """What a batch of events tells of carts, of products looked at, of orders and what became of them."""

    carts: dict[str, Told] = field(default_factory=dict)
    looks: dict[str, Told] = field(default_factory=dict)
    orders: list[Happened] = field(default_factory=list)
    returns: list[Happened] = field(
        default_factory=list
    )  # refunds and cancellations, told by the shop's server


def read(own: frozenset[str], rows: Sequence[Happened]) -> Batch:
    """What events tell of carts; bots' tell nothing."""
    batch = Batch()
    for row in rows:
        if row.bot:
            continue
        kind = KINDS.get(row.kind)
        if kind is not None:
            _add(batch, own, row, kind)
        elif row.kind in RETURNS and row.message.secret and row.data.get("order_id"):
            batch.returns.append(row)
        elif row.kind == "web.product_viewed" and row.message.device and row.data.get("products"):
            act = _act(own, row, "look")
            told = batch.looks.setdefault(row.message.device, Told())
            told.acts.append(act)
            told.who = max(told.who, _who(act, row))
    return batch


def _add(batch: Batch, own: frozenset[str], row: Happened, kind: str) -> None:
    act = _act(own, row, kind)
    for key in keys_of(row, ordered=kind == "order"):
        told = batch.carts.setdefault(key, Told())
        told.acts.append(act)
        told.who = max(told.who, _who(act, row))
    if kind == "order":
        batch.orders.append(row)


def keys_of(row: Happened, *, ordered: bool = False) -> list[str]:
    """The carts an event is about: by the shop's id, else the device's; an order is about both.

    A browser's word is about its own cart, whatever id it names: ids of carts can be guessed.
    """
    cart, device = row.data.get("cart_id"), row.message.device
    keys = [f"c:{cart} {device}".rstrip()] if cart else []
    if device and (ordered or not keys):
        keys.append(f"d:{device}")
    return keys or ([f"p:{row.profile}"] if row.profile else [])


def cart_of(key: str, device: str) -> str:
    """The shop's id of a cart, by its key and the device it is of."""
    return key[2:].removesuffix(f" {device}") if key.startswith("c:") else ""


def elsewhere(batch: Batch, own: frozenset[str], keys: Mapping[str, Sequence[str]]) -> None:
    """Let orders that the shop's own server told be about every cart of their id; `keys` has those by id."""
    for row in batch.orders:
        if row.message.secret:
            for key in keys.get(row.data.get("cart_id") or "", ()):
                if key not in keys_of(row):
                    batch.carts.setdefault(key, Told()).acts.append(_act(own, row, "order"))


def _who(act: Act, row: Happened) -> Who:
    return act.at, act.message, row.message.device, row.profile.hex if row.profile else ""


def _act(own: frozenset[str], row: Happened, kind: str) -> Act:
    message, data = row.message, row.data
    lines = [line for one in data.get("products") or () if (line := _line(one))]
    if kind == "whole" and not lines:
        kind = "empty" if _says_none(message.properties) else "look"
    money: Mapping[str, str] = next((data[name] for name in _SUMS if name in data), {})
    whole = kind in ("whole", "checkout", "order")
    return Act(
        microseconds(message.occurred_at), message.message_id, kind, origins.of_letter(message), lines,
        money.get("amount", "") if whole else "", money.get("currency", "") if whole else "",
        _link(own, message.properties) if row.kind in _CART_PAGES else "",
        message.url if _ours(message.url, own) else "", data.get("checkout_id") or "",
        data.get("order_id") or "",
    )  # fmt: skip


def _line(said: Mapping[str, Any]) -> Line:
    line = {name: said[name] for name in _LINE if name in said}
    return line if name_of(line) != "|" else {}


def _says_none(properties: Mapping[str, Any]) -> bool:
    """Whether a list of products was said, and is empty."""
    return any(properties.get(name, 0) in ([], {}) for name in _PRODUCTS)


def _link(own: frozenset[str], properties: Mapping[str, Any]) -> str:
    """The address at which a shop shows the cart again. It will stand in letters: only the shop's own."""
    said = (properties.get(name) for name in _LINKS)
    return next((one for one in said if isinstance(one, str) and web_address(one) and _ours(one, own)), "")


@lru_cache(maxsize=8_192)
def _ours(address: str, own: frozenset[str]) -> bool:
    try:
        host = (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return False
    return host in own or any(host.endswith(f".{one}") for one in own)


def profile_of(who: Who) -> UUID | None:
    """Whose a cart is."""
    return UUID(who[3]) if who[3] else None
