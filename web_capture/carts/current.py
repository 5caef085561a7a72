"""Carts: what each visitor's cart holds now, from captured events in whatever order they arrive."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from foundation.database import NULL, copy_rows, copy_text
from foundation.wake import wake_after_commit
from web_capture.carts import acts
from web_capture.carts import log as cart_log
from web_capture.carts.acts import Told, Who
from web_capture.carts.log import Act, Filling
from web_capture.carts.silence import silences
from web_capture.happened import Happened
from web_capture.tables import Site
from web_capture.times import BEGINNING
from web_capture.visits import origins
from web_capture.visits.sessions import hold, microseconds

LOCKS = 7_004  # advisory locks of carts, behind those of visits
DUTY = "web.abandonment"
MOST_LOOKS = 10
_READ = text(
    "SELECT key, abandoned_at, log FROM carts WHERE site_id = :site AND key = ANY(:keys)"
    " ORDER BY key FOR UPDATE"
)
_DROP = text("DELETE FROM carts WHERE site_id = :site AND key = ANY(:keys)")
_READ_LOOKS = text(
    "SELECT device, log FROM browsings WHERE site_id = :site AND device = ANY(:keys)"
    " ORDER BY device FOR UPDATE"
)
_DROP_LOOKS = text("DELETE FROM browsings WHERE site_id = :site AND device = ANY(:keys)")
_SAME = text(
    "SELECT cart_id, array_agg(key) FROM carts WHERE site_id = :site AND cart_id = ANY(:carts)"
    " GROUP BY cart_id"
)
_COLUMNS = (
    "site_id", "key", "cart_id", "device", "profile_id", "state", "lines", "items", "value", "currency",
    "url", "since", "changed_at", "acted_at", "active_at", "checkout_at", "checkout_id", "order_id",
    "ordered_at", "abandoned_at", "due_at", "log",
)  # fmt: skip
_LOOKS = ("site_id", "device", "profile_id", "viewed_at", "due_at", "log")
_ORDERS = text(
    "INSERT INTO web_orders AS o (site_id, order_id, at, device, profile_id, cart_id, checkout_id, total,"
    " currency, proved) SELECT DISTINCT ON (order_id) :site, * FROM unnest(CAST(:ids AS text[]),"
    " CAST(:ats AS timestamptz[]), CAST(:devices AS text[]), CAST(:profiles AS uuid[]),"
    " CAST(:carts AS text[]), CAST(:checkouts AS text[]), CAST(:totals AS numeric[]),"
    " CAST(:currencies AS text[]), CAST(:proved AS boolean[]))"
    " AS w (order_id, at, device, profile_id, cart_id, checkout_id, total, currency, proved)"
    " ORDER BY order_id, NOT proved, at, device, total ON CONFLICT (site_id, order_id) DO UPDATE SET"
    " (at, device, profile_id, cart_id, checkout_id, total, currency, proved) = ROW (excluded.at,"
    " excluded.device, excluded.profile_id, excluded.cart_id, excluded.checkout_id, excluded.total,"
    " excluded.currency, excluded.proved)"
    " WHERE (NOT excluded.proved, excluded.at, excluded.device) < (NOT o.proved, o.at, o.device)"
)
_RETURNS = text(
    "INSERT INTO web_returns (site_id, order_id, message_id, cancelled, amount, currency)"
    " SELECT :site, * FROM unnest(CAST(:orders AS text[]), CAST(:messages AS text[]),"
    " CAST(:cancelled AS boolean[]), CAST(:amounts AS numeric[]), CAST(:currencies AS text[]))"
    " ON CONFLICT DO NOTHING"
)
# who gave up a cart and orders after all is looked for at once
_HURRY = text(
    "UPDATE abandonments SET look_at = least(look_at, :now) WHERE (site_id, source_key) IN ("
    " SELECT site_id, source_key FROM abandonments WHERE site_id = :site AND look_at IS NOT NULL"
    " AND (device = ANY(:devices) OR subject = ANY(:subjects) OR profile_id = ANY(:profiles)"
    " OR (cart_id <> '' AND cart_id = ANY(:carts))"
    " OR (checkout_id <> '' AND checkout_id = ANY(:checkouts)) OR (order_id <> '' AND order_id = ANY(:ids)))"
    " ORDER BY site_id, source_key FOR UPDATE)"
)
_encode = msgspec.json.Encoder().encode


def record(session: Session, site: Site, rows: Sequence[Happened]) -> None:
    """Let events change the carts they are about."""
    own = origins.own_hosts(session, site)
    batch = acts.read(own, rows)
    if batch.returns:
        _return(session, site.id, batch.returns)
    if not batch.carts and not batch.looks and not batch.orders:
        return
    ids = [one.data["cart_id"] for one in batch.orders if one.message.secret and one.data.get("cart_id")]
    if ids:
        same = session.execute(_SAME, {"site": site.id, "carts": ids})
        acts.elsewhere(batch, own, {row[0]: row[1] for row in same})
    hold(session, LOCKS, (*batch.carts, *batch.looks))
    silence = silences(site)
    if batch.carts:
        _change(session, site.id, batch.carts, silence)
    if batch.looks:
        _look(session, site.id, batch.looks, silence["browse"])
    if batch.orders:
        _order(session, site.id, batch.orders)


def close(session: Session, site: UUID, orders: Mapping[str, tuple[datetime, str]]) -> None:
    """Let carts be ordered at an instant, by their keys: the order came by a way that isn't in their log."""
    hold(session, LOCKS, orders)
    told = {
        key: Told(acts=[Act(microseconds(at), f"order:{order}", "order", False, [], order=order)])
        for key, (at, order) in sorted(orders.items())
    }
    _change(session, site, told, silences(session.get_one(Site, site)))


