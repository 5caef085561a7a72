"""Who came into a journey or was kept out, as CSV: the page's list with its filters, page by page."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from console.format import safe_cell
from console.pages import journey_drawing, journey_words, journeys
from console.web import Call
from email_campaigns.journeys import listing, store, words
from email_campaigns.journeys.listing import After, Listed
from email_campaigns.journeys.tables import Journey
from foundation.text import language

PAGE = 500
COLUMNS = ("customer", "name", "email", "came_in", "state", "why", "step", "version", "ended")


def people(call: Call) -> Response:
    """Everybody the list would show, the newest first."""
    journey = journeys.find(call)
    spec = store.version(call.db, journey)
    titles = journey_drawing.titles(spec["steps"], journeys.names(call.db, spec))
    asked = {name: call.query(name, 60) or None for name in ("state", "step", "reason")}
    return StreamingResponse(
        _csv(call.engine, journey, asked, titles, call.reader.locale),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="journey-{journey.id}.csv"'},
    )


def _csv(
    engine: Engine, journey: Journey, asked: dict[str, str | None], titles: dict[str, str], locale: str
) -> Iterator[str]:
    with language(locale):
        reasons = words.reasons()
    yield "\ufeff" + _line(COLUMNS)
    after: After | None = None
    while True:
        with Session(engine) as db, language(locale):
            rows, after = listing.runs(
                db, journey=journey.id, after=after, limit=PAGE,
                state=asked["state"], step=asked["step"], reason=asked["reason"],
            )  # fmt: skip
            said = [_line(_cells(row, titles, reasons)) for row in rows]
        yield "".join(said)
        if after is None:
            return


def _cells(row: Listed, titles: dict[str, str], reasons: dict[str, str]) -> tuple[Any, ...]:
    state, _colour = journey_words.stands(row.state, row.reason)
    step = titles.get(row.at_step, "") if row.state == "going" else ""
    return (str(row.customer_id or ""), row.name, row.email or "", row.entered_at.isoformat(), state,
            reasons.get(row.reason, ""), step, row.version,
            row.ended_at.isoformat() if row.ended_at else "")  # fmt: skip


def _line(cells: tuple[Any, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()
