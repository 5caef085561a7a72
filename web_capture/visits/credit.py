"""How the money of an order is shared among the visits before it: the shares add up to the order. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

MODELS = ("last", "first", "position")
_ENDS = Decimal("0.4")
_SMALLEST = Decimal("0.0001")


class Touch(NamedTuple):
    """Where a visit came from."""

    channel: str
    source: str
    medium: str
    campaign: str

    @property
    def direct(self) -> bool:
        """Nobody knows from where."""
        return not self.source and not self.medium


def weights(touches: Sequence[Touch], model: str) -> list[Decimal]:
    """What part each visit has, in their order: 1 in all.

    Last: all to the last that isn't direct, if there is one. First: all to the first. Position: 40 % to the
    first and the last, 20 % to those between; of two visits half each.
    """
    count = len(touches)
    if model == "position":
        if count <= 2:
            return [Decimal(1) / count] * count
        between = (1 - 2 * _ENDS) / (count - 2)
        return [_ENDS, *([between] * (count - 2)), _ENDS]
    chosen = 0
    if model == "last":
        chosen = max((n for n, touch in enumerate(touches) if not touch.direct), default=count - 1)
    return [Decimal(int(number == chosen)) for number in range(count)]


def split(total: Decimal, parts: Sequence[Decimal]) -> list[Decimal]:
    """An amount in parts that add up to it: what rounding leaves goes to the last that has a part."""
    shares = [(total * part).quantize(_SMALLEST) for part in parts]
    last = max(number for number, part in enumerate(parts) if part)
    shares[last] += total - sum(shares)
    return shares
