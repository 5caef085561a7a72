"""What an installation's own pairs teach: how often each level is between records of one customer, or of two.

Splink learns it by a step of expectation maximisation without labels. It starts from what the shipped model
says of each pair, and from what people have decided. What is learnt are shares of levels, no records.
"""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import import_module, resources
from typing import Any

import msgspec
import numpy as np

from customers.matching import compare
from customers.matching.model import Weights
from foundation.records import PersonKind
from sync.dedupe.engines import engine

SURE = 20  # bits of a pair that a person has decided
TRUST = 0.5  # in one's own pairs against those that the shipped model was trained on
FEWEST = 300  # pairs that know a comparison, before its weights move
DOUBT = 20.0  # how fast rare levels lose weight
FURTHEST = 3.0  # bits that a weight may move
UNTAUGHT = frozenset(("goods",))  # no reference knows these: their shipped weights were set by hand
_ANCHOR = "anchor"


class Learnt(msgspec.Struct, frozen=True):
    """Of pairs of one kind: how many, which share is one customer, and for each level how often it is among
    pairs of one customer and of two; `known` counts those pairs of either sort that know a comparison."""

    pairs: int
    same: float
    known: dict[str, tuple[float, float]]
    levels: dict[str, dict[str, tuple[float, float]]]


class Reference(msgspec.Struct, frozen=True):
    """What the pairs that the shipped model was trained on teach, in the same way."""

    version: str
    person: Learnt
    company: Learnt

    def learnt(self, kind: PersonKind) -> Learnt:
        """Of one kind."""
        return self.company if kind == "company" else self.person


@lru_cache(maxsize=1)
def reference() -> Reference:
    """What comes with the shipped model; benchmarks/dedupe.py writes it."""
    data = resources.files("sync.dedupe").joinpath("reference.json").read_bytes()
    return msgspec.json.decode(data, type=Reference)


class Pairs:
    """Pairs of one kind as numbers: the levels of each, its weight, and what a person said of it."""

    def __init__(self, kind: PersonKind, room: int) -> None:
        self.kind, self.number = kind, 0
        self.places = [
            {level: place for place, level in enumerate(levels)} for levels in compare.LEVELS[kind].values()
        ]
        self._codes = np.zeros((room, len(self.places)), np.uint8)
        self._bits = np.zeros(room, np.float32)

    def add(self, vector: Sequence[str], bits: float) -> None:
        """Take a pair in; `bits` are those of the shipped model, or `SURE` and -`SURE` as a person said."""
        self._codes[self.number] = [places[level] for places, level in zip(self.places, vector, strict=True)]
        self._bits[self.number] = bits
        self.number += 1

    @property
    def codes(self) -> Any:
        """A row for each pair, a column for each comparison; 0 is that nothing is known."""
        return self._codes[: self.number]

    @property
    def bits(self) -> Any:
        """The weight of each pair, as far as `SURE` either way."""
        return np.clip(self._bits[: self.number], -SURE, SURE)


def learn(pairs: Pairs, spark: str = "") -> Learnt:
    """Let Splink learn from pairs of one kind, in this process or on a Spark."""
    names = list(compare.LEVELS[pairs.kind])
    chance = 1 / (1 + np.exp2(-pairs.bits.astype(np.float64)))
    known, said = {}, []
    for name, column in zip(names, pairs.codes.T, strict=True):
        seen = column > 0
        if len(np.unique(column[seen])) > 1:
            said.append(name)
            known[name] = (float(chance[seen].sum()), float((1 - chance)[seen].sum()))
    levels = _levels(pairs, said, spark) if said else {}
    return Learnt(pairs.number, float(chance.mean()) if pairs.number else 0.0, known, levels)


def _levels(pairs: Pairs, said: Sequence[str], spark: str) -> dict[str, dict[str, tuple[float, float]]]:
    """A pair is a row of two tables with one id: Splink compares what we have compared already."""
    splink: Any = import_module("splink")  # when somebody trains: no process needs it to start
    logging.getLogger("splink").setLevel(logging.ERROR)
    rows = {
        "pair": np.arange(pairs.number),
        _ANCHOR: np.rint(pairs.bits).astype(np.int16),
        **{f"c{place}": column.astype(np.int16) for place, column in enumerate(pairs.codes.T)},
    }
    with engine(rows, spark) as (_api, sides):
        settings = splink.SettingsCreator(
            link_type="link_only",
            unique_id_column_name="pair",
            comparisons=list(_comparisons(pairs, said)),
            blocking_rules_to_generate_predictions=[splink.block_on("pair")],
            probability_two_random_records_match=0.5,
            max_iterations=1,
        )
        linker = splink.Linker(sides, settings, log_level=logging.ERROR)
        linker.training.estimate_parameters_using_expectation_maximisation(
            splink.block_on("pair"),
            estimate_without_term_frequencies=True,
            fix_probability_two_random_records_match=True,
            fix_u_probabilities=False,
        )
        return dict(_read(linker.misc.save_model_to_json(), said))


