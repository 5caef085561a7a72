"""A statement as the rows of a document: amounts and days as its reader writes them. Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

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


class Side(msgspec.Struct, frozen=True):
    """Who settles; its label, and empty texts where nobody has said."""

    label: str
    name: str
    tax_number: str
    address: str


class Sheet(msgspec.Struct, frozen=True):
    """A whole document in one language."""

    language: str
    labels: dict[str, str]
    ours: Side
    theirs: Side
    period: str
    parts: Sequence[Part]

    def texts(self) -> str:
        """Every text that comes from outside."""
        lines = [part for one in self.parts for line in one.lines for part in msgspec.structs.astuple(line)]
        sides = [part for one in (self.ours, self.theirs) for part in msgspec.structs.astuple(one)]
        return "".join((*sides, *lines))


def sheet(said: Statement, language: str) -> Sheet:
    """The document in one of `foundation.text.LANGUAGES`."""
    with text.language(language):
        spoken = text.spoken()
        since, until = day(said.period.since, spoken), day(said.period.until, spoken)
        parts = [_part(one, said, spoken) for one in said.accounts]
        labels = words.labels()
        ours = Side(labels["us"], *said.ours)
        theirs = Side(labels["counterparty"], said.name, said.tax_number, said.address)
        return Sheet(spoken, labels, ours, theirs, f"{since} – {until}", parts)


class Verdict(NamedTuple):
    """Who owes whom in the end, and how much; in the language being spoken."""

    words: str
    amount: str


def verdict(said: Statement, account: Account) -> Verdict:
    """What an account ends with, by name where both sides have one."""
    closing, spoken = account.closing, text.spoken()
    if not closing:
        return Verdict(words.closing(None), "")
    until = day(said.period.until, spoken)
    told = words.closing(closing > 0, said.ours.name, said.name, until)
    return Verdict(told, f"{amount(abs(closing), account.currency, spoken)} {account.currency}")


def _part(account: Account, said: Statement, spoken: str) -> Part:
    zone = said.period.zone

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
    return Part(
        account.currency, shown(account.opening), lines, shown(account.charged), shown(account.paid),
        shown(account.closing), *verdict(said, account),
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
