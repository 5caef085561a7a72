"""A shop that lives in memory: its state, its connector, and every unkindness real shops are known for.

In one process the connector asks the shop directly; across processes (`serve`) it asks over loopback HTTP.
"""

import dataclasses
import hashlib
import hmac
import json
import random
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from connectors import registry
from connectors.base import (
    Bad,
    Connector,
    Delivery,
    Entry,
    HookRefused,
    Page,
    Raw,
    Stream,
    raw_json,
    setting,
)
from foundation import clock
from foundation.errors import BadInput, Misconfigured, Permanent, Temporary
from foundation.records import Address, Happening, Line, Order, Person, Product

SHOPS: dict[str, "Shop"] = {}
OVERLAP = timedelta(seconds=5)
WHAT = {"customers": "person", "orders": "order", "products": "product"}


class Shop:
    """What the other side holds. Every change is said by a webhook, which may never arrive."""

    def __init__(self, name: str = "shop", page_size: int = 50) -> None:
        self.name, self.page_size = name, page_size
        self.objects: dict[str, dict[str, dict[str, Any]]] = {stream: {} for stream in WHAT}
        self.outbox: list[tuple[str, str, dict[str, Any]]] = []  # (topic, stream, body)
        self.fail: list[Exception] = []  # raised by the next questions, one each
        self.pages_until_death: int | None = None
        self.pages_served = 0
        self.questions: list[str] = []
        self.blind: set[str] = set()  # ids that paging skips though they exist
        self.between_pages: Callable[[], None] = lambda: None
        self.lock = threading.RLock()
        SHOPS[name] = self

    # what shop staff and buyers do
    def put(self, stream: str, external_id: str, *, silent: bool = False, **fields: Any) -> dict[str, Any]:
        """Make or change an object; `silent` changes tell nobody and leave the change time alone."""
        with self.lock:
            before = self.objects[stream].get(external_id)
            thing = {"id": external_id, **(before or {}), **fields}
            if not silent:
                thing["changed"] = clock.now().isoformat()
                self.outbox.append(("updated" if before else "created", stream, dict(thing)))
            self.objects[stream][external_id] = thing
            return thing

    def customer(self, number: int, **fields: Any) -> dict[str, Any]:
        """A customer with a name and a mailbox of their own."""
        standard = {"name": f"Person Number{number}", "email": f"person{number}@example.org"}
        return self.put("customers", f"c{number}", **{**standard, **fields})

    def order(self, number: int, buyer: int | None = None, **fields: Any) -> dict[str, Any]:
        """An order of a customer, or of a guest with a mailbox."""
        standard: dict[str, Any] = {
            "number": f"R{number}", "state": "open", "total": "10.00", "placed": clock.now().isoformat()
        }  # fmt: skip
        if buyer is not None:
            standard["customer"] = f"c{buyer}"
        else:
            standard["guest"] = {"name": f"Guest Number{number}", "email": f"guest{number}@example.org"}
        if f"o{number}" in self.objects["orders"]:
            standard = {}
        return self.put("orders", f"o{number}", **{**standard, **fields})

    def delete(self, stream: str, external_id: str) -> None:
        """Remove an object for good."""
        with self.lock:
            if self.objects[stream].pop(external_id, None) is not None:
                self.outbox.append(("deleted", stream, {"id": external_id}))

    # what the connector asks
    def pull(self, stream: str, since: str | None, after: list[str] | None) -> dict[str, Any]:
        """A page of what changed since, oldest change first."""
        self._question(f"pull {stream}")
        self.between_pages()
        with self.lock:
            if self.pages_until_death is not None:
                if self.pages_until_death == 0:
                    self.pages_until_death = None
                    raise Temporary("the shop died in the middle of a page")
                self.pages_until_death -= 1
            found = sorted(self.objects[stream].values(), key=lambda t: (t["changed"], t["id"]))
            found = [t for t in found if t["id"] not in self.blind]
            if since:
                found = [t for t in found if t["changed"] >= since]
            total = len(found)
            if after:
                found = [t for t in found if [t["changed"], t["id"]] > after]
            self.pages_served += 1
            return {"things": [dict(t) for t in found[: self.page_size]], "total": total}

    def fetch(self, stream: str, ids: Sequence[str]) -> list[Any]:
        """Single objects; None for one that isn't there."""
        self._question(f"fetch {stream}")
        with self.lock:
            return [self.objects[stream].get(external_id) for external_id in ids]

    def listing(self, stream: str) -> list[dict[str, Any]]:
        """Everything, lightly."""
        self._question(f"listing {stream}")
        with self.lock:
            return [dict(t) for t in self.objects[stream].values()]

    def _question(self, what: str) -> None:
        self.questions.append(what)
        if self.fail:
            raise self.fail.pop(0)


