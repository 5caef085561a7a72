"""A batch of normalised records made ready for the database; pure, so that it can run before any lock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import msgspec

from customers.identity import Key, anonymous, keys_of
from foundation.errors import Permanent
from foundation.records import AnyRecord, Gone, Message, Order, Person, Product, Record

PersonId = tuple[str, str]  # kind of profile, external id
Kind = TypeVar("Kind", bound=Record)

_MAIN_KIND = {"accounting": "counterparty", "site": "visitor", "mailbox": "correspondent"}
_encode = msgspec.json.Encoder().encode
_ZERO = b"\\u0000"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The records that one landed version stands for."""

    landed_id: int
    received_at: datetime
    records: Sequence[AnyRecord]


@dataclass
class Came(Generic[Kind]):
    """One object of the batch. Without `landed_id` it is only what an order says of its buyer."""

    record: Kind
    received_at: datetime
    landed_id: int | None

    @cached_property
    def encoded(self) -> bytes:
        """The record as JSON; takes out of it what PostgreSQL can't hold."""
        try:
            encoded = _encode(self.record)
        except UnicodeEncodeError:
            encoded = _ZERO
        if _ZERO in encoded:
            self.record = msgspec.convert(_clean(msgspec.to_builtins(self.record)), type(self.record))
            encoded = _encode(self.record)
        return encoded

    @cached_property
    def hash(self) -> bytes:
        """16 bytes that differ when the content differs."""
        return blake2b(self.encoded, digest_size=16).digest()

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The keys of a person."""
        return keys_of(self.record) if isinstance(self.record, Person) else ()


@dataclass
class Batch:
    """What came, each object once: the last word about it. `gone` maps external ids to when."""

    main_kind: str  # of the profiles of this source that aren't guests
    people: dict[PersonId, Came[Person]] = field(default_factory=dict)
    orders: dict[str, Came[Order]] = field(default_factory=dict)
    products: dict[str, Came[Product]] = field(default_factory=dict)
    messages: dict[str, Came[Message]] = field(default_factory=dict)
    gone_people: dict[str, datetime] = field(default_factory=dict)
    gone_orders: dict[str, datetime] = field(default_factory=dict)
    gone_products: dict[str, datetime] = field(default_factory=dict)

    @property
    def loses_something(self) -> bool:
        """Whether the source says of anything that it is gone."""
        return bool(self.gone_people or self.gone_orders or self.gone_products)

    def kind_of(self, person: Person) -> str:
        """The kind of a person's profile."""
        if person.guest:
            return "guest"
        if self.main_kind != "visitor" or anonymous(person):
            return self.main_kind
        return "lead" if person.claimed else "customer"

    def buyer_id(self, order: Order) -> PersonId | None:
        """The profile an order belongs to."""
        external_id = order.customer_id or (order.customer.external_id if order.customer else "")
        if not external_id:
            return None
        guest = order.customer.guest if order.customer else external_id.startswith("order:")
        return ("guest" if guest else self.main_kind), external_id


def read(role: str, items: Iterable[Resolved]) -> Batch:
    """Sort the records of a batch by what they are; within it the later word about an object holds."""
    batch = Batch(_MAIN_KIND.get(role, "customer"))
    for item in items:
        for record in item.records:
            _take(batch, item, record)
    for came in batch.people.values():
        if came.landed_id is not None:
            came.keys  # noqa: B018 - the costly part, done before anybody has to wait for the lock
    return batch


def _take(batch: Batch, item: Resolved, record: AnyRecord) -> None:
    if isinstance(record, Person):
        key = batch.kind_of(record), record.external_id
        batch.people[key] = _came(item, record)
        batch.gone_people.pop(record.external_id, None)
    elif isinstance(record, Order):
        came = _came(item, record)
        batch.orders[record.external_id] = came
        batch.gone_orders.pop(record.external_id, None)
        _take_buyer(batch, item, came.record)
    elif isinstance(record, Product):
        batch.products[record.external_id] = _came(item, record)
        batch.gone_products.pop(record.external_id, None)
    elif isinstance(record, Message):
        batch.messages[record.external_id] = _came(item, record)
    elif isinstance(record, Gone):
        _take_gone(batch, item, record)
    else:
        raise Permanent(f"there is no place yet for a record of the kind {type(record).__name__.lower()}")


def _take_buyer(batch: Batch, item: Resolved, order: Order) -> None:
    """A guest is known from the order alone; of a customer it only fills in until the source speaks."""
    key = batch.buyer_id(order)
    if key is None:
        return
    kind, external_id = key
    at = order.placed_at or order.changed_at
    said = order.customer or Person(external_id=external_id, changed_at=at)
    if said.external_id != external_id:
        said = msgspec.structs.replace(said, external_id=external_id)
    if said.changed_at is None:
        said = msgspec.structs.replace(said, changed_at=at)
    if kind != "guest" and said.device_ids:
        _take_browser(batch, item, said)
    there = batch.people.get(key)
    newer = there is None or changed_at(there) <= (said.changed_at or item.received_at)
    if kind != "guest" and there is not None and (there.landed_id is not None or not newer):
        return
    batch.people[key] = _came(item, said, landed=kind == "guest")


def _take_browser(batch: Batch, item: Resolved, said: Person) -> None:
    """The browser that a customer ordered from, which their own record at the source doesn't tell.

    It is a profile of its own beside the customer's and finds the card by what the order says of the buyer.
    """
    device = said.device_ids[0]
    if said.emails or said.phones:
        one = f"browser:{device}:{said.external_id}"
        batch.people["guest", one] = _came(item, msgspec.structs.replace(said, external_id=one, guest=True))


def _take_gone(batch: Batch, item: Resolved, record: Gone) -> None:
    at, one = record.at or item.received_at, record.external_id
    if record.what == "person":
        batch.people.pop((batch.main_kind, one), None)
        batch.gone_people[one] = at
    elif record.what == "order":
        dropped = batch.orders.pop(one, None)
        key = batch.buyer_id(dropped.record) if dropped else None
        if key is not None and key[0] == "guest":
            batch.people.pop(key, None)
        batch.gone_orders[one] = at
    elif record.what == "product":
        batch.products.pop(one, None)
        batch.gone_products[one] = at


def changed_at(came: Came[Any]) -> datetime:
    """When an object changed: at its source where that says so, else when it was received."""
    at: datetime | None = came.record.changed_at
    return at or came.received_at


def _came(item: Resolved, record: Kind, *, landed: bool = True) -> Came[Kind]:
    """What the source says is made ready at once; what orders say of customers is seldom needed."""
    came = Came(record, item.received_at, item.landed_id if landed else None)
    if landed:
        came.encoded  # noqa: B018
    return came


def _clean(value: Any) -> Any:
    """The value without zero characters and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value
