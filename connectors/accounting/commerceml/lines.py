"""The lines of a document, and what hangs on a line or on the whole: discounts, taxes."""

from decimal import ROUND_HALF_UP, Decimal

from connectors.accounting.commerceml.goods import requisite
from connectors.accounting.commerceml.nodes import Node
from connectors.accounting.commerceml.offers import unit
from connectors.accounting.commerceml.parts import Used
from foundation.records import Line

DELIVERY = "ORDER_DELIVERY"
_FOUR = Decimal("0.0001")
_NOTHING = Decimal(0)


def lines_of(document: Node) -> tuple[tuple[Line, ...], Decimal]:
    """The goods of a document and, beside them, what its delivery costs."""
    goods: list[Line] = []
    delivery = _NOTHING
    for node in (*document.all("Товары", "Товар"), *document.all("ТоварнаяПозиция")):
        line = _line(node, len(goods) + 1)
        if line.product_id == DELIVERY:
            delivery += line.total
            for name in node.all("Наименование"):
                name.taken = False  # no line is left to bear it
        else:
            goods.append(line)
    return tuple(goods), delivery


def taxes(node: Node) -> tuple[Decimal, Decimal]:
    """The taxes of a line or document: all, and those that come on top of its sum."""
    whole = on_top = _NOTHING
    for tax in node.all("Налоги", "Налог"):
        if (amount := tax.number("Сумма")) is not None:
            whole += amount
            if tax.flag("УчтеноВСумме") is False:
                on_top += amount
    return whole, on_top


def discounts(node: Node) -> tuple[Decimal, Decimal]:
    """The discounts of a line or document: all, and those its sum doesn't have in it yet."""
    whole = outside = _NOTHING
    for discount in node.all("Скидки", "Скидка"):
        if (amount := discount.number("Сумма")) is not None:
            whole += amount
            if discount.flag("УчтеноВСумме") is False:
                outside += amount
    return whole, outside


def _line(node: Node, position: int) -> Line:
    quantity = node.number("Количество")
    price = node.number("ЦенаЗаЕдиницу", "Цена")
    total = node.number("Сумма")
    tax, on_top = taxes(node)
    discount, outside = discounts(node)
    count = Decimal(1) if quantity is None else quantity
    if price is None:
        price = total / count if total and count else _NOTHING
    if total is None or (total == 0 and not discount):  # left empty or filled with zeros
        total = price * count
    for ratio in node.all("Коэффициент"):
        ratio.taken = ratio.text.strip() in ("1", "1.0", "1.00", "1.0000")
    unit(node, Used())
    return Line(
        position=position,
        product_id=node.said("Ид", "Товар"),
        sku=node.said("Артикул") or requisite([node], "Артикул"),
        name=node.said("Наименование"),
        quantity=count,
        unit_price=_short(price),
        discount=_short(discount),
        tax=_short(tax),
        total=_short(total - outside + on_top),
    )


def _short(amount: Decimal) -> Decimal:
    return amount if amount.as_tuple().exponent >= -4 else amount.quantize(_FOUR, ROUND_HALF_UP)  # type: ignore[operator]
