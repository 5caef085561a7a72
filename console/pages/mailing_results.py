"""What a mailing brought: figures, variants, holdout, a chart with its table; its recipients as CSV."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from console.format import safe_cell
from console.pages import mailing_words
from console.pages.mailings import find
from console.templating import link
from console.web import Call
from email_campaigns.delivery import guards
from email_campaigns.mailings import store, variants, winner
from email_campaigns.results import charts, export, figures
from email_campaigns.tables import Mailing
from foundation.clock import now
from foundation.text import language

COLUMNS = (
    "customer", "address", "state", "why", "variant", "language", "subject", "planned_at", "sent_at",
    "finished_at", "reply",
)  # fmt: skip


def show(call: Call) -> Response:
    """The figures as they are now."""
    mailing = find(call)
    asked = call.query("days", 3)
    days = (
        int(asked)
        if asked.isascii() and asked.isdigit() and 0 < int(asked) <= figures.MOST_DAYS
        else figures.DAYS
    )
    found = figures.read(call.db, mailing, days)
    began = mailing.started_at or now()
    width = timedelta(hours=2) if now() - began < timedelta(days=2) else timedelta(days=1)
    slots = [] if mailing.started_at is None else figures.over_time(
        call.db, mailing.id, began, width, 24 if width < timedelta(days=1) else 14
    )  # fmt: skip
    times = [call.reader.clock(began + width * at) if width < timedelta(days=1) else call.reader.day_short(
        call.reader.local(began + width * at).date()) for at in range(len(slots))]  # fmt: skip
    return call.page(
        "mailing_results.html", mailing=mailing, states=mailing_words.states_(), found=found, days=days,
        most_days=figures.MOST_DAYS, skips=_told(mailing, found.skips),
        failures=_told(mailing, found.failures),
        chart=charts.over_time(times, slots) if any(map(any, slots)) else "", slots=list(zip(times, slots,
        strict=True)),
        winner=winner.said(mailing), rest=variants.rest(mailing),
        choosable=mailing.state in ("sending",
        "paused") and bool(mailing.winner.get("by")) and not mailing.winner.get("chosen"),
    )  # fmt: skip


def _told(mailing: Mailing, rows: list[tuple[str, int]]) -> list[tuple[str, int, str]]:
    """Why, how many, and where those rows of the ledger are."""
    words, known, step = mailing_words.outcomes(), guards.sentences(), store.step(mailing.id)
    return [
        (guards.sentence(code), count, link("/deliveries", step=step, reason=code)) if code in known
        else (words.get(code, code), count, link("/deliveries", step=step, state=code))
        for code, count in rows
    ]  # fmt: skip


def recipients(call: Call) -> Response:
    """Everybody the mailing was meant for with what became of it, as CSV, streamed page by page."""
    mailing = find(call)
    return StreamingResponse(
        _csv(call.engine, mailing, call.reader.locale),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="mailing-{mailing.id}.csv"'},
    )


def _csv(engine: Engine, mailing: Mailing, locale: str) -> Iterator[str]:
    yield "\ufeff" + _line(list(COLUMNS))
    after: UUID | None = None
    with language(locale):
        words = mailing_words.outcomes()
    while True:
        with Session(engine) as db, language(locale):
            rows = export.page(db, mailing, after)
            said = [
                _line([row.customer_id, row.address, words[row.state], guards.sentence(row.reason,
                row.detail), row.variant,
                       row.language, row.subject, row.planned_at, row.handed_at, row.finished_at, row.reply])
                for row in rows
            ]  # fmt: skip
        yield "".join(said)
        if len(rows) < export.PAGE:
            return
        after = rows[-1].id


def _line(cells: list[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(str(cell) if isinstance(cell, UUID) else cell) for cell in cells])
    return out.getvalue()
