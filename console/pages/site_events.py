"""Events of a site as they come, and one event from what came to what became of it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from console import captured, streaming
from console.captured import cut
from console.card import because
from console.format import Reader
from console.pages.sites import find, veiled
from console.streaming import Look, News
from console.templating import link
from console.web import Call, as_id
from console.whose import bots, claim, who
from foundation.clock import now
from foundation.text import _
from web_capture import reading
from web_capture.reading import EventRow, Traced
from web_capture.times import instant

SHOWN = 50
MOST = 200  # rows the live page keeps


def live(call: Call) -> Response:
    """The newest events; with JavaScript they come by themselves."""
    site, kind = find(call), _kind(call.query("kind"))
    before = call.query("before", 20)
    place = int(before) if before.isascii() and before.isdigit() else None
    rows = reading.events(call.db, site.id, kind=kind, before=_bounded(place), limit=SHOWN + 1)
    here = f"/sites/{site.id}/live"
    stream = link(f"{here}/events", kind=kind, after=rows[0].id if rows else 0)
    return call.page(
        "site_live.html",
        site=site,
        rows=[told(site.id, row, call.reader) for row in rows[:SHOWN]],
        kind=kind,
        kinds=captured.kinds(),
        stream="" if place else stream,
        most=MOST,
        older=link(here, kind=kind, before=rows[SHOWN - 1].id) if len(rows) > SHOWN else "",
        newer=link(here, kind=kind) if place else "",
    )


def _kind(asked: str) -> str:
    return asked if asked in dict(captured.kinds()) else ""


def _bounded(place: int | None) -> int | None:
    return min(place, reading.LAST) if place else None


def told(site: UUID, row: EventRow, reader: Reader) -> dict[str, str]:
    """A row of the live page: texts only, the same for the page and for its stream."""
    line = captured.told(row.kind, row.data)
    bot = row.data.get("bot")
    whose = who(row.profile_kind, row.external_id, row.customer, bot, proved=row.proved)
    here = reader.local(row.received_at)
    today = here.date() == reader.local(now()).date()
    return {
        "id": str(row.id),
        "href": f"/sites/{site}/events/{row.id}",
        "at": f"{here:%H:%M:%S}" if today else reader.short(row.received_at),
        "exact": reader.exact(row.received_at),
        "stamp": row.received_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "dot": line.dot,
        "text": line.plain,
        "amount": reader.money(line.amount, line.currency) if line.amount else "",
        "who": whose.name,
        "mark": whose.mark,
    }


async def stream(request: Request) -> Response:
    """Events of a site as they are read, by server-sent events."""
    site = as_id(request.path_params["id"])
    after = request.headers.get("last-event-id") or request.query_params.get("after", "0")
    place = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
    return await streaming.serve(request, _watch(site, place, _kind(request.query_params.get("kind", ""))))


def _watch(site: UUID, after: int, kind: str) -> Look:
    place, seen = after, list[int]()

    def look(db: Session, reader: Reader) -> list[News]:
        nonlocal place
        rows = reading.news(db, site, place, seen, kind=kind, limit=MOST // 2)
        seen.extend(row.id for row in rows)
        if len(rows) == MOST // 2:
            place = rows[-1].id  # more came than a page shows: what is older than these is passed over
        if len(seen) > 10 * MOST:
            seen.sort()
            place = max(place, seen[-5 * MOST - 1])
        seen[:] = [one for one in seen if one > place]
        return [News("row", told(site, row, reader), row.id) for row in reversed(rows)]

    return look


def show(call: Call) -> Response:
    """One event: what came, what it became, whose it is and why, and when."""
    site = find(call)
    asked = call.request.path_params["event"]
    row = reading.event(call.db, site.id, int(asked)) if _is_id(asked) else None
    if row is None:
        raise HTTPException(404)
    landed = reading.opened(row.payload)
    bot = row.data.get("bot")
    return call.page(
        "site_event.html",
        site=site,
        row=row,
        came=veiled(row.payload),
        became={name: value for name, value in row.data.items() if name != "landed"},
        line=captured.told(row.kind, row.data),
        who=who(row.profile_kind, row.external_id, row.customer, bot, proved=row.proved),
        why=_why(row, landed),
        because=because(row.rule, row.evidence or {}) if row.customer_id else "",
        bot=bots().get(str(bot), cut(bot)) if bot else "",
        times=_times(row, landed, call.reader),
        sender=_sender(landed),
    )


def _is_id(asked: str) -> bool:
    return asked.isascii() and asked.isdigit() and len(asked) < 19


def _why(row: Traced, landed: Mapping[str, Any]) -> str:
    """Why the event belongs to this profile."""
    match row.profile_kind:
        case "customer" if landed.get("secret") is True:
            return _("Verified: it came with the site's secret key, which only your server has.")
        case "customer":
            return _("Verified: your server signed who it is.")
        case "lead":
            said = cut(claim(row.external_id or ""))
            if row.proved:
                return _("This browser says it is %s, and the same device has proved it.") % said
            return _("Claimed, not verified: this browser says it is %s. Anybody can say so.") % said
        case "visitor":
            return _("An anonymous device: nothing said who it is.")
        case None if not row.data.get("bot"):
            return _("It named nobody who can be told apart.")
    return ""


def _times(row: Traced, landed: Mapping[str, Any], reader: Reader) -> list[tuple[str, str, str]]:
    """When: by the sender's clock, by ours, and what holds; each beside the text it was read from."""
    said = landed.get("said")
    message: Mapping[str, Any] = said if isinstance(said, dict) else {}
    original = message.get("originalTimestamp") or message.get("timestamp")
    sent = landed.get("sent") or message.get("sentAt")
    found = [
        (_("Happened, by the sender's clock"), *_clock(original, reader)),
        (_("Sent, by the sender's clock"), *_clock(sent, reader)),
        (_("Received"), reader.exact(row.received_at), ""),
        (_("Counts as having happened"), reader.exact(row.occurred_at), ""),
    ]
    own = instant(original)
    off = (row.occurred_at - own).total_seconds() if own else 0
    return [*found, (_("Corrected by"), _span(off), "")] if abs(off) >= 1 else found


def _clock(said: Any, reader: Reader) -> tuple[str, str]:
    """A time as we read it, and as the sender said it."""
    at, text = instant(said), cut(said, 64)
    if at is None:
        return (_("not readable") if text else _("not said")), text
    return reader.exact(at), text


def _span(seconds: float) -> str:
    sign, whole = ("+" if seconds > 0 else "−"), round(abs(seconds))
    days, rest = divmod(whole, 86_400)
    clock = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{sign}{days} d {clock}" if days else f"{sign}{clock}"


def _sender(landed: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the call said of its sender."""
    key = _("secret") if landed.get("secret") is True else _("public")
    found = [
        (_("Key"), key),
        (_("Address"), cut(landed.get("ip"), 60)),
        (_("Browser"), cut(landed.get("ua"), 300)),
    ]
    return [(name, value) for name, value in found if value]
