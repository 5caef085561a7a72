"""Pairs into customers: two groups become one only where all of their records, taken together, agree. Pure.

A chain through a shared telephone or mailbox is how strangers become one customer. So a pair that is strong
enough joins two groups only when the mean weight over every pair of their records says so too, and no two of
them are proved to be two people.
"""

from collections.abc import Callable, Iterable, Sequence

from customers import birthdays
from customers.matching import persons
from customers.matching.prepared import Prepared

LARGEST = 50  # records; more of one customer would be a mistake of ours
CLIP = 10.0  # bits that one pair may speak for or against a union
Pair = tuple[int, int, float]


class Groups:
    """A union-find over numbered records that remembers who is in a group."""

    def __init__(self, number: int) -> None:
        self._parent = list(range(number))
        self._members: dict[int, list[int]] = {}

    def root(self, index: int) -> int:
        """The lowest record of a group."""
        parent = self._parent
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    def members(self, root: int) -> Sequence[int]:
        """Everybody in the group of a root."""
        return self._members.get(root) or (root,)

    def join(self, a: int, b: int) -> None:
        """Make one group of two roots."""
        a, b = (a, b) if a < b else (b, a)
        self._members[a] = [*self.members(a), *self.members(b)]
        self._members.pop(b, None)
        self._parent[b] = a


def refusal(a: Prepared, b: Prepared) -> str:
    """Why two records are two customers whatever else agrees, or nothing."""
    if a.kind != b.kind:
        return "kind"
    if a.tax and b.tax and a.tax != b.tax:
        kind, _, value = a.tax.partition(":")
        other_kind, _, other = b.tax.partition(":")
        if kind == other_kind != "?" and value != other:
            return "tax"
    if a.name.suffix and b.name.suffix and a.name.suffix != b.name.suffix:
        return "suffix"
    if a.kind == "company":  # many people may speak for one
        return ""
    if a.name.middle and b.name.middle and persons.middle(a.name.middle, b.name.middle) == "different":
        return "middle"
    return "birthday" if birthdays.two_people(a.born, b.born) else ""


def join(
    groups: Groups,
    pairs: Iterable[Pair],
    weigh: Callable[[int, int], float],
    refused: Callable[[int, int], bool],
    least: float,
    mean: float,
) -> list[Pair]:
    """Join along pairs, the strongest first, down to `least`; answers the pairs that joined.

    A union needs a `mean` weight over all pairs between both groups, each clipped, and no refusal among them.
    """
    used = []
    for one, other, bits in pairs:
        if bits < least:
            break
        a, b = groups.root(one), groups.root(other)
        if a == b:
            continue
        left, right = groups.members(a), groups.members(b)
        if len(left) + len(right) > LARGEST:
            continue
        between = [(x, y) for x in left for y in right]
        if any(refused(x, y) for x, y in between):
            continue
        if len(between) > 1:
            weights = [max(-CLIP, min(CLIP, weigh(x, y))) for x, y in between]
            if sum(weights) < mean * len(weights):
                continue
        groups.join(a, b)
        used.append((one, other, bits))
    return used
