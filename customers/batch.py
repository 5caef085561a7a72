"""A batch of normalised records made ready for the database; pure, so that it can run before any lock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from customers.identity import Key, anonymous, keys_of
from foundation.errors import Permanent
from foundation.records import (
    AnyRecord,
    Gone,
    Invoice,
    Message,
    Order,
    Payment,
    Person,
    Product,
    Record,
)

PersonId = tuple[str, str]  # kind of profile, external id
Kind = TypeVar("Kind", bound=Record)

_MAIN_KIND = {"accounting": "counterparty", "site": "visitor", "mailbox": "correspondent"}
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
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
    invoices: dict[str, Came[Invoice]] = field(default_factory=dict)
    payments: dict[str, Came[Payment]] = field(default_factory=dict)
    messages: dict[str, Came[Message]] = field(default_factory=dict)
    gone_people: dict[str, datetime] = field(default_factory=dict)
    gone_orders: dict[str, datetime] = field(default_factory=dict)
    gone_products: dict[str, datetime] = field(default_factory=dict)
    gone_invoices: dict[str, datetime] = field(default_factory=dict)
    gone_payments: dict[str, datetime] = field(default_factory=dict)

    @property
    def loses_something(self) -> bool:
        """Whether the source says of anything that it is gone."""
        return bool(self.gone_people or self.gone_orders or self.gone_products)

    @property
    def gone(self) -> int:
        """Of how many objects the source says that they are gone."""
        rest = len(self.gone_products) + len(self.gone_invoices) + len(self.gone_payments)
        return len(self.gone_people) + len(self.gone_orders) + rest

    @property
    def settles(self) -> bool:
        """Whether it speaks of invoices or payments: who writes one must see all others of it."""
        return bool(self.invoices or self.payments or self.gone_invoices or self.gone_payments)

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

    def payer_id(self, one: Invoice | Payment) -> PersonId | None:
        """The profile an invoice or a payment belongs to."""
        if not one.customer_id:
            return None
        return ("guest" if one.customer_id.startswith("order:") else self.main_kind), one.customer_id

    def payers(self) -> dict[PersonId, Came[Person]]:
        """Whom invoices and payments name, and the profile each has until the source speaks of them."""
        named = {self.payer_id(came.record) for came in self.invoices.values()}
        named |= {self.payer_id(came.record) for came in self.payments.values()}
        return {key: Came(Person(external_id=key[1]), _LONG_AGO, None) for key in named if key}


@dataclass(slots=True)
class Billed:
    """What came of a batch's invoices and payments: how many, cards whose figures change, who lost some."""

    counts: dict[str, int] = field(default_factory=dict)
    cards: set[UUID] = field(default_factory=set)
    profiles: set[UUID] = field(default_factory=set)  # that have some now
    left: set[UUID] = field(default_factory=set)  # profiles that had some


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
    elif isinstance(record, Invoice):
        _refuse_endless(record, record.total, record.paid)
        batch.invoices[record.external_id] = _came(item, record)
        batch.gone_invoices.pop(record.external_id, None)
    elif isinstance(record, Payment):
        _refuse_endless(record, record.amount)
        batch.payments[record.external_id] = _came(item, record)
        batch.gone_payments.pop(record.external_id, None)
    elif isinstance(record, Message):
        batch.messages[record.external_id] = _came(item, record)
    else:
        _take_gone(batch, item, record)


def _refuse_endless(record: Invoice | Payment, *amounts: Decimal) -> None:
    """One amount that is no number would make every sum of its card none."""
    if not all(amount.is_finite() for amount in amounts):
        raise Permanent(f"the {type(record).__name__.lower()} {record.external_id} has an amount without end")


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
    elif record.what == "invoice":
        batch.invoices.pop(one, None)
        batch.gone_invoices[one] = at
    elif record.what == "payment":
        batch.payments.pop(one, None)
        batch.gone_payments[one] = at


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
