"""One whole card for reading: fields and where they are from, profiles side by side, why it is one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from customers import bills, golden, timeline
from customers.golden import Claim
from foundation.errors import BadInput
from foundation.records import Person

PROFILES = 100  # shown of a card; a person with more guest orders has the rest counted

_CARD = f"""
WITH RECURSIVE up AS (
  SELECT id, merged_into FROM customers WHERE id = :id
  UNION SELECT c.id, c.merged_into FROM up JOIN customers c ON c.id = up.merged_into
)
SELECT c.*, s.profiles, s.orders, s.spent, s.currency, s.sums, s.first_order_at, s.last_order_at,
  s.last_seen_at, s.recency, s.frequency, s.monetary, s.invoices, s.debts,
  EXISTS (SELECT FROM late_stats l WHERE l.customer_id = c.id) AS late,
  (SELECT min(i.due_at) FROM invoices i WHERE i.customer_id = c.id AND i.state = 'open' AND i.total > i.paid
    AND {bills.ONCE}) AS due_at
FROM up JOIN customers c ON c.id = up.id LEFT JOIN customer_stats s ON s.customer_id = c.id
ORDER BY c.live DESC, c.merged_into IS NOT NULL LIMIT 1
"""
_PROFILES = """
SELECT p.id, p.source_id, s.name, s.role, p.kind, p.external_id, CAST(p.record AS text), p.changed_at,
  p.gone_at
FROM profiles p JOIN sources s ON s.id = p.source_id WHERE p.customer_id = :id
ORDER BY p.id = ANY(:origins) DESC, p.gone_at IS NOT NULL, p.changed_at DESC, p.id LIMIT :limit
"""
_ORDERS = """
SELECT o.id, o.number, o.state, o.currency, o.total, o.refunded, o.placed_at, o.gone_at, s.name, (
  SELECT string_agg(l.name, ', ' ORDER BY l.position) FROM order_lines l
  WHERE l.order_id = o.id AND l.position <= 3) AS items
FROM (
  SELECT * FROM orders o WHERE o.customer_id = :id AND o.copy_of IS NULL {before}
  ORDER BY o.placed_at DESC NULLS LAST, o.id DESC LIMIT :limit
) AS o JOIN sources s ON s.id = o.source_id
ORDER BY o.placed_at DESC NULLS LAST, o.id DESC
"""
_CONSENTS = """
SELECT c.profile_id, s.name, c.channel, c.purpose, c.given, c.at, c.text, c.form, c.ip
FROM consents c JOIN profiles p ON p.id = c.profile_id JOIN sources s ON s.id = p.source_id
WHERE p.customer_id = :id ORDER BY c.at DESC, c.id DESC LIMIT 200
"""
_LINKS = """
SELECT l.profile_id, s.name, p.external_id, l.rule, l.evidence, l.score, l.actor, l.since, l.until,
  l.operation_id, o.title, o.state
FROM profiles p JOIN profile_links l ON l.profile_id = p.id JOIN sources s ON s.id = p.source_id
LEFT JOIN operations o ON o.id = l.operation_id
WHERE p.customer_id = :id ORDER BY l.id DESC LIMIT 200
"""


class Said(NamedTuple):
    """What one profile says about a field."""

    profile_id: UUID
    source: str
    value: Any
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Field:
    """A golden field: its value, where from, and everything that was said."""

    name: str
    value: Any
    source: str | None
    profile_id: UUID | None
    claims: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A profile beside the others; `differs` names the fields that it and the card have different."""

    id: UUID
    source: str
    role: str
    kind: str
    external_id: str
    person: Person
    changed_at: datetime
    gone_at: datetime | None
    values: Mapping[str, Any]
    differs: frozenset[str]


class Stats(NamedTuple):
    """What a card adds up to; `spent` is in `currency`. A load isn't in it yet when `late`."""

    profiles: int
    orders: int
    spent: Decimal
    currency: str | None
    sums: Mapping[str, str]
    first_order_at: datetime | None
    last_order_at: datetime | None
    last_seen_at: datetime | None
    recency: int | None
    frequency: int | None
    monetary: int | None
    late: bool
    invoices: int
    debts: Mapping[str, str]
    due_at: datetime | None  # of the open invoice that is due first


class OrderView(NamedTuple):
    """An order as a line of the card; `items` names the first three."""

    id: UUID
    number: str
    state: str
    currency: str
    total: Decimal
    refunded: Decimal
    placed_at: datetime | None
    gone_at: datetime | None
    source: str
    items: str | None


class ConsentView(NamedTuple):
    """A statement about what the customer allows."""

    profile_id: UUID
    source: str
    channel: str
    purpose: str
    given: bool
    at: datetime
    text: str
    form: str
    ip: str


