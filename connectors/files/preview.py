"""What an import page shows before anything is imported: how the file would be read, and its first rows."""

import itertools
from pathlib import Path

import msgspec

from connectors.files.columns import Guess, guess_mapping
from connectors.files.delimited import Row
from connectors.files.habits import Habits
from connectors.files.headings import FIELDS
from connectors.files.reading import Table
from foundation.errors import BadInput

SHOWN = 20
_SAMPLE = 200


class Preview(msgspec.Struct, frozen=True):
    """A file as it would be read. `format` is "csv" or a sheet's name; `rows` is about how many there are.

    `habits` tells, for fields with dates or numbers, their order ("dmy", "mdy") or decimal mark ("." or ",")
    as far as the column shows it. `first` are the first rows, those with a problem among them.
    """

    format: str
    encoding: str
    delimiter: str
    headers: tuple[str, ...]
    mapping: dict[str, Guess]
    habits: dict[str, str]
    first: tuple[Row, ...]
    rows: int
    reasons: tuple[str, ...] = ()


def preview(path: str | Path, what: str, *, encoding: str = "", delimiter: str = "") -> Preview:
    """How a file of `what` (customers, orders, products) would be read; BadInput when it can't be a table."""
    if what not in FIELDS:
        raise BadInput(f"choose one of: {', '.join(FIELDS)}", "what")
    table = Table(path, encoding=encoding, delimiter=delimiter)
    sample = list(itertools.islice(table.rows(), _SAMPLE))
    mapping = guess_mapping(table.headers, [row.cells for row in sample if not row.problem], what)
    columns = {field: table.headers.index(guess.header) for field, guess in mapping.items()}
    habits = Habits(columns, (row.cells for row in table.rows() if not row.problem))
    return Preview(
        format=table.format.kind,
        encoding=table.format.encoding,
        delimiter=table.format.delimiter,
        headers=table.headers,
        mapping=mapping,
        habits={field: habit for field, habit in habits.found.items() if habit},
        first=tuple(sample[:SHOWN]),
        rows=table.guessed_rows(),
        reasons=table.format.reasons,
    )
