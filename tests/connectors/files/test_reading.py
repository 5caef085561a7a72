"""A table's header, its width and its places."""

from pathlib import Path

import pytest

from connectors.files.reading import Table
from foundation.errors import BadInput


def table(tmp_path: Path, text: str, **options: str) -> Table:
    path = tmp_path / "t.csv"
    path.write_text(text, "utf-8", newline="")
    return Table(path, **options)


def test_headers_are_made_unique(tmp_path: Path) -> None:
    made = table(tmp_path, " name ,,name,e-\u00a0mail,\n1,2,3,4,\n")
    assert made.headers == ("name", "Column 2", "name (2)", "e- mail")
    assert next(made.rows()).cells == ["1", "2", "3", "4"]


def test_a_missing_header_loses_no_row(tmp_path: Path) -> None:
    made = table(tmp_path, "anna@example.kz,Anna\nboris@example.kz,Boris\n")
    assert made.headers == ("Column 1", "Column 2")
    assert [row.cells[1] for row in made.rows()] == ["Anna", "Boris"]


def test_only_a_header_is_no_error(tmp_path: Path) -> None:
    made = table(tmp_path, "name,email\n")
    assert list(made.rows()) == [] and made.guessed_rows() == 0


def test_ten_thousand_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="columns"):
        table(tmp_path, ",".join(f"c{n}" for n in range(10_000)) + "\n")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.csv"):
        Table(tmp_path / "gone.csv")


def test_an_unreadable_header_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="line 1"):
        table(tmp_path, 'name,"email\n1,2\n')


def test_wrong_widths_are_told(tmp_path: Path) -> None:
    rows = list(table(tmp_path, "a,b,c\n1,2\n1,2,3,4\n1,2,3,,\n1,2,3\n").rows())
    assert [(row.line, bool(row.problem)) for row in rows] == [(2, True), (3, True), (4, False), (5, False)]
    assert rows[0].problem == "3 columns were expected, 2 are here"


def test_empty_rows_are_left_out(tmp_path: Path) -> None:
    assert [row.line for row in table(tmp_path, "\n\na,b\n\n,\n1,2\n   \n").rows()] == [6]


def test_a_named_delimiter_is_used(tmp_path: Path) -> None:
    assert table(tmp_path, "a,b;c\n1,2;3\n", delimiter=";").headers == ("a,b", "c")


def test_a_sep_line_is_no_row(tmp_path: Path) -> None:
    made = table(tmp_path, "sep=;\r\na;b\r\n1;2\r\n")
    assert made.headers == ("a", "b") and [row.line for row in made.rows()] == [3]


def test_rows_are_guessed_from_their_size(tmp_path: Path) -> None:
    made = table(tmp_path, "a,b\n" + "some,cells\n" * 5_000)
    assert made.guessed_rows() == 5_000


def test_a_changed_file_voids_the_place(tmp_path: Path) -> None:
    made = table(tmp_path, "a,b\n1,2\n3,4\n")
    place = made.position_after(next(made.rows()))
    again = table(tmp_path, "a,b\n1,2\n3,4\n5,6\n")
    with pytest.raises(BadInput, match="changed"):
        list(again.rows(place))
