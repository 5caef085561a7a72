"""Postal addresses as matching sees them: the words of the street, the numbers, the town. Pure."""

import re
from functools import lru_cache
from typing import NamedTuple

from customers.latin import latin, sound, typed, words
from customers.likeness import slips

_PART = re.compile(r"\d+|[^\W\d_]+")
# As `latin` writes them: kinds of streets, towns and rooms in the languages of the shops.
_GENERAL = words(
    """
    ul ulitsa ulica g gor gorod d dom kv kvartira korp korpus k str stroenie b bulvar pr prospekt per
    pereulok sh shosse obl oblast r n rayon koshesi kosesi kosh dangyly qalasy kalasy kala aul pos poselok
    mah mahalle mahallesi mh cad cd cadde caddesi sok sk sokak sokagi no daire kat apt apartment unit
    suite ste street st road rd avenue ave drive dr lane ln blvd boulevard court ct city strasse weg platz
    dong ho gu ro gil si shi do
    """
)
_STREETS = ("strasse", "str")
_STREET = re.compile(r"(?<=\w{3})(?:strasse|str)$")


class Place(NamedTuple):
    """An address; everything may be empty."""

    street: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    city: str = ""
    postcode: str = ""


NOWHERE = Place()


@lru_cache(maxsize=1 << 15)
def read(line: str, city: str, postcode: str) -> Place:
    """The place that an address line, a town and a postcode name."""
    parts = _PART.findall(typed(line))
    numbers = tuple(part.lstrip("0") or "0" for part in parts if part.isdigit())
    named = (
        _STREET.sub("", part) if part.endswith(_STREETS) else part
        for part in parts
        if not part.isdigit() and part not in _GENERAL
    )
    return Place(
        tuple(sound(part) for part in named if len(part) > 1), numbers, _town(city),
        "".join(postcode.split()).upper(),
    )  # fmt: skip


@lru_cache(maxsize=1 << 14)
def _town(text: str) -> str:
    return sound("".join(part for part in _PART.findall(latin(text)) if part not in _GENERAL))


def same_town(a: str, b: str) -> bool:
    """Whether two folded names of towns are one, give or take a slip."""
    return a == b or (min(len(a), len(b)) > 3 and slips(a, b, 1 if min(len(a), len(b)) < 8 else 2))


def compare(a: Place, b: Place) -> str:
    """unknown, flat (the same flat), house, other_flat, street, town, other_street (of one town), other."""
    town = same_town(a.city, b.city) if a.city and b.city else None
    if not a.street or not b.street or not a.numbers or not b.numbers:
        return "unknown" if town is None else ("town" if town else "other")
    if not _same_street(a.street, b.street):
        return "unknown" if town is None else ("other_street" if town else "other")
    if town is False and (not a.postcode or a.postcode != b.postcode):
        return "other"
    if a.numbers[0] != b.numbers[0]:
        return "street"
    shorter = min(len(a.numbers), len(b.numbers))
    if a.numbers[:shorter] != b.numbers[:shorter]:
        joined = "".join(a.numbers) == "".join(b.numbers)
        return "flat" if joined else "other_flat"
    return "flat" if len(a.numbers) == len(b.numbers) > 1 else "house"


def _same_street(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    if a == b or not set(a).isdisjoint(b):
        return True
    return any(same_word(one, other) for one in a if len(one) > 3 for other in b if len(other) > 3)


def same_word(a: str, b: str) -> bool:
    """Whether two words of streets are one, give or take a slip."""
    return slips(a, b, 1 if min(len(a), len(b)) < 8 else 2)
