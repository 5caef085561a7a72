"""Birthdays to compare by."""

from datetime import date

import pytest

from customers import birthdays


@pytest.mark.parametrize(
    "filled_in",
    [date(1, 1, 1), date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1), date(1970, 1, 1), None],
)
def test_what_a_program_fills_in_is_no_birthday(filled_in: date | None) -> None:
    assert birthdays.digits(filled_in) == ""


@pytest.mark.parametrize("day", [date(1900, 1, 2), date(1970, 1, 2), date(1985, 1, 1), date(2011, 12, 31)])
def test_what_somebody_says_is_one(day: date) -> None:
    assert birthdays.digits(day) == day.isoformat().replace("-", "")


@pytest.mark.parametrize(
    ("a", "b", "wanted"),
    [
        ("19620304", "19891117", True),
        ("19620304", "19620403", False),
        ("19620304", "19620314", False),
        ("19620304", "19850101", False),
        ("19850101", "19620304", False),
        ("19850101", "19620101", False),
        ("", "19620304", False),
    ],
)
def test_who_are_two_people(a: str, b: str, wanted: bool) -> None:
    assert birthdays.two_people(a, b) is birthdays.two_people(b, a) is wanted
