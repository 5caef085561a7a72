"""Who visits a site, what each did, and where they came from."""

from dataclasses import dataclass
from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.captured import cut, short
from console.card import because
from console.happenings import Told, tell
from console.pages.sites import find
from console.templating import link
from console.web import Call, as_id
from console.whose import Who, claim, device_of, who
from customers import timeline
from foundation.clock import now
from foundation.text import _
from web_capture import audience
from web_capture.audience import Visitor
from web_capture.reading import COUNTED, LAST, EventRow

PAGE = 50
DAYS = 30


@dataclass(frozen=True)
class Row:
    """A visitor in the list."""

    one: Visitor
    who: Who
    device: str
    came: str


@dataclass(frozen=True)
class Step:
    """Something a visitor did."""

    row: EventRow
    told: Told
    bot: bool


def listing(call: Call) -> Response:
    """Visitors, the last seen first."""
    site, before = find(call), call.query("before", 20)
    place = min(int(before), LAST) if before.isascii() and before.isdigit() else None
    found, older = audience.visitors(call.db, site.id, place or None, PAGE)
    here = f"/sites/{site.id}/visitors"
    rows = [
        Row(one, who(one.kind, one.external_id, one.customer, proved=one.proved), short(one.device),
            came_from(one.channel, one.source))
        for one in found
    ]  # fmt: skip
    return call.page(
        "site_visitors.html",
        site=site,
        rows=rows,
        many=COUNTED,
        older=link(here, before=older) if older else "",
        newer=here if place else "",
    )


def show(call: Call) -> Response:
    """One visitor: who it is and why, and everything it did."""
    site, profile = find(call), as_id(call.request.path_params["profile"])
    known = audience.visitor(call.db, site.id, profile)
    if known is None:
        raise HTTPException(404)
    asked = call.query("before")
    place = timeline.read_cursor(asked, int) if asked else None
    before = (place[0], min(place[1], LAST)) if place and place[0] else None
    rows = audience.events_of(call.db, site.id, profile, before, PAGE + 1)
    days: list[tuple[str, list[Step]]] = []
    for row in rows[:PAGE]:
        day = call.reader.day(row.occurred_at)
        if not days or days[-1][0] != day:
            days.append((day, []))
        days[-1][1].append(Step(row, tell(row.kind, row.data), bool(row.data.get("bot"))))
    here, last = f"/sites/{site.id}/visitors/{profile}", rows[PAGE - 1] if len(rows) > PAGE else None
    return call.page(
        "site_visitor.html",
        site=site,
        known=known,
        who=who(known.kind, known.external_id, known.customer, proved=known.proved),
        device=device_of(known.kind, known.external_id),
        claim=claim(known.external_id) if known.kind == "lead" else "",
        because=because(known.rule, known.evidence or {}) if known.customer_id else "",
        days=days,
        older=link(here, before=timeline.write_cursor(last.occurred_at, last.id)) if last else "",
        newer=here if asked else "",
    )


def sources(call: Call) -> Response:
    """Where the visits of the last days came from."""
    site = find(call)
    rows = audience.sources(call.db, site.id, now() - timedelta(days=DAYS))
    return call.page(
        "site_sources.html",
        site=site,
        rows=[(row, came_from(row.channel, row.source)) for row in rows],
        days=DAYS,
    )


def channels() -> dict[str, str]:
    """The channels that visits are put into, by name."""
    return {
        "direct": _("Direct"), "search": _("Search"), "paid_search": _("Paid search"), "social": _("Social"),
        "paid_social": _("Paid social"), "email": _("E-mail"), "referral": _("Another site"),
        "display": _("Display"),
    }  # fmt: skip


def came_from(channel: str | None, source: str | None) -> str:
    """Where a visit came from: its channel and the source in it; empty when no visit is known."""
    name = channels().get(channel, channel) if channel else ""
    return f"{name}: {cut(source)}" if source else name
