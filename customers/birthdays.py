"""Birthdays to compare by, and whether two of them tell two people apart. Pure."""

from collections.abc import Collection, Iterable
from datetime import date

from customers.likeness import slips

_FIRST_DAYS = (1900, 1970)


def digits(day: date | None) -> str:
    """A birthday in eight digits; nothing of one that a program fills in where nobody says any.

    Those are the days that programs count from: 1C (0001-01-01), spreadsheets (1899-12-30 and after), Unix
    (1970-01-01).
    """
    if day is None or day.year < 1900 or (day.month == day.day == 1 and day.year in _FIRST_DAYS):
        return ""
    return f"{day:%Y%m%d}"


def compare(a: str, b: str) -> str:
    """Two birthdays of eight digits: a slip, swapped day and month are near."""
    if not a or not b:
        return "unknown"
    if a == b:
        return "same"
    return "near" if sorted(a) == sorted(b) or slips(a, b, 1) else "other"


def two_people(a: str, b: str) -> bool:
    """Whether two birthdays are two people's. Who knows only a year writes the first of January."""
    return compare(a, b) == "other" and not a.endswith("0101") and not b.endswith("0101")


def apart(a: Iterable[str], b: Collection[str]) -> bool:
    """Whether any two birthdays of two sets are two people's."""
    return any(two_people(one, other) for one in a for other in b)
