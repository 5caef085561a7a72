"""Reads Tryton and writes into it: parties, products, customer invoices, payments.

What its times do not tell, and what is done about it (seen on a real server):

- A party's time of change stands still when an address, an e-mail or a tax number of it changes, a product's
  when its template does, an invoice's when one of its instalments is reconciled: parts are looked at as well.
- A transaction carries the time of its beginning: each pull begins a while before the end of the last one.
- Deleted objects leave no trace: they are missing from the listing and `fetch` reports them as gone. Archived
  parties are read and count as gone.

A pull walks by ids, so rows of one instant can't fall between two pages; what changes meanwhile comes with
the next one.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from connectors.accounting.tryton import records, writing
from connectors.accounting.tryton.client import Client
from connectors.accounting.tryton.sources import SOURCES, Source
from connectors.accounting.tryton.values import Node, moment, nested, text, touched_at
from connectors.base import Bad, Change, Connector, Entry, Page, Raw, Stream, raw_json, setting
from connectors.http import Http
from foundation import clock
from foundation.errors import BadInput, Misconfigured
from foundation.records import AnyRecord

OVERLAP = timedelta(minutes=10)
LISTED = 1000  # ids a request of a listing


@dataclasses.dataclass(frozen=True)
class TrytonSettings:
    """How to reach the base: as a user, or with the key of an application (series 8 and later)."""

    address: str = setting("Server address", placeholder="https://tryton.example", help="Without the base.")
    database: str = setting("Database", placeholder="acme")
    user: str = setting("User", default="", help="Only where there is no key.")
    password: str = setting("Password", secret=True, default="")
    key: str = setting(
        "Application key", secret=True, default="",
        help="Of the user application “rest”, confirmed in the user's preferences; Tryton 8 and later.",
    )  # fmt: skip
    page_size: int = setting("Rows per request", default=100, help="Up to 1000; fewer for a slow server.")

    def __post_init__(self) -> None:
        if not self.key and not (self.user and self.password):
            raise ValueError("an application key is needed, or the name and password of a user")
        if not 1 <= self.page_size <= LISTED:
            raise ValueError(f"rows per request must be between 1 and {LISTED}")


class _Mark(msgspec.Struct, omit_defaults=True):
    """A cursor: changes since when are read, and within a pull when it began and up to which id it came."""

    since: datetime | None = None
    began: datetime | None = None
    after: int = 0


class Tryton(Connector):
    """The connector; see the module's text for the rules of the source."""

    kind = "tryton"
    title = "Tryton"
    role = "accounting"
    summary = "Parties, products, customer invoices and payments of a Tryton base, in both directions."
    Settings = TrytonSettings
    streams = (
        Stream(name="parties", title="Parties", what="person", writes=writing.PARTY),
        Stream(name="products", title="Products", what="product", writes=writing.PRODUCT),
        Stream(name="invoices", title="Customer invoices", what="invoice", writes=writing.INVOICE),
        Stream(name="payments", title="Payments", what="payment"),
    )
    fixtures = "tryton"

    settings: TrytonSettings

    def __init__(self, settings: TrytonSettings, http: Http) -> None:
        super().__init__(settings, http)
        self._client = Client(http, settings.database, settings.user, settings.password, settings.key)
        self._money: str | None = None

    @classmethod
    def make_http(cls, settings: TrytonSettings, **options: Any) -> Http:
        """An Http to the server; who asks is said call by call."""
        return Http(settings.address, credential="key" if settings.key else "password", **options)

    def check(self) -> str:
        """Sign in and count what is there."""
        company = text(self._client.context.get("company.rec_name"))
        if not self._client.context.get("company"):
            raise Misconfigured(
                "This user belongs to no company: choose one in the user's preferences.", "user"
            )
        found = [
            f"{self._client.count(source.model, source.domain())} {name}" for name, source in SOURCES.items()
        ]
        return f"Reached “{company}”: {', '.join(found)}."

    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        """Pages of what changed since a cursor, by id; a pull that broke off goes on where it was."""
        source, mark = SOURCES[stream], _read(cursor)
        if mark.began is None:
            mark = _Mark(mark.since, self._now())
        since, total = mark.since - OVERLAP if mark.since else None, None
        if since is None and not mark.after:
            total = self._client.count(source.model, source.domain())
        while True:
            nodes = self._rows(source, source.domain(since, mark.after), self.settings.page_size)
            last = len(nodes) < self.settings.page_size
            after = max((int(node["id"]) for node in nodes), default=mark.after)
            mark = _Mark(mark.began) if last else _Mark(mark.since, mark.began, after)
            raws, bad = self._sound(nodes)
            yield Page(tuple(raws), msgspec.json.encode(mark).decode(), total, tuple(bad))
            if last:
                return

    def fetch(self, stream: str, external_ids: Sequence[str]) -> Iterator[Raw]:
        """Single objects again, a page of them per request."""
        source, size = SOURCES[stream], self.settings.page_size
        for start in range(0, len(external_ids), size):
            wanted = external_ids[start : start + size]
            numbers = [int(one) for one in wanted if one.isdecimal()]
            found = {str(n["id"]): n for n in self._rows(source, [["id", "in", numbers], *source.only], None)}
            for one in wanted:
                yield self._raw(found[one]) if one in found else Raw(one, "{}", gone=True)

    def listing(self, stream: str, since: datetime | None = None) -> Iterator[Entry]:
        """Ids with the day they were made and the time they, or a part of them, last changed."""
        source, after = SOURCES[stream], 0
        made = [["create_date", ">=", since]] if since else []
        while True:
            nodes = self._client.rows(
                source.model, [*source.domain(None, after), *made], source.dates, LISTED
            )
            for node in nodes:
                yield Entry(str(node["id"]), moment(node.get("create_date")), touched_at(node))
            if len(nodes) < LISTED:
                return
            after = int(nodes[-1]["id"])

    def push(self, stream: str, change: Change) -> Raw:
        """Write one change; Overtaken when the object, or a part of it, isn't of that version any more.

        A version is the time that `Raw.version_at` had, in ISO format.
        """
        number = writing.write(self._client, stream, change)
        [raw] = self.fetch(stream, [str(number)])
        return raw

    @classmethod
    def normalise(cls, stream: str, raw: Raw, settings: Any) -> Sequence[AnyRecord]:
        """Records of one raw object; nothing for lines of the books that are no payments."""
        return records.normalise(stream, raw)

    def _rows(self, source: Source, domain: list[Any], limit: int | None) -> list[Node]:
        nodes = self._client.rows(source.model, domain, [*source.fields, *source.dates], limit)
        if source.model != "product.product":
            return nodes
        return [{**node, "company_currency": self._currency()} for node in nodes]

    def _currency(self) -> str:
        """The company's own, which prices are in."""
        if self._money is None:
            domain = [["id", "=", self._client.context.get("company")]]
            companies = self._client.rows("company.company", domain, ["currency.code"], 1)
            self._money = text(nested(companies[0], "currency").get("code")) if companies else ""
        return self._money

    def _sound(self, nodes: list[Node]) -> tuple[list[Raw], list[Bad]]:
        raws: list[Raw] = []
        bad: list[Bad] = []
        for node in nodes:
            try:
                raws.append(self._raw(node))
            except BadInput as error:
                bad.append(Bad(f"id {node.get('id')}", str(error), repr(node)[:2000]))
        return raws, bad

    def _raw(self, node: Node) -> Raw:
        return raw_json(str(node["id"]), node, touched_at(node))

    def _now(self) -> datetime:
        """The server's own time, before anything of this pull is read."""
        self._client.count("company.company", [["id", "=", 0]])
        return (self._client.server_time or clock.now()).astimezone(UTC)


def _read(cursor: str | None) -> _Mark:
    return msgspec.json.decode(cursor, type=_Mark) if cursor else _Mark()
