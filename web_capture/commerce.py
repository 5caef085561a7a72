"""What a captured event means to a shop: the e-commerce spec (v2) under any of its usual names."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from web_capture.messages import Message
from web_capture.money import code_of, money
from web_capture.values import LONGEST_NAME, digits, web_address
from web_capture.vocabulary import EVENTS, FIELDS, LEADS, PRODUCT_FIELDS, SINGLE_PRODUCT

MOST_PRODUCTS = 100
_MOST_PIECES = 10**9
_PRODUCTS = "products"
_SEPARATORS = re.compile(r"[\W_]+")
_MONEY = frozenset(("value", "revenue", "total", "subtotal", "shipping", "tax", "discount", "price"))
OPT_IN = "Opt-in Requested"  # of our forms, or of the shop's server: an address that is to be confirmed
ASKED = "Back In Stock Requested"  # the same of whoever wants to be told of a product
_PAGE = ("url", "path", "title", "referrer")


def kind_of(message: Message) -> str:
    """The timeline kind: `web.product_viewed` and its like, `web.lead`, `web.page` …, else `web.event`."""
    if message.kind != "track":
        return f"web.{message.kind}"
    if message.event == OPT_IN and (message.ours or message.secret):  # no browser makes us write to people
        return "web.opt_in"
    if message.event == ASKED and (message.ours or message.secret):
        return "web.back_in_stock_asked"
    return _kind(message.event)


@lru_cache(maxsize=4_096)
def _kind(event: str) -> str:
    name = _SEPARATORS.sub("", event).lower()
    if name in LEADS:
        return "web.lead"
    return f"web.{EVENTS[name]}" if name in EVENTS else "web.event"


def data_of(message: Message, currency: str) -> dict[str, Any]:
    """The timeline's data, JSON-ready; `currency` is the site's, for amounts that name none.

    What is said about the purchase is typed; everything else, unusable values too, stays under "properties".
    Revenue, total and value are different sums, so none stands in for another.
    """
    data = _about(message)
    kind, rest = kind_of(message), message.properties
    if message.kind == "track" and kind not in ("web.event", "web.lead", "web.opt_in"):
        typed, rest = _typed(kind, rest, currency)
        data |= typed
    elif message.kind == "page":
        rest = {name: value for name, value in rest.items() if name not in _PAGE or value != data.get(name)}
    if rest:
        data["properties"] = rest
    if message.cut:
        data["cut"] = True
    if kind == "web.lead" and (message.ours or message.secret):
        data["vouched"] = True  # no browser's word: it came by our form's own door, or from the shop's server
    return data


def _about(message: Message) -> dict[str, Any]:
    data: dict[str, Any] = {"event": message.event, "device": message.device, "url": message.url}
    data["title"], data["referrer"] = message.title, message.referrer
    if message.kind != "track":
        data |= {"path": message.path, "group": message.group, "previous": message.previous}
        if message.kind in ("identify", "group"):
            data["traits"] = message.traits
    return {name: value for name, value in data.items() if value}


def _typed(kind: str, said: Mapping[str, Any], site: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The typed part of an e-commerce event, and the rest of its properties."""
    currency = code_of(said.get("currency")) or site
    typed, rest = _sorted(said, FIELDS, currency)
    if rest and kind in SINGLE_PRODUCT and _PRODUCTS not in typed:
        product, rest = _sorted(rest, PRODUCT_FIELDS, currency)
        if product:
            typed[_PRODUCTS] = [product]
    return typed, rest


def _sorted(
    said: Mapping[str, Any], fields: Mapping[str, str], currency: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of known fields, and all others as they came. A field's own name goes before another."""
    typed: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in said.items():
        field = fields.get(name)
        if field is None or field in typed or (field != name and field in said):
            rest[name] = value
        elif field == _PRODUCTS:
            _add_products(name, value, currency, typed, rest)
        else:
            reader: Callable[[Any], Any] = _READERS.get(field, _text)
            usable = money(value, currency) if field in _MONEY else reader(value)
            if usable is None:
                rest[name] = value
            else:
                typed[field] = usable
    return typed, rest


def _add_products(name: str, said: Any, currency: str, typed: dict[str, Any], rest: dict[str, Any]) -> None:
    """Read a list of products, or an object of them (PHP's broken list), or a single one."""
    if isinstance(said, dict):
        said = [said] if PRODUCT_FIELDS.keys() & said.keys() else list(said.values())
    if not isinstance(said, list):
        rest[name] = said
        return
    products: list[dict[str, Any]] = []
    unusable: list[Any] = []
    for one in said[:MOST_PRODUCTS]:
        product = _product(one, currency) if isinstance(one, dict) else {}
        if product:
            products.append(product)
        else:
            unusable.append(one)
    if products:
        typed[_PRODUCTS] = products
    if unusable:
        rest[name] = unusable
    if len(said) > MOST_PRODUCTS:
        typed["cut"] = True


def _product(said: Mapping[str, Any], currency: str) -> dict[str, Any]:
    own = code_of(said.get("currency"))
    product, rest = _sorted(said, PRODUCT_FIELDS, own or currency)
    if own:
        rest.pop("currency", None)
    if product and rest:
        product["properties"] = rest
    return product


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        usable = value.strip()
        return usable if 0 < len(usable) <= LONGEST_NAME else None
    return None if isinstance(value, bool) or not isinstance(value, int | float) else digits(value)


def _long_text(value: Any) -> str | None:
    return (value.strip() or None) if isinstance(value, str) else None


def _address(value: Any) -> str | None:
    return (web_address(value.strip()) or None) if isinstance(value, str) else None


def _quantity(value: Any) -> int | float | None:
    if isinstance(value, str):
        value = _number(value.strip())
    if isinstance(value, int):
        return value if 0 <= value <= _MOST_PIECES and not isinstance(value, bool) else None
    if not isinstance(value, float) or not 0 <= value <= _MOST_PIECES:
        return None
    return int(value) if value.is_integer() else value


def _number(value: str) -> float | None:
    if value.isascii() and value.isdigit() and len(value) <= 10:
        return int(value)
    return float(value) if re.fullmatch(r"[0-9]{1,10}\.[0-9]{1,6}", value) else None


def _whole(value: Any) -> int | None:
    number = _quantity(value)
    return number if isinstance(number, int) else None


def _step(value: Any) -> int | str | None:
    number = _whole(value)
    return number if number is not None else _text(value)


def _currency(value: Any) -> str | None:
    return code_of(value) or None


_READERS: dict[str, Callable[[Any], Any]] = {
    "currency": _currency, "step": _step, "quantity": _quantity, "position": _whole,
    "url": _address, "image_url": _address, "query": _long_text, "name": _long_text,
}  # fmt: skip
