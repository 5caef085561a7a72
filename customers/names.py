"""Names in any script in a form to compare by, and whether two of them can belong to one person. Pure."""

import re
from functools import lru_cache
from typing import NamedTuple

from customers import companies
from customers.latin import is_hangul, latin, sound, words
from customers.likeness import INITIAL, SAME, korean_likeness, likeness
from foundation.records import Person, PersonKind


class NameForm(NamedTuple):
    """Words of a name, Latin and folded by sound. Empty `tokens`: the name is unknown.

    `middle` holds patronymics, `suffix` what tells father from son. `korean` words are not folded: their
    comparison has its own rules.
    """

    kind: PersonKind
    tokens: tuple[str, ...] = ()
    middle: tuple[str, ...] = ()
    suffix: str = ""
    korean: tuple[str, ...] = ()  # the family name, then the given name in one word
    hangul: bool = False


NAMELESS = NameForm("person")
_WORD = re.compile(r"[^\W\d_]+(?:['’`][^\W\d_]+)*")
_NOISE = words(
    """
    ип чп жк гражданин гр г-н г-жа господин госпожа mr mrs ms miss mx dr
    prof herr frau bay bayan sn sayin sayın av 개인 개인사업자 님 씨 고객 대표 customer client
    клиент покупатель гость guest müşteri unknown неизвестно test тест none null imya имя фамилия
    no name noname user
    """
)
_TRADERS = re.compile(
    r"^\s*и\.\s?п\.(?=\s)|\be\. ?k\.?|\bsole proprietor\b|şahıs şirketi|индивидуальный предприниматель"
)
_TRADERS_SAY = (".", "proprietor", "şirketi", "предприниматель")
_SUFFIXES = {"jr": "jr", "junior": "jr", "мл": "jr", "младший": "jr", "sr": "sr", "senior": "sr", "ст": "sr"}
_SUFFIXES |= {"старший": "sr", "ii": "ii", "iii": "iii", "iv": "iv"}
_PATRONYMIC = re.compile(r".{2,}([oe]vich|[oe]vna|ich?na|ilich|uly|uli|ulu|kyzy|kizi|kyz|gyzy|oglu|ogly)")
_SURE = re.compile(r".{2,}([oe]vna|ich?na|uly|kyzy|kizi|kyz|gyzy)")
_TWO_SYLLABLE_FAMILIES = words("남궁 황보 제갈 사공 선우 서문 독고 동방")
KOREAN_FAMILIES = words(
    """
    kim gim lee yi rhee i park bak pak choi choe jung jeong chung kang gang cho jo yoon yun jang chang
    lim rim im han oh o seo suh shin sin kwon gwon hwang ahn an song yoo ryu yu hong jeon jun chun ko go
    moon mun son yang bae baek paik heo hur huh nam sim shim noh no roh ha kwak gwak sung seong cha joo
    ju woo u koo gu min jin na ra byun byeon chae won bang gong eom um heu pyo do ok
    """
)


def form(person: Person) -> NameForm:
    """The comparable form of a record's name."""
    if person.kind == "company":
        return _company(person.company or person.name)
    if person.name and not person.given_name:
        return person_form(person.name, "")
    given = person.given_name
    if person.family_name and is_hangul(person.family_name) and is_hangul(given):
        return person_form(f"{person.family_name} {given}", "")
    return person_form(f"{given} {person.family_name}", person.middle_name)


@lru_cache(maxsize=8192)
def _company(name: str) -> NameForm:
    return NameForm("company", companies.tokens(name))