class LinkView(NamedTuple):
    """Why a profile is (or, with `until`, was) on the card; an operation that is done can be undone."""

    profile_id: UUID
    source: str
    external_id: str
    rule: str
    evidence: Mapping[str, Any]
    score: float | None
    actor: str
    since: datetime
    until: datetime | None
    operation_id: UUID | None
    operation: str | None
    operation_state: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """Everything a page about a customer shows but the timeline. `id` stands for `asked` now."""

    id: UUID
    asked: UUID
    live: bool
    identified: bool
    created_at: datetime
    changed_at: datetime
    email_consent: str | None
    sms_consent: str | None
    fields: Mapping[str, Field]
    profiles: tuple[ProfileView, ...]
    stats: Stats
    orders: tuple[OrderView, ...]
    more_orders: str | None  # cursor
    consents: tuple[ConsentView, ...]
    links: tuple[LinkView, ...]

    def value(self, name: str) -> Any:
        """The value of a golden field."""
        return self.fields[name].value


def read(session: Session, customer_id: UUID, orders_limit: int = 20) -> Card:
    """The card that stands for an id; five queries, four without orders (`orders_limit` 0).

    `BadInput` when there never was such a customer.
    """
    row = session.execute(text(_CARD), {"id": customer_id}).first()
    if row is None:
        raise BadInput(f"there is no customer {customer_id}", at="customer")
    values = {"id": row.id}
    profiles = _profiles(session, row)
    page, more = orders(session, row.id, limit=orders_limit) if orders_limit else ([], None)
    return Card(
        id=row.id,
        asked=customer_id,
        live=row.live,
        identified=row.identified,
        created_at=row.created_at,
        changed_at=row.changed_at,
        email_consent=row.email_consent,
        sms_consent=row.sms_consent,
        fields={name: _field(name, row, profiles) for name in golden.FIELDS},
        profiles=tuple(profiles),
        stats=_stats(row),
        orders=tuple(page),
        more_orders=more,
        consents=tuple(ConsentView(*r) for r in session.execute(text(_CONSENTS), values)),
        links=tuple(LinkView(*r) for r in session.execute(text(_LINKS), values)),
    )


def orders(
    session: Session, customer_id: UUID, before: str | None = None, limit: int = 20
) -> tuple[list[OrderView], str | None]:
    """Orders of a live card, newest first, those their source has no more included; and the next cursor."""
    values: dict[str, Any] = {"id": customer_id, "limit": limit + 1}
    condition = ""
    if before:
        values["at"], values["order"] = timeline.read_cursor(before, UUID)
        undated = "o.placed_at IS NULL"
        if values["at"] is None:
            condition = f"AND {undated} AND o.id < :order"
        else:
            condition = f"AND ((o.placed_at, o.id) < (:at, :order) OR {undated})"
    rows = [OrderView(*r) for r in session.execute(text(_ORDERS.format(before=condition)), values)]
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], timeline.write_cursor(last.placed_at, last.id)


def _profiles(session: Session, row: Row[Any]) -> list[ProfileView]:
    origins = [UUID(one) for one in set(row.origins.values())]
    found = session.execute(text(_PROFILES), {"id": row.id, "origins": origins, "limit": PROFILES})
    views = []
    for one, source_id, source, role, kind, external_id, record, changed_at, gone_at in found:
        person = msgspec.json.decode(record, type=Person)
        said = golden.choose([Claim(one, source_id, role, changed_at, person)], {}).values
        differs = frozenset(name for name, value in said.items() if value and value != getattr(row, name))
        views.append(
            ProfileView(one, source, role, kind, external_id, person, changed_at, gone_at, said, differs)
        )
    return views


def _field(name: str, row: Row[Any], profiles: Sequence[ProfileView]) -> Field:
    """A field with its claims; names go together, so their origin is that of the name or the given name."""
    origin = row.origins.get({"latin_name": "name", "family_name": "given_name"}.get(name, name))
    claims = tuple(
        Said(profile.id, profile.source, profile.values[name], profile.changed_at)
        for profile in profiles
        if profile.values.get(name)
    )
    source = next((profile.source for profile in profiles if str(profile.id) == origin), None)
    return Field(name, getattr(row, name), source, UUID(origin) if origin else None, claims)


def _stats(row: Row[Any]) -> Stats:
    return Stats(
        row.profiles or 0, row.orders or 0, row.spent or Decimal(0), row.currency, row.sums or {},
        row.first_order_at, row.last_order_at, row.last_seen_at, row.recency, row.frequency, row.monetary,
        row.late, row.invoices or 0, row.debts or {}, row.due_at,
    )  # fmt: skip
