"""CSV: what was written is read, and what can't be read is told with its line."""

import csv
import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.files.delimited import LONGEST, Row, guess_delimiter
from connectors.files.reading import Table

Write = Callable[[str | bytes], Path]
ENCODINGS = {
    "utf-8": "aZ09 ,;|\"'\té漢字Ёж😀\u2028\x85\u00a0",
    "utf-8-sig": 'aZ09 ,;|"Ёж',
    "utf-16": 'aZ09 ,;|"é漢字Ёж😀\u0a0d\u0d0a',
    "windows-1251": "aZ09 ,;|\"'ЁжЩ№",
    "windows-1254": "aZ09 ,;|\"'ğİışÇü",
    "cp949": "aZ09 ,;|\"'가힣漢",
    "cp866": "aZ09 ,;|\"'Ёжя",
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(content: str | bytes) -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


def cells(path: Path, **options: Any) -> list[list[str]]:
    return [row.cells for row in Table(path, **options).rows() if not row.problem]


def problems(path: Path) -> list[Row]:
    return [row for row in Table(path).rows() if row.problem]


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, str, str, int, list[list[str]]]:
    encoding = draw(st.sampled_from(sorted(ENCODINGS)))
    width = draw(st.integers(2, 5))
    cell = st.text(st.sampled_from(ENCODINGS[encoding] + "\r\n"), max_size=8)
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), max_size=12))
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]))
    return (
        encoding,
        draw(st.sampled_from(",;\t|")),
        draw(st.sampled_from(["\r\n", "\n", "\r"])),
        quoting,
        rows,
    )


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_tables_come_back_as_written(write: Write, made: tuple[str, str, str, int, list[list[str]]]) -> None:
    encoding, delimiter, end, quoting, rows = made
    if quoting == csv.QUOTE_MINIMAL:
        end = "\r\n"  # with another end the writer leaves half of the line ends in cells unquoted
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow([f"h{n}" for n in range(len(rows[0]) if rows else 2)])
    writer.writerows(rows)
    path = write(text.getvalue().encode(encoding))
    found = list(Table(path, encoding=encoding, delimiter=delimiter).rows())
    assert [row.cells for row in found] == [row for row in rows if any(row)]
    assert not any(row.problem for row in found)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables(), st.data())
def test_reading_resumes_after_any_row(
    write: Write, made: tuple[str, str, str, int, list[list[str]]], data: st.DataObject
) -> None:
    encoding, delimiter, _, _, rows = made
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([["h"] * len(rows[0]) if rows else ["h", "i"], *rows])
    table = Table(write(text.getvalue().encode(encoding)), encoding=encoding, delimiter=delimiter)
    found = list(table.rows())
    if found:
        at = data.draw(st.integers(0, len(found) - 1))
        assert list(table.rows(table.position_after(found[at]))) == found[at + 1 :]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from('ab",;\n\r\x00 é'), max_size=120))
def test_no_text_breaks_the_reader(write: Write, junk: str) -> None:
    path = write("id,name\n1,Anna\n" + junk + '\n2,"Boris"\n')
    found = list(Table(path, delimiter=",").rows())
    assert found[0].cells == ["1", "Anna"] and any("Boris" in "".join(row.cells) for row in found)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 39), st.booleans())
def test_an_unclosed_quote_costs_one_row(write: Write, at: int, quoted: bool) -> None:
    lines = [f'{n},"name {n}",x' if quoted else f"{n},name {n},x" for n in range(40)]
    lines[at] = f'{at},"name {at},x'
    table = Table(write("id,name,note\n" + "\n".join(lines) + "\n"))
    found = list(table.rows())
    bad = [row for row in found if row.problem]
    assert [row.line for row in bad] == [at + 2] and bad[0].cells == [lines[at]]
    assert [row.cells[0] for row in found if not row.problem] == [str(n) for n in range(40) if n != at]


def test_a_quote_is_searched_for_a_while_only(write: Write) -> None:
    filler = "".join(f"{n},name\n" for n in range(60_000))
    path = write(f'id,name\n0,"open\n{filler}')
    assert [row.line for row in problems(path)] == [2]
    assert len(cells(path)) == 60_000


def test_many_unclosed_quotes_stay_cheap(write: Write) -> None:
    path = write("id,name\n" + "".join(f'{n},"a""b\n' for n in range(2_000)))
    table = Table(path)
    assert len(list(table.rows())) == 2_000


def test_long_fields_are_read(write: Write) -> None:
    long = "x" * 200_000
    assert cells(write(f'a,b\n1,"{long}"\n2,{long}\n3,y\n')) == [["1", long], ["2", long], ["3", "y"]]


def test_endless_lines_are_given_up(write: Write) -> None:
    path = write(f"a,b\n1,{'x' * (LONGEST + 5)}\n2,y\n")
    assert [row.line for row in problems(path)] == [2] and "longer" in problems(path)[0].problem
    assert cells(path) == [["2", "y"]]


def test_a_file_of_one_line_stays_small(write: Write) -> None:
    path = write("a,b\n" + "x" * 20_000_000)
    tracemalloc.start()
    assert len(problems(path)) == 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16_000_000


def test_nul_is_dropped(write: Write) -> None:
    assert cells(write("a,b\nAn\0na,\0\nx,y\n")) == [["Anna", ""], ["x", "y"]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\r"])
def test_every_line_end_is_one(write: Write, end: str) -> None:
    path = write(end.join(["a,b", '1,"two', 'lines"', "3,4", ""]))
    assert [[c.replace("\r", "\n").strip() for c in row] for row in cells(path)] == [
        ["1", "two" + ("\n\n" if end in ("\r\n", "\n\r") else "\n") + "lines"],
        ["3", "4"],
    ]


def test_stray_quotes_stay_letters(write: Write) -> None:
    assert cells(write('a,b\n5" pipe,x\n6,"say ""hi"""\n')) == [['5" pipe', "x"], ["6", 'say "hi"']]


def test_mixed_encodings_are_told_by_line(write: Write) -> None:
    good = "".join(f"{n},Иванова\n" for n in range(20)).encode()
    path = write(b"id,name\n" + good + "99,Петров\n".encode("cp1251") + b"100,Anna\n")
    [bad] = problems(path)
    assert bad.line == 22 and "utf-8" in bad.problem
    assert cells(path)[-1] == ["100", "Anna"] and len(cells(path)) == 21


def test_half_a_letter_at_the_end(write: Write) -> None:
    path = write("id,name\n1,Анна\n2,Борис\n".encode("utf-16") + b"\x04")
    assert cells(path)[:2] == [["1", "Анна"], ["2", "Борис"]]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("w") as file:
        file.write("id,name,note\n")
        file.writelines(f'{n},name {n},"a note, {n}"\n' for n in range(200_000))
    tracemalloc.start()
    assert sum(1 for _ in Table(path).rows()) == 200_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < path.stat().st_size * 0.6


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        (["a;b;c", "1;2,5;3", "1;2,7;x"], ";"),
        (["a,b", "1;2,5", "1;2,7"], ","),
        (["a\tb", "1\t2, 3", "4\t5"], "\t"),
        (["a|b|c", "1|2|3"], "|"),
        (["name;note", "Anna;one, two, three", "Boris;one, two, three"], ";"),
        (["e-mail", "anna@example.kz"], ","),
        (["sep=|", "a|b"], "|"),
        ([], ","),
    ],
)
def test_delimiters_are_found(lines: list[str], delimiter: str) -> None:
    assert guess_delimiter(lines)[0] == delimiter
