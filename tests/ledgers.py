"""A ledger that lives in memory: what stands in it, and a connector that reads and writes it."""

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Engine

from connectors import registry
from connectors.base import Change, Connector, Overtaken, Page, Raw, Stream, raw_json, setting
from foundation import clock, jobs
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.records import Address, Invoice, Person, Product
from sync import pull as pulling

LEDGERS: dict[str, "Ledger"] = {}


class Ledger:
    """What the other side holds; each object has the instant of its last change."""

    def __init__(self, name: str = "ledger") -> None:
        self.things: dict[str, dict[str, dict[str, Any]]] = {
            "counterparties": {},
            "nomenclature": {},
            "invoices": {},
        }
        self.keys: dict[str, str] = {}  # idempotency key -> id
        self.pushes: list[tuple[str, Change]] = []
        self.numbers = itertools.count(1)
        self.fail: list[Exception] = []  # raised by the next calls, one each
        self.before_write: Callable[[], None] = lambda: None  # somebody is faster
        self.after_write: Callable[[], None] = lambda: None  # a cut before the answer arrives
        self.written: list[tuple[str, str, str, str]] = []  # over what stood there: id, field, before, after
        self.longest = 200  # characters of a name
        self.events: list[str] = []
        LEDGERS[name] = self

    def put(self, stream: str, external_id: str, **fields: Any) -> dict[str, Any]:
        """Make or change an object, as its own staff do."""
        now = {"id": external_id, **self.things[stream].get(external_id, {}), **fields}
        now["changed"] = self.tick().isoformat()
        self.things[stream][external_id] = now
        return now

    def party(self, number: int, **fields: Any) -> dict[str, Any]:
        """A counterparty with the name and mailbox of the shop's customer of the same number."""
        standard = {"name": f"Person Number{number}", "email": f"person{number}@example.org"}
        there = f"p{number}" in self.things["counterparties"]
        return self.put("counterparties", f"p{number}", **{**({} if there else standard), **fields})

    def bill(self, number: int, **fields: Any) -> dict[str, Any]:
        """An invoice to the counterparty of the same number, for the shop's order of the same number."""
        standard = {
            "number": f"B{number}", "customer": f"p{number}", "order": f"R{number}", "total": "10.00",
            "currency": "EUR", "state": "open",
        }  # fmt: skip
        there = f"b{number}" in self.things["invoices"]
        return self.put("invoices", f"b{number}", **{**({} if there else standard), **fields})

    def tick(self) -> datetime:
        """The instant of a change: no two are the same."""
        return clock.now().replace(microsecond=next(self.numbers))

    def write(self, stream: str, change: Change, fields: dict[str, Any]) -> str:
        """What a push does here; the same key again does nothing."""
        self.pushes.append((stream, change))
        self.before_write()
        if self.fail:
            raise self.fail.pop(0)
        if (known := self.keys.pop(change.key, "")) in self.things[stream]:
            self.keys[change.key] = known
            return known  # what was deleted since keeps no key
        external_id = change.external_id or f"n{next(self.numbers)}"
        there = self.things[stream].get(external_id)
        if change.external_id and (there is None or (change.version and there["changed"] != change.version)):
            raise Overtaken(f"{external_id} has changed")
        if "name" in fields:
            fields["name"] = fields["name"][: self.longest]
        if there is not None:
            self.written += [
                (external_id, name, there.get(name, ""), value)
                for name, value in fields.items()
                if there.get(name, "") != value
            ]
        self.put(stream, external_id, **fields)
        self.keys[change.key] = external_id
        self.after_write()
        return external_id


@dataclasses.dataclass(frozen=True)
class LedgerSettings:
    """How to find the ledger."""

    ledger: str = setting("Ledger", default="ledger")


