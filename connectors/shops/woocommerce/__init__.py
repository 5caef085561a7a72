"""WooCommerce: shops on WordPress, through REST v3 and its webhooks."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec

from connectors.base import Bad, Connector, Delivery, Entry, Page, Raw, Stream, setting
from connectors.http import Http
from connectors.shops.woocommerce import hooks, reading, records
from connectors.shops.woocommerce.reading import BEGINNING, OVERLAP, Shop
from connectors.shops.woocommerce.values import instant
from foundation import clock
from foundation.errors import BadInput, Misconfigured
from foundation.records import AnyRecord, Gone

_STREAMS = (
    Stream(name="customers", title="Customers", what="person", full=True),
    Stream(name="orders", title="Orders", what="order"),
    Stream(name="products", title="Products", what="product"),
)
_LIGHT = "id,date_created_gmt,date_modified_gmt,status"
_ALL: dict[str, dict[str, Any]] = {
    "customers": {"role": "all"},
    "orders": {"status": "any"},
    "products": {"status": "any"},
}


@dataclasses.dataclass(frozen=True)
class ShopSettings:
    """How to reach a shop."""

    address: str = setting("Shop address", placeholder="https://shop.example")
    key: str = setting("Consumer key", help="WooCommerce → Settings → Advanced → REST API; read and write.")
    secret: str = setting("Consumer secret", secret=True)
    sign_in: str = setting(
        "Sign-in",
        help="In the address only where the host drops the header: keys then stand in the shop's access log.",
        default="header",
        choices=(("header", "In a header"), ("address", "In the address")),
    )
    country: str = setting(
        "Country", help="Two letters; for reading phone numbers without a country code.", default=""
    )


class WooCommerce(Connector):
    """REST v3 of one WooCommerce shop."""

    kind = "woocommerce"
    title = "WooCommerce"
    role = "shop"
    summary = "Customers, orders with refunds and guests, and products of a WordPress shop."
    Settings = ShopSettings
    streams = _STREAMS
    hooks = True
    fixtures = "woocommerce"

    @classmethod
    def make_http(cls, settings: ShopSettings, **options: Any) -> Http:
        """Five calls a second at most: WordPress has no limit of its own, small hosts do."""
        in_address = settings.sign_in == "address"
        auth = None if in_address else (settings.key.strip(), settings.secret.strip())
        defaults = {"per_second": 5.0, "deadline": 90.0, "credential": "key"}
        return Http(base_address(settings.address), auth=auth, **{**defaults, **options})

    def check(self) -> str:
        """Read one order and count the customers."""
        reply = self.http.get("orders", self._probe(), allow=(400, 401, 403, 404))
        tried = f"Tried {self.http.base_url}orders with the keys in the {self.settings.sign_in}."
        if reply.status == 404:
            raise Misconfigured(
                f"There is no WooCommerce REST API there. {tried} Is WooCommerce active, and are permalinks "
                "anything but “Plain” (WordPress → Settings → Permalinks)?",
                "address",
            )
        if reply.status == 400:
            raise Misconfigured(f"WooCommerce 5.8 or newer is needed. {tried}", "address")
        if reply.status in (401, 403):
            raise self._refused(f"{tried} The shop says: “{_message(reply.json())}”.")
        rows = reply.json()
        customers = self.http.get("customers", {**self._keys(), "per_page": 1, "role": "all"})
        if not isinstance(rows, list) or not isinstance(customers.json(), list):
            raise Misconfigured(f"The answer is no list of orders. {tried}", "address")
        orders, people = (r.headers.get("x-wp-total", "an unknown number of") for r in (reply, customers))
        return f"Reached {self.http.host}: {orders} orders, {people} customers."

    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        """Customers: a whole sweep, the cursor only marks how far it got. Others: by modification time."""
        shop = self._shop()
        if stream == "customers":
            yield from self._sweep(shop, cursor)
            return
        start = instant(cursor) or BEGINNING
        if cursor:  # what went to the trash is in no list of the living
            for batch in shop.by_change(stream, start - OVERLAP, status="trash"):
                yield self._page(stream, shop, batch.rows, cursor)
        reached, promised = start, None
        for batch in shop.by_change(stream, start - OVERLAP if cursor else start, status="any"):
            # a modification time in the future must not carry the cursor past what is still to come
            reached = max(reached, min(batch.at, clock.now()))
            promised = batch.total if promised is None else promised
            mark = reached.strftime("%Y-%m-%dT%H:%M:%S") if reached > BEGINNING else None
            yield self._page(stream, shop, batch.rows, mark, promised)

    @classmethod
    def normalise(cls, stream: str, raw: Raw, settings: ShopSettings) -> Sequence[AnyRecord]:
        """One record; none for drafts."""
        if raw.gone:
            what = next(s.what for s in _STREAMS if s.name == stream)
            return [Gone(external_id=raw.external_id, what=what, at=raw.version_at)]
        try:
            thing = msgspec.json.decode(raw.payload)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadInput(f"the record is no JSON: {error}") from error
        if not isinstance(thing, dict):
            raise BadInput("the record is no object")
        country = settings.country.strip().upper()
        if stream == "customers":
            return [records.person(thing, country)]
        return records.order(thing, country) if stream == "orders" else [records.product(thing)]

    def fetch(self, stream: str, external_ids: Sequence[str]) -> Iterator[Raw]:
        """Objects by id, fifty a call; those in the trash or deleted come as gone."""
        shop = self._shop()
        for start in range(0, len(external_ids), 50):
            wanted = dict.fromkeys(external_ids[start : start + 50])
            rows, _ = shop.rows(stream, include=",".join(wanted), **_ALL[stream])
            for row in [*rows, *self._singly(shop, stream, wanted, rows)]:
                found = reading.raw(self._with_refunds(stream, shop, row))
                if isinstance(found, Raw):
                    yield found
                    wanted.pop(found.external_id, None)
            for lost in wanted:
                yield Raw(lost, f'{{"id":{msgspec.json.encode(lost).decode()}}}', clock.now(), gone=True)

    def listing(self, stream: str, since: datetime | None = None) -> Iterator[Entry]:
        """Ids and times of everything there, drafts left out; the day is that of creation."""
        window: dict[str, Any] = {}
        if since and stream != "customers":
            before = (since - timedelta(seconds=1)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
            window = {"after": before, "dates_are_gmt": "true"}
        for rows, _, _ in self._shop().by_id(stream, _fields=_LIGHT, **_ALL[stream], **window):
            for row in rows:
                found = reading.raw(row)
                if isinstance(found, Bad) or records.is_draft(stream, row):
                    continue
                day = instant(row.get("date_created_gmt"))
                if since is None or day is None or day >= since:
                    yield Entry(found.external_id, day, found.version_at)

    @classmethod
    def read_hook(cls, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Delivery:
        """Base64 HMAC-SHA256 over the raw body; the unsigned ping is answered and carries nothing."""
        return hooks.read(headers, body, secrets)

    def install_hooks(self, address: str, secret: str) -> str:
        """Eleven hooks, one a topic; those of ours that are there are kept."""
        return f"Webhooks to {address}: {', '.join(hooks.install(self._shop(), address, secret))}."

    def tend_hooks(self, address: str, secret: str) -> list[str]:
        """Switch on again what the shop switched off after failures."""
        return hooks.tend(self._shop(), address, secret)

    def _keys(self) -> dict[str, str]:
        if self.settings.sign_in != "address":
            return {}
        return {"consumer_key": self.settings.key.strip(), "consumer_secret": self.settings.secret.strip()}

    def _shop(self) -> Shop:
        return Shop(self.http, self._keys())

    def _probe(self) -> dict[str, Any]:
        return {**self._keys(), "per_page": 1, "orderby": "modified", "order": "asc", "dates_are_gmt": "true"}

    def _refused(self, said: str) -> Misconfigured:
        """The refusal in words, after trying whether only the header was dropped on the way."""
        if self.settings.sign_in == "header" and self.http.base_url.startswith("https://"):
            keys = {
                "consumer_key": self.settings.key.strip(),
                "consumer_secret": self.settings.secret.strip(),
            }
            if self.http.get("orders", {**self._probe(), **keys}, allow=(400, 401, 403, 404)).status == 200:
                return Misconfigured(
                    f"{said} With the keys in the address it works: the host drops the Authorization header. "
                    "Have it let through, or set “Sign-in” to “In the address”.",
                    "sign_in",
                )
        return Misconfigured(f"{said} Check the keys and that their user may read orders.", "key")

    def _sweep(self, shop: Shop, cursor: str | None) -> Iterator[Page]:
        start = int(cursor) if cursor and cursor.isdecimal() else 0
        walk = shop.by_id("customers", start, role="all")
        rows, offset, total = next(walk)
        for following in walk:
            yield self._page("customers", shop, rows, str(offset), total)
            rows, offset, total = following
        yield self._page("customers", shop, rows, None, total)

    def _page(
        self, stream: str, shop: Shop, rows: list[Any], cursor: str | None, total: int | None = None
    ) -> Page:
        kept = (row for row in rows if not isinstance(row, dict) or not records.is_draft(stream, row))
        found = [reading.raw(self._with_refunds(stream, shop, row)) for row in kept]
        return Page(
            records=tuple(r for r in found if isinstance(r, Raw)),
            cursor=cursor,
            total=total,
            bad=tuple(b for b in found if isinstance(b, Bad)),
        )

    def _with_refunds(self, stream: str, shop: Shop, row: Any) -> Any:
        """An order with its refund objects: only they say when and how much was given back."""
        if stream != "orders" or not isinstance(row, dict) or not row.get("refunds") or not row.get("id"):
            return row
        path = f"orders/{row['id']}/refunds"
        reply = self.http.get(path, {**self._keys(), "per_page": 100, "order": "asc"}, allow=(404,))
        refunds = reply.json() if reply.status == 200 else []
        return {**row, "refund_objects": refunds if isinstance(refunds, list) else []}

    @staticmethod
    def _singly(shop: Shop, stream: str, wanted: Mapping[str, None], rows: list[Any]) -> Iterator[Any]:
        """What the list of the living lacks, asked for one by one."""
        there = {str(row.get("id")) for row in rows if isinstance(row, dict)}
        for external_id in wanted:
            if external_id not in there and external_id.isdecimal():
                row = shop.find(f"{stream}/{external_id}")
                if row is not None:
                    yield row


def base_address(address: str) -> str:
    """The API's base address from whatever of the shop's address was pasted."""
    said = address.strip()
    parts = urlsplit(said if "://" in said else f"https://{said}")
    path = parts.path.partition("/wp-json")[0].partition("/wp-admin")[0].rstrip("/")
    if not parts.hostname:
        raise Misconfigured("The shop's address is missing.", "address")
    return f"{parts.scheme}://{parts.netloc}{path}/wp-json/wc/v3/"


def _message(said: Any) -> str:
    message = said.get("message") if isinstance(said, dict) else ""
    return " ".join(str(message or "").split())[:200]
