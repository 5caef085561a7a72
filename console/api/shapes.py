"""The shapes that scripts count on: money, lists, and one struct per thing the API answers."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from babel.numbers import get_currency_precision

T = TypeVar("T")


class Money(msgspec.Struct, frozen=True):
    """An amount as decimal text beside its ISO 4217 currency."""

    amount: str
    currency: str


class List(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list; `next` is the cursor of the page after it, null on the last."""

    data: list[T]
    next: str | None = None


class Counts(msgspec.Struct, frozen=True):
    """How much of everything there is. Customers are cards that live, without visitors and merged ones."""

    customers: int
    profiles: int
    orders: int
    products: int
    invoices: int
    payments: int
    timeline: int
    problems: int


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A card as lists show it."""

    id: UUID
    kind: str
    name: str
    email: str | None
    phone: str | None
    country: str | None
    city: str | None
    tags: list[str]
    orders: int
    spent: Money | None
    last_seen_at: datetime | None
    created_at: datetime


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What one source knows of the person."""

    id: UUID
    connection: str
    connection_id: UUID
    kind: str
    external_id: str
    record: dict[str, Any]
    changed_at: datetime
    gone_at: datetime | None


class Debt(msgspec.Struct, frozen=True, kw_only=True):
    """What a card owes in one currency: of open invoices, and how much of it is overdue."""

    owed: Money
    overdue: Money
    invoices: int
    due_at: datetime | None


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A whole card. `origins` names for each golden field the profile it came from; no debt, no `debts`."""

    id: UUID
    kind: str
    name: str
    given_name: str
    family_name: str
    email: str | None
    phone: str | None
    tax_number: str | None
    country: str | None
    city: str | None
    address: str | None
    language: str | None
    birthday: date | None
    tags: list[str]
    email_consent: str | None
    sms_consent: str | None
    origins: dict[str, str]
    orders: int
    spent: list[Money]
    first_order_at: datetime | None
    last_order_at: datetime | None
    last_seen_at: datetime | None
    invoices: int
    debts: list[Debt]
    created_at: datetime
    changed_at: datetime
    profiles: list[Profile]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a customer."""

    id: str
    kind: str
    occurred_at: datetime
    received_at: datetime
    connection_id: UUID
    profile_id: UUID | None
    data: dict[str, Any]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as lists show it. `total` is what the buyer paid; `refunded` is not taken off it."""

    id: UUID
    connection_id: UUID
    external_id: str
    number: str
    customer_id: UUID | None
    state: str
    source_state: str
    total: Money
    discount: Money
    shipping: Money
    tax: Money
    refunded: Money
    placed_at: datetime | None
    changed_at: datetime
    gone_at: datetime | None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order."""

    position: int
    product_external_id: str
    sku: str
    name: str
    quantity: str
    unit_price: Money
    discount: Money
    tax: Money
    total: Money


class WholeOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order with its lines and what else its source says."""

    order: Order
    lines: list[Line]
    details: dict[str, Any]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be done, in plain words."""

    id: UUID
    area: str
    subject: str
    message: str
    state: str
    times: int
    connection_id: UUID | None
    operation_id: UUID | None
    first_at: datetime
    last_at: datetime


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A connected outside system and how it is."""

    id: UUID
    name: str
    kind: str
    role: str
    state: str
    paused_why: str | None
    every_seconds: int
    next_pull_at: datetime | None
    last_success_at: datetime | None
    last_hook_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One pull, import or reconciliation."""

    id: UUID
    connection_id: UUID
    kind: str
    state: str
    stream: str | None
    read: int
    new: int
    changed: int
    same: int
    problems: int
    total: int | None
    operation: UUID | None
    error: str | None
    started_at: datetime
    finished_at: datetime | None


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A bulk act that can be explained and mostly undone."""

    id: UUID
    kind: str
    title: str
    actor: str
    state: str
    result: dict[str, Any]
    started_at: datetime
    finished_at: datetime | None
    undone_at: datetime | None


def money(amount: Decimal, currency: str | None) -> Money:
    """Money in the currency's usual digits, with more only where the amount has them."""
    digits = get_currency_precision(currency) if currency else 2
    exact = amount.normalize()
    exponent = exact.as_tuple().exponent
    shown = max(digits, -exponent if isinstance(exponent, int) else 0)
    return Money(f"{amount:.{shown}f}", currency or "")


def copied(shape: type[T], row: Any, **values: Any) -> T:
    """A struct filled from the attributes of a row, with some values given."""
    names = [field.name for field in msgspec.structs.fields(shape)]  # type: ignore[arg-type]
    return shape(**{name: values[name] if name in values else getattr(row, name) for name in names})
