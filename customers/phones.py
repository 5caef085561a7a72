"""Telephone numbers: E.164 by the country's own habits, and numbers that belong to nobody."""

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers


class Phone(NamedTuple):
    """A number: `e164` is empty when it can't be dialled, and `problem` says why."""

    e164: str
    country: str
    problem: str = ""
    placeholder: bool = False


_EXTENSION = re.compile(
    r"(?:\bext\.?|\bдоб\.?|\bвн\.?|\bdahili|\bx|#|;ext=|,)\s*[:.]?\s*\d{1,6}\s*$", re.IGNORECASE
)
_EXCEL = re.compile(r"\+?\d([.,]\d+)?[eE]\+?\d{1,2}")


@lru_cache(maxsize=65536)
def parse(text: str, country: str = "") -> Phone:
    """Read a number written in any habit of `country` (ISO alpha-2); never raises."""
    cut = _EXTENSION.sub("", text.strip())
    digits = re.sub(r"\D", "", cut)
    if not 5 <= len(digits) <= 20:
        return Phone("", "", "a phone number has 7 to 15 digits")
    try:
        number = phonenumbers.parse(cut, country or None)
    except phonenumbers.NumberParseException:
        return Phone("", "", "not a phone number of this country")
    if not phonenumbers.is_valid_number(number):
        return Phone("", "", "no such number in the country's plan")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Phone(e164, phonenumbers.region_code_for_number(number) or "")
