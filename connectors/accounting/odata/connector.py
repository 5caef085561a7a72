"""1C (OData): counterparties, nomenclature, invoices and payments of a published 1C base."""

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from connectors.accounting.odata import invoicing, mapping, metadata, records, writing
from connectors.accounting.odata.client import Base, base_address, sign_in
from connectors.accounting.odata.mapping import Reading
from connectors.accounting.odata.values import instant, reference, wall
from connectors.accounting.odata.walk import Walk
from connectors.base import Change, Connector, Entry, Page, Raw, Stream, setting
from connectors.http import Http
from foundation import clock
from foundation.errors import BadInput, Misconfigured, Temporary
from foundation.records import AnyRecord, Gone

_STREAMS = (
    Stream(
        name="counterparties", title="Counterparties", what="person", writes=writing.WRITES["counterparties"]
    ),
    Stream(name="nomenclature", title="Nomenclature", what="product", writes=writing.WRITES["nomenclature"]),
    Stream(name="invoices", title="Invoices", what="invoice", writes=writing.WRITES["invoices"]),
    Stream(name="payments", title="Payments", what="payment"),
)
_NEEDED = {
    "counterparties": ("name", "tax_number"),
    "nomenclature": ("name",),
    "invoices": ("number", "customer_id", "total", "issued_at"),
    "payments": ("customer_id", "amount", "paid_at"),
}
_COUNTRIES = (
    ("RU", "Russia"), ("KZ", "Kazakhstan"), ("BY", "Belarus"), ("UZ", "Uzbekistan"), ("KG", "Kyrgyzstan"),
    ("AM", "Armenia"), ("AZ", "Azerbaijan"), ("GE", "Georgia"), ("TJ", "Tajikistan"),
    ("TM", "Turkmenistan"), ("MD", "Moldova"), ("UA", "Ukraine"), ("TR", "Türkiye"),
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class OneCSettings:
    """How to reach a base and how to read it."""

    address: str = setting(
        "Address of the publication",
        help="What opens the base in a browser, up to /odata or without it.",
        placeholder="https://server.example/base",
    )
    user: str = setting("User", help="Of the base, with “Аутентификация 1С:Предприятия”.")
    password: str = setting("Password", secret=True, default="")
    zone: str = setting(
        "Time zone", help="Of the server of 1C: its dates carry none.", default="Europe/Moscow"
    )
    country: str = setting(
        "Country",
        help="Of the configuration: which tax numbers and currency it keeps.",
        default="RU",
        choices=_COUNTRIES,
    )
    page_size: int = setting("Objects per request", help="Fewer where the base is slow.", default=500)
    mapping: str = setting(
        "Mapping",
        help="JSON of what differs from stock configurations; empty for Accounting 3.0 and its kin.",
        default="",
    )
    post_invoices: bool = setting("Post invoices", help="After writing them.", default=False)

    def __post_init__(self) -> None:
        """A zone and a mapping that can't be used are refused where they are typed."""
        records.zone_named(self.zone)
        mapping.read(self.mapping, self.country)
        if not 1 <= self.page_size <= 10_000:
            raise BadInput("1 to 10,000 objects.", "page_size")


class OneCOData(Connector):
    """One base of 1C:Enterprise 8.3, published for OData."""

    kind = "onec_odata"
    title = "1C (OData)"
    role = "accounting"
    summary = "Counterparties, nomenclature, invoices and payments of a 1C base published for OData."
    Settings = OneCSettings
    streams = _STREAMS
    fixtures = "odata"

    def __init__(self, settings: OneCSettings, http: Http) -> None:
        super().__init__(settings, http)
        self._base = Base(http)
        self._names: frozenset[str] | None = None
        self._walks: dict[str, Walk] = {}
        self._known: dict[str, metadata.Entity] = {}

    @classmethod
    def make_http(cls, settings: OneCSettings, **options: Any) -> Http:
        """Patient: a base that has slept takes a minute to answer, its description is 15 MB."""
        headers = sign_in(settings.user.strip(), settings.password)
        defaults = {"deadline": 180.0, "max_bytes": metadata.LARGEST, "credential": "user"}
        return Http(base_address(settings.address), headers=headers, **{**defaults, **options})

    def check(self) -> str:
        """What is published, whether its fields are those of the mapping, and whether they may be read."""
        published = self._published()
        found = {stream.name: self._entities(stream.name) for stream in _STREAMS}
        if not found["counterparties"]:
            raise self._unpublished("counterparties")
        wanted = {entity for entities in found.values() for entity in entities}
        known = metadata.parse(self._base.metadata(), wanted)
        told = []
        for stream, entities in found.items():
            reading = self._reading(stream)
            for entity in entities:
                if entity in known:
                    metadata.require(known[entity], entity, reading.fields, _NEEDED[stream])
                self._base.rows(entity, top=1)
                count = self._base.count(entity)
                told.append(entity if count is None else f"{entity}: {count}")
        absent = [f"{name} ({self._reading(name).entities[0]})" for name, there in found.items() if not there]
        lacking = sorted({n[0] for s in _NEEDED for n in self._reading(s).names.values()} - published)
        words = f"Reached {self.http.host}. {', '.join(told)}."
        if absent:
            words += f" Not published, so not read: {', '.join(absent)}."
        if "Catalog_Валюты" in lacking and (found["invoices"] or found["payments"]):
            words += " Publish Catalog_Валюты too: without it the currency of documents can't be named."
        return words

    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        """What has changed since the last scan. What isn't published is passed over; `check` names it."""
        if self._entities(stream):
            yield from self._walk(stream).pages(cursor)

    @classmethod
    def normalise(cls, stream: str, raw: Raw, settings: OneCSettings) -> Sequence[AnyRecord]:
        """The record of a row, by the connection's mapping."""
        if raw.gone:
            what = next(s.what for s in _STREAMS if s.name == stream)
            return [Gone(external_id=raw.external_id, what=what, at=raw.version_at)]
        reading = mapping.read(settings.mapping, settings.country)[stream]
        return records.record(
            stream, records.read_row(raw), reading, settings.country, records.zone_named(settings.zone)
        )

    def fetch(self, stream: str, external_ids: Sequence[str]) -> Iterator[Raw]:
        """Objects by reference; what the base doesn't have any more is gone."""
        wanted = dict.fromkeys(external_ids)
        refs = [ref for external_id in wanted if (ref := reference(external_id))]
        for found in self._walk(stream).fetch(refs):
            wanted.pop(found.external_id, None)
            yield found
        for lost in wanted:
            yield Raw(lost, f'{{"Ref_Key":{msgspec.json.encode(lost).decode()}}}', clock.now(), gone=True)

    def listing(self, stream: str, since: datetime | None = None) -> Iterator[Entry]:
        """Every object that isn't marked for deletion; documents by their day."""
        dated = stream in ("invoices", "payments")
        zone = records.zone_named(self.settings.zone)
        where = f"Date ge datetime'{wall(since, zone)}'" if since and dated else ""
        for _, rows in self._walk(stream).light(where, "Date" if dated else ""):
            for row in rows:
                ref = reference(row.get("Ref_Key")) if isinstance(row, dict) else ""
                if isinstance(row, dict) and ref and row.get("DeletionMark") is not True:
                    yield Entry(ref, instant(row.get("Date"), zone))

    def push(self, stream: str, change: Change) -> Raw:
        """Write a counterparty, an item or an invoice, and read it as 1C has it then."""
        if stream not in writing.WRITES:
            return super().push(stream, change)
        walk, name = self._walk(stream), self._entities(stream)[0]
        ref = writing.write(self._target(stream, name, walk), change)
        if stream == "invoices" and self.settings.post_invoices:
            self._base.post(name, ref)
        for found in walk.fetch([ref]):
            return found
        raise Temporary(f"1C has written {name} {ref} and doesn't show it.")

    def _target(self, stream: str, name: str, walk: Walk) -> writing.Target:
        if name not in self._known:
            wanted = {entity for s in writing.WRITES for entity in self._entities(s)}
            self._known = metadata.parse(self._base.metadata(), wanted)
        if name not in self._known:
            raise Misconfigured(f"{name} stands in no description of this base ($metadata).", "mapping")
        desk = invoicing.Desk(self._base, self._published(), records.zone_named(self.settings.zone))
        return writing.Target(
            self._base, name, self._known[name], self._reading(stream), self._published(), walk, desk
        )

    def _reading(self, stream: str) -> Reading:
        return mapping.read(self.settings.mapping, self.settings.country)[stream]

    def _published(self) -> frozenset[str]:
        if self._names is None:
            self._names = self._base.names()
        return self._names

    def _entities(self, stream: str) -> tuple[str, ...]:
        """The entities of a stream that this base has published."""
        reading = self._reading(stream)
        there = tuple(entity for entity in reading.entities if entity in self._published())
        return there if reading.every else there[:1]

    def _walk(self, stream: str) -> Walk:
        if stream not in self._walks:
            entities = self._entities(stream)
            if not entities:
                raise self._unpublished(stream)
            self._walks[stream] = Walk(
                self._base, self._reading(stream), entities, self.settings.page_size, self._published()
            )
        return self._walks[stream]

    def _unpublished(self, stream: str) -> Misconfigured:
        names = ", ".join(self._reading(stream).entities)
        return Misconfigured(
            f"This base publishes none of {names}. Add one to the set of the OData interface (“Состав "
            "стандартного интерфейса OData”), or name the base's own in the mapping.",
            "mapping",
        )
