"""The words of a file of people as entities: whose name or company each is, however it is written."""

import re
from difflib import SequenceMatcher
from functools import cache

from customers import nicknames
from customers.latin import latin, sound
from customers.names import KOREAN_FAMILIES

WORD, HANGUL = re.compile(r"[^\W\d_]+"), re.compile(r"[가-힣]+")
_FEMININE = re.compile(r"(ov|ev|in)a$")
_KOREAN_MAIL = re.compile(r"@(naver|hanmail|daum|kakao|nate)\.")
Row = dict[str, str]
Entity = tuple[str, str]  # class and name


@cache
def fold(word: str) -> str:
    """A word as matching folds it: Latin letters, by their sound."""
    return sound(latin(word).replace(" ", ""))


@cache
def given_name(folded: str) -> Entity:
    """The given name of a folded word; nicknames are one with the name they stand for."""
    groups = nicknames._GROUPS.get(folded)
    return "given", f"#{min(groups)}" if groups else folded


@cache
def family_name(folded: str) -> Entity:
    """The family name of a folded word, a woman's as her father's."""
    return "family", _FEMININE.sub(r"\1", folded.replace("skaia", "skii").replace("skaya", "skii"))


def script_of(word: str, entity: Entity) -> str:
    """The script of a word and whether it is a woman's form, as one text."""
    script = "cyrillic" if re.search("[а-яәғқңөұүһі]", word.lower()) else "latin"
    feminine = entity[0] == "family" and family_name(fold(word))[1] != fold(word)
    return f"{script} {feminine}"


def alike(a: str, b: str) -> bool:
    """Whether one folded word may be the other mistyped."""
    return a[:1] == b[:1] and abs(len(a) - len(b)) < 3 and SequenceMatcher(None, a, b).ratio() > 0.74


def inflected(family: str, *, feminine: bool) -> str:
    """A family name as a woman or a man has it, where that is a difference."""
    if feminine:
        family = re.sub(r"(ов|ев|ин)$", r"\1а", re.sub(r"ский$", "ская", family))
        return re.sub(r"(ov|ev|in)$", r"\1a", re.sub(r"sk(iy|ii|ij|y|i)$", "skaya", family))
    family = re.sub(r"(ов|ев|ин)а$", r"\1", re.sub(r"ская$", "ский", family))
    return re.sub(r"(ov|ev|in)a$", r"\1", re.sub(r"ska(ya|ia|ja)$", "skiy", family))


def korean(row: Row) -> bool:
    """Whether a row is somebody's with a Korean name."""
    said = WORD.findall(f"{row['name']} {row['first_name']} {row['last_name']}".lower())
    if row["country"] == "KR" or HANGUL.search("".join(said)) or _KOREAN_MAIL.search(row["email"].lower()):
        return True
    return not row["country"] and len(said) > 1 and not KOREAN_FAMILIES.isdisjoint((said[0], said[-1]))
