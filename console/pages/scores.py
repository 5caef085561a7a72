"""Would they recommend us: the score, its run over months, who asked, and what people added."""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from console.format import safe_cell, zone_of
from console.templating import link
from console.web import Call
from customers.timeline import read_cursor, write_cursor
from email_campaigns.results import charts, scores
from email_campaigns.results.scores import Asked, Score
from foundation.clock import now
from foundation.text import _, language, ngettext

PAGE = 50
COLUMNS = ("answered_at", "score", "group", "comment", "customer", "name", "asked_by", "step", "subject")


def show(call: Call) -> Response:
    """The score of a time and what was answered in it."""
    asked, days = _asked(call)
    group, said = _chosen(call)
    after = call.query("after")
    at, row = read_cursor(after, int) if after else (None, 0)
    rows = scores.listed(call.db, asked, group, said=said, before=(at, row) if at else None, limit=PAGE + 1)
    kept = {"days": str(days), "asked": call.query("asked"), "group": group, "said": "yes" if said else ""}
    older = write_cursor(rows[PAGE - 1].at, rows[PAGE - 1].id) if len(rows) > PAGE else ""
    return call.page(
        "scores.html", score=scores.whole(call.db, asked), sources=scores.sources(call.db, asked),
        rows=rows[:PAGE], days=days, spans=_spans(days, kept), kept=kept, groups=groups(), group=group,
        said=said, group_of=scores.group_of, fewest=scores.FEWEST, points=points, link=link,
        older=link("/scores", **kept, after=older) if older else "",
        newer=link("/scores", **kept) if after else "", **_run(call, asked),
    )  # fmt: skip


def _asked(call: Call) -> tuple[Asked, int]:
    """The days and the journey, mailing or step that were asked for."""
    chosen = call.query("days", 3)
    days = int(chosen) if chosen in map(str, scores.SPANS) else scores.SPANS[1]
    source = scores.source_of(call.query("asked")) if call.query("asked") else ("", "")
    until = now()
    return Asked(until - timedelta(days=days), until, *source), days


def _chosen(call: Call) -> tuple[str, bool]:
    group = call.query("group", 12)
    return group if group in scores.GROUPS else "", bool(call.query("said", 3))


def groups() -> dict[str, str]:
    """What the groups are called."""
    return {"promoters": _("would: 9, 10"), "passives": _("perhaps: 7, 8"), "detractors": _("would not: 0–6")}


def points(value: float) -> str:
    """A score with its sign, as everybody writes it."""
    return f"{value:+.0f}".replace("-", "−") if round(value) else "0"


def _spans(days: int, kept: dict[str, str]) -> list[tuple[str, str, bool]]:
    """Links to the last days: words, address, whether it is shown."""
    return [
        (ngettext("%(num)s day", "%(num)s days", one) % {"num": one},
         link("/scores", **{**kept, "days": str(one)}), one == days)
        for one in scores.SPANS
    ]  # fmt: skip


def _run(call: Call, asked: Asked) -> dict[str, Any]:
    """The score of each of the last months, in the reader's own zone; bars where anybody answered."""
    today = call.reader.local(asked.until).date()
    firsts = [_month(today, back) for back in reversed(range(scores.MONTHS))]
    zone = zone_of(call.me.zone)
    since = datetime(firsts[0].year, firsts[0].month, 1, tzinfo=zone)
    found = scores.months(call.db, asked._replace(since=since), zone.key)
    run = [(one, found.get(one.isoformat(), Score())) for one in firsts]
    if not found:
        return {"run": [], "chart": ""}
    times = [f"{one:%m.%y}" for one, _score in run]
    told = [one.points if one.people and not one.early else None for _at, one in run]
    few = [one.points if one.people and one.early else None for _at, one in run]
    title = _("The score, month by month")
    drawn = charts.scores(times, [(_("score"), told), (_("too early to say"), few)], title)
    return {"run": run, "chart": drawn}


def _month(today: date, back: int) -> date:
    """The first day of the month so many before."""
    year, month = divmod(today.year * 12 + today.month - 1 - back, 12)
    return date(year, month + 1, 1)


def export(call: Call) -> Response:
    """Every answer of the chosen kind, as CSV, streamed portion by portion."""
    asked, _days = _asked(call)
    group, said = _chosen(call)
    return StreamingResponse(
        _csv(call.engine, asked, group, said, call.reader.locale),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="scores.csv"'},
    )


def _csv(engine: Engine, asked: Asked, group: str, said: bool, locale: str) -> Iterator[str]:
    with language(locale):
        words = groups()
    yield "\ufeff" + _line(COLUMNS)
    with Session(engine) as session:
        for rows in scores.every(session, asked, group, said=said):
            yield "".join(_line(_cells(row, words)) for row in rows)


def _cells(row: Any, words: dict[str, str]) -> tuple[Any, ...]:
    step = [*row.step.split(":"), "", "", ""]
    return (
        row.at.isoformat(), row.score, words[scores.group_of(row.score)], row.comment,
        str(row.customer_id or ""), row.name or "", f"{step[0]}:{step[1]}", step[3], row.subject,
    )  # fmt: skip


def _line(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()
