"""Two values beside each other: which words and letters of them differ."""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from customers.latin import latin

LONGEST = 300  # letters that are looked at one by one
KIN = 0.5  # words so alike are compared letter by letter


class Part(NamedTuple):
    """A piece of a value, and whether the other value lacks it."""

    text: str
    differs: bool


def marked(left: str, right: str) -> tuple[list[Part], list[Part]]:
    """Both values in pieces; words that stand in both, in whatever order, don't differ."""
    if len(left) > LONGEST or len(right) > LONGEST:
        same = left == right
        return [Part(left, not same)], [Part(right, not same)]
    one, other = _pieces(left), _pieces(right)
    ours, theirs = (Counter(word.casefold() for word in words if _is_word(word)) for words in (one, other))
    both = ours & theirs
    lone = [_lone(words, Counter(both)) for words in (one, other)]
    kin = _kin([one[at] for at in lone[0]], [other[at] for at in lone[1]])
    partner = [{lone[0][a]: other[lone[1][b]] for a, b in kin}, {lone[1][b]: one[lone[0][a]] for a, b in kin}]
    return _parts(one, set(lone[0]), partner[0]), _parts(other, set(lone[1]), partner[1])


def alike(left: str, right: str) -> bool:
    """Whether two values read the same in Latin letters, in whatever order their words stand."""
    one, other = (sorted(re.findall(r"\w+", latin(value).casefold())) for value in (left, right))
    return bool(one) and one == other


def _pieces(value: str) -> list[str]:
    return re.findall(r"\w+|\W+", value)


def _is_word(piece: str) -> bool:
    return piece[0].isalnum() or piece[0] == "_"


def _lone(words: Sequence[str], both: Counter[str]) -> list[int]:
    """Places of the words that the other value doesn't have (so often)."""
    found = []
    for at, word in enumerate(words):
        if not _is_word(word):
            continue
        if both[word.casefold()] > 0:
            both[word.casefold()] -= 1
        else:
            found.append(at)
    return found


def _kin(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of words that are alike, the likest first, each word in one pair."""
    likeness = sorted(
        (-_ratio(one, other), a, b) for a, one in enumerate(ours[:20]) for b, other in enumerate(theirs[:20])
    )
    found: list[tuple[int, int]] = []
    for less, a, b in likeness:
        if -less >= KIN and all(a != c and b != d for c, d in found):
            found.append((a, b))
    return found


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one.casefold(), other.casefold(), autojunk=False).ratio()


def _parts(words: Sequence[str], lone: set[int], partner: dict[int, str]) -> list[Part]:
    parts: list[Part] = []
    for at, word in enumerate(words):
        if at in partner:
            parts += _letters(word, partner[at])
        else:
            parts.append(Part(word, at in lone))
    return _joined(parts)


def _letters(word: str, other: str) -> list[Part]:
    """A word in pieces: what the other has in the same order, and the rest."""
    if len(word.casefold()) != len(word):  # letters that fold into several have no places of their own
        return [Part(word, True)]
    matcher = SequenceMatcher(None, word.casefold(), other.casefold(), autojunk=False)
    return [Part(word[a:b], tag != "equal") for tag, a, b, _, _ in matcher.get_opcodes() if a < b]


def _joined(parts: Sequence[Part]) -> list[Part]:
    found: list[Part] = []
    for part in parts:
        if found and found[-1].differs == part.differs:
            found[-1] = Part(found[-1].text + part.text, part.differs)
        else:
            found.append(part)
    return found
