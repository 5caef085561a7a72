"""What the API answers about customers, orders and their timeline."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from console.api.asking import Ask, NotFound, pack
from console.api.shapes import (
    Card,
    Counts,
    Customer,
    Debt,
    Event,
    Line,
    List,
    Money,
    Order,
    Profile,
    WholeOrder,
    copied,
    money,
)
from customers import bills, listing, search, tables
from customers.facts import Invoice, OrderLine, Payment, Product, TimelineRow
from customers.facts import Order as OrderRow
from foundation.clock import now
from foundation.errors import BadInput
from foundation.tables import Problem


def counts(ask: Ask) -> Counts:
    """How much of everything there is."""
    card = tables.Customer

    def number(table: type[Any], *conditions: Any) -> int:
        return ask.db.scalar(select(func.count()).select_from(table).where(*conditions)) or 0

    return Counts(
        customers=number(card, card.live, card.identified),
        profiles=number(tables.Profile, tables.Profile.gone_at.is_(None)),
        orders=number(OrderRow, OrderRow.gone_at.is_(None)),
        products=number(Product, Product.gone_at.is_(None)),
        invoices=number(Invoice, Invoice.gone_at.is_(None)),
        payments=number(Payment, Payment.gone_at.is_(None)),
        timeline=number(TimelineRow),
        problems=number(Problem, Problem.state.in_(("open", "retrying"))),
    )


def living(db: Session, customer_id: UUID) -> tables.Customer:
    """The card of an id; the ids of merged cards answer with the card they went into."""
    card = db.get(tables.Customer, customer_id)
    for _ in range(20):
        if card is None or card.merged_into is None:
            break
        card = db.get(tables.Customer, card.merged_into)
    if card is None or not card.live:
        raise NotFound
    return card


def customer(ask: Ask) -> Card:
    """One whole card with its profiles; the id of a merged card answers with the card it went into."""
    card = living(ask.db, ask.id())
    stats = ask.db.get(tables.CustomerStats, card.id)
    rows = ask.db.execute(
        select(tables.Profile, tables.Source.name)
        .join(tables.Source, tables.Source.id == tables.Profile.source_id)
        .where(tables.Profile.customer_id == card.id)
        .order_by(tables.Profile.id)
        .limit(500)
    ).all()
    profiles = [copied(Profile, row, connection=name, connection_id=row.source_id) for row, name in rows]
    return copied(
        Card,
        card,
        orders=stats.orders if stats else 0,
        spent=spent(stats),
        first_order_at=stats.first_order_at if stats else None,
        last_order_at=stats.last_order_at if stats else None,
        last_seen_at=stats.last_seen_at if stats else None,
        invoices=stats.invoices if stats else 0,
        debts=debts(ask.db, card.id) if stats and stats.debts else [],
        profiles=profiles,
    )


def spent(stats: tables.CustomerStats | None) -> list[Money]:
    """What a card spent, per currency, the usual one first."""
    if stats is None or not stats.currency:
        return []
    first = money(stats.spent, stats.currency)
    return [
        first,
        *(Money(amount, code) for code, amount in sorted(stats.sums.items()) if code != stats.currency),
    ]


def debts(db: Session, customer_id: UUID) -> list[Debt]:
    """What a card owes now, per currency."""
    return [
        Debt(
            owed=money(one.owed, one.currency),
            overdue=money(one.overdue, one.currency),
            invoices=one.invoices,
            due_at=one.due_at,
        )
        for one in bills.debts(db, customer_id, now())
    ]


def timeline(ask: Ask) -> List[Event]:
    """What happened to a customer, the latest first."""
    card = living(ask.db, ask.id())
    row = TimelineRow
    query = select(row).where(row.customer_id == card.id).order_by(row.occurred_at.desc(), row.id.desc())
    if kind := ask.query.get("kind"):
        query = query.where(row.kind == kind)
    if edge := ask.cursor(datetime.fromisoformat, int):
        query = query.where(tuple_(row.occurred_at, row.id) < tuple_(*edge))
    rows = ask.db.scalars(query.limit(ask.limit + 1)).all()
    events = [copied(Event, one, id=str(one.id), connection_id=one.source_id) for one in rows[: ask.limit]]
    last = rows[ask.limit - 1] if len(rows) > ask.limit else None
    return List(events, pack(last.occurred_at.isoformat(), last.id) if last else None)


def order_of(row: OrderRow) -> Order:
    """An order as lists show it."""
    amounts = {name: money(getattr(row, name), row.currency)
               for name in ("total", "discount", "shipping", "tax", "refunded")}  # fmt: skip
    return copied(Order, row, connection_id=row.source_id, **amounts)


def orders(ask: Ask) -> List[Order]:
    """Orders, the latest first; without a time of placement they don't stand in this list."""
    row, query = OrderRow, select(OrderRow).where(OrderRow.placed_at.is_not(None))
    equal = {
        "customer": row.customer_id,
        "connection": row.source_id,
        "state": row.state,
        "number": row.number,
    }
    for name, column in equal.items():
        if (wanted := ask.query.get(name)) is not None:
            query = query.where(column == wanted)
    if since := ask.query.get("placed_since"):
        query = query.where(row.placed_at >= since)
    if edge := ask.cursor(datetime.fromisoformat, UUID):
        query = query.where(tuple_(row.placed_at, row.id) < tuple_(*edge))
    rows = ask.db.scalars(query.order_by(row.placed_at.desc(), row.id.desc()).limit(ask.limit + 1)).all()
    last = rows[ask.limit - 1] if len(rows) > ask.limit else None
    following = pack(last.placed_at.isoformat(), str(last.id)) if last and last.placed_at else None
    return List([order_of(one) for one in rows[: ask.limit]], following)


def order(ask: Ask) -> WholeOrder:
    """One order with its lines."""
    row = ask.row(OrderRow)
    lines = ask.db.scalars(select(OrderLine).where(OrderLine.order_id == row.id).order_by(OrderLine.position))
    return WholeOrder(
        order=order_of(row), lines=[line_of(one, row.currency) for one in lines], details=row.details
    )


def line_of(row: OrderLine, currency: str) -> Line:
    """One line, its money in the order's currency."""
    amounts = {
        name: money(getattr(row, name), currency) for name in ("unit_price", "discount", "tax", "total")
    }
    return copied(Line, row, quantity=f"{row.quantity.normalize():f}", **amounts)


def customers(ask: Ask) -> List[Customer]:
    """Cards that live, the newest first: all, those that filters leave, or those the words in `q` find."""
    asked = ask.query
    after = ask.query.get("cursor")
    if asked.get("q"):
        if len(asked.keys() - {"q", "limit", "cursor"}):
            raise BadInput("can't be combined with filters", "/query/q")
        page = search.find(ask.db, asked["q"], ask.limit, after)
    else:
        filters = listing.Filters(**{name: asked.get(name) for name in ("city", "country", "kind", "tag")})
        page = listing.page(ask.db, filters, asked.get("sort") or "newest", after, ask.limit)
    return List([customer_of(row) for row in page.rows], page.after)


def customer_of(row: listing.Row) -> Customer:
    """A card as lists show it."""
    return copied(Customer, row, spent=money(row.spent, row.currency) if row.currency else None)
