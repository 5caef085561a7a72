"""Visits: captured events of one device in sessions, exact for any order in which the events arrive."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID
from zlib import crc32

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from foundation.database import copy_rows, copy_text
from web_capture.happened import Happened
from web_capture.tables import Site
from web_capture.times import BEGINNING
from web_capture.visits import origins, trails
from web_capture.visits.origins import NOTHING, Mark
from web_capture.visits.trails import PAUSE, Step, Trail

LOCKS = 7_003  # advisory locks of devices, as several workers may write the visits of one
_SHARDS = 64
_MICROSECOND = timedelta(microseconds=1)
_PAUSE = timedelta(microseconds=PAUSE)
_HOLD = text("SELECT pg_advisory_xact_lock(:locks, n) FROM unnest(CAST(:numbers AS int[])) AS n")
# a lateral join: the index on device and time is asked once per device, whatever the planner guesses
_READ = text(
    "SELECT v.* FROM"
    " unnest(CAST(:devices AS text[]), CAST(:froms AS bigint[]), CAST(:tos AS bigint[]))"
    " AS w (device, low, high), LATERAL (SELECT device, started_at, ended_at, landing, pages, events,"
    " orders, trail FROM visits"
    "  WHERE site_id = :site AND device = w.device"
    "  AND started_at <= TIMESTAMPTZ 'epoch' + w.high * INTERVAL '1 microsecond'"
    "  AND ended_at >= TIMESTAMPTZ 'epoch' + w.low * INTERVAL '1 microsecond'"
    "  OFFSET 0) AS v ORDER BY v.device, v.started_at"
)
_DROP = text(
    "DELETE FROM visits v USING unnest(CAST(:devices AS text[]), CAST(:starts AS bigint[]))"
    " AS w (device, started_at)"
    " WHERE v.site_id = :site AND v.device = w.device"
    " AND v.started_at = TIMESTAMPTZ 'epoch' + w.started_at * INTERVAL '1 microsecond'"
)
_COLUMNS = (
    "site_id", "device", "started_at", "ended_at", "channel", "source", "medium", "campaign", "term",
    "content", "clicks", "referrer", "landing", "pages", "events", "orders", "value", "currency", "trail",
)  # fmt: skip
_encode = msgspec.json.Encoder().encode

Kept = dict[str, list[Trail]]  # the visits of devices


def record(session: Session, site: Site, rows: Sequence[Happened]) -> None:
    """Count events to the visits of their devices; bots' and those without a device count nowhere."""
    fresh = _steps(origins.own_hosts(session, site), rows)
    if not fresh:
        return
    hold(session, LOCKS, fresh)
    spans = {device: (steps[0].at - PAUSE, steps[-1].at + PAUSE) for device, steps in fresh.items()}
    known = _read(session, site.id, spans)
    made = {device: _fold(known.get(device, ()), steps) for device, steps in fresh.items()}
    asked: Iterable[str] = fresh
    while asked := _unsettled(session, site.id, known, made, asked):
        made |= {device: _fold(known[device], fresh[device]) for device in asked}
    _write(session, site.id, known, made)


def _fold(known: Sequence[Trail], fresh: Sequence[Step]) -> list[Trail]:
    """The visits of a device with its new steps; usually these only go on from the last one."""
    if not known:
        return trails.fold(fresh)
    last = known[-1]
    if fresh[0].at > last.end:
        going_on = msgspec.structs.replace(last, kept=list(last.kept), orders=dict(last.orders))
        return [*known[:-1], *trails.fold(fresh, going_on)]
    old = [trails.step_of(one) for trail in known for one in trail.kept]
    return trails.fold(sorted([*old, *fresh]))


def hold(session: Session, locks: int, names: Iterable[str]) -> None:
    """Keep others from writing what goes by these names until the transaction ends."""
    numbers = sorted({crc32(name.encode()) % _SHARDS for name in names})
    session.execute(_HOLD, {"locks": locks, "numbers": numbers})


def microseconds(at: datetime) -> int:
    """Since 1970."""
    return (at - BEGINNING) // _MICROSECOND


def _time(at: int) -> datetime:
    return BEGINNING + timedelta(microseconds=at)


