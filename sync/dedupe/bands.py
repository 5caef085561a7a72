"""Thresholds: what they mean for the pairs at hand and for what people have decided, and moving them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from customers.matching.model import Model, probability, shipped
from foundation.errors import BadInput
from foundation.text import _
from sync.dedupe import models
from sync.dedupe.models import THRESHOLDS
from sync.dedupe.tables import MatchModel

DRAWN = (-8, 14)  # bits between which people look
LOWEST, STEP, STEPS = -20.0, 0.5, 81  # how pairs are counted by weight


class Point(NamedTuple):
    """The decided pairs from a weight on: how many are one customer, and which share of all such they are."""

    bits: int
    precision: float
    recall: float
    pairs: int


class Effect(NamedTuple):
    """What thresholds come to: `wrong` pairs are joined though said to be two, `missed` are one, unshown."""

    joined: int
    asked: int
    decided: int
    wrong: int
    missed: int


def picture(reviewed: Sequence[tuple[float, bool]]) -> list[Point]:
    """Precision and recall at every bit where people look and there are pairs."""
    same = sum(one for _bits, one in reviewed)
    if not same or same == len(reviewed):
        return []
    ends = (math.floor(end(bits for bits, _one in reviewed)) for end in (min, max))
    lowest, highest = (max(DRAWN[0], min(DRAWN[1], end)) for end in ends)
    found = []
    for least in range(lowest, highest + 1):
        above = [one for bits, one in reviewed if bits >= least]
        if above:
            found.append(Point(least, sum(above) / len(above), sum(above) / same, len(above)))
    return found


def effect(figures: Mapping[str, Any], side: str, model: Model) -> Effect:
    """What a model's thresholds mean for the pairs a training has seen; `side` is own or shipped."""
    counts, every = figures.get(side, ()), figures.get("every", 1)
    decided = reviewed(figures, side)
    joined = every * at_least(counts, model.automatic)
    return Effect(
        joined,
        every * at_least(counts, model.review) - joined,
        len(decided),
        sum(bits >= model.automatic and not same for bits, same in decided),
        sum(bits < model.review and same for bits, same in decided),
    )


def reviewed(figures: Mapping[str, Any], side: str) -> list[tuple[float, bool]]:
    """The decided pairs of a training: the weight by one of the two models, and whether they are one."""
    return [(one[0] if side == "own" else one[1], bool(one[2])) for one in figures.get("reviewed", ())]


def at_least(counts: Sequence[int], least: float) -> int:
    """How many of the counted pairs weigh so much."""
    return sum(counts[max(0, math.ceil((least - LOWEST) / STEP)) :])


def check(model: Model, said: Mapping[str, float]) -> Model:
    """The model with other thresholds; BadInput when they are out of order or out of reason."""
    values = {name: said.get(name, getattr(model, name)) for name in THRESHOLDS}
    for name, value in values.items():
        if not LOWEST < value < -LOWEST:  # nor is it a number that isn't one
            raise BadInput(_("A threshold lies between -20 and 20 bits."), name)
    values = {name: round(value / STEP) * STEP for name, value in values.items()}
    if not values["review"] <= values["best"] <= values["automatic"]:
        raise BadInput(
            _("Asking comes before the best guess, and that before joining by itself."), "automatic"
        )
    if probability(values["automatic"]) < 0.9:
        raise BadInput(
            _("Below 90 %, 3.5 bits, a person has to look: nothing is joined by itself there."), "automatic"
        )
    return msgspec.structs.replace(model, **values)


def save(session: Session, base: MatchModel | None, said: Mapping[str, float], actor: str) -> MatchModel:
    """A new version with other thresholds; None for `base` is the shipped model."""
    old = models.model_of(base) if base else shipped()
    model = check(old, said)
    if all(getattr(model, name) == getattr(old, name) for name in THRESHOLDS):
        raise BadInput(_("These are the thresholds it has."), "automatic")
    seen = figures(session, base)
    detail = {**(base.detail if base else {}), "base": old.version}
    return models.keep(session, model, "bands", actor, detail, seen, (base and base.refusal) or "")


def figures(session: Session, base: MatchModel | None) -> dict[str, Any]:
    """What a version was held against; of the shipped one, what the newest training has seen of it."""
    if base:
        return base.figures
    newest = session.scalar(
        select(MatchModel.figures)
        .where(MatchModel.origin == "trained")
        .order_by(MatchModel.number.desc())
        .limit(1)
    )
    return {**(newest or {}), "side": "shipped"}
