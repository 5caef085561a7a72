"""Prices, rests and units, in each of the shapes they come in."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from connectors.accounting.commerceml.habits import Habits
from connectors.accounting.commerceml.nodes import Node
from connectors.accounting.commerceml.parts import Used
from connectors.accounting.commerceml.values import clean, fold

_UNITS = {  # 1C's codes are those of the Russian classifier of units
    "796": "шт", "715": "пар", "778": "упак", "839": "компл", "166": "кг", "163": "г", "168": "т", "112": "л",
    "111": "мл", "006": "м", "6": "м", "004": "см", "055": "м2", "55": "м2", "113": "м3",
    "736": "рул", "704": "набор",
    "356": "ч", "359": "сут", "362": "мес", "642": "ед", "798": "тыс. шт", "876": "усл. ед",
}  # fmt: skip


def price(trees: Mapping[str, Node], names: Used, habits: Habits) -> tuple[Decimal | None, str]:
    """The price that counts and its currency; the other prices stay where they are."""
    types = {key: (name, currency) for key, name, currency in names.prices}
    prices = list(_prices(trees))
    ranked = sorted(range(len(prices)), key=lambda i: (_rank(prices[i], types, habits), i))
    for node in prices:
        node.raw("Представление")  # for the eye: it repeats the price
    for i in ranked:
        node = prices[i]
        amount = node.number("ЦенаЗаЕдиницу", "Цена")
        if amount is not None:
            kind = node.raw("ИдТипаЦены", "ИдентификаторТипаЦены")
            told = node.currency("Валюта") or types.get(kind, ("", ""))[1]
            return amount, told or habits.currency
    return None, ""


def stock(trees: Mapping[str, Node]) -> Decimal | None:
    """How many there are in all warehouses; None where nothing says so, which isn't none of them."""
    for part in ("rest", "offer", "good"):
        node = trees.get(part)
        if node is None:
            continue
        if (whole := node.number("Количество")) is not None:
            return whole
        rests = [*node.all("Склад"), *node.all("Склады", "Склад"), *node.all("Остатки", "Остаток")]
        rests += [*node.all("Остатки", "Остаток", "Склад")]
        counts = [n for rest in rests if (n := rest.number("КоличествоНаСкладе", "Количество")) is not None]
        if counts:
            return sum(counts, Decimal(0))
    return None


def unit(node: Node, names: Used) -> str:
    """The unit's short name: as text (before or behind a conversion), by its code, or its long name."""
    base = node.first("БазоваяЕдиница") or node.first("Единица")
    if base is None:
        return node.said("Единица")
    text, code = clean(base.text), base.raw("Код") or ""
    base.taken = True
    short = base.said("НаименованиеКраткое")
    if text and not text.isdigit():
        base.raw("НаименованиеПолное")
        base.raw("МеждународноеСокращение")
        return text
    return (
        short
        or names.unit
        or _UNITS.get(text or code, "")
        or base.said("НаименованиеПолное", "МеждународноеСокращение")
        or text
        or code
    )


def _prices(trees: Mapping[str, Node]) -> Iterator[Node]:
    for part in ("price", "offer", "good"):
        node = trees.get(part)
        if node is None:
            continue
        found = [*node.all("Цены", "Цена"), *node.all("Цена")]
        if found and any(one.children for one in found):
            yield from found
            return
        if node.first("Цена") or fold("Цена") in node.attributes:
            yield node  # 1.x, and those who write the price beside the rest
            return


def _rank(node: Node, types: Mapping[str, tuple[str, str]], habits: Habits) -> int:
    kind = next(
        (c.text for c in node.all("ИдТипаЦены")), node.attributes.get(fold("ИдентификаторТипаЦены"), "")
    )
    if habits.price_type and fold(habits.price_type) in (fold(kind), fold(types.get(kind, ("", ""))[0])):
        return -1
    return list(types).index(kind) if kind in types else len(types)
