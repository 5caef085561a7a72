"""Names as matching sees them, and how two of them compare. Pure."""

import re
from functools import lru_cache
from typing import NamedTuple

from customers import names, nicknames
from customers.latin import is_hangul, korean_sound, latin, sound
from customers.likeness import INITIAL, SAME, SLIP, korean_likeness, likeness, slips
from foundation.records import Person


class Name(NamedTuple):
    """A person's name: words folded by sound; `given` is the given name when the source keeps it apart."""

    words: tuple[str, ...] = ()
    middle: tuple[str, ...] = ()
    suffix: str = ""
    koreans: tuple[tuple[str, str], ...] = ()  # family and given name, every way it may be meant
    hangul: bool = False


class Likeness(NamedTuple):
    """How two names compare: a level of `LEVELS`, the words they share, the words that stand against each."""

    level: str
    shared: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()


NOBODY = Name()
LONGEST = 200  # characters of a name or a line: what comes from a visitor may be there to keep us busy
LEVELS = (
    "unknown", "same", "slip", "near", "initial", "part", "part_slip", "one", "initials",
    "other_given", "other_family", "other_word", "different",
)  # fmt: skip
CONFLICTS = frozenset(("other_given", "other_family", "other_word", "different"))
_LETTERS = re.compile(r"[^\W\d_]+")
_QWERTY = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_RUSSIAN = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_LAYOUT = str.maketrans(_QWERTY, _RUSSIAN)
_LAYOUT_ENDINGS = re.compile(r"(?:jdf?|tdf?|crbq|crfz|cmrbq|cmrfz|tyrj|jdbx|tdbx|jdyf|tdyf)(?![\w\[\];',.`])")
_ODD = re.compile(r"[a-z][;\[\]\\,.`][a-z]|(?<!\w)[,;\[\]][a-z]|[b-df-hj-np-tv-z]{4}|jd|td|tyrj")


def name_of(person: Person) -> Name:
    """The name of a record, or of the contact when it is a company's."""
    given = person.given_name
    whole = person.name if person.name and not given else ""
    if not whole and person.family_name and is_hangul(person.family_name) and is_hangul(given):
        whole = f"{person.family_name} {given}"
    return _name((whole or f"{given} {person.family_name}")[:LONGEST], person.middle_name[:LONGEST])


@lru_cache(maxsize=1 << 15)
def _name(text: str, middle: str) -> Name:
    text = _typed_in_russian(text.strip())
    form = names.person_form(text, middle)
    if not form.tokens:
        return NOBODY
    koreans = ((form.korean[0], form.korean[1]),) if form.hangul else _koreans(text)
    return Name(form.tokens, form.middle, form.suffix, koreans, form.hangul)


def _typed_in_russian(text: str) -> str:
    """A name typed with the keyboard in the wrong layout as it was meant; other names as they are."""
    low = text.lower()
    if not _ODD.search(low):
        return text
    meant = low.translate(_LAYOUT)
    if _LAYOUT_ENDINGS.search(low) or any(_is_given(word) for word in meant.split()):
        return text if any(_is_given(word) for word in low.split()) else meant
    return text


def _is_given(word: str) -> bool:
    return len(word) > 2 and nicknames.known(sound(latin(word)))


def _koreans(text: str) -> tuple[tuple[str, str], ...]:
    """The readings of a name in Latin letters as a Korean one."""
    words = _LETTERS.findall(text.lower().replace("-", ""))
    if not 1 <= len(words) <= 3:
        return ()
    words = [latin(word) for word in words]
    if len(words) == 1:
        return (("", words[0]),)
    first, last = (words[0], "".join(words[1:])), (words[-1], "".join(words[:-1]))
    found = tuple(one for one in (first, last) if one[0] in names.KOREAN_FAMILIES)
    return found or ((first, last) if len(words) == 3 else ())


