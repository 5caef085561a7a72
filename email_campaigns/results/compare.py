"""Whether one group did better than another, with intervals that stay true however often one looks.

The usual 95 % interval is only true for whoever looks once. These are normal mixture confidence sequences
(Robbins 1970; Howard, Ramdas, McAuliffe, Sekhon 2021), with the variance that the data show, and narrowest
when
everybody who is meant to is counted: how many that are is known before the first letter leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt

from foundation.text import _

ALPHA, _POWER = 0.05, 0.841621  # wrong in one of twenty; found in four of five
FEWEST, FEWEST_EVENTS = 100, 20  # people in each group, and happenings in all, before the normal curve holds


@dataclass(frozen=True)
class Group:
    """People of a group: how many, how many did it, and the mean and variance of what is compared."""

    name: str
    people: int
    events: int
    mean: float
    variance: float
    planned: int = 0  # how many it will be in the end


@dataclass(frozen=True)
class Comparison:
    """A group against the first: difference, interval, verdict, and how many people it takes."""

    first: Group
    other: Group
    difference: float
    low: float
    high: float
    needed: int  # people a group before a difference that is worth it shows
    verdict: str  # early better worse same

    @property
    def tells(self) -> bool:
        """Whether there are enough people for the interval to mean anything."""
        return min(self.first.people, self.other.people) >= FEWEST

    @property
    def words(self) -> str:
        """The verdict in words."""
        return {
            "better": _("clearly more"), "worse": _("clearly less"), "same": _("no clear difference"),
            "early": _("too early to say"),
        }[self.verdict]  # fmt: skip


def rate(name: str, people: int, events: int, planned: int = 0) -> Group:
    """A group of which so many did something; none so far isn't none for ever."""
    share = (events + 0.5) / (people + 1)
    return Group(name, people, events, events / people if people else 0.0, share * (1 - share), planned)


def sums(name: str, people: int, events: int, total: float, squares: float, planned: int = 0) -> Group:
    """A group whose people spent so much in all; `squares` is the sum of each one's spending squared."""
    mean = total / people if people else 0.0
    variance = max(0.0, squares / people - mean * mean) if people else 0.0
    return Group(name, people, events, mean, variance, planned)


def compare(groups: Sequence[Group], worth: float) -> list[Comparison]:
    """Each further group against the first; `worth` is the smallest difference that is worth waiting for.

    With several groups the chance of error is shared among them.
    """
    first, *others = groups
    alpha = ALPHA / max(1, len(others))
    return [_compared(first, one, max(worth, 1e-9), alpha) for one in others]


def leader(groups: Sequence[Group], worth: float) -> tuple[Group, bool]:
    """The group that is ahead, and whether that is clear: better than each of the others."""
    ahead = max(groups, key=lambda one: one.mean)
    rest = [one for one in groups if one is not ahead]
    alpha = ALPHA / max(1, len(rest))
    found = [_compared(one, ahead, max(worth, 1e-9), alpha) for one in rest]
    return ahead, bool(found) and all(one.verdict == "better" for one in found)


def interval(group: Group, aimed: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Where the mean of a group lies, true at all looks together; narrowest at `aimed` people."""
    people = max(1, group.people)
    half = sqrt(group.variance / people) * _width(_tuning(alpha) * people / aimed, alpha)
    return group.mean - half, group.mean + half


def _tuning(alpha: float) -> float:
    """Where the interval is narrowest, as a multiple of the mixture's own information."""
    return -2 * log(alpha) + log(1 - 2 * log(alpha))


def _width(ratio: float, alpha: float) -> float:
    """Half the interval in standard errors, at so many times the mixture's own information."""
    return sqrt((1 + 1 / ratio) * (log(1 + ratio) - 2 * log(alpha)))


def _compared(first: Group, other: Group, worth: float, alpha: float) -> Comparison:
    difference = other.mean - first.mean
    half = _half(first, other, alpha)
    low, high = difference - half, difference + half
    aimed = (_width(_tuning(alpha), alpha) + _POWER) / worth
    needed = ceil((first.variance + other.variance) * aimed * aimed)
    fewest = min(first.people, other.people)
    verdict = "early"
    if fewest >= FEWEST and first.events + other.events >= FEWEST_EVENTS:
        verdict = "better" if low > 0 else "worse" if high < 0 else "same" if fewest >= needed else "early"
    return Comparison(first, other, difference, low, high, needed, verdict)


def _half(first: Group, other: Group, alpha: float) -> float:
    """Half the width of the interval of the difference, true at all looks together."""
    now = sum(one.variance / max(1, one.people) for one in (first, other))
    in_the_end = sum(one.variance / max(1, one.people, one.planned) for one in (first, other))
    if now <= 0:
        return 0.0
    return sqrt(now) * _width(_tuning(alpha) * in_the_end / now, alpha)