@lru_cache(maxsize=8192)
def person_form(name: str, middle: str) -> NameForm:
    """The form of a person's name written in one; `middle` is what the source says is the middle name."""
    lowered = name.replace("İ", "i").lower()
    if any(sign in lowered for sign in _TRADERS_SAY):
        lowered = _TRADERS.sub(" ", lowered)
    every = _WORD.findall(lowered)
    found = [word for word in every if word not in _NOISE]
    if found and is_hangul("".join(found)):
        return _hangul(found)
    suffix = next((_SUFFIXES[word] for word in found[1:] if word in _SUFFIXES), "")
    written = [word for text in found if text not in _SUFFIXES for word in _spelt(text)]
    korean = _romanised(_WORD.findall(lowered.replace("-", "")) if "-" in lowered else every)
    middles = [word for text in _WORD.findall(middle.lower()) for word in latin(text).split()]
    pattern = _PATRONYMIC if len(written) > 2 else _SURE
    if not middles and len(written) > 1:
        middles = [word for word in written if pattern.fullmatch(word)][:1]
        written = [word for word in written if word not in middles]
    if not written:
        written, middles = middles, []
    tokens = tuple(sorted(sound(word) for word in written))
    return NameForm("person", tokens, tuple(sound(word) for word in middles), suffix, korean)


@lru_cache(maxsize=16384)
def _spelt(word: str) -> tuple[str, ...]:
    return tuple(latin(word).replace("'", "").split())


def _hangul(found: list[str]) -> NameForm:
    """Family and given name of a Korean name, mostly written in one; two syllables have no family."""
    if len(found) == 2 and len(found[1]) == 1:
        found = found[::-1]
    name = "".join(found)
    head = 2 if name[:2] in _TWO_SYLLABLE_FAMILIES else 1
    parts = (name[:head], name[head:]) if len(name) > 2 else ("", name)
    korean = tuple(latin(part) for part in parts)
    return NameForm("person", tuple(sorted(sound(part) for part in korean if part)), (), "", korean, True)


def _romanised(written: list[str]) -> tuple[str, ...]:
    """Family and given name, if this may be a Korean name in Latin letters."""
    if not 1 <= len(written) <= 3:
        return ()
    written = [latin(word) for word in written]
    if len(written) == 1:
        return "", written[0]
    if written[0] in KOREAN_FAMILIES:
        return written[0], "".join(written[1:])
    return (written[-1], "".join(written[:-1])) if written[-1] in KOREAN_FAMILIES else ()


def compatible(a: NameForm, b: NameForm) -> bool:
    """True when the two names can be one person's: an unknown name goes with all of its kind."""
    return agreement(a, b) > 0


@lru_cache(maxsize=8192)
def agreement(a: NameForm, b: NameForm) -> int:
    """2: the names agree in full; 1: nothing against it, but little for it; 0: two different names."""
    if a.kind != b.kind:
        return 0
    if not a.tokens or not b.tokens:
        return 1
    if a.kind == "company":
        return _companies_agree(a.tokens, b.tokens)
    if a.hangul or b.hangul:
        return _koreans_agree(a.korean, b.korean) if a.korean and b.korean else 0
    if a.suffix != b.suffix and a.suffix and b.suffix:
        return 0
    agreed = _words_agree(a.tokens, b.tokens)
    if not agreed and a.korean and b.korean and a.korean[0] and b.korean[0]:
        agreed = _koreans_agree(a.korean, b.korean)
    middle = _words_agree(a.middle, b.middle) if a.middle and b.middle else 1
    return min(agreed, 1 if a.suffix != b.suffix else 2) if middle else 0


def _companies_agree(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    if sorted(a) == sorted(b) or "".join(a) == "".join(b):
        return 2
    return _words_agree(a, b)


def _koreans_agree(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    if not korean_likeness(a[1], b[1]):
        return 0
    if not a[0] or not b[0]:
        return 1
    return 2 if korean_likeness(a[0], b[0]) else 0


def _words_agree(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """Pair the words off, best pairs first: what is left over on both sides makes two different names."""
    left, right = list(a), list(b)
    matched = 0
    for wanted in (SAME, SAME - 1, INITIAL):
        for one in tuple(left):
            other = next((word for word in right if likeness(one, word) == wanted), None)
            if other is not None:
                left.remove(one)
                right.remove(other)
                matched += wanted != INITIAL
    if left and right:
        return 0
    return 2 if matched > 1 or (matched and not left and not right and len(a) > 1) else 1
