"""Orders for 1C: each version of an order of our shops waits, is shown in a session, and is taken by it.

What 1C itself changed last does not go back to it: a version that differs from the one it has only in what
it told us is its own.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from foundation import clock
from foundation.records import Order
from sync.exchange import news
from sync.exchange.orders import records, says, told_by
from sync.exchange.tables import ExchangeOrder, ExchangeSession, Partner

PAGE = 300  # orders of an answer
WHOLE = timedelta(days=1)  # so often all orders are looked at, whatever the news say

_VERSION = """CASE WHEN o.gone_at IS NULL THEN o.record_hash
    ELSE o.record_hash || CAST('gone' AS bytea) END"""

# of some orders those whose present version has no row yet, with what 1C has of each and has said of it since
_NEW = f"""
SELECT o.id, v.version, b.told AS base, t.state, t.total, t.currency, t.lines
FROM orders o JOIN sources s ON s.id = o.source_id AND s.role = 'shop' AND s.removed_at IS NULL
CROSS JOIN LATERAL (SELECT {_VERSION} AS version) v
LEFT JOIN LATERAL (SELECT version FROM exchange_orders e WHERE e.connection_id = :connection
    AND e.order_id = o.id ORDER BY e.id DESC LIMIT 1) l ON true
LEFT JOIN LATERAL (SELECT told, coalesce(taken_at, at) AS at FROM exchange_orders e
    WHERE e.connection_id = :connection AND e.order_id = o.id AND e.state IN ('taken', 'theirs')
    ORDER BY e.id DESC LIMIT 1) b ON true
LEFT JOIN LATERAL (SELECT m.state, m.total, m.currency, (SELECT coalesce(
        json_agg(json_build_array(n.quantity::text, n.total::text)), '[]')
        FROM order_lines n WHERE n.order_id = m.id) AS lines
    FROM orders m JOIN landed_records r ON r.id = m.landed_id
    WHERE m.source_id = :connection AND (m.external_id = CAST(o.id AS text) OR m.number = o.number)
    AND r.received_at >= b.at ORDER BY r.received_at DESC LIMIT 1) t ON true
WHERE o.id = ANY(:ids) AND o.state <> 'cart' AND coalesce(o.placed_at, o.changed_at) >= :since
    AND (o.gone_at IS NULL OR b.told IS NOT NULL)
    AND l.version IS DISTINCT FROM v.version
ORDER BY o.changed_at, o.id
"""

# versions that came back untaken when a newer one waits already
_OVERTAKE = """
UPDATE exchange_orders e SET state = 'passed' WHERE e.connection_id = :connection AND e.state = 'waiting'
    AND EXISTS (SELECT FROM exchange_orders n WHERE n.connection_id = e.connection_id
        AND n.order_id = e.order_id AND n.id > e.id)
"""


def fill(session: Session, connection_id: UUID) -> int:
    """Give the present versions of orders their rows; answers how many were new.

    Looked at are the orders that news tell of, until there is a page; all of them now and then, so that what
    nobody told is late, but not lost.
    """
    partner = session.get_one(Partner, connection_id)
    if partner.looked_at is None or partner.looked_at < clock.now() - WHOLE:
        partner.looked_at = clock.now()
        news.tell_all(session, partner, _VERSION)
    count = 0
    while count < PAGE and (ids := news.take(session, connection_id)):
        values = {"connection": connection_id, "since": partner.orders_since, "ids": ids}
        if found := session.execute(text(_NEW), values).all():
            _write(session, connection_id, found)
            count += len(found)
    return count


def _write(session: Session, connection_id: UUID, found: Sequence[Any]) -> None:
    orders = records(session, connection_id, [row.id for row in found])
    session.execute(
        update(ExchangeOrder)
        .where(
            ExchangeOrder.connection_id == connection_id,
            ExchangeOrder.order_id.in_([row.id for row in found]),
            ExchangeOrder.state == "waiting",
        )
        .values(state="passed")
    )
    for row in found:
        order = orders.get(row.id)
        told = says(order) if order is not None else {}
        state = "waiting" if order is not None else "bad"
        if order is not None and row.base and row.state and _is_echo(told, row.base, told_by(row)):
            state = "theirs"
        version = bytes(row.version)
        fresh = ExchangeOrder(
            connection_id=connection_id, order_id=row.id, version=version, told=told, state=state
        )
        session.add(fresh)
    session.flush()


def show(session: Session, owner: ExchangeSession) -> list[Order]:
    """The next page of orders for a session: what it was shown before is not among them."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 9))"), {"name": str(owner.connection_id)}
    )
    fill(session, owner.connection_id)
    session.execute(text(_OVERTAKE), {"connection": owner.connection_id})
    rows = session.scalars(
        select(ExchangeOrder)
        .where(ExchangeOrder.connection_id == owner.connection_id, ExchangeOrder.state == "waiting")
        .order_by(ExchangeOrder.id)
        .limit(PAGE)
        .with_for_update()
    ).all()
    orders = records(session, owner.connection_id, [row.order_id for row in rows])
    for row in rows:
        row.state, row.session_id = ("shown", owner.id) if row.order_id in orders else ("bad", None)
    session.flush()
    return [orders[row.order_id] for row in rows if row.order_id in orders]


def take(session: Session, owner: ExchangeSession) -> int:
    """1C has written what this session was shown; answers how many orders those are."""
    rows = session.scalars(
        select(ExchangeOrder)
        .where(
            ExchangeOrder.connection_id == owner.connection_id,
            ExchangeOrder.session_id == owner.id,
            ExchangeOrder.state == "shown",
        )
        .with_for_update()
    ).all()
    for row in rows:
        row.state, row.taken_at = "taken", clock.now()
    return len(rows)


def _is_echo(now: Mapping[str, str], base: Mapping[str, str], theirs: Mapping[str, str]) -> bool:
    """Whether everything that differs from what 1C has is what 1C said meanwhile."""
    differing = [name for name, value in now.items() if value != base.get(name)]
    return all(name in theirs and theirs[name] == now[name] for name in differing)


def waiting(session: Session, connection_id: UUID) -> dict[str, int]:
    """How many orders are in each state, by their newest versions."""
    rows = session.execute(
        text(
            "SELECT state, count(*) AS orders FROM exchange_orders WHERE connection_id = :connection"
            " AND state <> 'passed' GROUP BY state"
        ),
        {"connection": connection_id},
    )
    return {row.state: row.orders for row in rows}


def since(session: Session, connection_id: UUID, at: datetime) -> None:
    """From which day on orders go to 1C."""
    partner = session.get_one(Partner, connection_id, with_for_update=True)
    partner.orders_since, partner.looked_at = at, None
