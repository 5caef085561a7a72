"""How alike two folded words of a name are: the same, a slip of the finger, an initial. Pure."""

from functools import cache, lru_cache
from importlib import import_module
from typing import Any

from customers import nicknames
from customers.latin import korean_sound

SAME, SLIP, INITIAL, DIFFERENT = 3, 2, 1, 0
TWO_SLIPS = 9  # letters of a word that may have two


@cache
def _library() -> Any:
    return import_module("rapidfuzz.distance.OSA")  # at the first two words: no process needs it to start


def slips(a: str, b: str, most: int) -> bool:
    """Whether at most so many letters were left out, put in, changed or swapped with their neighbour."""
    return bool(_library().distance(a, b, score_cutoff=most) <= most)


def likeness(a: str, b: str) -> int:
    """SAME, SLIP, INITIAL or DIFFERENT for two words folded by `latin.sound`."""
    if a == b:
        return SAME
    # one slip spares the first letter or the last; most words that are compared part here
    if a[:1] != b[:1] and a[-1:] != b[-1:] and (len(a) < TWO_SLIPS or len(b) < TWO_SLIPS):
        if nicknames.known(a) and nicknames.known(b):
            return SAME if nicknames.same(a, b) else DIFFERENT
        return DIFFERENT
    return _likeness(a, b)


def _likeness(a: str, b: str) -> int:
    """The same for two words that differ, and may be alike."""
    shorter, longer = len(a), len(b)
    if shorter > longer:
        a, b, shorter, longer = b, a, longer, shorter
    if shorter == 1:
        return INITIAL if a[0] == b[0] else DIFFERENT
    same = nicknames.same(a, b)
    if same is not None:
        return SAME if same else DIFFERENT
    if longer > shorter + 2:
        return DIFFERENT
    if longer == shorter + 1 and b == a + "a":  # Ivanov and Ivanova, Roman and Romana: a couple, not a slip
        return DIFFERENT
    if shorter < 5 and not (shorter == 4 and sorted(a) == sorted(b)):  # two letters swapped
        return DIFFERENT
    return SLIP if slips(a, b, 2 if shorter >= TWO_SLIPS else 1) else DIFFERENT


@lru_cache(maxsize=16384)
def korean_likeness(a: str, b: str) -> int:
    """The same for Korean names, whatever romanisation each is written in."""
    left, right = korean_sound(a), korean_sound(b)
    if left == right:
        return SAME
    return SLIP if min(len(left), len(right)) >= 6 and slips(left, right, 1) else DIFFERENT