def _steps(own: frozenset[str], rows: Sequence[Happened]) -> dict[str, list[Step]]:
    """The sorted steps of each device."""
    found: dict[str, list[Step]] = {}
    for row in rows:
        message = row.message
        if row.bot or not message.device:
            continue
        mark = origins.mark_of(message, own)
        order = _order(row) if row.kind == "web.order_completed" else ()
        at = microseconds(message.occurred_at)
        pages = 1 if message.kind in ("page", "screen") else 0
        step = Step(at, mark is NOTHING, not message.url, mark, message.url, at, 1, pages, order)
        found.setdefault(message.device, []).append(step)
    for steps in found.values():
        steps.sort()
    return found


def _order(row: Happened) -> tuple[str, str, str]:
    money = row.data.get("total") or row.data.get("value") or row.data.get("revenue") or {}
    name = row.data.get("order_id") or f"m:{row.message.message_id}"
    return str(name), money.get("amount", ""), money.get("currency", "")


def _read(session: Session, site: UUID, spans: Mapping[str, tuple[int, int]]) -> Kept:
    """The visits of devices that touch a span of time each."""
    values = {"site": site, "devices": list(spans), "froms": [one[0] for one in spans.values()],
              "tos": [one[1] for one in spans.values()]}  # fmt: skip
    known: Kept = {}
    for device, started, ended, landing, pages, events, orders, packed in session.execute(_READ, values):
        kept = trails.unpack(packed)
        trail = Trail(
            microseconds(started), microseconds(ended), trails.mark_of(kept[0]), landing, kept, pages, events,
            {order[0]: order for order in orders},
        )  # fmt: skip
        known.setdefault(device, []).append(trail)
    return known


def _unsettled(
    session: Session, site: UUID, known: Kept, made: Kept, asked: Iterable[str]
) -> Mapping[str, object]:
    """Devices whose last visit changed its origin, so that the next one may now go on with it.

    The next one's trail is added to the known ones. It is the only way in which a change goes further.
    """
    spans = {}
    for device in asked:
        old, new = known.get(device), made[device][-1]
        if old and old[-1].mark != new.mark:
            spans[device] = (old[-1].start + 1, new.end + PAUSE)
    if not spans:
        return {}
    further: dict[str, object] = {}
    for device, found in _read(session, site, spans).items():
        later = [trail for trail in found if trail.start > known[device][-1].start]
        if later:
            known[device] += later
            further[device] = True
    return further


def _write(session: Session, site: UUID, known: Kept, made: Kept) -> None:
    """Replace the visits that changed."""
    gone: list[tuple[str, int]] = []
    lines: list[str] = []
    for device, now in made.items():
        # steps are only ever added, so as many between the same ends are the same
        before = {trail.start: (trail.end, trail.events, trail.mark) for trail in known.get(device, ())}
        same = {one.start for one in now if before.get(one.start) == (one.end, one.events, one.mark)}
        gone += [(device, start) for start in before if start not in same]
        lines += [_line(site, device, trail) for trail in now if trail.start not in same]
    if gone:
        devices, starts = zip(*gone, strict=True)
        values = {"site": site, "devices": list(devices), "starts": list(starts)}
        session.execute(_DROP, values)
    copy_rows(session, "visits", _COLUMNS, lines)


def _line(site: UUID, device: str, trail: Trail) -> str:
    """A visit as a line for COPY."""
    orders, value = "[]", "0\t"
    if trail.orders:
        orders = copy_text(_encode(list(trail.orders.values())).decode())
        value = f"{trail.value}\t{copy_text(trail.currency)}"
    return (
        f"{site.hex}\t{copy_text(device)}\t{_time(trail.start)}\t{_time(trail.end)}\t{_told(trail.mark)}"
        f"\t{copy_text(trail.url)}\t{trail.pages}\t{trail.events}\t{orders}\t{value}"
        f"\t\\\\x{trails.pack(trail).hex()}"
    )


@lru_cache(maxsize=4_096)
def _told(mark: Mark) -> str:
    """The columns from channel to referrer."""
    channel, source, medium = origins.read(mark)
    texts = (channel, source, medium, mark.campaign, mark.term, mark.content, mark.clicks, mark.referrer)
    return "\t".join([copy_text(one) for one in texts])
