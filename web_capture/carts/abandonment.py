"""Carts, checkouts and browses given up: told on the timeline once, after a silence, unless an order came.

What is decided is written in the transaction that holds the rows it was decided on, so a kill at any moment
loses and doubles nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Row, select, text
from sqlalchemy.orm import Session

from customers.tables import Profile
from foundation import clock
from foundation.database import GRAPH_LOCK, lock, transaction
from foundation.jobs import duty
from web_capture.carts import browsing, reprieve
from web_capture.carts import current as carts
from web_capture.carts.current import DUTY
from web_capture.carts.reprieve import Found, Subject
from web_capture.carts.telling import GivenUp, Telling, silences_of
from web_capture.visits.tables import Abandonment

TOGETHER = 200
WATCHED = timedelta(days=30)  # for an order after all
_MOST_ORDERS, _NEW, _LATELY = 2_000, timedelta(minutes=10), timedelta(minutes=1)
_DUE = text(
    """
    SELECT c.site_id, c.key, c.cart_id, c.device, c.profile_id, c.lines, c.items, c.value, c.currency, c.url,
      c.since, c.acted_at, c.active_at, c.checkout_at, c.checkout_id, c.order_id, p.customer_id,
      (SELECT max(v.ended_at) FROM visits v WHERE v.site_id = c.site_id AND v.device = c.device
         AND v.started_at >= c.acted_at - interval '1 day') AS seen_at,
      EXISTS (SELECT FROM visits v WHERE v.site_id = c.site_id AND v.device = c.device
         AND v.source = 'kartoteka' AND v.medium = 'email' AND v.started_at <= c.acted_at
         AND v.ended_at >= c.acted_at) AS by_letter,
      EXISTS (SELECT FROM carts o WHERE o.site_id = c.site_id AND o.device = c.device AND o.key <> c.key
         AND c.device <> '' AND o.items > 0 AND o.acted_at > c.acted_at)
        OR EXISTS (SELECT FROM carts o JOIN profiles q ON q.id = o.profile_id
         WHERE o.site_id = c.site_id AND o.cart_id = c.cart_id AND c.cart_id <> '' AND o.key <> c.key
         AND q.customer_id = p.customer_id AND o.items > 0 AND o.acted_at > c.acted_at) AS newer,
      ARRAY(SELECT a.kind FROM abandonments a WHERE a.site_id = c.site_id AND a.subject = c.key
         AND a.acted_at >= c.since) AS told
    FROM carts c LEFT JOIN profiles p ON p.id = c.profile_id
    WHERE c.due_at <= :now ORDER BY c.due_at LIMIT :limit FOR UPDATE OF c SKIP LOCKED
    """
)
_DECIDED = text(
    "UPDATE carts c SET state = coalesce(w.state, c.state), due_at = w.due_at,"
    " abandoned_at = coalesce(w.abandoned_at, c.abandoned_at)"
    " FROM unnest(CAST(:sites AS uuid[]), CAST(:keys AS text[]), CAST(:states AS text[]),"
    " CAST(:abandoned AS timestamptz[]), CAST(:dues AS timestamptz[]))"
    " AS w (site_id, key, state, abandoned_at, due_at) WHERE c.site_id = w.site_id AND c.key = w.key"
)


@duty(DUTY, every=15)
def look(engine: Engine) -> bool:
    """Decide on what is due; True when there may be more."""
    return any([look_at_carts(engine), browsing.look(engine), look_back(engine)])


def look_at_carts(engine: Engine) -> bool:
    """Tell of carts and checkouts given up; close those that were ordered by another way."""
    with transaction(engine) as session:
        lock(session, GRAPH_LOCK, shared=True)
        now = clock.now()
        rows = session.execute(_DUE, {"now": now, "limit": TOGETHER}).all()
        if not rows:
            return False
        found = reprieve.find(session, [_subject(row) for row in rows])
        _decide(session, now, [row for number, row in enumerate(rows) if number not in found])
    _close(engine, [(rows[number].site_id, rows[number].key, order) for number, order in found.items()])
    return True


def _subject(row: Row[Any]) -> Subject:
    return Subject(
        row.site_id, row.device, row.profile_id, row.cart_id, row.checkout_id, row.order_id, row.since
    )


def _close(engine: Engine, ordered: Iterable[tuple[UUID, str, Found]]) -> None:
    """Carts are closed in transactions of their own, which take the locks in the order all writers do."""
    sites: dict[UUID, dict[str, tuple[datetime, str]]] = {}
    for site, key, order in ordered:
        sites.setdefault(site, {})[key] = (order.at, order.order)
    for site, orders in sites.items():
        with transaction(engine) as session:
            carts.close(session, site, orders)


def _decide(session: Session, now: datetime, rows: Sequence[Row[Any]]) -> None:
    telling, known = Telling(session, now), silences_of(session, [row.site_id for row in rows])
    decided: list[tuple[Any, ...]] = []
    for row in rows:
        kind = "cart" if row.checkout_at is None else "checkout"
        at = max(row.acted_at, row.seen_at or row.acted_at) + known[row.site_id][kind]
        if at > now:
            decided.append((row.site_id, row.key, None, None, at))
            continue
        told = kind in row.told or (kind == "cart" and bool(row.told))
        if not told and not row.newer and not (row.by_letter and row.active_at is None):
            telling.give_up(_given_up(kind, row, at))
        decided.append((row.site_id, row.key, "abandoned", row.acted_at, None))
    telling.write()
    if decided:
        columns = [list(column) for column in zip(*decided, strict=True)]
        names = ("sites", "keys", "states", "abandoned", "dues")
        session.execute(_DECIDED, dict(zip(names, columns, strict=True)))


def _given_up(kind: str, row: Row[Any], at: datetime) -> GivenUp:
    money = None if row.value is None else {"amount": _plain(row.value), "currency": row.currency}
    data = {"lines": row.lines, "items": _plain(row.items), "value": money, "url": row.url,
            "cart_id": row.cart_id, "checkout_id": row.checkout_id, "device": row.device,
            "since": row.since}  # fmt: skip
    return GivenUp(
        kind, row.site_id, row.key, row.device, row.profile_id, row.customer_id, row.since, row.acted_at, at,
        data, row.value, row.currency, row.cart_id, row.checkout_id, row.order_id,
    )  # fmt: skip


def _plain(number: Any) -> str:
    """A number without the zeros behind it."""
    text_form = f"{number:f}"
    return text_form.rstrip("0").rstrip(".") if "." in text_form else text_form


def look_back(engine: Engine) -> bool:
    """Tell of orders that came of something given up after all."""
    with transaction(engine) as session:
        lock(session, GRAPH_LOCK, shared=True)
        now = clock.now()
        first = UUID(int=int((now - _NEW).timestamp() * 1000) << 80)  # ids carry their time
        session.execute(
            reprieve.HURRY, {"first": first, "most": _MOST_ORDERS, "now": now, "lately": now - _LATELY}
        )
        wanted = select(Abandonment, Profile.customer_id).where(Abandonment.look_at <= now)
        wanted = wanted.outerjoin(Profile, Profile.id == Abandonment.profile_id).order_by(Abandonment.look_at)
        rows = session.execute(wanted.limit(TOGETHER).with_for_update(of=Abandonment, skip_locked=True)).all()
        found = reprieve.find(session, [_watched(one) for one, _card in rows])
        telling = Telling(session, now)
        for number, (one, card) in enumerate(rows):
            one.looked_at, order = now, found.get(number)
            one.look_at = None if order else _next_look(one.at, now)
            if order:
                one.recovered_at, one.recovered_by = order.at, order.by
                telling.recover(one, card, order.at, order.order, order.by)
        session.flush()
        telling.write()
        over = [
            (rows[number][0].site_id, rows[number][0].subject, order)
            for number, order in found.items()
            if rows[number][0].kind != "browse"
        ]
    _close(engine, over)
    return len(rows) == TOGETHER


def _watched(one: Abandonment) -> Subject:
    return Subject(
        one.site_id, one.device, one.profile_id, one.cart_id, one.checkout_id, one.order_id, one.since
    )


def _next_look(at: datetime, now: datetime) -> datetime | None:
    """The safety net behind `reprieve.HURRY`: ever more seldom, then no more."""
    age = now - at
    if age > WATCHED:
        return None
    return now + (timedelta(hours=1) if age < timedelta(days=1) else timedelta(days=1))
