"""Opening a table of customers, orders or products, whatever kind of file it is in."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from connectors.files.delimited import Delimited, Row, guess_delimiter
from connectors.files.encodings import NAMES, detect, named, refuse_strangers
from connectors.files.workbooks import Workbook, is_workbook
from foundation.errors import BadInput

MOST_COLUMNS = 2_000
_TAB = {"\\t": "\t", "tab": "\t"}  # as people type it
_NEVER = ('"', "\r", "\n", "\0")
_DATA = re.compile(r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}|\+?[\d\s().-]{7,}")


class Format(msgspec.Struct, frozen=True):
    """How a file is read, and why so. `kind` is "csv" or the name of a workbook's sheet."""

    kind: str
    encoding: str = ""
    delimiter: str = ""
    reasons: tuple[str, ...] = ()


class Table:
    """A file's header and its records from any place on, in constant memory for CSV.

    `headers` are unique and never empty. Raises BadInput when the file can't be a table.
    """

    def __init__(self, path: str | Path, *, encoding: str = "", delimiter: str = "") -> None:
        self.path = Path(path)
        self.size = self._measure()
        with self.path.open("rb") as file:
            start = file.read(4096)
        refuse_strangers(start, self.path.name)
        self._source: Workbook | Delimited
        if is_workbook(start):
            self._source = Workbook(self.path)
            self.format = Format(self._source.sheet)
        else:
            self._source, self.format = self._delimited(encoding, delimiter)
        self._first = 0  # the line records come after
        self._offset = 0
        self.headers = self._read_header()
        if isinstance(self._source, Delimited):
            self._source.width = len(self.headers)

    def rows(self, position: str | None = None) -> Iterator[Row]:
        """Records after a `position` that `position_after` gave; from the first one without it.

        A record of the wrong width comes with its problem; one without any content is left out.
        """
        offset, line = self._read_position(position)
        width = len(self.headers)
        source = self._source
        found = source.rows(line) if isinstance(source, Workbook) else source.rows(offset, line)
        for row in found:
            if row.problem or len(row.cells) == width:
                if row.problem or any(row.cells):
                    yield row
                continue
            fitted = _fit(row.cells, width)
            if fitted is None:
                problem = f"{width} columns were expected, {len(row.cells)} are here"
                yield msgspec.structs.replace(row, problem=problem)
            elif any(fitted):
                yield msgspec.structs.replace(row, cells=fitted)

    def position_after(self, row: Row) -> str:
        """Where reading goes on after a record; void when the file has changed since."""
        return f"{row.end}:{row.end_line}:{self.size}"

    def guessed_rows(self) -> int:
        """How many records there are about, from the size of the first thousand; exact for workbooks."""
        if isinstance(self._source, Workbook):
            return max(0, self._source.height - self._first)
        seen = [row.end for row in itertools.islice(self.rows(), 1000)]
        if len(seen) < 1000:
            return len(seen)
        return round(len(seen) * (self.size - self._offset) / (seen[-1] - self._offset))

    def _measure(self) -> int:
        if not self.path.is_file():
            raise BadInput("there is no such file", self.path.name)
        return self.path.stat().st_size

    def _delimited(self, encoding: str, delimiter: str) -> tuple[Delimited, Format]:
        found = detect(self.path)
        if encoding:
            found = named(encoding, found)
        why, delimiter = "as told", _TAB.get(delimiter.strip(" ").casefold(), delimiter)
        if delimiter in _NEVER or len(delimiter) > 1:
            raise BadInput("one character stands between two cells, no quote and no line's end", "delimiter")
        if not delimiter:
            delimiter, why = guess_delimiter(Delimited(self.path, found, ",").lines(200))
        shown = NAMES.get(found.name, found.name)
        chosen = Format("csv", shown, delimiter, (f"{shown}: {found.reason}", f"{delimiter!r}: {why}"))
        return Delimited(self.path, found, delimiter), chosen

    def _read_header(self) -> tuple[str, ...]:
        rows = self._source.rows()
        first = next((row for row in rows if any(c.strip() for c in row.cells)), None)
        if first and re.fullmatch(r"sep=.?", "".join(first.cells).strip(), re.IGNORECASE):
            first = next(rows, None)
        if first is None:
            raise BadInput("the file is empty", self.path.name)
        if first.problem:
            raise BadInput(f"the header can't be read: {first.problem}", f"line {first.line}")
        names = [" ".join(cell.split()) for cell in first.cells]
        while len(names) > 1 and not names[-1]:
            names.pop()
        if len(names) > MOST_COLUMNS:
            raise BadInput(f"more than {MOST_COLUMNS:,} columns", self.path.name)
        if any(_DATA.fullmatch(name) for name in names):  # no header at all: the first row is a record
            return tuple(f"Column {number}" for number in range(1, len(names) + 1))
        self._first, self._offset = first.end_line, first.end
        return _unique(names)

    def _read_position(self, position: str | None) -> tuple[int, int]:
        if not position:
            return self._offset, self._first
        offset, line, size = (int(part) for part in position.split(":"))
        if size != self.size:
            raise BadInput("the file has changed since reading began; start the import again", self.path.name)
        return offset, line


def _fit(cells: list[str], width: int) -> list[str] | None:
    """Cells without the empty ones past the last column; None when something is missing or too much."""
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    return None


def _unique(names: list[str]) -> tuple[str, ...]:
    taken: dict[str, int] = {}
    found = []
    for number, name in enumerate(names, 1):
        base = name or f"Column {number}"
        taken[base] = taken.get(base, 0) + 1
        found.append(base if taken[base] == 1 else f"{base} ({taken[base]})")
    return tuple(found)
