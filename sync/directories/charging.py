"""The lines of an order as those of an invoice: with delivery, and adding up to what the buyer pays. Pure."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, Decimal

import msgspec

from foundation.records import Line
from foundation.text import _

_FINEST = 4  # decimals of money here
_ZERO = Decimal(0)


def charged(total: Decimal, shipping: Decimal, tax: Decimal, lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines with delivery, and with the discounts of the whole order on each of them.

    `tax` is that of the whole order: what no line has of it is that of delivery. Empty where the lines can't
    be made to add up.
    """
    cent = _cent([total, shipping, *(line.total for line in lines)])
    goods, beside = list(lines), []
    if shipping > 0:
        left = tax - sum((line.tax for line in lines), _ZERO)
        beside.append(Line(position=0, name=_("Delivery"), total=shipping, tax=left if left > 0 else _ZERO))
    rest = total - shipping - sum((line.total for line in lines), _ZERO)
    if rest > 0:
        beside.append(Line(position=0, name=_("Other charges"), total=rest))
    elif -rest <= sum((line.total for line in goods), _ZERO):
        goods = _less(goods, -rest, cent)
    else:
        goods, beside = _less([*goods, *beside], -rest, cent), []
    found = [_priced(line, position) for position, line in enumerate([*goods, *beside], 1)]
    return tuple(found) if sum((line.total for line in found), _ZERO) == total else ()


def _cent(amounts: Iterable[Decimal]) -> Decimal:
    """The smallest part that these amounts are counted in: whole ones where all of them are."""
    exponents = (amount.normalize().as_tuple().exponent for amount in amounts)
    digits = max((-one for one in exponents if isinstance(one, int)), default=0)
    return Decimal(1).scaleb(-min(max(digits, 0), _FINEST))


def _less(lines: list[Line], off: Decimal, cent: Decimal) -> list[Line]:
    """The lines with a discount shared out by what they cost: what rounding leaves goes on to the next."""
    told = sum((line.total for line in lines if line.total > 0), _ZERO)
    if not off or not told:
        return lines
    found, passed, given = [], _ZERO, _ZERO
    for line in lines:
        passed += max(line.total, _ZERO)
        due = (off * passed / told).quantize(cent, ROUND_DOWN)
        found.append(_taken_off(line, due - given, cent))
        given = due
    return found


def _taken_off(line: Line, part: Decimal, cent: Decimal) -> Line:
    if not part:
        return line
    total = line.total - part
    tax = (line.tax * total / line.total).quantize(min(cent, Decimal("0.01")))
    return msgspec.structs.replace(line, total=total, discount=line.discount + part, tax=tax)


def _priced(line: Line, position: int) -> Line:
    """A line whose price, quantity and discount come to its total, as ledgers count it again."""
    price = line.unit_price
    if price * line.quantity - line.discount != line.total:
        price = (line.total + line.discount) / (line.quantity or 1)
        price = price.quantize(Decimal("0.0001"))
    return msgspec.structs.replace(line, position=position, unit_price=price)
