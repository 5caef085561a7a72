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


def part(place: int, steps: int) -> Decimal:
    """What part the visit at a place, from 1 on, has of an order that so many visits share: 1 in all.

    The first and the last have 40 % each and those between share 20 %; of two visits each has half.
    """
    if steps <= 2:
        return Decimal(1) / steps
    return _ENDS if place in (1, steps) else (1 - 2 * _ENDS) / (steps - 2)


def settle(shares: Sequence[Decimal]) -> list[Decimal]:
    """Shares rounded so that they add up as before: what rounding leaves goes to the largest."""
    settled = [share.quantize(_SMALLEST) for share in shares]
    if settled:
        largest = max(range(len(settled)), key=lambda number: abs(settled[number]))
        settled[largest] += (sum(shares, Decimal()) - sum(settled)).quantize(_SMALLEST)
    return settled
