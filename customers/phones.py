"""Telephone numbers: E.164 by the country's own habits, and numbers that belong to nobody.

The numbering plans of `phonenumbers` decide; those of the commonest regions are compiled once, because the
library's own way costs 100 µs a number and a first load reads hundreds of thousands.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import phonenumbers


class Phone(NamedTuple):
    """A number: `e164` is empty when it can't be dialled, and `problem` says why."""

    e164: str
    country: str
    problem: str = ""
    placeholder: bool = False  # can be dialled, but is what people type to fill a field


_EXTENSION = re.compile(
    r"(?:\bext\.?|\bдоб\.?|\bвн\.?|\bdahili|\b내선|x|#|;ext=|,)\s*[:.]?\s*\d{1,6}\)?\s*$", re.IGNORECASE
)
_EXCEL = re.compile(r"\d(?:[.,](\d+))?[eE]\+?\d{1,2}")
_NOT_DIGIT = re.compile(r"\D+")
_PLAIN = re.compile(r"[\d\s()./+‐-―-]+")
_FILLED = re.compile(r"\d*(\d)\1{6}|(?:1|7|49|82|90)?(?:0?1234567(?:8(?:90?)?)?|9876543210?|7654321)")
_SEVENS = ("RU", "KZ")
# Habits that give a country away when nothing else does: the way it is written, then the digits alone.
_AMERICAN = re.compile(r"(?:1[-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-. ])[2-9]\d\d[-.]\d{4}")
_HABITS = (
    (re.compile(r"[78][3-9]\d{9}"), "RU"),
    (re.compile(r"05\d{9}"), "TR"),
    (re.compile(r"010\d{8}"), "KR"),
    (re.compile(r"01[567]\d{8,9}"), "DE"),
)
_CODES = {1: ("US", "CA"), 7: _SEVENS, 49: ("DE",), 82: ("KR",), 90: ("TR",)}
_NATIONAL = {"RU": (7, "8", 10), "KZ": (7, "8", 10), "US": (1, "1", 10), "TR": (90, "0", 10)}
_TRUNK_ZERO = {"DE": 49, "KR": 82}  # numbers of many lengths, all with a 0 before them
_AFTER_ZERO = re.compile("0(?!49)[1-79]")  # in Korea 08 may choose a carrier, 049 is no area of Germany


@lru_cache(maxsize=64)
def _plan(region: str) -> re.Pattern[str]:
    """Every fixed-line and mobile number of a region."""
    plan = phonenumbers.PhoneMetadata.metadata_for_region(region)
    kinds = (plan.mobile, plan.fixed_line, plan.toll_free) if plan else ()
    patterns = [kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or "(?!)")


def _international(digits: str, plus: bool, country: str) -> str:
    """The digits with a country code in front, as far as the habits of the commonest countries tell."""
    if plus:
        return digits
    if digits.startswith("00"):
        return digits[2:]
    if country in _TRUNK_ZERO:
        return f"{_TRUNK_ZERO[country]}{digits[1:]}" if _AFTER_ZERO.match(digits) else ""
    if country not in _NATIONAL:
        return ""
    code, trunk, length = _NATIONAL[country]
    if country in _SEVENS and digits.startswith("810") and len(digits) > 12:
        return digits[3:]
    if len(digits) == length:
        return f"{code}{digits}"
    if len(digits) == length + 1 and digits[0] == trunk:
        return f"{code}{digits[1:]}"
    return digits if len(digits) == length + len(str(code)) and digits.startswith(str(code)) else ""


def _quick(digits: str) -> Phone | None:
    """The answer for a full number of a common country, or None when the library has to look."""
    for length in (1, 2):
        for region in _CODES.get(int(digits[:length]), ()):
            if _plan(region).fullmatch(digits, length):
                return Phone(f"+{digits}", region, "", bool(_FILLED.fullmatch(digits)))
    return None


def _thorough(text: str, country: str) -> Phone:
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        where = f" in {country}" if country else " without its country code"
        return Phone("", "", f"can't be read as a phone number{where}")
    if not phonenumbers.is_valid_number(number):
        return Phone("", "", "the numbering plan of its country has no such number")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Phone(
        e164, phonenumbers.region_code_for_number(number) or "", "", bool(_FILLED.fullmatch(e164[1:]))
    )


@lru_cache(maxsize=8192)
def parse(text: str, country: str = "") -> Phone:
    """Read a number written in any habit of `country` (ISO alpha-2); never raises."""
    text = text.strip()
    if len(text) > 60:
        return Phone("", "", "longer than any phone number")
    if _EXCEL.fullmatch(text):
        number = Decimal(text.replace(",", ".")).as_tuple()
        if len(number.digits) < 10:
            return Phone("", "", "a spreadsheet has rounded the number; its last digits are lost")
        text = "".join(map(str, number.digits)) + "0" * max(0, int(number.exponent))
    cut = _EXTENSION.sub("", text).removesuffix(".0")
    digits = _NOT_DIGIT.sub("", cut)
    if not 7 <= len(digits) <= 18:
        return Phone("", "", "a phone number has 7 to 15 digits")
    plus = cut.lstrip("( ").startswith("+")
    if not country and not plus:
        american = "US" if _AMERICAN.fullmatch(cut.strip()) else ""
        country = american or next((region for habit, region in _HABITS if habit.fullmatch(digits)), "")
    if _PLAIN.fullmatch(cut):
        full = _international(digits, plus, country)
        found = _quick(full) if len(full) > 7 and not full.startswith("0") else None
        if found:
            return found
    return _thorough(f"+{digits[3:]}" if country in _SEVENS and digits.startswith("810") else cut, country)


_BETWEEN = re.compile(r"\s*(?:[;|\n]|,(?=\s*\+?\d{7})|\s(?:или|or|veya)\s)\s*")


_SEVERAL = re.compile(r"[;|\n,]|\s(?:или|or|veya)\s")


def split(text: str) -> list[str]:
    """The numbers of a cell that holds several."""
    if not _SEVERAL.search(text):
        return [text] if text else []
    return [part for part in _BETWEEN.split(text) if part]


def grouped(e164: str) -> str:
    """A number in groups, as people read it; as it is when it can't be read."""
    try:
        return phonenumbers.format_number(
            phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.INTERNATIONAL
        )
    except phonenumbers.NumberParseException:
        return e164


def search_digits(e164: str) -> tuple[str, ...]:
    """Digit strings whose beginnings find the number: whole, without the country code, the last 7 and 4."""
    digits = e164.lstrip("+")
    code = next((length for length in (1, 2, 3) if int(digits[:length]) in _COUNTRY_CODES), 0)
    return tuple(dict.fromkeys((digits, digits[code:], digits[-7:], digits[-4:])))


_COUNTRY_CODES = frozenset(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


def bare(text: str) -> str:
    """The digits of a number as written, without its extension."""
    return _NOT_DIGIT.sub("", _EXTENSION.sub("", text.strip()))


def filled(digits: str) -> bool:
    """True for digits that people type to fill a field."""
    return bool(_FILLED.fullmatch(digits))
