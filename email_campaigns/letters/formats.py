"""Amounts, numbers and dates as the recipient writes them; kept, since Babel is slow and letters repeat."""

import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, dates, numbers

# Babel writes a currency's sign only where it is at home, elsewhere its code. We want the sign everywhere.
_HOME = {"RUB": "ru", "KZT": "kk", "TRY": "tr", "UAH": "uk", "KRW": "ko", "PLN": "pl", "CZK": "cs",
         "UZS": "uz", "BYN": "be", "GEL": "ka", "AZN": "az", "AMD": "hy"}  # fmt: skip
_CLOCK = {"ko": "aaaa h:mm"}  # Babel's short one has AM and PM in Latin letters
_LETTER_BEFORE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")
_CURRENCY = re.compile(r"[A-Z]{3}")
LENGTHS = ("short", "medium", "long", "full")


@cache
def zone_of(name: str) -> ZoneInfo:
    """The zone of that name; UTC when this machine doesn't know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


@lru_cache(maxsize=256)
def locale_of(language: str) -> Locale:
    """The language's way of writing; English for one that nobody knows."""
    for tag in (language, language.replace("-", "_").partition("_")[0]):
        try:
            return Locale.parse(tag, sep="-" if "-" in tag else "_")
        except (ValueError, UnknownLocaleError, TypeError):
            continue
    return Locale("en")


@lru_cache(maxsize=8192)
def money(amount: Decimal, currency: str, language: str) -> str:
    """An amount with its currency's sign; whole amounts without decimals."""
    if not _CURRENCY.fullmatch(currency):
        return number(amount, language)
    locale = locale_of(language)
    whole = amount == amount.to_integral_value()
    pattern = locale.currency_formats["standard"].pattern
    said = numbers.format_currency(
        amount, currency, pattern.replace(".00", "") if whole else None, locale, currency_digits=not whole
    )
    written = numbers.get_currency_symbol(currency, locale)
    sign = numbers.get_currency_symbol(currency, _HOME.get(currency, locale))
    if sign != written:
        said = said.replace(written + "\xa0", sign).replace(written, sign)
    return _LETTER_BEFORE_DIGIT.sub("\xa0", said)


@lru_cache(maxsize=8192)
def number(value: int | Decimal | float, language: str) -> str:
    """A number with the language's separators, without zeros at its end."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    return str(numbers.format_decimal(value, locale=locale_of(language)))


@lru_cache(maxsize=8192)
def day(value: date, length: Any, language: str) -> str:
    """A date in one of `LENGTHS`."""
    return str(dates.format_date(value, length, locale=locale_of(language)))


def local(at: datetime, zone: str) -> datetime:
    """The instant on a zone's clock; one that names no zone is in UTC."""
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo("UTC"))).astimezone(zone_of(zone))


def clock(at: datetime, language: str, zone: str) -> str:
    """Hours and minutes on the recipient's clock."""
    here = local(at, zone)
    return _clock(here.hour * 60 + here.minute, language)


@lru_cache(maxsize=8192)
def _clock(minutes: int, language: str) -> str:
    at = datetime(2000, 1, 1, minutes // 60, minutes % 60)  # noqa: DTZ001 - a wall time, of no zone
    locale = locale_of(language)
    return str(dates.format_time(at, _CLOCK.get(locale.language, "short"), locale=locale))
