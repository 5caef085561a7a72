"""What a run says of a pair: the evidence that is kept, and the words for what held it back."""

from typing import Any

from customers.matching.counts import Counts
from customers.matching.model import Model, probability
from customers.matching.prepared import Prepared
from customers.matching.words import sentence, waterfall
from foundation.text import _


def evidence(model: Model, one: Prepared, other: Prepared, counts: Counts, held: str = "") -> dict[str, Any]:
    """Why two records may be one customer: a sentence, how sure that is, and all it is made of."""
    parts = model.why(one, other, counts)
    bits, why = sum(part.bits for part in parts), sentence(parts)
    if held:
        why = _("%(why)s. Not joined by itself: %(held)s") % {"why": why, "held": held_words(held)}
    return {
        "why": why,
        "score": round(probability(bits), 4),
        "bits": round(bits, 2),
        "waterfall": waterfall(parts),
    }


def held_words(held: str) -> str:
    """Why a pair that is sure enough is not joined without a person."""
    return {
        "claimed": _("one of them is only what a browser says"),
        "household": _("their given names differ, as in a family"),
        "shared": _("what they share is used by several people"),
        "mean": _("other records of the two cards speak against it"),
        "large": _("more than ten cards would become one"),
        "tax": _("their tax numbers differ"),
        "suffix": _("one is the junior and the other the senior"),
        "middle": _("their patronymics or middle names differ"),
        "birthday": _("their birthdays differ"),
        "kind": _("one is a person and the other a company"),
        "verdict": _("somebody said that they are different"),
    }.get(held, held)


def left_words(reason: str) -> str:
    """Why a planned pair was left alone."""
    return {
        "changed": _("one of them has changed since the plan"),
        "gone": _("one of them is gone"),
        "same": _("they are one card already"),
        "asked": _("somebody has been asked already"),
    }.get(reason) or held_words(reason)