def _comparisons(pairs: Pairs, said: Sequence[str]) -> Iterator[Any]:
    """Those to be learnt, every level as likely as any other at the start, and the one that is certain."""
    library: Any = import_module("splink.comparison_library")
    level: Any = import_module("splink.comparison_level_library").CustomLevel
    for place, (name, words) in enumerate(compare.LEVELS[pairs.kind].items()):
        if name in said:
            codes = [code for code in np.unique(pairs.codes[:, place]).tolist() if code]
            start = 1 / len(codes)
            yield library.CustomComparison(
                [level(f"c{place}_l = 0", "nothing").configure(is_null_level=True)]
                + [
                    level(f"c{place}_l = {code}", words[code]).configure(
                        m_probability=start, u_probability=start
                    )
                    for code in codes
                ],
                name,
            )
    yield library.CustomComparison(
        [
            level(f'{_ANCHOR}_l = {bits}', str(bits)).configure(
                m_probability=min(1.0, 2.0**bits), u_probability=min(1.0, 2.0**-bits),
                fix_m_probability=True, fix_u_probability=True,
            )
            for bits in sorted({-SURE, SURE, *np.rint(pairs.bits).astype(int).tolist()})
        ],
        _ANCHOR,
    )  # fmt: skip


def _read(
    model: Mapping[str, Any], said: Sequence[str]
) -> Iterator[tuple[str, dict[str, tuple[float, float]]]]:
    for comparison in model["comparisons"]:
        if comparison["output_column_name"] in said:
            yield (
                comparison["output_column_name"],
                {
                    level["label_for_charts"]: (_share(level, "m"), _share(level, "u"))
                    for level in comparison["comparison_levels"]
                    if not level.get("is_null_level")
                },
            )


def _share(level: Mapping[str, Any], which: str) -> float:
    found = level.get(f"{which}_probability")
    return float(found) if isinstance(found, int | float) else 0.0  # a text where Splink saw none


def moved(weights: Weights, own: Learnt, other: Learnt) -> Weights:
    """The shipped weights, each moved half the way by which its level speaks otherwise in one's own pairs.

    Where every pair starts moves down only: a wrong join costs more than a missed one.
    """
    bits = {term: dict(levels) for term, levels in weights.bits.items()}
    for name, levels in compare.LEVELS[weights.kind].items():
        knowing = (own,) if name in UNTAUGHT else (own, other)
        if min(min(one.known.get(name, (0, 0))) for one in knowing) < FEWEST:
            continue
        here = bits.setdefault(name, {})
        for level in levels[1:]:
            ways = [_way(one, name, level, len(levels) - 1) for one in knowing]
            move = _move(ways if len(ways) > 1 else [*ways, (here.get(level, 0.0), 0.0)])
            if abs(move) >= 1e-3:
                here[level] = round(here.get(level, 0.0) + move, 3)
    start = weights.start + min(0.0, TRUST * (_odds(own.same) - _odds(other.same)))
    return msgspec.structs.replace(weights, start=round(start, 3), bits=bits)


def _way(learnt: Learnt, name: str, level: str, number: int) -> tuple[float, float]:
    """How a level speaks, in bits, and how doubtful that is: the more, the fewer pairs say so."""
    m, u = learnt.levels[name].get(level, (0.0, 0.0))
    same, different = learnt.known[name]
    bits = math.log2((m * same + 1) / (same + number) / ((u * different + 1) / (different + number)))
    return bits, 1 / (m * same + 1) + 1 / (u * different + 1)


def _move(ways: Sequence[tuple[float, float]]) -> float:
    """Bits by which a level speaks otherwise in one's own pairs than before."""
    (own, doubt), (other, more) = ways
    move = TRUST * (own - other) / (1 + DOUBT * (doubt + more))
    return max(-FURTHEST, min(FURTHEST, move))


def _odds(share: float) -> float:
    share = min(max(share, 0.01), 0.99)
    return math.log2(share / (1 - share))
