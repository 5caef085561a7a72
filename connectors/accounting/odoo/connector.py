"""Reads and writes one Odoo database.

What a row's `write_date` does not tell, and what is done about it:

- It is cut to seconds here and kept to microseconds there, and a long transaction commits with the time it
  began at: pulls overlap by ten minutes, and pages begin at the whole second.
- It stands still when a company's people and addresses change, when an item's template does, when a payment
  settles an invoice: those rows are looked at by their own time, and what they belong to is read again.
- Archived rows hide; they are asked for, and come as gone. Deleted ones are found missing by reconciliation.
- Fields differ by the apps installed, and asking for an unknown one is an error: `fields_get` comes first.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from connectors.accounting.odoo import records
from connectors.accounting.odoo.client import Client
from connectors.accounting.odoo.pushing import WRITES, Writer
from connectors.accounting.odoo.reading import Tables
from connectors.accounting.odoo.sources import SOURCES, STOCK, Source
from connectors.accounting.odoo.values import id_of, identifier, instant
from connectors.base import Bad, Change, Connector, Entry, Overtaken, Page, Raw, Stream, raw_json, setting
from connectors.http import Http
from connectors.walking import is_version, read_marks, write_marks
from foundation import clock
from foundation.errors import BadInput, Misconfigured
from foundation.records import AnyRecord, Gone

OVERLAP = timedelta(minutes=10)
ROWS = "rows"  # how the cursor names the time of the rows themselves
_WHAT: Mapping[str, Any] = {
    "counterparties": "person", "nomenclature": "product", "invoices": "invoice", "payments": "payment",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class OdooSettings:
    """How to reach the database."""

    address: str = setting("Address", placeholder="https://company.odoo.com")
    api_key: str = setting(
        "API key", secret=True, help="My profile → Account security → New API key; its user's rights count."
    )
    database: str = setting("Database", default="", help="Only where the host has several.")
    company: int = setting("Company", default=0, help="Its number; 0: all that the key's user sees.")
    stock: str = setting(
        "Stock", default="free_qty",
        choices=(("free_qty", "Free to sell"), ("qty_available", "On hand"), ("none", "Don't read")),
    )  # fmt: skip
    zone: str = setting(
        "Time zone", default="UTC", help="The company's: invoices there have days, not times."
    )
    country: str = setting("Country", default="", help="Two letters; where a counterparty has none.")

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone “{self.zone}”") from error


class Odoo(Connector):
    """The connector; see the module's text for the rules of the source."""

    kind = "odoo"
    title = "Odoo"
    role = "accounting"
    summary = "Counterparties, nomenclature, invoices and payments of an Odoo database (19 or newer)."
    Settings = OdooSettings
    streams = tuple(
        Stream(name=name, title=name.capitalize(), what=what, writes=WRITES[name])
        for name, what in _WHAT.items()
    )
    fixtures = "odoo"

    settings: OdooSettings

    def __init__(self, settings: OdooSettings, http: Http) -> None:
        super().__init__(settings, http)
        self._client = Client(http, settings.company)
        self._tables = Tables(self._client, "" if settings.stock == "none" else settings.stock)

    @classmethod
    def make_http(cls, settings: OdooSettings, **options: Any) -> Http:
        """Five calls a second at most, one after the other: Odoo names no limit, and its host has one."""
        headers = {"Authorization": f"bearer {settings.api_key.strip()}"}
        if settings.database.strip():
            headers["X-Odoo-Database"] = settings.database.strip()
        defaults = {"per_second": 5.0, "deadline": 120.0, "credential": "api_key"}
        return Http(_base(settings.address), headers=headers, **{**defaults, **options})

    def check(self) -> str:
        """Count what is there; a right or an app that is missing is named."""
        counts = [f"{self._client.count(s.model, s.domain)} {name}" for name, s in SOURCES.items()]
        return f"Reached {self.http.host}: {', '.join(counts)}."

    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        """Pages changed since a cursor, then what has changed without moving its own time."""
        source, marks, began = SOURCES[stream], read_marks(cursor), clock.now()
        since, seen = dict(marks), set[int]()
        for silent in source.silent:  # what was so until now comes with the rows, however often that resumes
            marks.setdefault(silent.name, began)
        total = None if ROWS in since else self._client.count(source.model, source.domain)
        for batch in self._tables.by_change(source, since[ROWS] - OVERLAP if ROWS in since else None):
            if batch.at:  # a time in the future must not carry the cursor past what is to come
                reached = min(batch.at, began)
                marks[ROWS] = max(marks.get(ROWS, reached), reached)
            seen |= {id_of(row.get("id")) for row in batch.rows if isinstance(row, dict)}
            yield self._page(source, batch.rows, marks, total)
        for silent in source.silent:
            if silent == STOCK and not self._tables.has_stock():
                continue
            if silent.name in since:
                touched = dict.fromkeys(self._tables.touched(silent, since[silent.name] - OVERLAP))
                for rows in self._tables.by_ids(source, list(touched), silent.field):
                    yield self._page(source, [r for r in rows if id_of(r.get("id")) not in seen], marks)
            marks[silent.name] = began
            yield Page((), write_marks(marks))

    @classmethod
    def normalise(cls, stream: str, raw: Raw, settings: OdooSettings) -> Sequence[AnyRecord]:
        """One record."""
        if raw.gone:
            return [Gone(external_id=raw.external_id, what=_WHAT[stream], at=raw.version_at)]
        try:
            thing = msgspec.json.decode(raw.payload)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise BadInput(f"the record is no JSON: {error}") from error
        if not isinstance(thing, dict):
            raise BadInput("the record is no object")
        if stream == "counterparties":
            return [records.person(thing, settings.country.strip().upper())]
        if stream == "nomenclature":
            return [records.product(thing, "" if settings.stock == "none" else settings.stock)]
        if stream == "invoices":
            return [records.invoice(thing, settings.zone)]
        return [records.payment(thing, settings.zone)]

    def fetch(self, stream: str, external_ids: Sequence[str]) -> Iterator[Raw]:
        """Objects by id; those archived or deleted come as gone."""
        source, wanted = SOURCES[stream], dict.fromkeys(external_ids)
        ids = [int(one) for one in wanted if one.isdecimal()]
        for rows in self._tables.by_ids(source, ids):
            for found in self._raws(source, rows):
                if isinstance(found, Raw):
                    yield found
                    wanted.pop(found.external_id, None)
        for lost in wanted:
            yield Raw(lost, msgspec.json.encode({"id": lost}).decode(), clock.now(), gone=True)

    def listing(self, stream: str, since: datetime | None = None) -> Iterator[Entry]:
        """Everything that isn't archived; the day is a document's own, or that of its making."""
        source = SOURCES[stream]
        fields = list(dict.fromkeys(("id", "write_date", "create_date", source.day)))
        for rows in self._client.every(source.model, source.domain, fields):
            for row in rows:
                day = instant(row.get(source.day)) or instant(row.get("create_date"))
                if since is None or day is None or day >= since:
                    yield Entry(str(row["id"]), day, instant(row.get("write_date")))

    def push(self, stream: str, change: Change) -> Raw:
        """Write one change, if the object is still what the change was decided on."""
        now: dict[str, Any] = {}
        if change.external_id:
            [there] = self.fetch(stream, [change.external_id])
            if there.gone or (
                change.version and not is_version(there, change.version, instant(change.version))
            ):
                raise Overtaken(f"{stream} {change.external_id} has changed in Odoo meanwhile")
            now = msgspec.json.decode(there.payload)
        external_id = Writer(self._client, self.settings.zone).write(stream, change, now)
        [written] = self.fetch(stream, [str(external_id)])
        return written

    def _page(
        self, source: Source, rows: Sequence[Any], marks: Mapping[str, datetime], total: int | None = None
    ) -> Page:
        found = self._raws(source, rows)
        return Page(
            records=tuple(one for one in found if isinstance(one, Raw)),
            cursor=write_marks(marks),
            total=total,
            bad=tuple(one for one in found if isinstance(one, Bad)),
        )

    def _raws(self, source: Source, rows: Sequence[Any]) -> list[Raw | Bad]:
        return [_raw(row) for row in self._tables.whole(source, rows)]


def _base(address: str) -> str:
    """The API's base address from whatever of Odoo's address was pasted."""
    said = address.strip()
    parts = urlsplit(said if "://" in said else f"https://{said}")
    if not parts.hostname:
        raise Misconfigured("The address is missing.", "address")
    return f"{parts.scheme}://{parts.netloc}/json/2/"


def _raw(row: Any) -> Raw | Bad:
    """A row as it came; Bad when it isn't an object with an id, gone when it is archived."""
    try:
        if not isinstance(row, dict):
            raise BadInput("an object was expected")
        external_id = identifier(row.get("id"))
    except BadInput as error:
        return Bad("a row of the list", str(error), msgspec.json.encode(row).decode()[:2000])
    found = raw_json(external_id, row, instant(row.get("write_date")))
    return msgspec.structs.replace(found, gone=True) if row.get("active") is False else found
