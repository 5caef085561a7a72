"""What a trained model makes of the pairs at hand beside the shipped one, and whether it may be used."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from customers.matching import compare
from customers.matching.model import AND, Model, Weights, shipped
from foundation.records import PersonKind
from foundation.text import _
from sync.dedupe import bands
from sync.dedupe.bands import LOWEST, STEP, STEPS
from sync.dedupe.learning import Learnt, Pairs

FEWEST_PAIRS = 1_000
FEWEST_HELD = 20  # decisions, before they examine a model
FEWEST_HOMES = 100  # pairs joined by exact keys, before they do
GROWTH = 1.5  # times as many automatic pairs as by the shipped model are too many
SLACK = 0.02  # of a share, and of the mean surprise in bits
AGREE, DISAGREE = ("same", "flat", "full", "several"), ("other", "different", "absent")


class Reviewed(NamedTuple):
    """The weight of a pair that a person decided, by the new model and the shipped one."""

    own: float
    shipped: float
    same: bool
    held: bool  # it taught nothing, so it may examine


class Measure(msgspec.Struct):
    """How many pairs weigh what, by both models, and how both do on what is known."""

    own: list[int]  # pairs by weight in steps, from the lowest
    shipped: list[int]
    homes: int  # pairs joined by exact keys
    own_homes: int  # those of them that the model would find
    shipped_homes: int
    reviewed: list[Reviewed]


def measure(
    model: Model, pairs: Mapping[PersonKind, tuple[Pairs, Sequence[bool]]], reviewed: list[Reviewed]
) -> Measure:
    """Weigh every pair by both models; the flags say which pairs exact keys have joined."""
    found = Measure([0] * STEPS, [0] * STEPS, 0, 0, 0, reviewed)
    for kind, (some, flags) in pairs.items():
        home = np.array(flags, bool)
        own, other = (weigh(one.weights(kind), some.codes) for one in (model, shipped()))
        found.own = _add(found.own, own)
        found.shipped = _add(found.shipped, other)
        found.homes += int(home.sum())
        found.own_homes += int((own[home] >= model.best).sum())
        found.shipped_homes += int((other[home] >= model.best).sum())
    return found


def weigh(weights: Weights, codes: Any) -> Any:
    """The weights of many vectors, given as rows of the places of their levels."""
    levels = compare.LEVELS[weights.kind]
    names, words = list(levels), list(levels.values())
    bits = np.full(len(codes), weights.start, np.float32)
    for term, known in weights.bits.items():
        parts = [names.index(part) for part in term.split(AND)]
        place, table = np.zeros(len(codes), np.int32), [""]
        for part in parts:
            place = place * len(words[part]) + codes[:, part]
            table = [
                f"{before}{AND}{level}" if before else level for before in table for level in words[part]
            ]
        bits += np.array([known.get(level, 0.0) for level in table], np.float32)[place]
    return bits


def _add(counts: list[int], bits: Any) -> list[int]:
    places = np.clip(((bits - LOWEST) / STEP).astype(int), 0, STEPS - 1)
    more = np.bincount(places, minlength=STEPS).tolist()
    return [one + other for one, other in zip(counts, more, strict=True)]


def refusal(model: Model, learnt: Mapping[PersonKind, Learnt], found: Measure) -> str:
    """Why a model may not be used; "" when it may."""
    return next(_faults(model, learnt, found), "")


def _faults(model: Model, learnt: Mapping[PersonKind, Learnt], found: Measure) -> Iterator[str]:
    most = max(one.pairs for one in learnt.values())
    if most < FEWEST_PAIRS:
        said = {"found": most, "least": FEWEST_PAIRS}
        yield _("only %(found)d pairs of records are alike enough to learn from; it takes %(least)d") % said
    for kind in learnt:
        yield from _inverted(model.weights(kind))
    own, before = (bands.at_least(counts, model.automatic) for counts in (found.own, found.shipped))
    if own > GROWTH * before + 20:
        said = {"own": own, "shipped": before}
        yield _("it would join %(own)d pairs by itself, the shipped model %(shipped)d") % said
    if found.homes >= FEWEST_HOMES and found.own_homes < found.shipped_homes - SLACK * found.homes:
        said = {"own": found.own_homes, "all": found.homes, "shipped": found.shipped_homes}
        yield _("of %(all)d pairs with an exact key it finds %(own)d, the shipped model %(shipped)d") % said
    held = [one for one in found.reviewed if one.held]
    if len(held) >= FEWEST_HELD:
        yield from _examined(model, held)


def _inverted(weights: Weights) -> Iterator[str]:
    """Comparisons whose agreement would speak less for one customer than their disagreement."""
    for name, bits in weights.bits.items():
        agree = next((level for level in AGREE if level in bits), None)
        other = next((level for level in DISAGREE if level in bits), None)
        if AND not in name and agree and other and bits[agree] <= bits[other]:
            words = {"name": name, "agree": agree, "other": other}
            yield (
                _("“%(name)s: %(agree)s” would speak less for one customer than “%(name)s: %(other)s”")
                % words
            )


def _examined(model: Model, held: Sequence[Reviewed]) -> Iterator[str]:
    own, before = (
        sum(not same and bits >= model.automatic for bits, same in weighed) for weighed in _both(held)
    )
    if own > before:
        said = {"all": len(held), "own": own, "shipped": before}
        yield (
            _("of %(all)d decisions held out it would act against %(own)d, the shipped model %(shipped)d")
            % said
        )
    surprise, usual = (sum(_surprise(*one) for one in weighed) / len(held) for weighed in _both(held))
    if surprise > usual + SLACK:
        said = {"all": len(held)}
        yield _("it foresees %(all)d decisions held out less well than the shipped model") % said


def _both(held: Sequence[Reviewed]) -> Iterator[list[tuple[float, bool]]]:
    yield [(one.own, one.same) for one in held]
    yield [(one.shipped, one.same) for one in held]


def _surprise(bits: float, same: bool) -> float:
    """How many bits a decision tells that the model didn't know."""
    bits = max(-12.0, min(12.0, bits if same else -bits))
    return math.log2(1 + 2.0**-bits)