class LedgerConnector(Connector):
    """Speaks to a `Ledger`."""

    kind = "ledger"
    title = "Fake ledger"
    role = "accounting"
    summary = "A ledger in memory for tests."
    Settings = LedgerSettings
    streams: ClassVar = (
        Stream(
            name="counterparties", title="Counterparties", what="person", full=True,
            writes=("name", "company", "tax_number", "phones", "emails", "addresses"),
        ),
        Stream(
            name="nomenclature", title="Nomenclature", what="product", full=True,
            writes=("name", "sku", "price"),
        ),
        Stream(
            name="invoices", title="Invoices", what="invoice", full=True,
            writes=("customer_id", "currency", "lines", "order_number", "due_at"),
        ),
    )  # fmt: skip

    @classmethod
    def make_http(cls, settings: Any, **options: Any) -> Any:
        return None

    @property
    def ledger(self) -> Ledger:
        """The ledger it speaks to."""
        return LEDGERS[self.settings.ledger]

    def check(self) -> str:
        return "Reached the ledger."

    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        yield Page(tuple(_raw(thing) for thing in self.ledger.things[stream].values()), None)

    def fetch(self, stream: str, external_ids: Sequence[str]) -> Iterator[Raw]:
        for external_id in external_ids:
            thing = self.ledger.things[stream].get(external_id)
            yield _raw(thing) if thing else Raw(external_id, "", gone=True)

    @classmethod
    def normalise(cls, stream: str, raw: Raw, settings: Any) -> Sequence[Any]:
        thing = json.loads(raw.payload)
        if stream == "invoices":
            return [
                Invoice(
                    external_id=thing["id"], number=thing.get("number", ""), customer_id=thing["customer"],
                    currency=thing["currency"], total=Decimal(thing["total"]), state=thing["state"],
                    order_number=thing["order"], changed_at=raw.version_at,
                )
            ]  # fmt: skip
        if stream == "nomenclature":
            price = Decimal(thing["price"]) if thing.get("price") else None
            return [
                Product(
                    external_id=thing["id"], name=thing.get("name", ""), sku=thing.get("sku", ""),
                    barcode=thing.get("barcode", ""), price=price, currency="KZT", changed_at=raw.version_at,
                )
            ]  # fmt: skip
        city = thing.get("city", "")
        return [
            Person(
                external_id=thing["id"], kind=thing.get("kind", "person"), name=thing.get("name", ""),
                tax_number=thing.get("tax", ""), tax_kind="kz.bin",
                phones=(thing["phone"],) if thing.get("phone") else (),
                emails=(thing["email"],) if thing.get("email") else (),
                addresses=(Address(city=city, country="KZ"),) if city else (),
                country="KZ", changed_at=raw.version_at,
            )
        ]  # fmt: skip

    def push(self, stream: str, change: Change) -> Raw:
        record, fields = change.record, {}
        if isinstance(record, Invoice):
            return self._push_invoice(stream, change, record)
        assert isinstance(record, Person | Product)
        if not record.name:
            raise BadInput("a name is needed", "name")
        if isinstance(record, Product):
            said = {
                "name": record.name,
                "sku": record.sku,
                "price": str(record.price) if record.price else "",
            }
            fields = {name: said[name] for name in change.fields or said}
        else:
            said = {
                "name": record.name, "tax_number": record.tax_number, "phones": "".join(record.phones[:1]),
                "emails": "".join(record.emails[:1]),
                "addresses": record.addresses[0].city if record.addresses else "",
            }  # fmt: skip
            names = {"tax_number": "tax", "phones": "phone", "emails": "email", "addresses": "city"}
            wanted = [name for name in change.fields or said if name in said]
            fields = {names.get(name, name): said[name] for name in wanted}
        external_id = self.ledger.write(stream, change, fields)
        return _raw(self.ledger.things[stream][external_id])

    def _push_invoice(self, stream: str, change: Change, record: Invoice) -> Raw:
        if change.external_id and self.ledger.things[stream][change.external_id]["state"] != "draft":
            raise BadInput("only drafts can be changed", "state")
        if record.customer_id not in self.ledger.things["counterparties"]:
            raise BadInput(f"there is no counterparty {record.customer_id!r}", "customer_id")
        for line in record.lines:
            if line.product_id and line.product_id not in self.ledger.things["nomenclature"]:
                raise BadInput(f"there is no item {line.product_id!r}", "lines")
        said = {
            "customer": record.customer_id, "currency": record.currency, "order": record.order_number,
            "due": record.due_at.date().isoformat() if record.due_at else "", "state": record.state,
            "total": str(sum((line.total for line in record.lines), Decimal(0))),
            "lines": [[line.product_id, line.name, str(line.total)] for line in record.lines],
        }  # fmt: skip
        names = {"lines": ("lines", "total")}
        wanted = [one for name in change.fields for one in names.get(name, (name,))] or list(said)
        external_id = self.ledger.write(stream, change, {name: said[name] for name in wanted})
        return _raw(self.ledger.things[stream][external_id])


def _raw(thing: dict[str, Any]) -> Raw:
    return raw_json(thing["id"], thing, datetime.fromisoformat(thing["changed"]).astimezone(UTC))


def pull(engine: Engine, *connections: UUID) -> None:
    """Fetch all that these systems hold, and do what follows of it."""
    for connection_id in connections:
        with transaction(engine) as session:
            pulling.start(session, connection_id, full=True)
    jobs.run_until_idle(engine)


def install() -> None:
    """Make the fake ledger known as a connector."""
    registry._discover()[0].setdefault("ledger", LedgerConnector)


def uninstall() -> None:
    """Forget it again."""
    registry._discover()[0].pop("ledger", None)
    LEDGERS.clear()