@dataclasses.dataclass(frozen=True)
class FakeSettings:
    """How to find the shop."""

    shop: str = setting("Shop", default="shop")
    address: str = setting("Address", default="")
    key: str = setting("Key", secret=True, default="")


class FakeConnector(Connector):
    """Speaks to a `Shop`."""

    kind = "fake"
    title = "Fake shop"
    role = "shop"
    summary = "A shop in memory for tests."
    Settings = FakeSettings
    hooks = True
    streams: ClassVar = (
        Stream(name="customers", title="Customers", what="person"),
        Stream(name="orders", title="Orders", what="order", revisit=("open",)),
        Stream(name="products", title="Products", what="product", full=True),
    )
    poison: ClassVar[Callable[[Mapping[str, Any]], None] | None] = None

    @classmethod
    def make_http(cls, settings: Any, **options: Any) -> Any:
        return None

    def _ask(self, method: str, **args: Any) -> Any:
        if self.settings.key == "wrong":
            raise Misconfigured("The shop refuses the key.", "key")
        if not self.settings.address:
            return getattr(SHOPS[self.settings.shop], method)(**args)
        call = urllib.request.Request(
            f"{self.settings.address}/{method}",
            json.dumps(args).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(call, timeout=10) as answer:
                return json.load(answer)
        except (OSError, urllib.error.URLError) as error:
            raise Temporary(f"the shop doesn't answer: {error}") from error

    def check(self) -> str:
        self._ask("fetch", stream="customers", ids=[])
        return f"Reached the shop {self.settings.shop}."

    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        since = (_time(cursor) - OVERLAP).isoformat() if cursor else None
        after: list[str] | None = None
        while True:
            answer = self._ask("pull", stream=stream, since=since, after=after)
            things = answer["things"]
            if not things:
                return
            good = tuple(_raw(t) for t in things if "broken" not in t)
            bad = tuple(Bad(f"id {t['id']}", "it is broken", json.dumps(t)) for t in things if "broken" in t)
            yield Page(good, things[-1]["changed"], answer["total"], bad)
            after = [things[-1]["changed"], things[-1]["id"]]

    def fetch(self, stream: str, external_ids: Sequence[str]) -> Iterator[Raw]:
        answers = self._ask("fetch", stream=stream, ids=list(external_ids))
        for external_id, thing in zip(external_ids, answers, strict=True):
            yield _raw(thing) if thing else Raw(external_id, "", gone=True)

    def listing(self, stream: str, since: datetime | None = None) -> Iterator[Entry]:
        for thing in self._ask("listing", stream=stream):
            day = thing.get("placed") or thing["changed"]
            yield Entry(thing["id"], _time(day), _time(thing["changed"]))

    @classmethod
    def normalise(cls, stream: str, raw: Raw, settings: Any) -> Sequence[Any]:
        thing = json.loads(raw.payload)
        if cls.poison is not None:
            cls.poison(thing)
        if "unreadable" in thing:
            raise BadInput("it can't be read", "/unreadable")
        if stream == "customers":
            return [_person(thing)]
        if stream == "products":
            said = {name: thing.get(name, "") for name in ("name", "sku", "barcode", "currency")}
            price = Decimal(thing["price"]) if thing.get("price") else None
            return [Product(external_id=thing["id"], changed_at=raw.version_at, price=price, **said)]
        return [] if thing["state"] == "draft" else [_order(thing)]

    @classmethod
    def read_hook(cls, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Delivery:
        if body == b"ping":
            return Delivery(topic="ping")
        if not any(
            hmac.compare_digest(headers.get("x-signature", "").encode(), sign(s, body).encode())
            for s in secrets
        ):
            raise HookRefused("wrong signature")
        try:
            thing = json.loads(body)
        except ValueError as error:
            raise BadInput(f"the body isn't JSON: {error}") from error
        stream, _, event = headers.get("x-topic", "").partition(".")
        if stream not in WHAT:
            return Delivery(topic=headers.get("x-topic", ""))
        if event == "deleted":
            return Delivery(stream=stream, records=(Raw(thing["id"], "", gone=True),), topic=event)
        if event == "touched":
            return Delivery(stream=stream, fetch=(thing["id"],), topic=event)
        return Delivery(stream=stream, records=(_raw(thing),), topic=event)

    def install_hooks(self, address: str, secret: str) -> str:
        return f"webhooks go to {address}"

    def tend_hooks(self, address: str, secret: str) -> list[str]:
        return ["order.updated"] if self.settings.key == "lazy" else []


def sign(secret: str, body: bytes) -> str:
    """The signature this shop puts on a webhook."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def delivery(secret: str, topic: str, stream: str, thing: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    """Headers and body of a webhook."""
    body = json.dumps(thing).encode()
    return {"x-signature": sign(secret, body), "x-topic": f"{stream}.{topic}"}, body


def mistreat(
    outbox: Sequence[Any], chance: random.Random, drop: float = 0.3, double: float = 0.3
) -> list[Any]:
    """The same deliveries with some dropped, some doubled, and all of them shuffled."""
    kept = [one for one in outbox if chance.random() >= drop]
    kept += [one for one in kept if chance.random() < double]
    chance.shuffle(kept)
    return kept


def install() -> None:
    """Make the fake shop known as a connector."""
    registry._discover()[0].setdefault("fake", FakeConnector)


def uninstall() -> None:
    """Forget it again: what other tests read of the connectors is the product's own."""
    registry._discover()[0].pop("fake", None)


def serve(shop: Shop) -> tuple[str, Callable[[], None]]:
    """Answer for a shop on a free loopback port; the address and how to stop."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            args = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                status, answer = 200, getattr(shop, self.path.strip("/"))(**args)
            except (Temporary, Permanent) as error:
                status, answer = 503, {"error": str(error)}
            body = json.dumps(answer).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # the one who asked was killed

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return f"http://127.0.0.1:{server.server_port}", stop


def _time(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


def _raw(thing: Mapping[str, Any]) -> Raw:
    return raw_json(thing["id"], dict(thing), _time(thing["changed"]))


def _person(thing: Mapping[str, Any]) -> Person:
    return Person(
        external_id=thing["id"],
        name=thing.get("name", ""),
        emails=(thing["email"],) if thing.get("email") else (),
        phones=(thing["phone"],) if thing.get("phone") else (),
        addresses=(Address(city=thing["city"]),) if thing.get("city") else (),
        changed_at=_time(thing["changed"]),
    )


def _lines(thing: Mapping[str, Any]) -> Iterator[Line]:
    """What was bought: one thing of no product, or (product id, name, total) each, and its tax."""
    for position, (product, name, total, *tax) in enumerate(
        thing.get("lines") or [("", "A thing", thing["total"])], start=1
    ):
        yield Line(position=position, product_id=product, name=name, tax=Decimal(*tax), total=Decimal(total))


def _order(thing: Mapping[str, Any]) -> Order:
    placed = _time(thing["placed"])
    guest = thing.get("guest")
    buyer = None
    if guest:
        buyer = Person(
            external_id=f"order:{thing['id']}", guest=True, name=guest["name"], emails=(guest["email"],)
        )
    happenings = [Happening(kind="placed", at=placed, key="placed", amount=Decimal(thing["total"]))]
    if thing["state"] in ("paid", "shipped", "completed"):
        happenings.append(Happening(kind="paid", at=placed, key="paid", amount=Decimal(thing["total"])))
    if thing["state"] == "cancelled":
        happenings.append(Happening(kind="cancelled", at=_time(thing["changed"]), key="cancelled"))
    return Order(
        external_id=thing["id"],
        number=thing["number"],
        state=thing["state"],
        currency="EUR",
        total=Decimal(thing["total"]),
        customer_id=thing.get("customer") or f"order:{thing['id']}",
        customer=buyer,
        lines=tuple(_lines(thing)),
        shipping=Decimal(thing.get("shipping", "0")),
        tax=Decimal(thing.get("tax", "0")),
        happenings=tuple(happenings),
        placed_at=placed,
        changed_at=_time(thing["changed"]),
    )
