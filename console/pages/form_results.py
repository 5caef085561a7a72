"""What a form brought: variants compared, submissions, versions, and the submissions as CSV."""

import csv
import io
from collections.abc import Iterator

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from console.format import safe_cell
from console.pages.form_words import kinds, states
from console.pages.forms import find
from console.web import Call
from web_capture.forms import answers as form_answers
from web_capture.forms import stats as form_stats
from web_capture.forms import store as forms
from web_capture.forms.answers import Submission
from web_capture.forms.tables import Form

PAGE, EXPORT = 25, 1_000
COLUMNS = (
    "at", "customer", "email", "phone", "name", "firstName", "lastName", "birthday", "consents", "variant",
    "version", "url",
)  # fmt: skip


def show(call: Call) -> Response:
    """Figures, the latest submissions and every version."""
    form, site = find(call)
    kept = forms.versions(call.db, form)
    shown = next((one for one in kept if one.number == (form.live_version or form.version)), kept[0])
    variants = form_stats.read(call.db, form, kept, shown.spec)
    asked = call.query("before", 18)
    before = int(asked) if asked.isascii() and asked.isdigit() else None
    rows = form_answers.page(call.db, form, before, PAGE + 1)
    return call.page(
        "form_results.html", form=form, site=site, kinds=kinds(), states=states(), versions=kept,
        counted=[one.number for one in kept if one.published_at and form_stats.same(one.spec, shown.spec)],
        variants=variants, comparisons=form_stats.compare(variants), enough=form_stats.needed(variants),
        worth=round(form_stats.WORTH * 100), rows=rows[:PAGE],
        older=rows[PAGE - 1].id if len(rows) > PAGE else None, newer=before is not None,
    )  # fmt: skip


def export(call: Call) -> Response:
    """All submissions as CSV, streamed page by page; cells are safe to open in a spreadsheet."""
    form, _site = find(call)
    return StreamingResponse(
        _csv(call.engine, form),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="form-{form.key}.csv"'},
    )


def _csv(engine: Engine, form: Form) -> Iterator[str]:
    """Lines of the export, each page in a short transaction; the form's own fields share a cell."""
    yield "\ufeff" + _line([*COLUMNS, "fields"])
    before: int | None = None
    while True:
        with Session(engine) as db:
            rows = form_answers.page(db, form, before, EXPORT)
        yield "".join(_line(_cells(row)) for row in rows)
        if len(rows) < EXPORT:
            return
        before = rows[-1].id


def _cells(row: Submission) -> list[object]:
    known = [row.values.get(name, "") for name in COLUMNS[2:8]]
    own = "; ".join(f"{label}: {answer}" for label, answer in row.own.items())
    about = [" ".join(row.consents), row.variant, row.version, row.url]
    return [row.at.isoformat(), row.customer_id or "", *known, *about, own]


def _line(cells: list[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()
