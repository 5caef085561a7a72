"""The variables that letters know, what each is and where from; and an invented customer that has all."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from email_campaigns.letters.values import Amount
from foundation.text import _

CARD, ORDER, CART, INVOICE, SHOP, TRIGGER, LETTER = (
    "card", "order", "cart", "invoice", "shop", "trigger", "letter",
)  # fmt: skip
_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_SHOP = "https://shop.example"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: `path` as a letter names it, `[]` behind a list whose members it belongs to."""

    path: str
    kind: str  # text number money date time address list
    source: str  # card order cart invoice shop trigger letter
    example: Any
    words: Callable[[], str]  # what it is, in the reader's language


_Row = tuple[str, str, Any, Callable[[], str]]


def _of(source: str, *rows: _Row) -> tuple[Variable, ...]:
    return tuple(Variable(path, kind, source, example, words) for path, kind, example, words in rows)


def _goods(list_path: str, source: str) -> tuple[Variable, ...]:
    """What each member of a list of goods has."""
    rows: list[_Row] = [
        ("name", "text", "Samovar 3 l", lambda: _("Name")),
        ("sku", "text", "SAM-3", lambda: _("SKU")),
        ("price", "money", Amount(Decimal(31000), "KZT"), lambda: _("Price of one")),
        ("url", "address", f"{_SHOP}/samovar", lambda: _("Its page")),
        ("image", "address", f"{_SHOP}/samovar.jpg", lambda: _("Its picture")),
    ]  # fmt: skip
    if list_path in ("order.lines", "cart.lines"):
        rows.append(("quantity", "number", Decimal(2), lambda: _("How many")))
        rows.append(("total", "money", Amount(Decimal(62000), "KZT"), lambda: _("Price of the line")))
    return _of(source, *[(f"{list_path}[].{name}", kind, said, words) for name, kind, said, words in rows])


