"""The statement of mutual settlements of a customer: a page, and the same as XLSX and PDF."""

from datetime import date, timedelta
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import UUID

from babel import Locale
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.format import zone_of
from console.templating import link
from console.web import Call
from customers import graph
from foundation.clock import now
from foundation.errors import BadInput
from foundation.text import LANGUAGES, _, nearest

if TYPE_CHECKING:
    from customers.settlements.reading import Statement

SHOWN = 1_000  # lines of a currency on the page; the files have all
_FILES = {
    "xlsx": ("workbook", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "pdf": ("pdf", "application/pdf"),
}


def show(call: Call) -> Response:
    """What was owed, charged and paid in the days asked for; this year so far without any."""
    card = _card(call)
    if card != call.id():
        return call.go(f"/customers/{card}/settlements")
    wrong, status = "", 200
    try:
        said = _statement(call, card, *_days(call))
    except BadInput as error:
        wrong, status = error.message, 422
        said = _statement(call, card, *_usual(call))
    asked = {"since": said.period.since.isoformat(), "until": said.period.until.isoformat()}
    language = _language(call, said)
    here = f"/customers/{card}/settlements"
    return call.page(
        "settlements.html",
        status,
        said=said,
        shown=SHOWN,
        here=here,
        asked=asked,
        wrong=wrong,
        language=language,
        languages=[(one, (Locale.parse(one).display_name or one).capitalize()) for one in LANGUAGES],
        periods=_periods(call, here, asked, language),
        files={form: link(f"{here}.{form}", **asked, language=language) for form in _FILES},
        document=import_module("customers.settlements.words").document,
        amount=partial(import_module("customers.settlements.sheet").amount, spoken=call.me.locale or "en"),
    )


def xlsx(call: Call) -> Response:
    """The file for a spreadsheet program."""
    return _file(call, "xlsx")


def pdf(call: Call) -> Response:
    """The file to print, sign and send."""
    return _file(call, "pdf")


def _file(call: Call, form: str) -> Response:
    said = _statement(call, _card(call), *_days(call))
    name, kind = _FILES[form]
    # at the first file: no process needs these libraries to start
    module = import_module(f"customers.settlements.{name}")
    content = getattr(module, name)(said, _language(call, said))
    file = f"statement-{said.period.since}-{said.period.until}.{form}"
    headers = {"content-disposition": f'attachment; filename="{file}"'}
    return Response(content, media_type=kind, headers=headers)


def _card(call: Call) -> UUID:
    """The card that stands for the one in the address."""
    try:
        return graph.survivor(call.db, call.id())
    except BadInput:
        raise HTTPException(404) from None


def _statement(call: Call, card: UUID, since: date, until: date) -> "Statement":
    reading = import_module("customers.settlements.reading")
    said: Statement = reading.read(call.db, card, reading.Period(since, until, zone_of(call.me.zone)))
    return said


def _language(call: Call, said: "Statement") -> str:
    """The one asked for, else the customer's, else the reader's."""
    return nearest(call.query("language", 35)) or nearest(said.language) or nearest(call.me.locale) or "en"


def _usual(call: Call) -> tuple[date, date]:
    today = now().astimezone(zone_of(call.me.zone)).date()
    return today.replace(month=1, day=1), today


def _days(call: Call) -> tuple[date, date]:
    """The days asked for."""
    found = list(_usual(call))
    for place, name in enumerate(("since", "until")):
        if said := call.query(name, 10):
            try:
                found[place] = date.fromisoformat(said)
            except ValueError:
                raise BadInput(_("Write a day as 2026-12-31."), name) from None
    return found[0], found[1]


def _periods(call: Call, here: str, asked: dict[str, str], language: str) -> list[dict[str, Any]]:
    """The usual periods, each with its address."""
    _first, today = _usual(call)
    month = today.replace(day=1)
    last = month - timedelta(days=1)
    quarter = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    year = today.replace(month=1, day=1)
    usual = (
        (_("This month"), month, today),
        (_("Last month"), last.replace(day=1), last),
        (_("This quarter"), quarter, today),
        (_("This year"), year, today),
        (_("Last year"), year.replace(year=year.year - 1), year - timedelta(days=1)),
    )
    return [
        {
            "words": words,
            "link": link(here, since=since.isoformat(), until=until.isoformat(), language=language),
            "on": asked == {"since": since.isoformat(), "until": until.isoformat()},
        }
        for words, since, until in usual
    ]
