"""Attribution: which sources and campaigns orders came from, what they cost, and the import of costs."""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from starlette.responses import Response

from console import roles
from console.format import Reader, safe_cell, zone_of
from console.templating import link
from console.web import Call
from foundation.clock import now
from foundation.errors import BadInput
from foundation.tables import Operation
from foundation.text import _, ngettext
from web_capture.visits import attribution, costs, credit
from web_capture.visits.attribution import Figures, Period, Report

SHOWN = 100  # rows of the page; the export has all
SPANS = (7, 30, 90)
LONGEST = 731  # days
IMPORTS = 20
COLUMNS = ("channel", "source", "medium", "campaign", "visits", "orders", "revenue", "cost", "roas", "cpo",
           "currency")  # fmt: skip


def show(call: Call) -> Response:
    """The figures of a period under one model."""
    return _page(call)


def _page(call: Call, status: int = 200, wrong: str = "") -> Response:
    period, model = _period(call), _model(call)
    found = attribution.report(call.db, period, model, call.query("currency", 3))
    asked = {"from": period.first.isoformat(), "to": period.last.isoformat(), "model": model,
             "currency": found.currency}  # fmt: skip
    latest = select(Operation).where(Operation.kind == costs.KIND)
    return call.page(
        "attribution.html",
        status,
        period=period,
        asked=asked,
        model=model,
        models=_models(),
        channels=channels(),
        spans=_spans(call.reader, period, asked),
        report=found,
        rows=found.rows[:SHOWN],
        most=SHOWN,
        days=attribution.DAYS,
        export=link("/attribution/export.csv", **asked),
        imports=call.db.scalars(
            latest.order_by(Operation.started_at.desc(), Operation.id.desc()).limit(IMPORTS)
        ).all(),
        ratio=_ratio,
        part=_part,
        wrong=wrong,
        most_imports=IMPORTS,
        may_change=roles.allows(call.me.role, roles.CHANGE),
    )


def export(call: Call) -> Response:
    """Every row of the table as CSV; cells are safe to open in a spreadsheet."""
    found = attribution.report(call.db, _period(call), _model(call), call.query("currency", 3))
    return Response(
        "".join(_lines(found)),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="attribution.csv"'},
    )


def _lines(found: Report) -> Iterator[str]:
    yield "\ufeff" + _line(COLUMNS)
    for one in found.rows:
        yield _line((*one.touch, *_figures(one, found.currency)))
    if found.unknown.orders:
        yield _line((_("no known visit"), "", "", "", *_figures(found.unknown, found.currency)))


def _figures(one: Figures, currency: str) -> tuple[Any, ...]:
    return (one.visits, _plain(one.orders), _plain(one.revenue), _plain(one.cost), _ratio(one.roas),
            _plain(one.cpo), currency)  # fmt: skip


def _line(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()


def plan(call: Call) -> Response:
    """What a file of costs would bring, before anything is kept."""
    try:
        upload = call.upload("file")
        body = upload.file.read(costs.MOST_BYTES + 1)
        made = costs.plan(call.db, body, call.text("currency", 3).upper())
    except BadInput as error:
        return _page(call, 422, error.message)
    return call.page(
        "attribution_costs.html", plan=made, name=(upload.filename or "")[:100],
        kept=call.text("currency", 3), shown=list(made.costs.items())[:20], bad=made.bad[: costs.NAMED],
    )  # fmt: skip


def take(call: Call) -> Response:
    """Import what the plan showed."""
    content = call.form.get("content", "")
    # a form ends its lines with two characters
    body = content.replace("\r\n", "\n").encode() if isinstance(content, str) else b""
    try:
        made = costs.plan(call.db, body, call.text("currency", 3).upper())
        operation = costs.take(call.db, made, call.actor, call.text("name", 100))
    except BadInput as error:
        return _page(call, 422, error.message)
    told = ngettext("%(num)s cost is kept.", "%(num)s costs are kept.", len(made.costs))
    told %= {"num": len(made.costs)}
    if made.bad:
        left = ngettext("%(num)s row was left out.", "%(num)s rows were left out.", len(made.bad))
        told = f"{told} {left % {'num': len(made.bad)}}"
    return call.go("/attribution#costs", told, operation.id)


def undo(call: Call) -> Response:
    """Take an import of costs back."""
    costs.undo(call.db, call.id(), call.actor)
    return call.go("/attribution#costs", _("The import is undone; what it had replaced is in force again."))


def _period(call: Call) -> Period:
    """The days asked for, the last 30 without any; they begin and end with the reader's own."""
    zone = zone_of(call.me.zone)
    today = now().astimezone(zone).date()
    last = min(_day(call.query("to", 10)) or today, today)
    first = _day(call.query("from", 10)) or last - timedelta(days=29)
    first = max(min(first, last), last - timedelta(days=LONGEST))
    since = datetime.combine(first, time(), zone)
    return Period(first, last, since, datetime.combine(last + timedelta(days=1), time(), zone))


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2200 else None


def _model(call: Call) -> str:
    asked = call.query("model", 10)
    return asked if asked in credit.MODELS else credit.MODELS[0]


def _models() -> list[tuple[str, str]]:
    return [
        ("last", _("Last visit that isn't direct")),
        ("first", _("First visit")),
        ("position", _("Position: 40 / 20 / 40")),
    ]


def channels() -> dict[str, str]:
    """Names of channels."""
    return {
        "direct": _("Direct"), "search": _("Search"), "paid_search": _("Paid search"), "social": _("Social"),
        "paid_social": _("Paid social"), "email": _("E-mail"), "referral": _("Referral"),
        "display": _("Display"), "": _("costs only"),
    }  # fmt: skip


def _spans(reader: Reader, period: Period, asked: dict[str, str]) -> list[tuple[str, str, bool]]:
    """Links to the last days: words, address, whether it is shown."""
    found = []
    today = reader.local(now()).date()
    for days in SPANS:
        first = today - timedelta(days=days - 1)
        there = link("/attribution", **{**asked, "from": first.isoformat(), "to": today.isoformat()})
        words = ngettext("%(num)s day", "%(num)s days", days) % {"num": days}
        found.append((words, there, (first, today) == (period.first, period.last)))
    return found


def _ratio(value: Decimal | None) -> str:
    """A quotient with two decimals; a dash when there is none."""
    return "–" if value is None else f"{value:.2f}"


def _part(value: Decimal) -> Decimal:
    """Orders, with the hundredths that shared ones have."""
    return value.quantize(Decimal("0.01")).normalize() if value % 1 else value.quantize(Decimal(1))


def _plain(value: Decimal | None) -> str:
    if value is None:
        return ""
    told = f"{value:.4f}"
    return told.rstrip("0").rstrip(".")
