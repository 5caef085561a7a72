"""Reads a Vendure shop: customers, orders and product variants.

What its change times do not tell, and what is done about it (all of it seen on a real server):

- An order's `updatedAt` stands still when it is paid, shipped, delivered or refunded. Placed orders are
  therefore polled by `orderPlacedAt` too, and each pull looks at the newest history entry of every order of
  the last 90 days and reads those again that have one since the pull before. Open orders are fetched again in
  any case (`Stream.revisit`), and older ones are compared by reconciliation.
- A customer's `updatedAt` stands still when an address changes. The listing's `version_at` takes the newest
  history entry in, so reconciliation finds those; an order carries its buyer's present addresses as well.
- Deleted customers vanish: they are missing from the listing and `fetch` reports them as gone.
- `orders` lists carts too; they are left out. Core Vendure sends no webhooks.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Connector, Entry, Page, Raw, Stream, raw_json, setting
from connectors.http import Http
from connectors.shops.vendure import records, walk
from connectors.shops.vendure.client import Client, ShopTrouble
from connectors.shops.vendure.values import Node, instant
from connectors.walking import read_marks, write_marks
from foundation import clock
from foundation.errors import Misconfigured, Temporary
from foundation.records import AnyRecord

OVERLAP = timedelta(seconds=120)  # a transaction may commit long after the change time it carries
LARGEST_PAGE = 1000  # Vendure's own limit for an Admin list
LOOK_BACK = timedelta(days=90)  # a refund after that is rare, and looking costs a request per 1000 orders
TOUCHED = "touchedAt"  # how the cursor names the time up to which silent changes were looked for


@dataclasses.dataclass(frozen=True)
class VendureSettings:
    """How to reach the shop: with an API key (Vendure 3.6 and later) or as an administrator."""

    address: str = setting("Shop address", placeholder="https://shop.example", help="Without /admin-api.")
    api_key: str = setting(
        "API key", secret=True, default="",
        help="Settings → API keys; needs the rights to read customers, orders, the catalog and settings.",
    )  # fmt: skip
    username: str = setting("Administrator", default="", help="Only where there is no API key.")
    password: str = setting("Password", secret=True, default="")
    channel: str = setting("Channel token", default="", help="Empty: the default channel.")
    path: str = setting("API path", default="admin-api")
    page_size: int = setting("Rows per request", default=100, help="Up to 1000; fewer for a slow shop.")

    def __post_init__(self) -> None:
        if not self.api_key and not (self.username and self.password):
            raise ValueError("an API key is needed, or the name and password of an administrator")
        if not 2 <= self.page_size <= LARGEST_PAGE:
            raise ValueError(f"rows per request must be between 2 and {LARGEST_PAGE}")


@dataclasses.dataclass(frozen=True)
class _Source:
    """How a stream is asked for. `columns` are the times it is polled by, `day` the one it is listed by."""

    read: str
    list: str
    columns: tuple[str, ...]
    day: str
    silent: bool = False  # changes without moving a column; its history tells
    only: dict[str, Any] = dataclasses.field(default_factory=dict)


_SOURCES = {
    "customers": _Source("Customers", "CustomerListing", ("updatedAt",), "createdAt"),
    "orders": _Source(
        "Orders", "OrderListing", ("updatedAt", "orderPlacedAt"), "orderPlacedAt",
        # an Aggregate order repeats the sum of its Seller orders
        only={"active": {"eq": False}, "type": {"notEq": "Seller"}, "orderPlacedAt": {"isNull": False}},
        silent=True,
    ),
    "products": _Source("Products", "ProductListing", ("updatedAt",), "createdAt"),
}  # fmt: skip


class Vendure(Connector):
    """The connector; see the module's text for the rules of the source."""

    kind = "vendure"
    title = "Vendure"
    role = "shop"
    summary = "Customers, orders and products of a Vendure shop, through its Admin API."
    Settings = VendureSettings
    streams = (
        Stream(name="customers", title="Customers", what="person"),
        Stream(name="orders", title="Orders", what="order", revisit=("open",)),
        Stream(name="products", title="Products", what="product"),
    )
    fixtures = "vendure"

    settings: VendureSettings

    def __init__(self, settings: VendureSettings, http: Http) -> None:
        super().__init__(settings, http)
        self._client = Client(
            http, settings.path, settings.username, settings.password, by_key=bool(settings.api_key)
        )
        self._decimals: int | None = None

    @classmethod
    def make_http(cls, settings: VendureSettings, **options: Any) -> Http:
        """An Http that carries the key and the channel."""
        headers = {"vendure-api-key": settings.api_key, "vendure-token": settings.channel}
        return Http(
            settings.address,
            headers={name: value for name, value in headers.items() if value},
            credential="api_key" if settings.api_key else "password",
            **options,
        )

    def check(self) -> str:
        """Sign in and count what is there."""
        data = self._client.ask("Counts")
        self._check_channel(data)
        return (
            f"Reached the channel “{data['activeChannel']['code']}”: "
            f"{data['customers']['totalItems']} customers, {data['orders']['totalItems']} orders, "
            f"{data['productVariants']['totalItems']} products."
        )

    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        """Pages changed since a cursor, by each of the stream's times; the cursor remembers them all."""
        source = _SOURCES[stream]
        began = self._begin()
        marks = read_marks(cursor)
        since = dict(marks)
        for name in (*source.columns[1:], TOUCHED) if source.silent else source.columns[1:]:
            # all that was so until now comes with the first column's walk, however often that is resumed
            marks.setdefault(name, began)
        seen: dict[str, datetime | None] = {}
        for column in source.columns:
            if column == source.columns[0] or column in since:
                for page in self._changed(source, column, since.get(column), marks, began):
                    seen |= {raw.external_id: raw.version_at for raw in page.records if since}
                    yield page
        if TOUCHED in since:
            yield from self._silently_changed(source, since[TOUCHED] - OVERLAP, marks, began, seen)
            marks[TOUCHED] = max(marks[TOUCHED], began)
        yield Page((), write_marks(marks))

    def _changed(
        self,
        source: _Source,
        column: str,
        since: datetime | None,
        marks: dict[str, datetime],
        began: datetime,
    ) -> Iterator[Page]:
        """Pages by one column; moves its mark, but never past the beginning of the pull."""
        total = None
        for step in walk.walk(
            lambda options: self._whole(source, options),
            column, since - OVERLAP if since else None, self.settings.page_size,
        ):  # fmt: skip
            total = step.total if total is None else total
            reached = min(step.reached or began, began)
            marks[column] = max(marks.get(column, reached), reached)
            yield Page(tuple(self._raw(n) for n in step.nodes), write_marks(marks), total, step.bad)
        marks[column] = max(marks.get(column, began), began)

    def _silently_changed(
        self, source: _Source, since: datetime, marks: dict[str, datetime], began: datetime,
        seen: dict[str, datetime | None],
    ) -> Iterator[Page]:  # fmt: skip
        """Pages of objects whose history went on since then, without those this pull has read already."""
        light = walk.walk(
            lambda options: self._page(source.list, source, options),
            source.day, began - LOOK_BACK, LARGEST_PAGE,
        )  # fmt: skip
        touched = {str(node["id"]): records.touched_at(node) for step in light for node in step.nodes}
        ids = [i for i, at in touched.items() if at > since and seen.get(i) != at]
        for start in range(0, len(ids), self.settings.page_size):
            wanted = ids[start : start + self.settings.page_size]
            answer = self._whole(source, _by_ids(wanted))
            rows = walk.sound(answer, source.day)
            yield Page(tuple(self._raw(n) for n in rows.nodes), write_marks(marks), bad=rows.bad)

    def fetch(self, stream: str, external_ids: Sequence[str]) -> Iterator[Raw]:
        """Single objects again, a page of them per request."""
        self._begin()
        source, size = _SOURCES[stream], self.settings.page_size
        for start in range(0, len(external_ids), size):
            wanted = external_ids[start : start + size]
            answer = self._whole(source, _by_ids(wanted))
            found = {str(node["id"]): node for node in answer["items"]}
            for external_id in wanted:
                node = found.get(external_id)
                if node is None:
                    yield Raw(external_id, "{}", gone=True)
                elif walk.UNREADABLE in node:
                    raise Temporary(f"{stream} {external_id}: {node[walk.UNREADABLE]}")
                else:
                    yield self._raw(node)

    def listing(self, stream: str, since: datetime | None = None) -> Iterator[Entry]:
        """Ids with the day they were made (orders: placed) and the time they were last touched."""
        source = _SOURCES[stream]
        after = since - walk.OVERLAP if since else None
        for step in walk.walk(
            lambda options: self._page(source.list, source, options), source.day, after, LARGEST_PAGE
        ):
            for node in step.nodes:
                day = instant(node[source.day])
                if since is None or day >= since:
                    yield Entry(str(node["id"]), day, records.touched_at(node))

    @classmethod
    def normalise(cls, stream: str, raw: Raw, settings: Any) -> Sequence[AnyRecord]:
        """Records of one raw object; nothing for carts and drafts."""
        return records.normalise(stream, raw)

    def _raw(self, node: Node) -> Raw:
        return raw_json(str(node["id"]), {**node, "moneyDecimals": self._decimals}, records.touched_at(node))

    def _page(self, operation: str, source: _Source, options: dict[str, Any]) -> walk.Answer:
        options = {**options, "filter": {**source.only, **options["filter"]}}
        page: walk.Answer = self._client.ask(operation, {"options": options})["page"]
        return page

    def _whole(self, source: _Source, options: dict[str, Any]) -> walk.Answer:
        """A page of whole objects; read one by one where the shop stumbles over one of them."""
        try:
            return self._page(source.read, source, options)
        except ShopTrouble as trouble:
            light = self._page(source.list, source, options)
            items = [item for node in light["items"] for item in self._single(source, node)]
            if all(walk.UNREADABLE in item for item in items):
                raise Temporary(str(trouble)) from trouble
            return {**light, "items": items}

    def _single(self, source: _Source, node: Node) -> list[Node]:
        try:
            found = self._page(source.read, source, {"take": 1, "filter": {"id": {"eq": node["id"]}}})
        except ShopTrouble as trouble:
            return [{**node, walk.UNREADABLE: str(trouble)}]
        return list(found["items"])

    def _check_channel(self, data: dict[str, Any]) -> None:
        # to a token it doesn't know the shop answers with its default channel
        if self.settings.channel and data["activeChannel"]["token"] != self.settings.channel:
            raise Misconfigured(f"{self.http.host} knows no channel with this token.", "channel")

    def _begin(self) -> datetime:
        """The shop's own time now; learns once in how many decimals it counts money."""
        data = self._client.ask("Shop")
        self._check_channel(data)
        self._decimals = int(data["globalSettings"]["serverConfig"]["moneyStrategyPrecision"])
        return self._client.shop_time or clock.now()


def _by_ids(ids: Sequence[str]) -> dict[str, Any]:
    return {"take": len(ids), "sort": {"id": "ASC"}, "filter": {"id": {"in": list(ids)}}}
