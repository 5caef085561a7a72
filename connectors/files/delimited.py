"""Reading CSV in constant memory so that no row is lost: what can't be read comes back with its line and why.

The standard csv module lets one unclosed quote swallow the rest of a file. Here each record with quotes is
read on its own; where its quote doesn't close, or closes in the wrong place, only its first line is given up.
"""

import csv
import io
import itertools
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec

from connectors.files.encodings import NAMES, Encoding

LONGEST = 1_000_000  # characters of one record
DELIMITERS = ",;\t|"
_UNCLOSED = "unexpected end of data"


class Row(msgspec.Struct, frozen=True, gc=False):
    """One record: its first line (1-based), its cells, and where the next one begins.

    `problem` says why a record can't be used; `cells` then holds its text as it came.
    """

    line: int
    cells: list[str]
    end: int
    end_line: int
    problem: str = ""


class Delimited:
    """The records of a CSV file from a byte offset on, blank lines left out."""

    def __init__(self, path: Path, encoding: Encoding, delimiter: str) -> None:
        self._path, self._encoding, self._delimiter = path, encoding, delimiter
        self._ahead = LONGEST
        self.width = 0  # cells a record has when known: how a quote that closed in the wrong row is found out
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST * 2))

    def rows(self, offset: int = 0, line: int = 0) -> Iterator[Row]:
        """Records after `line` lines, which end at byte `offset`."""
        with self._path.open("rb", buffering=1 << 20) as file:
            file.seek(offset or self._encoding.mark)
            text = io.TextIOWrapper(
                file, self._encoding.name, errors=_on_error(self._encoding.name), newline=""
            )
            yield from self._records(_Lines(text, self._encoding.name, file.tell(), line))

    def lines(self, count: int) -> list[str]:
        """The first lines as they stand, long ones cut: enough to see how they are delimited."""
        with self._path.open("rb") as file:
            file.seek(self._encoding.mark)
            text = io.TextIOWrapper(file, self._encoding.name, errors="replace", newline="")
            return [
                line[:10_000] for line in itertools.islice(iter(partial(text.readline, LONGEST), ""), count)
            ]

    def _records(self, lines: "_Lines") -> Iterator[Row]:
        delimiter = self._delimiter
        for text in lines:
            first = lines.number
            problem = lines.problem
            if '"' not in text:
                cells = text.rstrip("\r\n").split(delimiter)
                if len(cells) == 1 and not cells[0].strip():
                    continue
            elif problem:
                cells = [text.rstrip("\r\n")]
            else:
                cells, problem = self._quoted(text, lines)
            yield Row(first, cells, lines.offset, lines.number, problem)

    def _quoted(self, text: str, lines: "_Lines") -> tuple[list[str], str]:
        """Cells of a record that has quotes, with as many following lines as its quotes span."""
        try:
            return next(csv.reader((text,), delimiter=self._delimiter, strict=True)), ""
        except csv.Error as error:
            if (
                str(error) != _UNCLOSED
            ):  # a stray quote inside a cell: the lenient reading keeps all its letters
                return next(csv.reader((text,), delimiter=self._delimiter)), ""
        taken: list[_Line] = []
        try:
            cells = next(csv.reader(self._feed(text, taken, lines), delimiter=self._delimiter, strict=True))
        except (csv.Error, StopIteration):
            pass
        else:
            if len(cells) == self.width or not self.width:
                return cells, next((line.problem for line in taken if line.problem), "")
        if sum(len(line.text) for line in taken) > self._ahead:
            self._ahead = max(
                65_536, self._ahead // 2
            )  # hostile files don't make us look far ahead each time
        lines.give_back(taken)
        return [text.rstrip("\r\n")], "a quote opens in this line and does not close where a cell ends"

    def _feed(self, text: str, taken: list["_Line"], lines: "_Lines") -> Iterator[str]:
        size = len(text)
        yield text
        for following in lines:
            taken.append(_Line(following, lines.size, lines.problem))
            size += len(following)
            if size > self._ahead:
                return
            yield following


class _Line(msgspec.Struct, frozen=True):
    text: str
    size: int
    problem: str


class _Lines:
    """Lines of a text with their numbers and byte offsets, and room to give some back."""

    def __init__(self, text: io.TextIOWrapper, encoding: str, offset: int, number: int) -> None:
        self._next = partial(text.readline, LONGEST)
        self._encoding = encoding
        self._narrow = not encoding.startswith(("utf-16", "utf-32"))
        self._given_back: deque[_Line] = deque()
        self.offset, self.number = offset, number
        self.size, self.problem = 0, ""  # of the line given last: its bytes, and why it can't be used

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._given_back:
            line = self._given_back.popleft()
            text, self.size, self.problem = line.text, line.size, line.problem
        else:
            text = self._read()
        self.number += 1
        self.offset += self.size
        return text

    def give_back(self, lines: list[_Line]) -> None:
        """Lines to be read again, in their order."""
        self._given_back.extendleft(reversed(lines))
        self.number -= len(lines)
        self.offset -= sum(line.size for line in lines)

    def _read(self) -> str:
        text = self._next()
        if not text:
            raise StopIteration
        self.problem = ""
        self.size = len(text) if self._narrow and text.isascii() else self._measure(text)
        if len(text) >= LONGEST and text[-1] not in "\r\n":
            self._skip()
        if "\0" in text:  # means nothing in a table, and no database keeps it
            return text.replace("\0", "") or "\n"
        return text

    def _measure(self, text: str) -> int:
        try:
            return len(text.encode(self._encoding))
        except UnicodeEncodeError:
            self.problem = (
                f"the line holds bytes that are no {NAMES.get(self._encoding, self._encoding)} text"
            )
            return len(text.encode(self._encoding, "surrogateescape"))

    def _skip(self) -> None:
        self.problem = f"the line is longer than {LONGEST:,} characters"
        while more := self._next():
            self.size += len(more.encode(self._encoding, "surrogateescape"))
            if more[-1] in "\r\n":
                return


def _on_error(encoding: str) -> str:
    # kept bytes come out again in the report; codecs of two bytes and more can't keep them
    return "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"


def guess_delimiter(lines: list[str]) -> tuple[str, str]:
    """The delimiter that cuts most of these lines into the same number of cells, and why."""
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:
        return lines[0].strip()[4], "the file names it in its first line"
    scores: list[tuple[float, int, str]] = []
    for delimiter in DELIMITERS:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        if not widths or max(widths) < 2:
            continue
        common = max(set(widths), key=lambda width: (widths.count(width), width))
        if common > 1:
            same = sum(1 for width in widths if width == common) / len(widths)
            scores.append((same * (widths[0] == common or 0.5), common, delimiter))
    if not scores:
        return ",", "the file has one column"
    share, width, delimiter = max(scores)
    return delimiter, f"it cuts {share:.0%} of the lines into {width} cells"
