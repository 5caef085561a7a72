"""A statement as the rows of a document: amounts and days as its reader writes them. Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
from babel import dates, numbers

from customers.settlements import words
from customers.settlements.accounts import Account
from customers.settlements.reading import Statement
from foundation import text

_DAYS = {"en": "d MMM y", "ko": "y. MM. dd."}  # others write it as 31.12.2026


class Line(msgspec.Struct, frozen=True):
    """One line; an empty text where a column has nothing to say."""

    date: str
    document: str
    source: str
    due: str
    charged: str
    paid: str
    balance: str


class Part(msgspec.Struct, frozen=True):
    """One currency."""

    currency: str
    opening: str
    lines: Sequence[Line]
    charged: str
    paid: str
    closing: str
    verdict: str
    verdict_amount: str


class Sheet(msgspec.Struct, frozen=True):
    """A whole document in one language."""

    language: str
    labels: dict[str, str]
    name: str
    tax_number: str
    period: str
    parts: Sequence[Part]

    def texts(self) -> str:
        """Every text that comes from outside."""
        lines = [part for one in self.parts for line in one.lines for part in msgspec.structs.astuple(line)]
        return "".join((self.name, self.tax_number, *lines))


def sheet(said: Statement, language: str) -> Sheet:
    """The document in one of `foundation.text.LANGUAGES`."""
    with text.language(language):
        spoken = text.spoken()
        since, until = day(said.period.since, spoken), day(said.period.until, spoken)
        parts = [_part(one, said.period.zone, spoken) for one in said.accounts]
        return Sheet(spoken, words.labels(), said.name, said.tax_number, f"{since} – {until}", parts)


def _part(account: Account, zone: ZoneInfo, spoken: str) -> Part:
    def shown(value: Decimal) -> str:
        return amount(value, account.currency, spoken)

    def written(at: datetime | None) -> str:
        return day(at.astimezone(zone).date(), spoken) if at else ""

    balance, lines = account.opening, []
    for entry in account.entries:
        balance += entry.amount
        charged = shown(entry.amount) if entry.amount > 0 else ""
        paid = shown(-entry.amount) if entry.amount < 0 else ""
        told = words.document(entry)
        lines.append(
            Line(written(entry.at), told, entry.source, written(entry.due_at), charged, paid, shown(balance))
        )
    closing = account.closing
    return Part(
        account.currency, shown(account.opening), lines, shown(account.charged), shown(account.paid),
        shown(closing), words.closing(closing > 0 if closing else None),
        f"{shown(abs(closing))} {account.currency}" if closing else "",
    )  # fmt: skip


def day(one: date, spoken: str) -> str:
    """A day in figures."""
    return dates.format_date(one, _DAYS.get(spoken, "dd.MM.y"), locale=spoken)


def amount(value: Decimal, currency: str, spoken: str) -> str:
    """An amount in the usual digits of its currency, more only where it has them."""
    exponent = value.normalize().as_tuple().exponent
    digits = max(numbers.get_currency_precision(currency), -exponent if isinstance(exponent, int) else 0)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return numbers.format_decimal(value, pattern, locale=spoken)
