"""Cells as numbers, dates, answers and currencies, in the habits of several countries.

What can be read in two ways ("05/06/2024", "1,234") is decided by the evidence of a whole column, once.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

from connectors.files.words import CURRENCIES, MONTHS, NO, YES
from foundation.errors import BadInput

_UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_ORDINARY = re.compile(r"[\x20-\x7e\u00c0-\u024f\u0400-\u04ff\uac00-\ud7a3]*")
_NUMBER = re.compile(r"[\d\s.,'\u066b\u066c]*\d[\d\s.,'\u066b\u066c]*(?:[eE][+-]?\d{1,3})?")
_DATE = re.compile(
    r"(\d{1,4})\s*[./\-\s년年]\s*(\d{1,2})\s*[./\-\s월月]\s*(\d{1,4})\s*[일日.]?(?:\s*г(?:ода|\.)?)?"
)
_WORDY = re.compile(r"(?:(\d{1,2})\.?\s+)?([^\W\d_]{3,})\.?\s*(\d{1,2})?,?\s+(\d{4})(?:\s*г(?:ода|\.)?)?")
_TIME = re.compile(
    r"(?:\s+|T|,\s*)(?:(오전|오후)\s*)?(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([AaPp][Mm])?\s*"
    r"(Z|[+-]\d{2}:?\d{2}|UTC|GMT)?$"
)
_NOTHING = frozenset({"", "-", "—", "–", "n/a", "na", "null", "none", "nan", "нет", "#n/a", "\\n"})
_SERIAL_DAYS = (10_000, 80_000)  # 1927 to 2119: what an Excel day number can plausibly be


def clean(text: str) -> str:
    """A cell for use: no invisible characters, single blanks, and no guard against formulas before it."""
    if not text:
        return ""
    if not (text.isascii() and text.isprintable()) and not _ORDINARY.fullmatch(text):
        text = _UNSEEN.sub("", text)
    text = " ".join(text.split())
    if len(text) > 1 and text[0] == "'" and text[1] in "=+-@":
        return text[1:]  # spreadsheets, and our own export, put it there so that nothing is calculated
    return text


def is_nothing(text: str) -> bool:
    """True for an empty cell and for what people write into cells that ought to be empty."""
    return text.strip().lower() in _NOTHING


def decimal(text: str, mark: str = "") -> Decimal | None:
    """A number; None for an empty cell. `mark` is the column's decimal mark where the cell leaves it open."""
    said = clean(text)
    if is_nothing(said):
        return None
    negative = re.match(r"[^\d]*[-−(]", said) is not None or said.endswith("-")
    bare = _strip_currency(said.strip("()-−+ "))
    if not _NUMBER.fullmatch(bare):
        raise BadInput(f"a number was expected, not “{said[:40]}”")
    try:
        number = Decimal(_plain(bare, mark))
    except InvalidOperation as error:
        raise BadInput(f"a number was expected, not “{said[:40]}”") from error
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise BadInput(f"the number “{said[:40]}” is too large")
    return -number if negative else number


def is_open_number(text: str) -> bool:
    """True when only the column's habit says whether 1,234 is a thousand or a little more than one."""
    return bool(re.fullmatch(r"[^\d]*\d{1,3}[.,]\d{3}[^\d]*", text)) and not re.match(r"\D*0", text)


def decimal_mark(texts: Iterable[str]) -> str:
    """The decimal mark a column uses: the last mark of numbers that can be read in one way only."""
    marks = {".": 0, ",": 0}
    for text in texts:
        if not is_open_number(text) and (found := re.search(r"([.,])\d+\D*$", text)):
            both = "." in text and "," in text
            whole = re.fullmatch(r"\D*\d{1,3}(?:([.,])\d{3})(?:\1\d{3})+\D*", text)
            if whole:  # 1.234.567 groups with its mark, so the other one is decimal
                marks["," if found[1] == "." else "."] += 1
            elif both or re.search(r"[.,]\d{1,2}\D*$", text):
                marks[found[1]] += 1
    return "" if marks["."] == marks[","] else max(marks, key=lambda mark: marks[mark])


def currency(text: str) -> str:
    """The ISO code a sign, word or code stands for; empty when it stands for none."""
    said = clean(text)
    if re.fullmatch("[A-Za-z]{3}", said):
        return CURRENCIES.get(said.lower(), said.upper())
    return CURRENCIES.get(said.lower().rstrip("."), "")


def currency_in(text: str) -> str:
    """The currency written beside an amount; empty when there is none."""
    return currency(re.sub(r"[\d\s.,'()+−-]+", " ", text).strip()) if text else ""


def flag(text: str) -> bool | None:
    """Yes or no in several languages; None for an empty cell."""
    said = clean(text).casefold()
    if said in YES:
        return True
    if said in NO:
        return False
    if is_nothing(said):
        return None
    raise BadInput(f"yes or no was expected, not “{said[:40]}”")


def date_order(texts: Iterable[str]) -> str:
    """ "mdy" or "dmy" by the dates of a column that can be read in one way only; empty without evidence."""
    votes = {"dmy": 0, "mdy": 0}
    for text in texts:
        if (found := re.match(r"\s*(\d{1,2})[./-](\d{1,2})[./-]\d{2,4}", text)) is not None:
            first, second = int(found[1]), int(found[2])
            if first > 12 >= second:
                votes["dmy"] += 1
            elif second > 12 >= first:
                votes["mdy"] += 1
    return "" if votes["dmy"] == votes["mdy"] else max(votes, key=lambda order: votes[order])


