"""The list of customers: filters, sorts, keyset pages, an honest count. Dead ids never show."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, null, select, text, tuple_
from sqlalchemy.orm import Session

from customers.tables import Customer, CustomerStats, Profile
from foundation.clock import now
from foundation.errors import BadInput

Sort = Literal["newest", "last_seen", "spent", "orders"]
SORTS: tuple[Sort, ...] = ("newest", "last_seen", "spent", "orders")
_EXACT_UP_TO = 2_000


class Row(NamedTuple):
    """A customer in a list; `spent` is in `currency`, both of the currency most orders have."""

    id: UUID
    name: str
    kind: str
    email: str | None
    phone: str | None
    country: str | None
    city: str | None
    tags: list[str]
    created_at: datetime
    orders: int
    spent: Decimal
    currency: str | None
    last_seen_at: datetime | None


class Page(NamedTuple):
    """Rows and where to go on from (`after` of the next call), or None at the end."""

    rows: list[Row]
    after: str | None


class Count(NamedTuple):
    """How many there are; when not `exact`, as the database estimates it."""

    number: int
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What to show; what isn't set doesn't narrow. `seen_within` is in days."""

    city: str | None = None
    country: str | None = None
    kind: str | None = None
    source: UUID | None = None
    email_consent: str | None = None  # given withdrawn none
    sms_consent: str | None = None
    has_orders: bool | None = None
    seen_within: int | None = None
    tag: str | None = None

    def conditions(self) -> list[Any]:
        """The filters as SQL over `customers` joined with `customer_stats`."""
        found: list[Any] = [Customer.live, Customer.identified]
        for column, wanted in ((Customer.city, self.city), (Customer.kind, self.kind)):
            if wanted:
                found.append(column == _text(wanted))
        if self.country:
            found.append(Customer.country == _text(self.country.upper()))
        for consent, state in (
            (Customer.email_consent, self.email_consent),
            (Customer.sms_consent, self.sms_consent),
        ):
            if state:
                found.append(consent.is_(None) if state == "none" else consent == _text(state))
        if self.tag:
            found += [Customer.tags.contains([_text(self.tag)]), Customer.tags != []]  # as the index has it
        if self.has_orders is not None:
            orders = func.coalesce(CustomerStats.orders, 0)
            found.append(CustomerStats.orders > 0 if self.has_orders else orders == 0)
        if self.seen_within is not None:
            found.append(CustomerStats.last_seen_at >= now() - timedelta(days=self.seen_within))
        if self.source:
            of_source = and_(Profile.customer_id == Customer.id, Profile.source_id == self.source)
            found.append(exists().where(of_source, Profile.gone_at.is_(None)))
        return found


def _text(value: str) -> str:
    """What PostgreSQL can hold: a text without the NUL character."""
    return value.replace("\0", "\ufffd")


COLUMNS = (
    Customer.id, Customer.name, Customer.kind, Customer.email, Customer.phone, Customer.country,
    Customer.city, Customer.tags, Customer.created_at, func.coalesce(CustomerStats.orders, 0),
    func.coalesce(CustomerStats.spent, 0), CustomerStats.currency, CustomerStats.last_seen_at,
)  # fmt: skip
_SORTED_BY: dict[str, Any] = {
    "last_seen": CustomerStats.last_seen_at,
    "spent": CustomerStats.spent,
    "orders": CustomerStats.orders,
}
_VALUE = {"last_seen": 12, "spent": 10, "orders": 9}  # the sorted column's place in Row


