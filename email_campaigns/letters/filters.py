"""What a letter can do to a value behind `|`: formats of the recipient's language and zone, and fallbacks."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from email_campaigns.letters import formats, limits
from email_campaigns.letters.sandbox import joined, making, turns
from email_campaigns.letters.values import Absent, Amount, Missing, Ours, Unrendered
from foundation.text import _

SCHEMES = ("http", "https", "mailto")
_ADDRESS = "!#$%&'()*+,/:;=?@[]~-._"  # what stays as it is in an address


@pass_context
def shown(context: Context, value: Any) -> Any:
    """What stands in the letter for `{{ value }}`."""
    if isinstance(value, str | Absent):
        return value
    if isinstance(value, bool):
        raise Unrendered(_("A yes or no can't be shown; ask for it with “if”."))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal | float):
        return formats.number(value, making(context).language)
    if isinstance(value, Amount):
        return money(context, value)
    if isinstance(value, date):
        return day(context, value)
    raise Unrendered(_("A list or a variable with parts can't be shown; name one of its parts."))


def _text(value: Any) -> str:
    return joined(value)


@pass_context
def together(context: Context, *parts: Any) -> str:
    """Values put together as they would be shown."""
    return joined(*[shown(context, part) for part in parts])


def default(value: Any, instead: Any = "") -> Any:
    """The value, or what is named instead of a missing one."""
    return instead if isinstance(value, Absent) else value


@pass_context
def money(context: Context, value: Any, currency: Any = "") -> str:
    """An amount with its currency, or a number as one of a currency that is named."""
    if isinstance(value, Absent):
        return str(value)
    if isinstance(value, Amount):
        return formats.money(value.amount, str(currency or value.currency), making(context).language)
    if isinstance(value, int | Decimal | float) and not isinstance(value, bool):
        return formats.money(Decimal(str(value)), str(currency), making(context).language)
    raise Unrendered(_("“money” needs an amount."))


@pass_context
def number(context: Context, value: Any) -> str:
    """A number with the language's separators."""
    if isinstance(value, Absent):
        return str(value)
    if isinstance(value, Amount):
        value = value.amount
    if isinstance(value, int | Decimal | float) and not isinstance(value, bool):
        return formats.number(value, making(context).language)
    raise Unrendered(_("“number” needs a number."))


def _instant(value: Any, name: str) -> Any:
    if isinstance(value, Absent):
        raise Missing(value.path)
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError:
            pass
    if not isinstance(value, date):
        raise Unrendered(_("“%s” needs a date.") % name)
    return value


@pass_context
def day(context: Context, value: Any, length: Any = "long") -> str:
    """A date; an instant's on the recipient's clock."""
    if length not in formats.LENGTHS:
        raise Unrendered(_("“date” knows the lengths short, medium, long and full."))
    at, now = _instant(value, "date"), making(context)
    return formats.day(
        formats.local(at, now.zone).date() if isinstance(at, datetime) else at, length, now.language
    )


@pass_context
def clock(context: Context, value: Any) -> str:
    """The time of an instant on the recipient's clock."""
    at, now = _instant(value, "time"), making(context)
    if not isinstance(at, datetime):
        raise Unrendered(_("“%s” needs an instant; a date has no time.") % "time")
    return formats.clock(at, now.language, now.zone)


def truncate(value: Any, length: Any = 100) -> str:
    """The beginning of a text, cut at a word where there is one."""
    said = _text(value)
    if type(length) is not int or not 1 <= length <= limits.TEXT:
        raise Unrendered(_("“truncate” needs a length."))
    if len(said) <= length:
        return said
    cut = said[: length - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut) + "…"


def count(value: Any) -> int:
    """How many there are; of what is missing, none."""
    if isinstance(value, Absent):
        return 0
    if not isinstance(value, list | tuple | range | str):
        raise Unrendered(_("“%s” needs a list.") % "count")
    return len(value)


def first(value: Any) -> Any:
    """The first of a list."""
    return _end(value, 0, "first")


def last(value: Any) -> Any:
    """The last of a list."""
    return _end(value, -1, "last")


def _end(value: Any, place: int, name: str) -> Any:
    if isinstance(value, Absent):
        return value
    if not isinstance(value, list | tuple):
        raise Unrendered(_("“%s” needs a list.") % name)
    return value[place] if value else Absent(name=name)


@pass_context
def limit(context: Context, value: Any, most: Any = 10) -> Any:
    """The first few of a list."""
    if isinstance(value, Absent):
        return value
    if not isinstance(value, list | tuple) or type(most) is not int or most < 0:
        raise Unrendered(_("“%s” needs a list.") % "limit")
    return value[:most]


def join(value: Any, between: Any = ", ") -> str:
    """A list of texts or numbers as one text."""
    if isinstance(value, Absent):
        return str(value)
    if not isinstance(value, list | tuple):
        raise Unrendered(_("“%s” needs a list.") % "join")
    if len(value) > limits.RANGE:
        raise Unrendered(_("This list is too long."))
    return joined(*[part for at, one in enumerate(value) for part in ((between, one) if at else (one,))])


def rounded(value: Any, digits: Any = 0) -> Any:
    """A number to so many digits."""
    if isinstance(value, Absent):
        str(value)
    if type(digits) is not int or not 0 <= digits <= 10:
        raise Unrendered(_("“round” takes 0 to 10 digits."))
    if isinstance(value, Amount):
        return Amount(round(value.amount, digits), value.currency)
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise Unrendered(_("“%s” needs a number.") % "round")
    return round(Decimal(str(value)), digits)


def urlencode(value: Any) -> str:
    """A value as a part of an address."""
    return quote(_text(value), safe="")


@pass_context
def products(context: Context, skus: Any) -> list[Any]:
    """Products by their SKUs, in that order; those that are sold no more are left out."""
    known = context.parent.get("products") or {}
    return [known[sku] for sku in skus if sku in known]


def link(value: Any) -> Any:
    """What a letter links to or shows: http, https or mailto, and fit for an attribute."""
    if isinstance(value, Absent | Ours):
        return value
    return _address(str(value.unescape()) if isinstance(value, Markup) else joined(value))


@lru_cache(maxsize=4096)
def _address(said: str) -> Markup:
    said = said.strip()
    try:
        scheme = urlsplit(said).scheme.lower()
    except ValueError:
        scheme = ""
    if scheme not in SCHEMES:
        raise Unrendered(_("“%s” is no address that a letter can link to.") % said[:100])
    return escape(quote(said, safe=_ADDRESS))


FILTERS: dict[str, Callable[..., Any]] = {
    "default": default, "d": default, "money": money, "number": number, "date": day, "time": clock,
    "upper": lambda value: _text(value).upper(), "lower": lambda value: _text(value).lower(),
    "capitalize": lambda value: _text(value)[:1].upper() + _text(value)[1:],
    "trim": lambda value: _text(value).strip(), "truncate": truncate, "count": count, "length": count,
    "first": first, "last": last, "limit": limit, "join": join, "round": rounded, "urlencode": urlencode,
    "products": products,
}  # fmt: skip
INTERNAL: dict[str, Callable[..., Any]] = {"_turns": turns, "_joined": together, "_link": link}
