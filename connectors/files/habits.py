"""How a table's columns are meant where a cell alone leaves it open: decided by what its other cells show."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

from connectors.files.values import date_order, decimal_mark, is_open_date, is_open_number

DATES = ("birthday", "created_at", "changed_at", "consent_at", "placed_at")
NUMBERS = (
    "total",
    "discount",
    "shipping",
    "tax",
    "refunded",
    "quantity",
    "unit_price",
    "line_total",
    "price",
    "stock",
)
LOOKED_AT = 50_000  # rows; enough evidence, and a second of reading


class Habits:
    """What to say beside a row's open cells: the order of date parts and the decimal mark of each column.

    `dates` ("dmy", "mdy") and `decimal` ("." or ",") overrule the evidence.
    """

    def __init__(
        self, columns: Mapping[str, int], rows: Iterable[Sequence[str]], dates: str = "", decimal: str = ""
    ) -> None:
        wanted = [field for field in (*DATES, *NUMBERS) if field in columns]
        cells: dict[str, list[str]] = {field: [] for field in wanted}
        if wanted and not (dates and decimal):
            for row in itertools.islice(rows, LOOKED_AT):
                for field in wanted:
                    if cell := row[columns[field]]:
                        cells[field].append(cell)
        self.found = {
            field: (dates or date_order(said)) if field in DATES else (decimal or decimal_mark(said))
            for field, said in cells.items()
        }
        self._telling = [(field, habit) for field, habit in self.found.items() if habit in ("mdy", ",")]

    def beside(self, fields: Mapping[str, str]) -> dict[str, str]:
        """The habits that this row's open cells need where they differ from how such cells are read anyway.

        So the same row says the same in a file with evidence and in one without.
        """
        return {
            field: habit
            for field, habit in self._telling
            if (cell := fields.get(field))
            and (is_open_date(cell) if field in DATES else is_open_number(cell))
        }
