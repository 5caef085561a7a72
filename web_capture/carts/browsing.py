"""Browses given up: a known person looked at products, put nothing into a cart, and went."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Engine, Row, text
from sqlalchemy.orm import Session

from foundation import clock
from foundation.database import GRAPH_LOCK, lock, transaction
from web_capture.carts import reprieve
from web_capture.carts.current import moment
from web_capture.carts.log import Line, name_of
from web_capture.carts.reprieve import Subject
from web_capture.carts.telling import GivenUp, Telling, silences_of

TOGETHER = 500
PAUSE = 24 * 3600 * 1_000_000  # microseconds between two looks that belong to one browse
_DUE = text(
    """
    SELECT b.site_id, b.device, b.profile_id, b.viewed_at, b.log, p.customer_id,
      (SELECT max(v.ended_at) FROM visits v WHERE v.site_id = b.site_id AND v.device = b.device
         AND v.started_at >= b.viewed_at - interval '1 day') AS seen_at,
      (SELECT max(c.changed_at) FROM carts c WHERE c.site_id = b.site_id
         AND c.device = b.device) AS carted_at,
      (SELECT max(a.acted_at) FROM abandonments a WHERE a.site_id = b.site_id
         AND a.subject = 'd:' || b.device AND a.kind = 'browse') AS told_at
    FROM browsings b LEFT JOIN profiles p ON p.id = b.profile_id
    WHERE b.due_at <= :now ORDER BY b.due_at LIMIT :limit FOR UPDATE OF b SKIP LOCKED
    """
)
_DECIDED = text(
    "UPDATE browsings b SET due_at = w.due_at FROM unnest(CAST(:sites AS uuid[]), CAST(:devices AS text[]),"
    " CAST(:dues AS timestamptz[])) AS w (site_id, device, due_at)"
    " WHERE b.site_id = w.site_id AND b.device = w.device"
)


def look(engine: Engine) -> bool:
    """Tell of browses given up; whether there were any to decide on."""
    with transaction(engine) as session:
        lock(session, GRAPH_LOCK, shared=True)
        now = clock.now()
        rows = session.execute(_DUE, {"now": now, "limit": TOGETHER}).all()
        if rows:
            _decide(session, now, rows)
    return bool(rows)


def _decide(session: Session, now: datetime, rows: Sequence[Row[Any]]) -> None:
    known = silences_of(session, [row.site_id for row in rows])
    dues: list[datetime | None] = []
    left: list[GivenUp] = []
    for row in rows:
        at = max(row.viewed_at, row.seen_at or row.viewed_at) + known[row.site_id]["browse"]
        dues.append(at if at > now else None)
        one = _given_up(row, at)
        # nobody can be written to whom nobody knows
        if at <= now and row.customer_id is not None and not any(
            seen is not None and seen >= one.since for seen in (row.carted_at, row.told_at)
        ):  # fmt: skip
            left.append(one)
    found = reprieve.find(
        session, [Subject(one.site, one.device, one.profile, "", "", "", one.since) for one in left]
    )
    telling = Telling(session, now)
    for number, one in enumerate(left):
        if number not in found:
            telling.give_up(one)
    telling.write()
    values = {"sites": [row.site_id for row in rows], "devices": [row.device for row in rows], "dues": dues}
    session.execute(_DECIDED, values)


def _given_up(row: Row[Any], at: datetime) -> GivenUp:
    """The browse that ends a device's looks."""
    looks = msgspec.msgpack.decode(row.log)[1]  # when, message, page, products
    since = len(looks) - 1
    while since and looks[since][0] - looks[since - 1][0] <= PAUSE:
        since -= 1
    lines: dict[str, Line] = {}
    for one in reversed(looks[since:]):
        for line in one[3]:
            lines.setdefault(name_of(line), line)
    began = moment(looks[since][0])
    data = {"lines": list(lines.values()), "url": looks[-1][2], "device": row.device, "since": began}
    return GivenUp(
        "browse", row.site_id, f"d:{row.device}", row.device, row.profile_id, row.customer_id, began,
        row.viewed_at, at, data,
    )  # fmt: skip
