"""Spreadsheets: customers, orders and products from CSV files and workbooks."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from connectors.base import Connector, Page, Raw, Stream
from connectors.files import rows
from connectors.files.pages import Pages
from connectors.files.reading import Table
from connectors.files.settings import SheetSettings
from connectors.http import Http
from foundation.errors import BadInput, Misconfigured
from foundation.records import AnyRecord, Gone


class Spreadsheet(Connector):
    """A file somebody keeps customers, orders or products in."""

    kind = "spreadsheet"
    title = "Spreadsheet"
    role = "file"
    summary = "Customers, orders and products from a CSV file or a workbook (XLSX)."
    Settings = SheetSettings
    streams = (
        Stream(name="customers", title="Customers", what="person", full=True, listable=False),
        Stream(name="orders", title="Orders", what="order", full=True, listable=False),
        Stream(name="products", title="Products", what="product", full=True, listable=False),
    )
    fixtures = "spreadsheet"

    @classmethod
    def make_http(cls, settings: SheetSettings, **options: Any) -> Http:
        """A file needs no network; the address is one that can't be reached."""
        return Http("https://spreadsheet.invalid", **options)

    def check(self) -> str:
        """Open the file and say what it looks like."""
        if not self.settings.path:
            return "Ready for files."
        table = self._table()
        return f"{table.path.name}: {len(table.headers)} columns, about {table.guessed_rows():,} rows."

    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        """The file's records from a cursor on; the cursor is void when the file has changed since.

        Rows that can't be used come as Bad with their line. A customer or product named again further down
        replaces the earlier row of its page, which is counted in `repeated`.
        """
        if stream != self.settings.what:
            return
        pages = Pages(self._table(), self.settings)
        yield from pages.orders(cursor) if stream == "orders" else pages.singles(cursor)

    @classmethod
    def normalise(cls, stream: str, raw: Raw, settings: SheetSettings) -> Sequence[AnyRecord]:
        """One record of a landed row; everything that is needed stands in the row."""
        if raw.gone:
            what = next(s.what for s in cls.streams if s.name == stream)
            return [Gone(external_id=raw.external_id, what=what, at=raw.version_at)]
        try:
            payload = msgspec.json.decode(raw.payload, type=rows.Payload)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadInput(f"the row can't be read: {error}") from error
        if stream == "customers":
            return [rows.person(payload, raw.external_id)]
        return [rows.order(payload)] if stream == "orders" else [rows.product(payload)]

    def _table(self) -> Table:
        if not self.settings.path:
            raise Misconfigured("Choose a file.", "path")
        return Table(self.settings.path, encoding=self.settings.encoding, delimiter=self.settings.delimiter)