def moment(at: int) -> datetime:
    """The instant so many microseconds after 1970."""
    return BEGINNING + timedelta(microseconds=at)


def _change(session: Session, site: UUID, told: Mapping[str, Told], silence: Mapping[str, timedelta]) -> None:
    known = _known(session, _READ, site, told)
    lines = []
    for key, news in told.items():
        row = known.get(key)
        who, log = _together(news, row[2] if row else None)
        lines.append(_line(site, key, who, log, row[1] if row else None, silence))
    if known:
        session.execute(_DROP, {"site": site, "keys": list(known)})
    copy_rows(session, "carts", _COLUMNS, lines)


def _known(session: Session, query: Any, site: UUID, told: Mapping[str, Told]) -> dict[str, Any]:
    return {row[0]: row for row in session.execute(query, {"site": site, "keys": sorted(told)})}


def _together(news: Told, kept: bytes | None) -> tuple[Who, list[Act]]:
    if kept is None:
        return news.who, cart_log.together((), news.acts)
    who, log = msgspec.msgpack.decode(kept)
    return max(tuple(who), news.who), cart_log.together([Act(*one) for one in log], news.acts)


def _line(
    site: UUID, key: str, who: Who, log: list[Act], abandoned: datetime | None,
    silence: Mapping[str, timedelta],
) -> str:  # fmt: skip
    """A cart as a line for COPY."""
    now = cart_log.fold(log)
    value, currency = now.value
    gone = abandoned is not None and microseconds(abandoned) >= now.since
    due = due_at(now, abandoned if gone else None, silence)
    return "\t".join(
        (
            site.hex, copy_text(key), copy_text(acts.cart_of(key, who[2])), copy_text(who[2]),
            who[3] or NULL, _state(now, due, gone),
            copy_text(_encode(list(now.lines.values())).decode()), str(now.items),
            NULL if value is None else str(value), copy_text(currency), copy_text(now.link or now.page),
            _at(now.since), _at(now.changed), _at(now.acted), _at(now.active),
            _at(now.checkout_at), copy_text(now.checkout), copy_text(now.order),
            _at(now.changed if now.ordered else None), str(abandoned) if abandoned else NULL,
            str(due) if due else NULL, f"\\\\x{msgspec.msgpack.encode((who, log)).hex()}",
        )
    )  # fmt: skip