VARIABLES: tuple[Variable, ...] = (
    *_of(
        CARD,
        ("customer.given_name", "text", "Anna", lambda: _("Given name")),
        ("customer.family_name", "text", "Yudina", lambda: _("Family name")),
        ("customer.name", "text", "Anna Yudina", lambda: _("Whole name, or the company's")),
        ("customer.email", "text", "anna@mail.example", lambda: _("E-mail")),
        ("customer.phone", "text", "+77015550199", lambda: _("Phone")),
        ("customer.city", "text", "Almaty", lambda: _("City")),
        ("customer.country", "text", "KZ", lambda: _("Country, two letters")),
        ("customer.language", "text", "en", lambda: _("Language")),
        ("customer.birthday", "date", date(1990, 5, 17), lambda: _("Birthday")),
        ("customer.tags", "list", ["vip"], lambda: _("Tags")),
        ("customer.orders", "number", 7, lambda: _("How many orders so far")),
        ("customer.spent", "money", Amount(Decimal(184500), "KZT"),
            lambda: _("Sum of the orders, less refunds")),
        ("customer.first_order_at", "time", _AT, lambda: _("First order")),
        ("customer.last_order_at", "time", _AT, lambda: _("Last order")),
    ),
    *_of(
        ORDER,
        ("order.number", "text", "B-10431", lambda: _("Number of the last order")),
        ("order.state", "text", "paid", lambda: _("State of the last order")),
        ("order.placed_at", "time", _AT, lambda: _("When it was placed")),
        ("order.total", "money", Amount(Decimal(62000), "KZT"), lambda: _("What is paid for it")),
        ("order.discount", "money", Amount(Decimal(3000), "KZT"), lambda: _("Discount")),
        ("order.shipping", "money", Amount(Decimal(1500), "KZT"), lambda: _("Delivery")),
        ("order.tax", "money", Amount(Decimal(6642), "KZT"), lambda: _("Tax")),
        ("order.address", "text", "12 Main street, Almaty", lambda: _("Where it is sent")),
        ("order.url", "address", f"{_SHOP}/orders/10431", lambda: _("Its page, where the trigger knows it")),
        ("order.lines", "list", None, lambda: _("What was ordered")),
    ),
    *_goods("order.lines", ORDER),
    *_of(
        CART,
        ("cart.url", "address", f"{_SHOP}/cart", lambda: _("Where the cart can be seen again")),
        ("cart.value", "money", Amount(Decimal(62000), "KZT"), lambda: _("What it costs")),
        ("cart.items", "number", Decimal(2), lambda: _("How many pieces")),
        ("cart.changed_at", "time", _AT, lambda: _("When it changed last")),
        ("cart.lines", "list", None, lambda: _("What lies in it")),
    ),
    *_goods("cart.lines", CART),
    *_of(
        INVOICE,
        ("invoice.number", "text", "INV-204", lambda: _("Number of the unpaid invoice that is due first")),
        ("invoice.total", "money", Amount(Decimal(90000), "KZT"), lambda: _("Its sum")),
        ("invoice.owed", "money", Amount(Decimal(40000), "KZT"), lambda: _("What is left to pay")),
        ("invoice.issued_at", "time", _AT, lambda: _("Issued")),
        ("invoice.due_at", "time", _AT, lambda: _("Due")),
        ("invoice.days_late", "number", 3, lambda: _("Days since it was due")),
        ("invoice.url", "address", f"{_SHOP}/invoices/204",
            lambda: _("Its page, where the trigger knows it")),
    ),
    *_of(
        TRIGGER,
        ("product.name", "text", "Samovar 3 l", lambda: _("The product that the letter is about")),
        ("product.sku", "text", "SAM-3", lambda: _("SKU")),
        ("product.price", "money", Amount(Decimal(31000), "KZT"), lambda: _("Its price now")),
        ("product.old_price", "money", Amount(Decimal(36000), "KZT"), lambda: _("Its price before")),
        ("product.url", "address", f"{_SHOP}/samovar", lambda: _("Its page")),
        ("product.image", "address", f"{_SHOP}/samovar.jpg", lambda: _("Its picture")),
        ("viewed", "list", None, lambda: _("Products that were looked at")),
        ("coupon.code", "text", "SPRING-7K2", lambda: _("A code of one's own")),
        ("coupon.until", "date", date(2026, 4, 1), lambda: _("Until when it is good")),
        ("links.confirm", "address", f"{_SHOP}/confirm", lambda: _("Where the address is confirmed")),
    ),
    *_goods("viewed", TRIGGER),
    *_of(
        SHOP,
        ("shop.name", "text", "Bazaar", lambda: _("Shop of the last order, else the first shop")),
        ("shop.url", "address", _SHOP, lambda: _("Address of the shop")),
    ),
    *_of(
        LETTER,
        ("links.unsubscribe", "address", f"{_SHOP}/m/u/example",
            lambda: _("Unsubscribe from letters like this")),
        ("links.preferences", "address", f"{_SHOP}/m/p/example", lambda: _("Choose what to get")),
        ("links.view", "address", f"{_SHOP}/m/v/example", lambda: _("This letter in the browser")),
        ("links.answer", "address", f"{_SHOP}/answer",
            lambda: _("Where “would you recommend us” is answered; ?score=9 behind it chooses 9")),
    ),
)  # fmt: skip
KNOWN: Mapping[str, Variable] = {one.path: one for one in VARIABLES}
PARTS = frozenset(path[:at] for path in KNOWN for at, sign in enumerate(path) if sign == ".") | {
    "products",
    "zone",
}


def is_known(path: str) -> bool:
    """Whether a letter may name it: a variable, or what others are parts of."""
    if path.startswith("products[]."):
        path = path.replace("products", "viewed", 1)
    return path in KNOWN or path in PARTS or (path.endswith("[]") and path[:-2] in KNOWN)


def sources() -> dict[str, str]:
    """Names of the places that variables come from."""
    return {
        CARD: _("The customer's card"), ORDER: _("The last order"), CART: _("The cart"),
        INVOICE: _("The unpaid invoice"), TRIGGER: _("What set a trigger off"), SHOP: _("The shop"),
        LETTER: _("The letter itself"),
    }  # fmt: skip


def example() -> dict[str, Any]:
    """Variables of an invented customer who has everything."""
    made: dict[str, Any] = {}
    for one in VARIABLES:
        if "[]" in one.path or (one.kind == "list" and one.example is None):
            continue
        _put(made, one.path.split("."), one.example)
    for path in ("order.lines", "cart.lines", "viewed"):
        line = {one.path.rpartition(".")[2]: one.example for one in _under(path)}
        _put(made, path.split("."), [line, line | {"name": "Cup with handle", "sku": "CUP-2"}])
    return made | {"zone": "Asia/Almaty"}


def _under(path: str) -> Iterator[Variable]:
    return (one for one in VARIABLES if one.path.startswith(f"{path}[]."))


def _put(made: dict[str, Any], names: list[str], value: Any) -> None:
    for name in names[:-1]:
        made = made.setdefault(name, {})
    made[names[-1]] = value