def is_open_date(text: str) -> bool:
    """True when only the column's habit says which number is the month."""
    found = re.match(r"\s*(\d{1,2})[./-](\d{1,2})[./-]\d{2,4}(?!\d)", text)
    return found is not None and int(found[1]) <= 12 and int(found[2]) <= 12 and found[1] != found[2]


@lru_cache(maxsize=8192)
def day(text: str, order: str = "") -> date | None:
    """A day; None for an empty cell and for 00.00.0000. BadInput for days that no calendar has."""
    said = clean(text)
    if is_nothing(said) or not said.strip("0.-/ :T"):
        return None
    moment = _TIME.search(said)
    bare = said[: moment.start()] if moment else said
    if found := _DATE.fullmatch(bare.strip()):
        year, month, number = _parts(found[1], found[2], found[3], bare, order)
    elif (found := _WORDY.fullmatch(bare.strip())) and found[2].casefold()[:3] in MONTHS:
        year, month, number = int(found[4]), MONTHS[found[2].casefold()[:3]], int(found[1] or found[3] or 0)
    elif re.fullmatch(r"\d{8}", bare):
        year, month, number = int(bare[:4]), int(bare[4:6]), int(bare[6:])
    elif (
        re.fullmatch(r"\d{5}(?:[.,]\d+)?", bare)
        and _SERIAL_DAYS[0] < float(bare.replace(",", ".")) < _SERIAL_DAYS[1]
    ):
        return date(1899, 12, 30) + timedelta(days=int(float(bare.replace(",", "."))))
    else:
        raise BadInput(f"a date was expected, not “{said[:40]}”")
    try:
        return date(year, month, number)
    except ValueError as error:
        raise BadInput(f"there is no day “{said[:40]}”") from error


def instant(text: str, order: str = "", zone: str = "UTC") -> datetime | None:
    """An instant in UTC; wall time is taken to be of `zone`, a bare day begins at midnight there."""
    on = day(text, order)
    if on is None:
        return None
    said = clean(text)
    at, offset = _clock(said)
    if re.fullmatch(r"\d{5}[.,]\d+", said):
        seconds = round(float(said.replace(",", ".")) % 1 * 86_400) % 86_400
        at = time(seconds // 3600, seconds // 60 % 60, seconds % 60)
    if offset is not None:
        return (datetime.combine(on, at, UTC)) - offset
    return datetime.combine(on, at, ZoneInfo(zone)).astimezone(UTC)


def digits_lost(text: str) -> bool:
    """True for a phone or number that a spreadsheet rounded away ("7.7011E+10")."""
    found = re.fullmatch(r"(\d)(?:[.,](\d+))?[eE]\+?(\d+)", text.strip())
    return found is not None and len(found[2] or "") < int(found[3])


def _parts(first: str, second: str, third: str, text: str, order: str) -> tuple[int, int, int]:
    if len(first) >= 3 or "년" in text or "年" in text:
        return int(first), int(second), int(third)
    if len(third) not in (2, 4):
        raise BadInput(f"a date was expected, not “{text[:40]}”")
    year = int(third) if len(third) == 4 else 2000 + int(third) - (100 if int(third) > 68 else 0)
    one, two = int(first), int(second)
    month_first = two > 12 or (order == "mdy" and one <= 12)
    return (year, one, two) if month_first else (year, two, one)


def _clock(said: str) -> tuple[time, timedelta | None]:
    found = _TIME.search(said)
    if found is None:
        return time(), None
    hour, minute, second = int(found[2]), int(found[3]), int(found[4] or 0)
    half = (found[5] or "").lower() or {"오전": "am", "오후": "pm"}.get(found[1] or "", "")
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    offset = None
    if found[6]:
        sign = -1 if found[6].startswith("-") else 1
        numbers = found[6].lstrip("+-").replace(":", "")
        offset = (
            sign * timedelta(hours=int(numbers[:2]), minutes=int(numbers[2:]))
            if numbers.isdigit()
            else timedelta()
        )
    try:
        return time(hour, minute, second), offset
    except ValueError as error:
        raise BadInput(f"there is no time “{said[:40]}”") from error


def _strip_currency(text: str) -> str:
    bare = re.sub(r"^[^\d.,]+|\D+$", "", text)
    beside = [part.strip(" .-−") for part in text.split(bare, 1)] if bare else [text]
    return bare if all(not part or currency(part) for part in beside) else text


def _plain(text: str, mark: str) -> str:
    """Digits with a point, whatever marks the number came with."""
    bare = re.sub(r"[\s'\u066c]", "", text).replace("\u066b", ".")
    if "." in bare and "," in bare:
        decimal_at = max(bare.rfind("."), bare.rfind(","))
        return re.sub("[.,]", "", bare[:decimal_at]) + "." + bare[decimal_at + 1 :]
    for sign in ".,":
        if bare.count(sign) > 1:
            if not re.fullmatch(rf"\d{{1,3}}(?:\{sign}\d{{3}})+", bare):
                raise InvalidOperation
            return bare.replace(sign, "")
    if is_open_number(bare) and (mark or ".") not in bare:  # people group with commas, programs never do
        return re.sub("[.,]", "", bare)
    return bare.replace(",", ".")
