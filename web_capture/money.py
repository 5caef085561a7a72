"""Amounts as shops' pages say them: numbers, or texts such as "1 299,00 ₽". No arithmetic with floats."""

import re
from decimal import Decimal
from typing import Any

Money = dict[str, str]  # {"amount": "12.50", "currency": "KZT"}

LARGEST = Decimal("99999999999999.9999")  # what numeric(18, 4) holds
_LONGEST_TEXT = 40
_FOUR_PLACES = Decimal("0.0001")
_CODE = re.compile(r"[A-Za-z]{3}")
_MARK = (
    r"[A-Za-z]{0,2}[$€£¥₽₸₺₩₴₹₾₼₪₫฿₱]|[A-Za-z]{3}"
    r"|руб\.?|р\.?|тг\.?|тенге|сум|сом|TL|Rs\.?|kr\.?|zł|Kč|Ft|lei|원|円|元"
)
_SAID = re.compile(rf"(?P<before>{_MARK})?\s*(?P<number>[0-9.,][0-9.,\s'’]*?)\s*(?P<after>{_MARK})?")
_SPACED = re.compile(r"[0-9]{1,3}(?:[\s'’][0-9]{3})+(?:[.,][0-9]+)?")
_COMMAS_GROUP = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_POINTS_GROUP = re.compile(r"[1-9][0-9]{0,2}(?:(?:\.[0-9]{3})+,[0-9]+|(?:\.[0-9]{3}){2,})")
_PLAIN = re.compile(r"[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+")
_SPACES = re.compile(r"[\s'’]")
# "$" and "¥" are the money of several countries, so they name none
_SIGNS = {
    "€": "EUR", "£": "GBP", "₽": "RUB", "₸": "KZT", "₺": "TRY", "₩": "KRW", "₴": "UAH", "₹": "INR",
    "₾": "GEL", "₼": "AZN", "₪": "ILS", "₫": "VND", "฿": "THB",
}  # fmt: skip


def code_of(value: Any) -> str:
    """An ISO 4217 code in upper case; "" when the value has not its form."""
    return value.upper() if isinstance(value, str) and _CODE.fullmatch(value) else ""


def money(value: Any, currency: str) -> Money | None:
    """An amount, in its own currency when it names one; None for what is no amount of 0 or more."""
    if isinstance(value, float):
        return _amount(repr(value), currency)
    if isinstance(value, str):
        return _of_text(value, currency)
    if isinstance(value, int):
        return (
            _amount(str(value), currency) if 0 <= value <= LARGEST and not isinstance(value, bool) else None
        )
    if isinstance(value, dict) and not isinstance(value.get("amount"), dict):
        named = code_of(value.get("currency")) or code_of(value.get("currencyCode"))
        return money(value.get("amount"), named or currency)
    return None


def _of_text(value: str, currency: str) -> Money | None:
    found = _SAID.fullmatch(value.strip()) if len(value) <= _LONGEST_TEXT else None
    if found is None:
        return None
    number = _in_english(found["number"])
    named = next((code for mark in (found["before"], found["after"]) if (code := _named(mark))), "")
    return _amount(number, named or currency) if number else None


def _named(mark: str | None) -> str:
    if mark is None:
        return ""
    return _SIGNS.get(mark, "") or (mark if mark.isupper() and _CODE.fullmatch(mark) else "")


def _in_english(number: str) -> str:
    """The number with a point and no groups: of a comma before three digits, the groups' reading is taken."""
    if _COMMAS_GROUP.fullmatch(number):
        return number.replace(",", "")
    if _POINTS_GROUP.fullmatch(number):
        return number.replace(".", "").replace(",", ".")
    if _PLAIN.fullmatch(number) or _SPACED.fullmatch(number):
        return _SPACES.sub("", number).replace(",", ".")
    return ""


def _amount(number: str, currency: str) -> Money | None:
    """`number` in Python's notation. More than four decimals are the noise of a sum of floats."""
    whole, _, part = number.partition(".")
    if len(part) > 4 or not (whole + part).isdecimal() or len(whole) > 14:
        exact = Decimal(number)
        if not exact.is_finite() or not 0 <= exact <= LARGEST:
            return None
        exact = abs(exact).quantize(_FOUR_PLACES)
        whole, _, part = format(exact, "f").partition(".")
    if len(part) > 2 or part == "0":
        part = part.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return {"amount": f"{whole}.{part}" if part else whole, "currency": currency}
