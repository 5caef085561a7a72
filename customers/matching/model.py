"""The weights of a matching model, what they say of a pair, and why. Pure.

A weight is in bits: one bit more doubles the odds that two records are one customer. The weights of a pair
add up, so the contributions of a decision are its whole explanation.
"""

import math
from collections.abc import Mapping
from functools import cached_property, lru_cache
from importlib import resources
from typing import NamedTuple

import msgspec

from customers.matching import compare
from customers.matching.counts import Counts
from customers.matching.prepared import Prepared
from foundation.records import PersonKind

AND = "*"  # between two comparisons that are weighed together


class Contribution(NamedTuple):
    """What one comparison, or two together, add to the weight of a pair: `on` is "name", or "name*rarity"."""

    on: str
    level: str
    bits: float


class _Said(NamedTuple):
    """What one level says: alone, and together with the levels of others by their place."""

    bits: float
    together: dict[int, dict[str, float]]


class Weights(msgspec.Struct, frozen=True, dict=True):
    """The weights for one kind of record: where every pair starts, then comparison -> level -> bits."""

    start: float
    bits: dict[str, dict[str, float]]
    kind: PersonKind = "person"

    @cached_property
    def _terms(self) -> list[tuple[str, tuple[int, ...], Mapping[str, float]]]:
        order = {name: number for number, name in enumerate(compare.LEVELS[self.kind])}
        return [
            (term, tuple(order[part] for part in term.split(AND)), levels)
            for term, levels in self.bits.items()
        ]

    def contributions(self, vector: tuple[str, ...]) -> list[Contribution]:
        """What speaks for and against, the start first; their bits add up to the weight."""
        found = [Contribution("start", "", self.start)]
        for term, places, levels in self._terms:
            level = AND.join([vector[place] for place in places])
            if bits := levels.get(level, 0.0):
                found.append(Contribution(term, level, bits))
        return found

    @cached_property
    def _by_level(self) -> list[dict[str, "_Said"]]:
        """What is said of each level of each comparison: levels that say nothing aren't there."""
        places: list[dict[str, _Said]] = [{} for _ in compare.LEVELS[self.kind]]
        for _term, at, levels in self._terms:
            for level, bits in levels.items():
                first, _and, second = level.partition(AND)
                said = places[at[0]].setdefault(first, _Said(0.0, {}))
                if len(at) == 1:
                    places[at[0]][first] = said._replace(bits=said.bits + bits)
                else:
                    said.together.setdefault(at[1], {})[second] = bits
        return places

    def _add(self, vector: tuple[str, ...]) -> float:
        """What the contributions add up to."""
        total = self.start
        for said, level in zip(self._by_level, vector, strict=True):
            if (found := said.get(level)) is not None:
                total += found.bits
                for place, levels in found.together.items():
                    total += levels.get(vector[place], 0.0)
        return total

    @cached_property
    def _known(self) -> dict[tuple[str, ...], float]:
        return {}

    def weigh(self, vector: tuple[str, ...]) -> float:
        """The weight of a vector of levels; vectors repeat, so it is kept."""
        known = self._known
        if (bits := known.get(vector)) is None:
            if len(known) >= 1 << 18:
                known.clear()
            bits = known[vector] = self._add(vector)
        return bits


class Model(msgspec.Struct, frozen=True):
    """A whole model. Bands are in bits: from `automatic` on records are joined without anybody looking.

    From `review` on a person is asked, from `best` on one customer is the better guess. A union of groups
    needs the `mean` of its tier over all pairs of their records.
    """

    version: str
    automatic: float
    automatic_mean: float
    best: float
    best_mean: float
    review: float
    person: Weights
    company: Weights

    def weights(self, kind: PersonKind) -> Weights:
        """The weights for one kind of record."""
        return self.company if kind == "company" else self.person

    def weigh(self, a: Prepared, b: Prepared, counts: Counts) -> float:
        """The weight of two records in bits; a person and a company are never one."""
        if a.kind != b.kind:
            return NEVER
        return self.weights(a.kind).weigh(compare.vector(a, b, counts))

    def why(self, a: Prepared, b: Prepared, counts: Counts) -> list[Contribution]:
        """The contributions to the weight of two records of one kind."""
        return self.weights(a.kind).contributions(compare.vector(a, b, counts))


NEVER = -99.0


def probability(bits: float) -> float:
    """The probability that a weight stands for."""
    return 1 / (1 + math.pow(2, -max(-60.0, min(60.0, bits))))


def read(data: bytes) -> Model:
    """A model from its JSON."""
    return msgspec.json.decode(data, type=Model)


@lru_cache(maxsize=1)
def shipped() -> Model:
    """The model that comes with Kartoteka, for before an installation has trained its own."""
    return read(resources.files("customers.matching").joinpath("shipped.json").read_bytes())
