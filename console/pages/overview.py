"""The overview: what came in today, how each connection does, what waits for a person, what happened last."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session
from starlette.responses import Response

from console.format import zone_of
from console.happenings import Told, tell
from console.web import Call
from foundation.clock import now
from sync import health

DAYS = 14
LATEST = 12
MOST = 50_000  # on the day of the first load the newest of so many are counted

# Ids carry their time (UUIDv7), so "made since midnight" is a range of the primary key.
_TODAY = text(
    """
    SELECT s.id, s.name, p.profiles, o.orders, o.sums
    FROM sources s
    LEFT JOIN (SELECT source_id, count(*) AS profiles
                 FROM (SELECT source_id FROM profiles WHERE id >= :first ORDER BY id DESC LIMIT :most) n
                GROUP BY source_id) p ON p.source_id = s.id
    LEFT JOIN (SELECT source_id, sum(orders)::int AS orders,
                      jsonb_object_agg(currency, total::text) AS sums
                 FROM (SELECT source_id, currency, count(*) AS orders, sum(total - refunded) AS total
                         FROM orders WHERE placed_at >= :midnight AND gone_at IS NULL AND copy_of IS NULL
                                       AND state NOT IN ('cart', 'cancelled', 'failed')
                        GROUP BY source_id, currency) c GROUP BY source_id) o ON o.source_id = s.id
    WHERE s.removed_at IS NULL ORDER BY s.name
    """
)
_CARDS = text(
    "SELECT count(*) FROM"
    " (SELECT FROM customers WHERE id >= :first AND live AND identified ORDER BY id DESC LIMIT :most) n"
)
_DAYS = text(
    """
    SELECT (placed_at AT TIME ZONE :zone)::date AS day, count(*) AS orders FROM orders
     WHERE placed_at >= :since AND gone_at IS NULL AND copy_of IS NULL
       AND state NOT IN ('cart', 'cancelled', 'failed')
     GROUP BY day
    """
)
_LATEST = text(
    """
    SELECT t.kind, t.occurred_at, t.data, c.id AS customer_id, c.name, s.name AS source
      FROM (SELECT * FROM timeline ORDER BY id DESC LIMIT :limit) t
      JOIN sources s ON s.id = t.source_id
      LEFT JOIN customers c ON c.id = t.customer_id
     ORDER BY t.id DESC
    """
)


def show(call: Call) -> Response:
    """The page."""
    midnight = _midnight(call.me.zone)
    first = first_id(midnight)
    sources = call.db.execute(_TODAY, {"first": first, "midnight": midnight, "most": MOST}).all()
    return call.page(
        "overview.html",
        sources=sources,
        sums=_add_up(sources),
        orders=sum(row.orders or 0 for row in sources),
        cards=call.db.scalar(_CARDS, {"first": first, "most": MOST}),
        counted=MOST,
        connections=health.read(call.db),
        days=_days(call.db, call.me.zone),
        latest=_latest(call.db),
    )


def _midnight(zone: str) -> datetime:
    """When today began for this person."""
    here = zone_of(zone)
    return datetime.combine(now().astimezone(here).date(), time(), here)


def first_id(at: datetime) -> UUID:
    """The smallest id that can have been made at an instant or later."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def _add_up(sources: Sequence[Row[Any]]) -> list[tuple[str, Decimal]]:
    """What was sold today per currency, the largest first."""
    sums: dict[str, Decimal] = {}
    for row in sources:
        for currency, total in (row.sums or {}).items():
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(total)
    return sorted(((code, total) for code, total in sums.items() if total), key=lambda item: -item[1])


def _days(db: Session, zone: str) -> list[tuple[date, int]]:
    """Orders per day of the last two weeks, empty days included, the oldest first."""
    today = now().astimezone(zone_of(zone)).date()
    since = _midnight(zone) - timedelta(days=DAYS - 1)
    found = {row.day: row.orders for row in db.execute(_DAYS, {"zone": zone, "since": since})}
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    return [(day, found.get(day, 0)) for day in days]


def _latest(db: Session) -> list[tuple[Row[Any], Told]]:
    return [(row, tell(row.kind, row.data)) for row in db.execute(_LATEST, {"limit": LATEST})]
