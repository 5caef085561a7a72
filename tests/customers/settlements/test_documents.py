"""Statements as files: what stands in them, in each language, whatever names people have."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from python_calamine import CalamineWorkbook

from customers.settlements import pdf, workbook
from customers.settlements.accounts import Bill, Money, statement
from customers.settlements.reading import Period, Side, Statement
from customers.settlements.sheet import amount, sheet
from foundation.errors import BadInput, KartotekaError
from foundation.text import LANGUAGES

HOSTILE = (
    '=HYPERLINK("http://x.example")', "+1", "-1", "@SUM(A1)", "#panic()", '#eval("1")', "$x^$ *b* _i_ @l <l>",
    "\\u{41} \\", "#include \"/etc/passwd\"", "{}[]()", "%(number)s %s %", '"); #read("x") //', "<b>&amp;",
    "http://x.example/", "\x07bell", "long " + "w" * 400,
)  # fmt: skip
PERIOD = Period(date(2026, 1, 1), date(2026, 3, 31), ZoneInfo("Asia/Almaty"))


def made(name: str = "ТОО «Алма»", number: str = "СФ-7", source: str = "1С") -> Statement:
    """An invoice of the last of the old year in UTC, which is the new one in Almaty; and half its money."""
    at = datetime(2025, 12, 31, 20, tzinfo=UTC)
    bills = [
        Bill(UUID(int=1), number, source, "KZT", Decimal("1234567.50"), Decimal(0), at, at, at, number),
        Bill(UUID(int=2), "old", source, "KZT", Decimal(100), Decimal(0), at.replace(month=1), None, at),
    ]
    paid = [Money(UUID(int=3), "П-1", source, "KZT", Decimal(500000), at.replace(year=2026, month=1, day=9))]
    return Statement(
        UUID(int=9), name, "123456789012", "ru", PERIOD, statement(bills, paid, *PERIOD.instants())
    )


def cells(content: bytes) -> list[list[Any]]:
    """What the cells of the only sheet hold, None for the empty ones."""
    page = CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_index(0)
    return [[None if cell == "" else cell for cell in row] for row in page.to_python()]


def test_sheet_is_written_as_its_reader_writes() -> None:
    (part,) = sheet(made(), "ru").parts
    assert (part.opening, part.charged, part.paid) == ("100,00", "1\xa0234\xa0567,50", "500\xa0000,00")
    first, second = part.lines
    assert (first.date, first.document, first.due) == ("01.01.2026", "Счёт СФ-7, заказ СФ-7", "01.01.2026")
    assert (first.charged, first.paid, second.paid) == ("1\xa0234\xa0567,50", "", "500\xa0000,00")
    assert (second.balance, part.closing) == (part.closing, "734\xa0667,50")
    assert (part.verdict, part.verdict_amount) == ("Контрагент должен нам:", "734\xa0667,50 KZT")
    assert sheet(made(), "en").parts[0].lines[0].date == "1 Jan 2026"


def test_both_sides_stand_on_it_and_who_owes_whom() -> None:
    said = made()._replace(ours=Side("ТОО «Самовар»", "050642955749", "Алматы"), address="Астана")
    told = sheet(said, "ru")
    assert (told.ours.name, told.ours.tax_number, told.theirs.address) == (
        "ТОО «Самовар»", "050642955749", "Астана",
    )  # fmt: skip
    words = "На 31.03.2026 должник — ТОО «Алма», кредитор — ТОО «Самовар». Долг:"
    assert told.parts[0].verdict == words
    rows = cells(workbook.workbook(said, "ru"))
    assert [row[1] for row in rows if row[0] == "ИНН / БИН"] == ["123456789012", "050642955749"]
    assert [row[1] for row in rows if (row[1] or "").startswith(words)] == [f"{words} 734\xa0667,50 KZT"]
    assert pdf.pdf(said, "ru").startswith(b"%PDF-")


def test_amounts_have_the_digits_of_their_currency_or_more() -> None:
    assert amount(Decimal("5.0000"), "KRW", "en") == "5"
    assert amount(Decimal("5"), "EUR", "en") == "5.00"
    assert amount(Decimal("0.1234"), "EUR", "en") == "0.1234"
    assert amount(Decimal("1E+5"), "nonsense", "tr") == "100.000,00"


@pytest.mark.parametrize("language", LANGUAGES)
def test_workbook_has_numbers_and_days(language: str) -> None:
    found = cells(workbook.workbook(made(), language))
    title = sheet(made(), language).labels["title"]
    assert found[0][0] == title
    amounts = [row[4:7] for row in found if any(isinstance(cell, int | float) for cell in row)]
    assert amounts == [
        [None, None, 100],
        [1234567.5, None, 1234667.5],
        [None, 500000, 734667.5],
        [1234567.5, 500000, None],
        [None, None, 734667.5],
    ]
    days = [(row[0], row[3]) for row in found if isinstance(row[0], date)]
    assert days == [(date(2026, 1, 1), date(2026, 1, 1)), (date(2026, 1, 10), None)]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_texts(text: str) -> None:
    said = made(text, text, text)
    content = workbook.workbook(said, "en")
    assert cells(content)[1][1] == text
    with ZipFile(BytesIO(content)) as parts:
        page = parts.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in page and b"hyperlink" not in page, "a text became a formula or a link"
    assert pdf.pdf(said, "en").startswith(b"%PDF-")


@pytest.mark.parametrize("language", ["en", "ru", "tr", "kk"])
def test_pdf_needs_no_font_of_the_machine(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = made("ТОО «Ғылым Өнер Үкі Һ Ңұқ» İstanbul Şığ")
    machine = asked(monkeypatch)
    assert pdf.pdf(said, language).startswith(b"%PDF-")
    assert [task[0] for task in machine] == [False]


def asked(monkeypatch: pytest.MonkeyPatch, *, fonts: bool = True) -> list[tuple[bool, dict[str, str]]]:
    """Notes whether fonts of the machine may be used, and for what; without `fonts` it has none."""
    found: list[tuple[bool, dict[str, str]]] = []
    honest: Callable[..., list[bytes]] = pdf._compiled

    def compiled(source: str, inputs: dict[str, str], form: str, *, system: bool) -> list[bytes]:
        found.append((system, inputs))
        return honest(source, inputs, form, system=system and fonts)

    monkeypatch.setattr(pdf, "_compiled", compiled)
    return found


def test_letters_that_no_font_has_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = asked(monkeypatch, fonts=False)
    assert pdf.pdf(made("김다나 Анна 1"), "en").startswith(b"%PDF-")
    looked, again, written = tasks
    assert [task[0] for task in tasks] == [False, True, True]
    assert looked[1] == again[1] == {"letters": "\u0378김나다"}
    assert "boxes: 김 나 다" in json.loads(written[1]["said"])["missing"]


def test_language_that_no_font_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch, fonts=False)
    with pytest.raises(BadInput, match="font"):
        pdf.pdf(made(), "ko")


def test_too_many_lines_are_for_a_spreadsheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_MOST_LINES", 1)
    with pytest.raises(BadInput, match="XLSX"):
        pdf.pdf(made(), "en")


def test_nothing_owed_is_said_so() -> None:
    empty = made()._replace(accounts=[])
    assert cells(workbook.workbook(empty, "en"))[-1][0] == sheet(empty, "en").labels["nothing"]
    assert pdf.pdf(empty, "en").startswith(b"%PDF-")


def test_what_typst_cannot_make_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_TEMPLATE", "#panic(sys.inputs.said.len())")
    with pytest.raises(KartotekaError, match="typst failed"):
        pdf.pdf(made(), "en")
    monkeypatch.setattr(pdf, "_SECONDS", 0.01)
    with pytest.raises(BadInput, match="too long"):
        pdf.pdf(made(), "en")
