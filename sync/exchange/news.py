"""Which orders have changed since a 1C was last shown some: told with the change, in its transaction.

A row that can be seen comes with the change it tells of, so nothing is passed over as by a cursor over ids or
times, which are given before they commit. Without a 1C nothing is told.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session

from customers.batch import Resolved
from foundation.records import AnyRecord, Gone, Order
from sync.exchange.tables import ExchangeNews, Partner

_TOGETHER = 100  # orders of a row
_ENOUGH = 600  # orders that are looked at together, and rows that are read for them at most

# orders that are a 1C's business; what it has of them already doesn't matter here
_OURS = "o.state <> 'cart' AND coalesce(o.placed_at, o.changed_at) >= :since"
_SOME = f"SELECT o.id FROM orders o WHERE o.source_id = :source AND o.external_id = ANY(:ids) AND {_OURS}"
_ALL = f"""
INSERT INTO exchange_news (connection_id, order_ids) SELECT :connection, array_agg(id ORDER BY place)
FROM (SELECT o.id, row_number() OVER (ORDER BY o.changed_at, o.id) AS place
    FROM orders o JOIN sources s ON s.id = o.source_id AND s.role = 'shop' AND s.removed_at IS NULL
    LEFT JOIN (SELECT DISTINCT ON (order_id) order_id, version FROM exchange_orders
        WHERE connection_id = :connection ORDER BY order_id DESC, id DESC) l ON l.order_id = o.id
    WHERE {_OURS} AND l.version IS DISTINCT FROM {{version}}
        AND (o.gone_at IS NULL OR l.version IS NOT NULL)) n
GROUP BY (place - 1) / {_TOGETHER} ORDER BY min(place)
"""


def tell(session: Session, source_id: UUID, items: Iterable[Resolved]) -> None:
    """Every 1C there is, of the orders that these items have written."""
    said = [one.external_id for item in items for one in item.records if _is_order(one)]
    if not said:
        return
    rows: list[dict[str, Any]] = []
    for partner, since in session.execute(select(Partner.connection_id, Partner.orders_since)).all():
        ids = session.scalars(text(_SOME), {"source": source_id, "ids": said, "since": since}).all()
        parts = [list(ids[start : start + _TOGETHER]) for start in range(0, len(ids), _TOGETHER)]
        rows += [{"connection_id": partner, "order_ids": part} for part in parts]
    if rows:
        session.execute(insert(ExchangeNews), rows)


def tell_all(session: Session, partner: Partner, version: str) -> None:
    """One 1C, of all orders whose `version` (SQL) is not the last that it was to get."""
    session.execute(delete(ExchangeNews).where(ExchangeNews.connection_id == partner.connection_id))
    values = {"connection": partner.connection_id, "since": partner.orders_since}
    session.execute(text(_ALL.format(version=version)), values)


def _is_order(record: AnyRecord) -> bool:
    return isinstance(record, Order) or (isinstance(record, Gone) and record.what == "order")


def take(session: Session, connection_id: UUID) -> list[UUID]:
    """The orders of the oldest news for a 1C, as many as are looked at together; the news are gone then."""
    mine = select(ExchangeNews.id, ExchangeNews.order_ids).where(ExchangeNews.connection_id == connection_id)
    rows, orders = [], dict[UUID, None]()
    for row in session.execute(mine.order_by(ExchangeNews.id).limit(_ENOUGH)).all():
        if len(orders) < _ENOUGH:
            rows.append(row.id)
            orders.update(dict.fromkeys(row.order_ids))
    session.execute(delete(ExchangeNews).where(ExchangeNews.id.in_(rows)))
    return list(orders)
