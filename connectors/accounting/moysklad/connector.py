"""Reads and writes one MoySklad account.

What its change times do not tell, and what is done about it:

- What is paid of an invoice may change without the invoice's own time: invoices named by payments that
  changed are read again with each pull.
- Stock is no part of an item: it is asked for beside it, and items whose stock has changed since the pull
  before (a day at most, MoySklad looks no further back) are read again.
- Lists hide what is archived and what lies in the recycle bin; both are asked for, and come as gone.
  What was deleted for good is found missing by reconciliation.
- There is no conditional write: an object is read, compared with the version of the change, and written.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors.accounting.moysklad import bills, hooks, reading, records, writing
from connectors.accounting.moysklad.client import ADDRESS, JSON, Client, MoyskladHttp
from connectors.accounting.moysklad.names import Names
from connectors.accounting.moysklad.pushing import PRODUCT, Writer
from connectors.accounting.moysklad.reading import DIRECTORIES, ENTITIES, Lists
from connectors.accounting.moysklad.stock import Stock
from connectors.accounting.moysklad.values import instant
from connectors.base import Bad, Change, Connector, Delivery, Entry, Overtaken, Page, Raw, Stream, setting
from connectors.http import Http
from connectors.values import text
from connectors.walking import Batch, is_version, read_marks, write_marks
from foundation import clock
from foundation.errors import BadInput
from foundation.records import AnyRecord, Gone

OVERLAP = timedelta(minutes=5)  # a long transaction commits with the time it began at
PAYING, STOCK = "paying", "stock"  # how the cursor names what else was looked at
_CALLED = {"product": "nomenclature", "invoiceout": "invoices", "paymentin": "payments"}


@dataclasses.dataclass(frozen=True)
class MoyskladSettings:
    """How to reach the account: by a token, or as a user."""

    token: str = setting("Access token", secret=True, default="", help="Settings → Tokens.")
    login: str = setting("Login", default="", placeholder="admin@company", help="Where there is no token.")
    password: str = setting("Password", secret=True, default="")
    organization: str = setting(
        "Own company", default="",
        help="As it is named in MoySklad; who writes invoices, where there are several.",
    )  # fmt: skip
    price_type: str = setting("Type of price", default="", help="Empty: the first one of each item.")
    stock: str = setting(
        "Stock", default="quantity",
        choices=(("quantity", "Free to sell"), ("stock", "In the warehouse"), ("none", "Don't read")),
    )  # fmt: skip
    region: str = setting(
        "Region of the account", default="ru",
        choices=(("ru", "Russia and others"), ("kz", "Kazakhstan"), ("uz", "Uzbekistan")),
    )  # fmt: skip
    country: str = setting(
        "Country", default="", help="Two letters; for phone and tax numbers. Empty: that of the region."
    )

    def __post_init__(self) -> None:
        if not self.token and not (self.login and self.password):
            raise ValueError("an access token is needed, or a login with its password")


class Moysklad(Connector):
    """The connector; see the module's text for the rules of the source."""

    kind = "moysklad"
    title = "MoySklad"
    role = "accounting"
    summary = "Counterparties, nomenclature with stock, invoices and payments of a MoySklad account."
    Settings = MoyskladSettings
    streams = (
        Stream(name="counterparties", title="Counterparties", what="person", writes=writing.PERSON),
        Stream(name="nomenclature", title="Nomenclature", what="product", writes=PRODUCT),
        Stream(name="invoices", title="Invoices", what="invoice", writes=writing.INVOICE),
        Stream(name="payments", title="Payments", what="payment", writes=writing.PAYMENT),
    )
    hooks = True
    fixtures = "moysklad"

    settings: MoyskladSettings

    def __init__(self, settings: MoyskladSettings, http: Http) -> None:
        super().__init__(settings, http)
        self._client = Client(http, "token" if settings.token else "password")
        self._lists, self._names = Lists(self._client), Names(self._client)
        self._stock = Stock(self._client, "" if settings.stock == "none" else settings.stock)

    @classmethod
    def make_http(cls, settings: MoyskladSettings, **options: Any) -> Http:
        """Ten calls in three seconds: from December 2026 a user's token has eleven."""
        headers = {"Accept": JSON, "Accept-Encoding": "gzip"}  # it answers nobody who can't unpack
        if settings.token:
            headers["Authorization"] = f"Bearer {settings.token.strip()}"
        if settings.region != "ru":
            headers["X-Lognex-Accept-Region"] = settings.region
        auth = None if settings.token else (settings.login.strip(), settings.password)
        defaults = {"per_second": 10 / 3, "deadline": 90.0, "credential": "token"}
        return MoyskladHttp(ADDRESS, headers=headers, auth=auth, **{**defaults, **options})

    def check(self) -> str:
        """Count what is there; a right that is missing is named."""
        counts = {}
        for entity in ("counterparty", "product", "invoiceout", "paymentin"):
            _, counts[entity] = self._client.rows(f"entity/{entity}", limit=1)
        self._names.entries("currency")
        if self._stock.kind:
            self._stock.changed(clock.now() - OVERLAP)
        said = ", ".join(f"{counts[e]} {_CALLED.get(e, 'counterparties')}" for e in counts)
        return f"Reached MoySklad: {said}."

    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        """Pages changed since a cursor, entity by entity; the cursor remembers how far each has come."""
        marks, began, seen = read_marks(cursor), clock.now(), set[str]()
        since = dict(marks)
        if also := {"invoices": PAYING, "nomenclature": STOCK}.get(stream):
            marks.setdefault(also, began)  # what was so until now comes with the walk, however it resumes
        for entity in ENTITIES[stream]:
            after, total = since[entity] - OVERLAP if entity in since else None, None
            for batch in self._lists.by_change(entity, after):
                if batch.at:  # a time in the future must not carry the cursor past what is to come
                    reached = min(batch.at, began)
                    marks[entity] = max(marks.get(entity, reached), reached)
                seen |= {text(row.get("id")) for row in batch.rows if isinstance(row, dict)}
                total = batch.total if total is None else total
                yield self._page(entity, msgspec.structs.replace(batch, total=total), marks)
            if after and entity not in DIRECTORIES:
                yield from self._thrown_away(entity, after, marks)
        if stream == "invoices":
            yield from self._paid(since, marks, began, seen)
        if stream == "nomenclature" and self._stock.kind:
            yield from self._restocked(since, marks, began, seen)

    @classmethod
    def normalise(cls, stream: str, raw: Raw, settings: MoyskladSettings) -> Sequence[AnyRecord]:
        """One record; none for the counterparty that stands for anybody, and for payments to suppliers."""
        if raw.gone:
            what = next(s.what for s in cls.streams if s.name == stream)
            return [Gone(external_id=raw.external_id, what=what, at=raw.version_at)]
        try:
            thing = msgspec.json.decode(raw.payload)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise BadInput(f"the record is no JSON: {error}") from error
        if not isinstance(thing, dict):
            raise BadInput("the record is no object")
        found: AnyRecord | None
        if stream == "counterparties":
            found = records.person(thing, settings.country.strip().upper() or settings.region.upper())
        elif stream == "nomenclature":
            stock = "" if settings.stock == "none" else settings.stock
            found = records.product(thing, settings.price_type.strip(), stock)
        else:
            found = bills.invoice(thing) if stream == "invoices" else bills.payment(thing)
        return [found] if found else []

    def fetch(self, stream: str, external_ids: Sequence[str]) -> Iterator[Raw]:
        """Objects by id; those archived, in the recycle bin or deleted come as gone."""
        wanted = dict.fromkeys(external_ids)
        for entity in ENTITIES[stream]:
            rows = list(self._lists.by_ids(entity, list(wanted)))
            for found in self._raws(entity, rows):
                if isinstance(found, Raw) and found.external_id in wanted:
                    yield found
                    wanted.pop(found.external_id)
        for lost in wanted:
            yield Raw(lost, msgspec.json.encode({"id": lost}).decode(), clock.now(), gone=True)

    def listing(self, stream: str, since: datetime | None = None) -> Iterator[Entry]:
        """Everything that is neither archived nor deleted; the day is the document's, or of its making."""
        for entity in ENTITIES[stream]:
            for rows in self._lists.all(entity):
                for row in rows:
                    day = next((at for n in ("moment", "created") if (at := instant(row.get(n)))), None)
                    if row.get("id") and (since is None or day is None or day >= since):
                        yield Entry(text(row["id"]), day, instant(row.get("updated")))

    def push(self, stream: str, change: Change) -> Raw:
        """Write one change, if the object is still what the change was decided on."""
        now: Mapping[str, Any] = {}
        if change.external_id:
            [there] = self.fetch(stream, [change.external_id])
            if there.gone or (
                change.version and not is_version(there, change.version, instant(change.version))
            ):
                raise Overtaken(f"{stream} {change.external_id} has changed in MoySklad meanwhile")
            now = msgspec.json.decode(there.payload)
        writer = Writer(
            self._client, self._names, region=self.settings.region,
            organization=self.settings.organization, price_type=self.settings.price_type.strip(),
        )  # fmt: skip
        external_id = writer.write(stream, change, now)
        [written] = self.fetch(stream, [external_id])
        return written

    @classmethod
    def read_hook(cls, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Delivery:
        """The secret stands in the address, as MoySklad signs nothing; what is named is read again."""
        return hooks.read(headers, body, secrets)

    def install_hooks(self, address: str, secret: str) -> str:
        """Thirty-odd hooks, one an entity and action; needs an administrator and a paid plan there."""
        return hooks.install(self._client, address, secret)

    def tend_hooks(self, address: str, secret: str) -> list[str]:
        """Switch on again what MoySklad switched off."""
        return hooks.tend(self._client, address, secret)

    def _page(self, entity: str, batch: Batch, marks: Mapping[str, datetime]) -> Page:
        found = self._raws(entity, batch.rows)
        return Page(
            records=tuple(one for one in found if isinstance(one, Raw)),
            cursor=write_marks(marks),
            total=batch.total,
            bad=tuple(one for one in found if isinstance(one, Bad)),
        )

    def _raws(self, entity: str, rows: Sequence[Any]) -> list[Raw | Bad]:
        """Rows as they came, with what their references stand for, whole lines and the stock."""
        whole = [self._lists.whole(row) if isinstance(row, dict) else row for row in rows]
        if entity in ENTITIES["nomenclature"]:
            whole = self._stock.beside(whole)
        return [reading.raw(self._names.spelled(row)) for row in whole]

    def _thrown_away(self, entity: str, since: datetime, marks: Mapping[str, datetime]) -> Iterator[Page]:
        for rows in self._lists.trash(entity, since):
            gone = [reading.gone(row) for row in rows if isinstance(row, dict) and row.get("id")]
            yield Page(tuple(gone), write_marks(marks))

    def _paid(
        self, since: Mapping[str, datetime], marks: dict[str, datetime], began: datetime, seen: set[str]
    ) -> Iterator[Page]:
        """Invoices of payments that have changed or are gone, as far as this pull hasn't read them."""
        if PAYING in since:
            after, found = since[PAYING] - OVERLAP, dict[str, None]()
            for entity in ("paymentin", "cashin"):
                changed = [batch.rows for batch in self._lists.by_change(entity, after)]
                for row in (r for rows in (*changed, *self._lists.trash(entity, after)) for r in rows):
                    found |= dict.fromkeys(bills.linked_invoices(row) if isinstance(row, dict) else ())
            yield from self._again("invoiceout", [one for one in found if one not in seen], marks)
        marks[PAYING] = began
        yield Page((), write_marks(marks))

    def _restocked(
        self, since: Mapping[str, datetime], marks: dict[str, datetime], began: datetime, seen: set[str]
    ) -> Iterator[Page]:
        """Items whose stock has changed, as far as this pull hasn't read them."""
        if STOCK in since:
            ids = [one for one in self._stock.changed(since[STOCK] - OVERLAP) if one not in seen]
            for entity in ("product", "variant"):
                yield from self._again(entity, ids, marks)
        marks[STOCK] = began
        yield Page((), write_marks(marks))

    def _again(self, entity: str, ids: Sequence[str], marks: Mapping[str, datetime]) -> Iterator[Page]:
        for start in range(0, len(ids), reading.IDS):
            rows = list(self._lists.by_ids(entity, ids[start : start + reading.IDS]))
            if rows:
                yield self._page(entity, Batch(rows), marks)
