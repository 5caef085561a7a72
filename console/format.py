"""Money, numbers and times as the reader writes them; instants in the reader's zone, exact on hover."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from markupsafe import Markup

from customers import phones
from foundation.clock import now
from foundation.text import _

# Babel writes a currency's sign only where it is at home, elsewhere its code. We want the sign everywhere.
_HOME = {"RUB": "ru", "KZT": "kk", "TRY": "tr", "UAH": "uk", "KRW": "ko", "PLN": "pl", "CZK": "cs",
         "UZS": "uz", "BYN": "be", "GEL": "ka", "AZN": "az", "AMD": "hy"}  # fmt: skip
_RECENT = timedelta(days=7)
_LETTER_BEFORE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")  # a code needs a space where a sign needs none


@cache
def zone_of(name: str) -> ZoneInfo:
    """The zone of that name; UTC when this machine doesn't know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


@cache
def _locale(name: str) -> Locale:
    return Locale.parse(name)


@cache
def _sign(currency: str, locale: str) -> tuple[str, str]:
    """What Babel writes for a currency in this locale, and the sign we want in its place."""
    return (
        numbers.get_currency_symbol(currency, locale),
        numbers.get_currency_symbol(currency, _HOME.get(currency, locale)),
    )


@lru_cache(maxsize=4096)
def _date(day: date, pattern: str, locale: str) -> str:
    """A day in a pattern: Babel takes longer for it than the rest of a table's row takes."""
    return dates.format_date(day, pattern, locale=_locale(locale))


@dataclass(frozen=True)
class Reader:
    """How one person reads: language and zone."""

    locale: str = "en"
    zone: str = "UTC"

    def number(self, value: int | Decimal) -> str:
        """A number with the reader's separators."""
        return numbers.format_decimal(value, locale=_locale(self.locale))

    def amount(self, said: str) -> str:
        """A number to its last digit with the reader's separators; as it is said when it is none."""
        try:
            value = Decimal(said)
        except InvalidOperation:
            return said
        return numbers.format_decimal(value, locale=_locale(self.locale), decimal_quantization=False)

    def money(self, amount: Decimal | str | int | None, currency: str | None) -> str:
        """An amount with its currency's sign; whole amounts without decimals; a dash when there is none."""
        if amount is None:
            return "–"
        try:
            value = Decimal(amount)
        except InvalidOperation:
            return str(amount)
        if not currency:
            return self.number(value)
        whole = value == value.to_integral_value()
        pattern = _locale(self.locale).currency_formats["standard"].pattern
        text = numbers.format_currency(
            value,
            currency,
            pattern.replace(".00", "") if whole else None,
            _locale(self.locale),
            currency_digits=not whole,
        )
        written, sign = _sign(currency, self.locale)
        if sign != written:
            text = text.replace(written + "\xa0", sign).replace(written, sign)
        return _LETTER_BEFORE_DIGIT.sub("\xa0", text)

    def local(self, at: datetime) -> datetime:
        """The instant on the reader's clock."""
        return at.astimezone(zone_of(self.zone))

    def exact(self, at: datetime) -> str:
        """The instant to the second with its zone, for hover."""
        here = self.local(at)
        return f"{_date(here.date(), 'EEEE, d MMMM y', self.locale)}, {here:%H:%M:%S} ({self.zone})"

    def day(self, at: datetime | date) -> str:
        """The date: today and yesterday by name, the year only when it isn't this one."""
        day = self.local(at).date() if isinstance(at, datetime) else at
        today = self.local(now()).date()
        if day == today:
            return _("Today")
        if day == today - timedelta(days=1):
            return _("Yesterday")
        pattern = "d MMMM" if day.year == today.year else "d MMMM y"
        return _date(day, pattern, self.locale)

    def day_short(self, day: date) -> str:
        """The date in a few letters, for axes."""
        return _date(day, "d MMM", self.locale)

    def date(self, day: date) -> str:
        """A date with its year: birthdays."""
        return _date(day, "d MMMM y", self.locale)

    def phone(self, e164: str) -> str:
        """A phone number in groups; as it is when it can't be read."""
        return phones.grouped(e164)

    def country(self, code: str) -> str:
        """The country's name in the reader's language."""
        return str(_locale(self.locale).territories.get(code.upper(), code))

    def language(self, code: str) -> str:
        """The language's name in the reader's language."""
        return str(_locale(self.locale).languages.get(code.lower(), code))

    def clock(self, at: datetime) -> str:
        """Hours and minutes."""
        return f"{self.local(at):%H:%M}"

    def short(self, at: datetime) -> str:
        """The day and the time in a few letters: for tables of exact instants."""
        here = self.local(at)
        pattern = "d MMM" if here.year == self.local(now()).year else "d MMM y"
        return f"{_date(here.date(), pattern, self.locale)}, {here:%H:%M}"

    def relative(self, at: datetime) -> str:
        """How long ago ("2 hours ago") within a week, then the date."""
        gap = at - now()
        if abs(gap) < _RECENT:
            return dates.format_timedelta(gap, add_direction=True, threshold=1, locale=self.locale)
        day, this_year = self.local(at).date(), self.local(now()).year
        return _date(day, "d MMM" if day.year == this_year else "d MMM y", self.locale)

    def tag(self, at: datetime, text: str) -> Markup:
        """A <time> element: machine-readable, with the exact instant and zone on hover."""
        stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, self.exact(at), text)

    def ago(self, at: datetime | None) -> Markup:
        """The relative time as an element; a dash when never."""
        return Markup("–") if at is None else self.tag(at, self.relative(at))


def initials(name: str) -> str:
    """One or two letters for an avatar."""
    words = [word for word in name.replace("«", " ").replace("»", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    if len(words) == 1:
        return words[0][0].upper()
    return (words[0][0] + words[-1][0]).upper()


def safe_cell(value: object) -> str:
    """A CSV cell that no spreadsheet program takes for a formula."""
    text = "" if value is None else str(value)
    if isinstance(value, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + text
    return text