@lru_cache(maxsize=1_024)
def _at(at: int | None) -> str:
    return NULL if at is None else str(moment(at))


def _state(now: Filling, due: datetime | None, gone: bool) -> str:
    if now.ordered:
        return "ordered"
    if not now.lines:
        return "emptied"
    return "abandoned" if gone and due is None else "open"


def due_at(now: Filling, abandoned: datetime | None, silence: Mapping[str, timedelta]) -> datetime | None:
    """When to look whether a cart is given up; None while there is nothing to give up, or nothing new."""
    if not now.lines or now.ordered or now.acted is None:
        return None
    acted = moment(now.acted)
    if abandoned is not None and abandoned >= acted:
        return None
    return acted + silence["cart" if now.checkout_at is None else "checkout"]


def _look(session: Session, site: UUID, told: Mapping[str, Told], silence: timedelta) -> None:
    known = _known(session, _READ_LOOKS, site, told)
    lines = []
    for device, news in told.items():
        row, who = known.get(device), news.who
        log = {(act.at, act.message): (act.at, act.message, act.page, act.lines) for act in news.acts}
        if row is not None:
            kept = msgspec.msgpack.decode(row[1])
            who = max(tuple(kept[0]), who)
            log |= {(look[0], look[1]): look for look in kept[1]}
        last = sorted(log)[-MOST_LOOKS:]
        viewed = moment(last[-1][0])
        packed = msgspec.msgpack.encode((who, [log[one] for one in last])).hex()
        cells = (site.hex, copy_text(device), who[3] or NULL, str(viewed), str(viewed + silence))
        lines.append("\t".join((*cells, f"\\\\x{packed}")))
    if known:
        session.execute(_DROP_LOOKS, {"site": site, "keys": list(known)})
    copy_rows(session, "browsings", _LOOKS, lines)


def _order(session: Session, site: UUID, orders: Sequence[Happened]) -> None:
    """Keep what events say of orders, and have those who gave up looked at."""
    columns: dict[str, list[Any]] = {
        "ids": [one.data.get("order_id") or f"m:{one.message.message_id}" for one in orders],
        "ats": [one.message.occurred_at for one in orders],
        "devices": [one.message.device for one in orders],
        "profiles": [one.profile for one in orders],
        "carts": [one.data.get("cart_id") or "" for one in orders],
        "checkouts": [one.data.get("checkout_id") or "" for one in orders],
        "totals": [_total(one.data)[0] for one in orders],
        "currencies": [_total(one.data)[1] for one in orders],
        "proved": [one.message.secret for one in orders],
    }
    session.execute(_ORDERS, {"site": site, **columns})
    subjects = [key for one in orders for key in acts.keys_of(one, ordered=True)]
    session.execute(
        _HURRY,
        {"site": site, "now": BEGINNING, "devices": [one for one in columns["devices"] if one],
         "subjects": subjects, "carts": columns["carts"], "checkouts": columns["checkouts"],
         "ids": columns["ids"], "profiles": [one for one in columns["profiles"] if one]},
    )  # fmt: skip
    wake_after_commit(session, DUTY)


def _return(session: Session, site: UUID, returns: Sequence[Happened]) -> None:
    """Keep what the shop's server says of money that went back: a cancellation or no sum means all of it."""
    columns: dict[str, list[Any]] = {
        "orders": [one.data["order_id"] for one in returns],
        "messages": [one.message.message_id for one in returns],
        "cancelled": [one.kind == "web.order_cancelled" for one in returns],
        "amounts": [_total(one.data)[0] for one in returns],
        "currencies": [_total(one.data)[1] for one in returns],
    }
    session.execute(_RETURNS, {"site": site, **columns})


def _total(data: Mapping[str, Any]) -> tuple[Decimal | None, str]:
    money = data.get("total") or data.get("value") or data.get("revenue") or {}
    return (Decimal(money["amount"]) if money else None), money.get("currency", "")
