"""Workbooks: cells as text, and nothing that would fill the memory."""

import zipfile
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from connectors.files import workbooks
from connectors.files.reading import Table
from connectors.files.workbooks import text_of
from foundation.errors import BadInput


def book(path: Path, rows: list[list[Any]], **options: Any) -> Path:
    with xlsxwriter.Workbook(str(path), options) as made:
        sheet = made.add_worksheet("Customers")
        day = made.add_format({"num_format": "dd.mm.yyyy"})
        for y, row in enumerate(rows):
            for x, cell in enumerate(row):
                if isinstance(cell, datetime):
                    sheet.write_datetime(y, x, cell, day)
                else:
                    sheet.write(y, x, cell)
    return path


@pytest.mark.parametrize("epoch_1904", [False, True])
def test_dates_of_both_epochs(tmp_path: Path, epoch_1904: bool) -> None:
    rows = [["name", "born"], ["Anna", datetime(1990, 12, 31)], ["Boris", datetime(2024, 2, 29, 13, 5)]]
    table = Table(book(tmp_path / "b.xlsx", rows, date_1904=epoch_1904))
    assert [row.cells[1] for row in table.rows()] == ["1990-12-31", "2024-02-29 13:05:00"]


def test_phones_stay_digits(tmp_path: Path) -> None:
    rows = [["name", "phone"], ["Anna", 77011234567.0], ["Boris", 7.7011e10], ["Dana", 1.5]]
    table = Table(book(tmp_path / "b.xlsx", rows))
    assert [row.cells[1] for row in table.rows()] == ["77011234567", "77011000000", "1.5"]


def test_formulas_give_their_kept_value(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, ["name", "sum"])
        sheet.write_formula(1, 0, '="An"&"na"', None, "Anna")
        sheet.write_formula(1, 1, "=1+1", None, 2)
        sheet.write_string(2, 0, "=cmd|' /C calc'!A0")
        sheet.write_string(2, 1, "'=1+1")
    assert [row.cells for row in Table(path).rows()] == [["Anna", "2"], ["=cmd|' /C calc'!A0", "'=1+1"]]


def test_macros_and_foreign_links_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsm"
    with xlsxwriter.Workbook(str(path)) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, ["name", "link", "sum"])
        sheet.write_string(1, 0, "Anna")
        sheet.write_url(1, 1, "https://tracker.example/x", string="here")
        sheet.write_formula(1, 2, "='file:///etc/[passwd.xlsx]Sheet1'!A1", None, 5)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"Auto_Open")
        archive.writestr("xl/externalLinks/externalLink1.xml", b"<externalLink/>")
    assert [row.cells for row in Table(path).rows()] == [["Anna", "here", "5"]]


def test_the_first_filled_visible_sheet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        made.add_worksheet("Empty")
        hidden = made.add_worksheet("Hidden")
        hidden.write_row(0, 0, ["secret", "data"])
        hidden.hide()
        made.add_worksheet("People").write_column(0, 0, ["name", "Anna"])
    table = Table(path)
    assert table.format.kind == "People" and [row.cells for row in table.rows()] == [["Anna"]]


def test_rows_have_their_sheet_numbers(tmp_path: Path) -> None:
    table = Table(book(tmp_path / "b.xlsx", [[], [], ["", "name"], [], ["", "Anna"], ["", "Boris"]]))
    assert [row.line for row in table.rows()] == [5, 6]
    first = next(table.rows())
    assert [row.cells for row in table.rows(table.position_after(first))] == [["Boris"]]


def test_an_empty_workbook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no rows"):
        Table(book(tmp_path / "b.xlsx", []))


def test_a_bomb_is_refused_unopened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b"\0" * 5_000_000)
    monkeypatch.setattr(workbooks, "LARGEST_CONTENT", 4_000_000)
    with pytest.raises(BadInput, match="unpacks to more"):
        Table(path)


def test_a_directory_that_lies_is_found_out(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx", [["name"], ["Anna"]])
    with zipfile.ZipFile(path) as archive:
        real = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    content = path.read_bytes()
    at = (
        content.rfind(b"xl/worksheets/sheet1.xml") - 46 + 24
    )  # the uncompressed size in the central directory
    assert int.from_bytes(content[at : at + 4], "little") == real
    path.write_bytes(content[:at] + (5).to_bytes(4, "little") + content[at + 4 :])
    with pytest.raises(BadInput, match="damaged"):
        Table(path)


@pytest.mark.parametrize("names", [["word/document.xml"], ["xl/a.xml", "xl/a.xml"]])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_other_archives_are_refused(tmp_path: Path, names: list[str]) -> None:
    path = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    with pytest.raises(BadInput):
        Table(path)


def test_too_many_parts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(workbooks.MOST_ENTRIES + 1):
            archive.writestr(f"xl/{number}", b"")
    with pytest.raises(BadInput, match="parts"):
        Table(path)


def test_a_cut_workbook_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx", [["name"], ["Anna"]])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadInput, match="damaged"):
        Table(path)


def test_an_old_office_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "b.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000)
    with pytest.raises(BadInput, match="no workbook"):
        Table(path)


def test_a_huge_workbook_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "LARGEST_FILE", 10)
    with pytest.raises(BadInput, match="100 MB"):
        Table(book(tmp_path / "b.xlsx", [["name"], ["Anna"]]))


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("A\0b", "Ab"), (True, "true"), (False, "false"), (3.0, "3"), (0.1, "0.1"), (1e300, "1e+300"),
        (datetime(2024, 1, 2), "2024-01-02"), (time(9, 30), "09:30:00"), (None, ""), (7, "7"),
    ],
)  # fmt: skip
def test_cells_become_text(cell: Any, text: str) -> None:
    assert text_of(cell) == text