def compare(a: Name, b: Name) -> Likeness:
    """How two names compare, before it is known which of their words are given names; either way round."""
    if a.words == b.words and a.words and not a.hangul and not b.hangul:
        return Likeness("same" if len(a.words) > 1 else "one", a.words)
    return _compare(b, a) if b < a else _compare(a, b)


@lru_cache(maxsize=1 << 17)
def _compare(a: Name, b: Name) -> Likeness:
    if not a.words or not b.words:
        return Likeness("unknown")
    if a.hangul and b.hangul:
        return _koreans_compared(a, b)
    found = words_compared(a.words, b.words)
    if found.level not in CONFLICTS or not a.koreans or not b.koreans:
        return found
    if a.hangul or b.hangul or (a.koreans[0][0] and b.koreans[0][0]):
        korean = _koreans_compared(a, b)
        if a.hangul or b.hangul or korean.level not in CONFLICTS:
            return korean
    return found


def _koreans_compared(a: Name, b: Name) -> Likeness:
    shown = a.words if a.hangul else b.words
    best = Likeness("different")
    for family, given in a.koreans:
        for other, called in b.koreans:
            alike = korean_likeness(given, called)
            if not family or not other:
                if alike:
                    one = not family and not other
                    level = ("one" if one else "part") if alike == SAME else "part_slip"
                    return Likeness(level, (min(shown, key=len),) if one else (shown[-1],))
                continue
            same_family = korean_likeness(family, other)
            if alike and same_family:
                return Likeness("same" if alike == same_family == SAME else "slip", shown)
            if same_family and best.level == "different":
                near = slips(korean_sound(given), korean_sound(called), 1)
                best = Likeness("near" if near else "other_given", (family,), (given,), (called,))
            elif alike and best.level == "different":
                best = Likeness("other_family", (given,), (family,), (other,))
    return best


def words_compared(a: tuple[str, ...], b: tuple[str, ...]) -> Likeness:
    """How two sets of words compare: paired off, best pairs first."""
    left, right = list(a), list(b)
    if a and b and not _any_alike(a, b):
        return _at_odds((), left, right)
    shared: list[str] = []
    counted = {SAME: 0, SLIP: 0, INITIAL: 0}
    for wanted in (SAME, SLIP, INITIAL):
        for one in tuple(left):
            other = next((word for word in right if likeness(one, word) == wanted), None)
            if other is not None:
                left.remove(one)
                right.remove(other)
                counted[wanted] += 1
                if wanted != INITIAL:
                    shared.append(one)
    words = tuple(shared)
    if left and right:
        return _at_odds(words, left, right)
    if len(words) > 1:
        return Likeness("slip" if counted[SLIP] else "same", words)
    if not words:
        return Likeness("initials")
    if counted[INITIAL]:
        return Likeness("initial", words)
    if counted[SLIP]:
        return Likeness("part_slip", words)
    return Likeness("part" if left or right else "one", words)


def _any_alike(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether any two words are alike at all; of most records that are compared none are."""
    for one in a:
        for other in b:
            if likeness(one, other):
                return True
    return False


def _at_odds(shared: tuple[str, ...], left: list[str], right: list[str]) -> Likeness:
    """Words stand against words: a slip too long for `likeness`, one word written as two, or two names."""
    if "".join(left) == "".join(right):
        return Likeness("same" if shared else "one", (*shared, "".join(left)))
    if len(left) == len(right) == 1 and _near(left[0], right[0]):
        return Likeness("near", shared, tuple(left), tuple(right))
    return Likeness("other_word" if shared else "different", shared, tuple(left), tuple(right))


def _near(a: str, b: str) -> bool:
    if nicknames.known(a) and nicknames.known(b):
        return False
    if abs(len(a) - len(b)) == 1 and max(a, b, key=len) == min(a, b, key=len) + "a":
        return False  # Ivanov and Ivanova
    return slips(a, b, 1 if min(len(a), len(b)) < 6 else 2)
