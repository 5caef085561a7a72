"""Every pair of a run of matching as CSV, portion by portion: what is planned, or what came of it."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from console.format import safe_cell
from console.pages import matching_runs
from console.web import Call
from foundation.text import _, language
from sync.dedupe import runs, telling
from sync.dedupe.tables import MatchPair

PAGE = 1_000
COLUMNS = (
    "number", "customer", "would", "left_card", "left_name", "right_card", "right_name", "probability",
    "bits", "why", "held", "came_of_it",
)  # fmt: skip


def pairs(call: Call) -> Response:
    """The pairs in the run's order; those with one number of a customer become one card."""
    run = matching_runs.find(call)
    return StreamingResponse(
        _csv(call.engine, run.id, call.reader.locale),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="matching-{run.id}.csv"'},
    )


def _csv(engine: Engine, run: UUID, locale: str) -> Iterator[str]:
    yield "\ufeff" + _line(COLUMNS)
    query = select(MatchPair).where(MatchPair.run_id == run).order_by(MatchPair.number).limit(PAGE)
    last: int | None = None
    while True:
        with Session(engine) as db, language(locale):
            some = db.scalars(query if last is None else query.where(MatchPair.number > last)).all()
            names = runs.names(db, some)
            said = [_line(_cells(one, names)) for one in some]
        yield "".join(said)
        if len(some) < PAGE:
            return
        last = some[-1].number


def _cells(pair: MatchPair, names: Mapping[UUID, tuple[str, UUID | None]]) -> tuple[Any, ...]:
    left, right = (names.get(profile, ("", None)) for profile in (pair.left_id, pair.right_id))
    states = {"joined": _("joined"), "asked": _("asked about")}
    became = telling.left_words(pair.reason) if pair.reason else states.get(pair.state, "")
    would = _("be joined") if pair.joins else _("wait for a person")
    return (
        pair.number + 1, pair.cluster + 1 if pair.joins else "", would,
        str(left[1] or ""), left[0], str(right[1] or ""), right[0], pair.evidence.get("score", ""),
        round(pair.bits, 2), str(pair.evidence.get("why", "")),
        telling.held_words(pair.held) if pair.held else "", became,
    )  # fmt: skip


def _line(cells: tuple[Any, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()
