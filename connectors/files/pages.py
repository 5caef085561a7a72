"""From a table's rows to pages of raw records: grouping, repeats, and rows that can't be used."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from connectors.base import Bad, Page, Raw
from connectors.files import keys, rows
from connectors.files.columns import as_mapping, guess_mapping
from connectors.files.delimited import Row
from connectors.files.habits import DATES, Habits
from connectors.files.headings import FIELDS
from connectors.files.reading import Table
from connectors.files.settings import SheetSettings
from foundation.errors import BadInput

PER_PAGE = 1_000
_PAGE_BYTES = 4_000_000
_LONGEST_ORDER = 5_000  # rows
_REMEMBERED = 500_000
_KEYS = {"customers": keys.customer_key, "orders": keys.order_key, "products": keys.product_key}
_ENCODER = msgspec.json.Encoder(order="sorted")


class Pages:
    """A table's rows as raw records, a page at a time."""

    def __init__(self, table: Table, settings: SheetSettings) -> None:
        self._table, self._what = table, settings.what
        self._key = _KEYS[settings.what]
        columns = columns_of(table, settings)
        self._fields = tuple(columns.items())
        self._extra = tuple((h, i) for i, h in enumerate(table.headers) if i not in set(columns.values()))
        cells = (row.cells for row in table.rows() if not row.problem)
        self._habits = Habits(columns, cells, settings.dates, settings.decimal)
        self._total = table.guessed_rows()
        self._country = rows.told_country(settings.country)
        self._currency = settings.currency.strip().upper()
        self._zone = _zone(settings.zone.strip())
        self._seen = _Seen()

    def singles(self, cursor: str | None) -> Iterator[Page]:
        """Pages of customers or products, a row each."""
        found: dict[str, Raw] = {}
        bad: list[Bad] = []
        repeated = size = count = 0
        row = None
        for row in self._table.rows(cursor):
            count += 1
            made = self._single(row)
            if isinstance(made, Bad):
                bad.append(made)
                size += len(made.payload)
            else:
                repeated += made.external_id in found
                found[made.external_id] = made  # the later row about somebody holds
                size += len(made.payload)
            if count >= PER_PAGE or size >= _PAGE_BYTES:
                yield self._page(found.values(), row, bad, repeated)
                found, bad, repeated, size, count = {}, [], 0, 0, 0
        if row is not None and count:
            yield self._page(found.values(), row, bad, repeated)

    def orders(self, cursor: str | None) -> Iterator[Page]:
        """Pages of orders; rows of one order stand together, those that come later are reported."""
        if cursor:
            self._remember(cursor)
        found: list[Raw] = []
        bad: list[Bad] = []
        size = count = 0
        last: Row | None = None
        for group in self._groups(cursor):
            if count >= PER_PAGE or size >= _PAGE_BYTES:
                yield self._page(found, last, bad, 0)
                found, bad, size, count = [], [], 0, 0
            last = group[-1]
            count += len(group)
            made = self._order(group)
            size += sum(len(item.payload) for item in made)
            for item in made:
                if isinstance(item, Raw):
                    found.append(item)
                else:
                    bad.append(item)
        if last is not None and count:
            yield self._page(found, last, bad, 0)

    def _single(self, row: Row) -> Raw | Bad:
        if row.problem:
            return self._bad(row, row.problem)
        fields, extra = self._cells(row)
        try:
            external_id = self._key(fields)
            payload = rows.Payload(fields, extra, self._beside(fields))
            if self._what == "products":
                rows.product(payload)
        except BadInput as error:
            return self._bad(row, str(error))
        return Raw(external_id, _ENCODER.encode(payload).decode())

    def _groups(self, cursor: str | None) -> Iterator[list[Row]]:
        """Neighbouring rows of one order number; a row that can't be used stands alone."""
        group: list[Row] = []
        current = ""
        for row in self._table.rows(cursor):
            number = "" if row.problem else self._number(row)
            if group and (not number or number != current or len(group) >= _LONGEST_ORDER):
                yield group
                group = []
            group.append(row)
            current = number
        if group:
            yield group

    def _order(self, group: list[Row]) -> list[Raw | Bad]:
        first = group[0]
        if first.problem:
            return [self._bad(first, first.problem)]
        number = self._number(first)
        if number and self._seen.again(number):
            why = f"order {number} stood further up already; rows of one order must stand together"
            return [self._bad(row, why) for row in group]
        parts = [self._cells(row) for row in group]
        fields, extra = parts[0]
        beside: dict[str, str] = {}
        for part, _ in parts:
            beside.update(self._beside(part))
        more = tuple(rows.Part(*part) for part in parts[1:])
        payload = rows.Payload(fields, extra, beside, more)
        try:
            rows.order(payload)
        except BadInput as error:
            return [self._bad(row, str(error)) for row in group]
        return [Raw(keys.order_key(fields), _ENCODER.encode(payload).decode())]

    def _cells(self, row: Row) -> tuple[dict[str, str], dict[str, str]]:
        cells = row.cells
        fields = {field: cell for field, i in self._fields if (cell := cells[i])}
        return fields, {heading: cell for heading, i in self._extra if (cell := cells[i])}

    def _beside(self, fields: Mapping[str, str]) -> dict[str, str]:
        said = self._habits.beside(fields)
        if self._country and "phone" in fields and "country" not in fields:
            said["country"] = self._country
        if self._currency and self._what != "customers" and "currency" not in fields:
            said["currency"] = self._currency
        if self._zone != "UTC" and any(field in fields for field in DATES):
            said["zone"] = self._zone
        return said

    def _number(self, row: Row) -> str:
        column = next((i for field, i in self._fields if field == "number"), None)
        return "" if column is None else " ".join(row.cells[column].split())

    def _remember(self, cursor: str) -> None:
        """Order numbers before a cursor, so that a repeat is noticed after a restart as well."""
        until = int(cursor.split(":")[0])
        for row in self._table.rows():
            if row.end > until:
                return
            if not row.problem:
                self._seen.again(self._number(row))

    def _bad(self, row: Row, reason: str) -> Bad:
        text = io.StringIO()
        csv.writer(text, delimiter=self._table.format.delimiter or ",", lineterminator="").writerow(row.cells)
        came = text.getvalue() if len(row.cells) > 1 else row.cells[0]
        return Bad(f"line {row.line}", reason, came.encode("utf-8", "backslashreplace").decode())

    def _page(self, found: Iterable[Raw], row: Row | None, bad: list[Bad], repeated: int) -> Page:
        cursor = self._table.position_after(row) if row else None
        return Page(tuple(found), cursor, self._total, tuple(bad), repeated)


