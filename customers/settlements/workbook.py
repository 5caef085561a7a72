"""A statement as XLSX. Loaded at the first one: it brings its library along."""

from decimal import Decimal
from io import BytesIO
from typing import Any

import xlsxwriter

from customers.settlements import sheet, words
from customers.settlements.accounts import Account
from customers.settlements.reading import Statement
from foundation import text

_LONGEST = 32_000  # characters of a cell; Excel takes a few more
_WIDTHS = (12, 46, 22, 12, 16, 16, 16)


def workbook(said: Statement, language: str) -> bytes:
    """The file, in one of `foundation.text.LANGUAGES`. Amounts are numbers, and no text becomes a formula."""
    file = BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    with text.language(language):
        labels = words.labels()
        page = book.add_worksheet()
        page.set_paper(9)  # A4
        page.set_landscape()
        page.fit_to_pages(1, 0)
        for column, width in enumerate(_WIDTHS):
            page.set_column(column, column, width)
        _Writer(book, page, said, labels).all()
    book.close()
    return file.getvalue()


class _Writer:
    """Writes the cells, one row below the other."""

    def __init__(self, book: Any, page: Any, said: Statement, labels: dict[str, str]) -> None:
        self.page, self.said, self.labels, self.row = page, said, labels, 0
        self.plain = book.add_format({"text_wrap": True, "valign": "top"})
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.day = book.add_format({"num_format": "dd.mm.yyyy", "align": "left", "valign": "top"})
        self.sum = book.add_format({"num_format": "#,##0.00##", "valign": "top"})
        self.bold = book.add_format({"bold": True, "num_format": "#,##0.00##", "top": 1})

    def all(self) -> None:
        """The whole document."""
        said = self.said
        self.cells([self.labels["title"]], self.title)
        since, until = said.period.since, said.period.until
        self.side("counterparty", said.name, said.tax_number, said.address)
        self.side("us", *said.ours)
        self.pair("period", f"{since:%d.%m.%Y} – {until:%d.%m.%Y}")
        for account in said.accounts:
            self.row += 1
            self.account(account)
        if not said.accounts:
            self.row += 1
            self.cells([self.labels["nothing"]])

    def account(self, account: Account) -> None:
        """One currency."""
        zone, balance = self.said.period.zone, account.opening
        self.pair("currency", account.currency)
        told = sheet.verdict(self.said, account)
        self.cells([None, f"{told.words} {told.amount}".strip()])
        names = ("date", "document", "source", "due", "charged", "paid", "balance")
        self.cells([self.labels[name] for name in names], self.head)
        self.cells([None, self.labels["opening"], *[None] * 4, account.opening], self.bold)
        for entry in account.entries:
            balance += entry.amount
            due = entry.due_at.astimezone(zone).date() if entry.due_at else None
            self.cells(
                [
                    entry.at.astimezone(zone).date(), words.document(entry), entry.source, due,
                    entry.amount if entry.amount > 0 else None, -entry.amount if entry.amount < 0 else None,
                    balance,
                ]
            )  # fmt: skip
        turnover, closing = self.labels["turnover"], self.labels["closing"]
        self.cells([None, turnover, None, None, account.charged, account.paid, None], self.bold)
        self.cells([None, closing, *[None] * 4, account.closing], self.bold)

    def side(self, label: str, *told: str) -> None:
        """Who settles: the name, the tax number, the address, as far as somebody has said."""
        for name, value in zip((label, "tax_number", "address"), told, strict=True):
            if value or label == name == "counterparty":
                self.pair(name, value)

    def pair(self, label: str, value: str) -> None:
        """A label with what it says."""
        self.cells([self.labels[label], value])

    def cells(self, values: list[Any], form: Any = None) -> None:
        """A row of texts, amounts and days."""
        for column, value in enumerate(values):
            if isinstance(value, Decimal):
                self.page.write_number(self.row, column, value, form or self.sum)
            elif isinstance(value, str):
                self.page.write_string(self.row, column, value[:_LONGEST], form or self.plain)
            elif value is not None:
                self.page.write_datetime(self.row, column, value, form or self.day)
            elif form is not None:
                self.page.write_blank(self.row, column, None, form)
        self.row += 1