def page(
    session: Session, filters: Filters, sort: Sort = "newest", after: str | None = None, limit: int = 50
) -> Page:
    """A page of at most `limit` rows, best first; one query, two where those never seen begin.

    `BadInput` for a sort there isn't and for an `after` that no page gave.
    """
    if sort not in SORTS:
        raise BadInput(f"customers sort by {', '.join(SORTS)}", at="sort")
    if sort == "newest":
        query = _select(filters, uncounted=True).order_by(Customer.id.desc())
        if after is not None:
            query = query.where(Customer.id < place(after, sort)[1])
        return paged(_rows(session, query, limit), sort, limit)
    column = _SORTED_BY[sort]
    value, last = place(after, sort) if after is not None else (None, None)
    rows: list[Row] = []
    if after is None or value is not None:
        query = (
            _select(filters)
            .where(column.is_not(None))
            .order_by(column.desc(), CustomerStats.customer_id.desc())
        )
        if last is not None:
            query = query.where(tuple_(column, CustomerStats.customer_id) < tuple_(value, last))
        rows = _rows(session, query, limit)
        last = None
    if len(rows) <= limit and sort == "last_seen":
        query = _select(filters).where(column.is_(null())).order_by(CustomerStats.customer_id.desc())
        if last is not None:
            query = query.where(CustomerStats.customer_id < last)
        rows += _rows(session, query, limit - len(rows))
    return paged(rows, sort, limit)


def _select(filters: Filters, *, uncounted: bool = False) -> Select[Any]:
    """With `uncounted`, cards of a load under way too, whose figures are counted later."""
    columns: Sequence[Any] = COLUMNS
    its_own = CustomerStats.customer_id == Customer.id
    joined = select(*columns).join(CustomerStats, its_own, isouter=uncounted)
    return joined.where(*filters.conditions())


def _rows(session: Session, query: Select[Any], limit: int) -> list[Row]:
    """One row more than asked for, to know whether there is another page."""
    return [Row(*row) for row in session.execute(query.limit(limit + 1))]


def paged(rows: Sequence[Row], sort: str, limit: int) -> Page:
    """A page of rows of which there may be one too many, with the place to go on from."""
    if len(rows) <= limit:
        return Page(list(rows), None)
    last = rows[limit - 1]
    value = last[_VALUE[sort]] if sort in _VALUE else None
    said = value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)
    return Page(list(rows[:limit]), f"{said}~{last.id}")


def place(after: str, sort: str) -> tuple[Any, UUID]:
    """The value and id that a page said to go on from."""
    said, _, last = after.rpartition("~")
    read: dict[str, Any] = {"last_seen": datetime.fromisoformat, "spent": Decimal, "orders": int}
    try:
        return (read[sort](said) if said and sort in read else None), UUID(last)
    except (ValueError, ArithmeticError):
        raise BadInput("this is no place in the list of customers; open its first page", at="after") from None


def count(session: Session, filters: Filters) -> Count:
    """How many customers there are: counted up to 2,000, estimated beyond; one query, or two."""
    found = select(Customer.id).where(*filters.conditions())
    if filters.has_orders is not None or filters.seen_within is not None:
        found = found.join(CustomerStats, CustomerStats.customer_id == Customer.id, isouter=True)
    some = found.limit(_EXACT_UP_TO + 1).subquery()
    number = session.execute(select(func.count()).select_from(some)).scalar_one()
    if number <= _EXACT_UP_TO:
        return Count(number, True)
    compiled = found.compile(session.get_bind())
    plan = (
        session.connection()
        .exec_driver_sql(f"EXPLAIN (FORMAT JSON) {compiled}", compiled.params)
        .scalar_one()
    )
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return Count(max(number, int(plan[0]["Plan"]["Plan Rows"])), False)


def choices(session: Session, column: Literal["city", "country"], limit: int = 100) -> list[str]:
    """The commonest values to filter by, from the database's statistics; empty before they are gathered."""
    query = text(
        "SELECT value FROM (SELECT unnest(most_common_vals::text::text[]) AS value,"
        " unnest(most_common_freqs) AS share FROM pg_stats"
        " WHERE schemaname = current_schema() AND tablename = 'customers' AND attname = :column) AS known"
        " ORDER BY share DESC LIMIT :limit"
    )
    return list(session.execute(query, {"column": column, "limit": limit}).scalars())