class _Seen:
    """Whether a key came before, for at least the last half million different ones, in bounded memory."""

    def __init__(self) -> None:
        self._young: set[int] = set()
        self._old: set[int] = set()

    def again(self, key: str) -> bool:
        """True when the key is remembered; remembers it."""
        mark = hash(key)
        if mark in self._young or mark in self._old:
            return True
        self._young.add(mark)
        if len(self._young) >= _REMEMBERED:
            self._old, self._young = self._young, set()
        return False


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name or "UTC").key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(f"there is no time zone “{name[:40]}”", "zone") from error


def columns_of(table: Table, settings: SheetSettings) -> dict[str, int]:
    """Our field -> column number, as told or guessed; BadInput names what is not there."""
    mapping = settings.mapping
    if mapping is None:
        sample = [row.cells for row, _ in zip(table.rows(), range(200), strict=False) if not row.problem]
        mapping = as_mapping(guess_mapping(table.headers, sample, settings.what))
    columns = {}
    for field, heading in mapping.items():
        if field not in FIELDS[settings.what]:
            known = ", ".join(FIELDS[settings.what])
            raise BadInput(f"{settings.what} have no field “{field}”; they have: {known}", "mapping")
        if heading not in table.headers:
            raise BadInput(f"the file has no column “{heading}”", f"mapping of {field}")
        columns[field] = table.headers.index(heading)
    if not columns:
        raise BadInput(f"no column of the file is known as one of {settings.what}: map them", "mapping")
    return columns
