"""Single values of CommerceML, read as 1C and those who imitate it write them: nothing here raises."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from html import unescape
from zoneinfo import ZoneInfo

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|laquo|raquo|mdash|ndash|#[0-9]{1,6}|#x[0-9a-fA-F]{1,5});")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_BLANKS = re.compile(r"[\s\u00a0\u202f\u2009'’]+")
_DATE = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})|([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?")
_OFFSET = re.compile(r"(Z|UTC)$|([+-])([0-9]{2}):?([0-9]{2})$")
_ALIKE = str.maketrans("aceopxkmthby", "асеорхкмтнву")  # people and programs type 1C with a Latin C
_LARGEST = Decimal(10) ** 15
_YES, _NO = frozenset({"true", "да", "1", "yes", "истина"}), frozenset({"false", "нет", "0", "no", "ложь"})

_CURRENCIES = {
    "RUB": "643 810 rur руб р рубль рублей российский_рубль ₽", "UAH": "980 грн гривна ₴",
    "KZT": "398 тг тенге ₸", "BYN": "933 белруб бел.руб byr", "UZS": "860 сум so'm soʻm",
    "USD": "840 $ долл дол доллар",
    "EUR": "978 € евро", "KGS": "417 сом", "AMD": "051 51 драм", "AZN": "944 манат", "GEL": "981 лари",
    "TJS": "972 сомони", "TMT": "934", "MDL": "498 лей", "TRY": "949 ₺ лира tl", "CNY": "156 ¥ юань",
    "PLN": "985 злотый", "GBP": "826 £", "KRW": "410 ₩ вона", "JPY": "392 иена", "CHF": "756 франк",
}  # fmt: skip
_BY_WORD = {word.replace("_", " "): code for code, words in _CURRENCIES.items() for word in words.split()} | {
    code.lower(): code for code in _CURRENCIES
}


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """A name for comparing: case, blanks and Latin letters that look Cyrillic make no difference."""
    return _BLANKS.sub("", name).lower().replace("ё", "е").translate(_ALIKE)


def clean(text: str) -> str:
    """One line of plain text; what was escaped twice is read once more."""
    if "&" in text and _ENTITY.search(text):
        text = _ENTITY.sub(lambda found: unescape(found[0]), text)
    return " ".join(_UNSEEN.sub("", text).split())


def number(text: str) -> Decimal | None:
    """A number, whatever blanks and one comma are in it; None for what is none."""
    bare = _BLANKS.sub("", text).replace("−", "-").rstrip("%")
    if "," in bare and "." not in bare and bare.count(",") == 1:
        bare = bare.replace(",", ".")
    if len(bare) > 40 or not _NUMBER.fullmatch(bare):
        return None
    try:
        found = Decimal(bare)
    except InvalidOperation:
        return None
    return found if abs(found) < _LARGEST else None


def flag(text: str) -> bool | None:
    """Yes or no; None for anything else."""
    said = text.strip().lower()
    return True if said in _YES else False if said in _NO else None


@lru_cache(maxsize=1024)
def currency(text: str) -> str:
    """The ISO code of a currency by code, number or word; empty when it can't be told."""
    said = clean(text).lower().rstrip(".")
    if said in _BY_WORD:
        return _BY_WORD[said]
    return said.upper() if re.fullmatch("[a-z]{3}", said) else ""


def day(text: str) -> date | None:
    """A day as 1C or a person writes it; None where there is none (1C's empty date is in the year 1)."""
    found = _DATE.match(text.strip())
    if not found:
        return None
    year, month, number_ = (found[1], found[2], found[3]) if found[1] else (found[6], found[5], found[4])
    try:
        read = date(int(year), int(month), int(number_))
    except ValueError:
        return None
    return read if 1900 < read.year < 2200 else None


def instant(text: str, clock: str, zone: str) -> datetime | None:
    """An instant in UTC from a date (with a time in it, or one beside it) on the wall of `zone`.

    The bare "T" (or its Cyrillic twin) that 1C writes for a date it doesn't have is none.
    """
    on = day(text)
    if on is None:
        return None
    rest = _DATE.sub("", text.strip(), count=1)
    offset = _OFFSET.search(rest.strip())
    told = _TIME.search(rest[: offset.start()] if offset else rest) or _TIME.search(clock)
    hour, minute, second = (int(told[1]), int(told[2]), int(told[3] or 0)) if told else (0, 0, 0)
    if hour > 23 or minute > 59 or second > 59:
        hour = minute = second = 0
    wall = datetime(on.year, on.month, on.day, hour, minute, second, tzinfo=UTC)
    if offset is None:
        return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    if offset[1]:
        return wall
    ahead = timedelta(hours=int(offset[3]), minutes=int(offset[4]))
    return wall - ahead if offset[2] == "+" else wall + ahead
