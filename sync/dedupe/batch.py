"""All records of an installation or a file into customers, with one model and without asking anybody."""

import array
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np

from customers.matching import clustering, counts, keys
from customers.matching.clustering import Groups
from customers.matching.counts import Counts, Sharing
from customers.matching.model import Model
from customers.matching.prepared import Prepared, prepare
from foundation.records import Person
from sync.dedupe.blocking import Blocks

Progress = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much
_STEP = 50_000


class Outcome(msgspec.Struct):
    """For each record the lowest record of its customer: by the automatic tier alone, and by the best guess.

    `link` is the record that tied it to its customer, -1 for none, and `bits` the weight of that pair.
    """

    automatic: list[int]
    best: list[int]
    link: "array.array[int]"
    bits: "array.array[float]"


class Sample(NamedTuple):
    """Of `total` pairs one in `every`."""

    total: int
    every: int
    pairs: Iterator[tuple[int, int]]


class Batch:
    """Records are added one by one, then matched."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.records: list[Prepared] = []
        self.counts = Counts()
        self._blocks = Blocks()

    def add(self, person: Person) -> None:
        """Take one record in; its number is how many came before."""
        self.take(prepare(person))

    def take(self, one: Prepared) -> int:
        """The same with a record that has been read; answers its number."""
        self._blocks.add(len(self.records), set(keys.keys(one)), set(counts.shareable(one)))
        self.records.append(one)
        self.counts.count_words((one,))
        return len(self.records) - 1

    def match(self, progress: Progress = lambda *_: None) -> Outcome:
        """Compare what is worth comparing, and join what is one customer."""
        return self.join(*self.weighed(progress))

    def weighed(self, progress: Progress = lambda *_: None) -> tuple[Any, Any, Any]:
        """The pairs worth comparing, as two arrays of records, and the bits of each; once."""
        self._count()
        one, other = self._pairs()
        bits = np.empty(len(one), np.float32)
        self._weigh(one, other, bits, progress)
        return one, other, bits

    def compared(self) -> Iterator[tuple[int, int]]:
        """The pairs of records that `match` would weigh, for training; once."""
        return self.sample(0).pairs

    def sample(self, most: int) -> "Sample":
        """Pairs of records that `match` would weigh, evenly chosen, at most so many; 0 for all; once."""
        self._count()
        one, other = self._pairs()
        total = len(one)
        every = -(-total // most) if most and total else 1
        one, other = one[::every].copy(), other[::every].copy()
        return Sample(total, every, zip(one.tolist(), other.tolist(), strict=True))

    def _pairs(self) -> tuple[Any, Any]:
        """Who shares a key; a person and a company are never compared."""
        one, other = self._blocks.pairs()
        company = np.fromiter(
            (record.kind == "company" for record in self.records), np.bool_, len(self.records)
        )
        alike = company[one] == company[other]
        return one[alike], other[alike]

    def _count(self) -> None:
        """Who shares what, in the counts."""
        numbers: dict[str, int] = {}
        called = array.array("i")
        for one in self.records:
            word = self.counts.called(one)
            called.append(numbers.setdefault(word, len(numbers)) if word else -1)
        known: dict[tuple[int, int], Sharing] = {}
        for key, records, names, first in self._blocks.sharing(called):
            sharing = known.setdefault((records, names), Sharing(records, max(1, names)))
            for value in counts.shareable(self.records[first]):
                if hash(value) == key:
                    self.counts.shared[value] = sharing

    def _weigh(self, one: Any, other: Any, bits: Any, progress: Progress) -> None:
        model, records, counted = self.model, self.records, self.counts
        for start in range(0, len(one), _STEP):
            progress("Comparing", start, len(one))
            end = min(start + _STEP, len(one))
            pairs = zip(one[start:end].tolist(), other[start:end].tolist(), strict=True)
            bits[start:end] = [model.weigh(records[a], records[b], counted) for a, b in pairs]
        progress("Comparing", len(one), len(one))

    def join(self, one: Any, other: Any, bits: Any) -> Outcome:
        """Component by component, so that only one's pairs are looked up at a time."""
        number = len(self.records)
        reach = Groups(number)
        strong = np.flatnonzero(bits >= self.model.best)
        for a, b in zip(one[strong].tolist(), other[strong].tolist(), strict=True):
            a, b = reach.root(a), reach.root(b)
            if a != b:
                reach.join(a, b)
        outcome = Outcome(
            list(range(number)), list(range(number)),
            array.array("i", [-1]) * number, array.array("f", [0]) * number,
        )  # fmt: skip
        roots = np.fromiter((reach.root(index) for index in range(number)), np.int32, number)
        inside = np.flatnonzero(roots[one] == roots[other])
        inside = inside[np.argsort(roots[one[inside]], kind="stable")]
        for part in _runs(roots[one[inside]], inside):
            self._settle(reach, one[part].tolist(), other[part].tolist(), bits[part].tolist(), outcome)
        return outcome

    def _settle(
        self, reach: Groups, one: list[int], other: list[int], bits: list[float], outcome: Outcome
    ) -> None:
        """The customers of one component, the automatic ones first; the best guess never parts them."""
        members = sorted(reach.members(reach.root(one[0])))
        place = {record: index for index, record in enumerate(members)}
        known = {(place[a], place[b]): weight for a, b, weight in zip(one, other, bits, strict=True)}
        ordered = sorted(((a, b, weight) for (a, b), weight in known.items()), key=_strongest)
        chosen = [self.records[record] for record in members]

        def weigh(a: int, b: int) -> float:
            pair = (a, b) if a < b else (b, a)
            if pair not in known:
                known[pair] = self.model.weigh(chosen[pair[0]], chosen[pair[1]], self.counts)
            return known[pair]

        def refused(a: int, b: int) -> bool:
            return bool(clustering.refusal(chosen[a], chosen[b]))

        groups = Groups(len(members))
        model = self.model
        for found, least, mean in (
            (outcome.automatic, model.automatic, model.automatic_mean),
            (outcome.best, model.best, model.best_mean),
        ):
            for a, b, weight in clustering.join(groups, ordered, weigh, refused, least, mean):
                for here, there in ((a, b), (b, a)):
                    if weight > outcome.bits[members[here]] or outcome.link[members[here]] < 0:
                        outcome.link[members[here]] = members[there]
                        outcome.bits[members[here]] = weight
            for index, record in enumerate(members):
                found[record] = members[groups.root(index)]


def _strongest(pair: tuple[int, int, float]) -> tuple[float, int, int]:
    return -pair[2], pair[0], pair[1]


def _runs(labels: Any, indexes: Any) -> Iterator[Any]:
    """The indexes of each run of equal labels."""
    if not len(labels):
        return
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    for start, end in pairwise(edges):
        yield indexes[start:end]
