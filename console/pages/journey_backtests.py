"""Back-tests of a journey: begin one, see how far it is, read who would have got what, who bought anyway."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from console import streaming
from console.format import Reader, safe_cell
from console.pages import journey_drawing, journey_words, journeys, mailing_words
from console.pages.letters import as_somebody
from console.streaming import News
from console.templating import link
from console.web import Call, as_id
from customers.tables import Customer
from email_campaigns.delivery import guards
from email_campaigns.journeys import store as journey_store
from email_campaigns.journeys import words
from email_campaigns.journeys.backtest import store
from email_campaigns.journeys.tables import Journey, JourneyTest
from foundation.errors import BadInput
from foundation.text import _, language

PAGE, CSV_PAGE = 50, 500
USUAL = 30
COLUMNS = (
    "customer", "name", "came_in", "state", "why", "step", "letter", "would_have_left", "letter_state",
    "letter_why", "bought_at", "bought_anyway", "money",
)  # fmt: skip


def show(call: Call) -> Response:
    """What a back-test is, the button that begins one, and the earlier ones."""
    journey = journeys.find(call)
    return _show(call, journey, str(USUAL))


def _show(call: Call, journey: Journey, days: str, wrong: dict[str, str] | None = None) -> Response:
    spec = journey_store.version(call.db, journey)
    return journeys.page(
        call, journey, spec, "journey_backtests.html", 422 if wrong else 200, tab="backtests", days=days,
        rows=store.page(call.db, journey), most=store.MOST_DAYS, test_states=journey_words.test_states(),
        wrong=wrong or {},
    )  # fmt: skip


def begin(call: Call) -> Response:
    """Have it tried out."""
    journey, days = journeys.find(call), call.text("days", 10)
    try:
        known = int(days) if days.isascii() and days.isdigit() else 0
        row = store.start(call.db, journey, known, call.actor)
    except BadInput as error:
        call.db.rollback()
        return _show(call, journeys.find(call), days, {error.at: error.message})
    return call.go(f"/journeys/{journey.id}/backtests/{row.id}")


def _find(call: Call) -> tuple[Journey, JourneyTest]:
    journey = journeys.find(call)
    test = call.db.get(JourneyTest, call.id("test"))
    if test is None or test.journey_id != journey.id:
        raise HTTPException(404)
    return journey, test


def one(call: Call) -> Response:
    """How far it is; when it is done, what it found."""
    journey, test = _find(call)
    titles = journey_drawing.titles(test.spec["steps"], journeys.names(call.db, test.spec))
    result = test.result
    chosen = call.query("show", 20)
    rows = [row for row in result.get("rows", ()) if _wanted(row, chosen)]
    asked = call.query("from", 6)
    at = int(asked) if asked.isascii() and asked.isdigit() else 0
    people = _names(call.db, rows[at : at + PAGE])
    here = f"/journeys/{journey.id}/backtests/{test.id}"
    return journeys.page(
        call, journey, test.spec, "journey_backtest.html", tab="backtests", test=test, result=result,
        test_states=journey_words.test_states(), live=test.state in ("waiting", "running"),
        news=_news(test, call.reader), people=[_person(row, people, titles) for row in rows[at : at + PAGE]],
        chosen=chosen, found=len(rows), skipped=_told(result.get("skipped", {}), guards.sentences()),
        refused=_told(result.get("refused", {}), words.reasons()), stands=journey_words.stands, at=at,
        newer=link(here, show=chosen) if at else "",
        older=link(here, show=chosen, **{"from": at + PAGE}) if len(rows) > at + PAGE else "",
    )  # fmt: skip


def _wanted(row: Mapping[str, Any], chosen: str) -> bool:
    sent = any(letter["state"] == "accepted" for letter in row["letters"])
    return {"anyway": _anyway(row), "letters": sent, "none": not sent}.get(chosen, True)


def _anyway(row: Mapping[str, Any]) -> bool:
    """Whether somebody who was to get letters bought before the first, or without one."""
    return bool(row["before"]) and row["reason"] != "holdout"


def _told(counted: Mapping[str, int], known: Mapping[str, str]) -> list[tuple[str, int]]:
    return [(known.get(code, code), count) for code, count in sorted(counted.items(), key=lambda it: -it[1])]


def _names(session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What the people of rows are called; who is gone is left out. One query."""
    ids = [UUID(row["customer"]) for row in rows]
    if not ids:
        return {}
    query = select(Customer.id, Customer.name, Customer.email, Customer.phone).where(Customer.id.in_(ids))
    return {str(row.id): row.name or row.email or row.phone or "" for row in session.execute(query)}


def _person(row: Mapping[str, Any], names: Mapping[str, str], titles: Mapping[str, str]) -> dict[str, Any]:
    """A row of the result as the page shows it."""
    outcomes = mailing_words.outcomes()
    letters = [
        {"title": titles.get(letter["step"], letter["step"]), "at": _instant(letter["at"] or letter["due"]),
         "sent": letter["state"] == "accepted", "state": outcomes.get(letter["state"], letter["state"]),
         "why": guards.sentence(letter["reason"]) if letter["reason"] else ""}
        for letter in row["letters"]
    ]  # fmt: skip
    calls = [(titles.get(one["step"], one["step"]), _instant(one["at"])) for one in row.get("calls", ())]
    return {
        "id": row["customer"], "known": row["customer"] in names, "name": names.get(row["customer"], ""),
        "entered_at": _instant(row["entered_at"]), "state": row["state"], "reason": row["reason"],
        "letters": letters, "calls": calls, "bought_at": _instant(row["bought_at"]), "before": _anyway(row),
        "money": [(Decimal(spent), currency) for currency, spent in row["money"].items()],
    }  # fmt: skip


def _instant(said: str | None) -> datetime | None:
    return datetime.fromisoformat(said) if said else None


def _news(test: JourneyTest, reader: Reader) -> dict[str, Any]:
    """What the live page shows: the share that is done, and the day the sandbox clock is at."""
    if test.state == "waiting":
        return {"done": None, "words": _("Waits for a worker.")}
    said = _("The clock stands at %s.") % reader.short(test.reached or test.since)
    return {"done": round(store.share(test) * 100, 1), "words": said}


async def stream(request: Request) -> Response:
    """The progress by server-sent events, until it is over."""
    journey_id = as_id(request.path_params["id"])

    def look(db: Session, reader: Reader) -> list[News]:
        test_id = as_somebody(request.path_params["test"])
        test = db.get(JourneyTest, test_id) if test_id else None
        if test is None or test.journey_id != journey_id or test.state not in ("waiting", "running"):
            return [News("end", {})]
        return [News("news", _news(test, reader))]

    return await streaming.serve(request, look)


def export(call: Call) -> Response:
    """Everybody in the result as CSV, a line a letter."""
    _journey, test = _find(call)
    titles = journey_drawing.titles(test.spec["steps"], journeys.names(call.db, test.spec))
    return StreamingResponse(
        _csv(call, test.result.get("rows", []), titles),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="backtest-{test.id}.csv"'},
    )


def _csv(call: Call, rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> Iterator[str]:
    yield "\ufeff" + _line(list(COLUMNS))
    for start in range(0, len(rows), CSV_PAGE):
        some = rows[start : start + CSV_PAGE]
        with Session(call.engine) as db, language(call.reader.locale):
            names = _names(db, some)
            said = [line for row in some for line in _lines(_person(row, names, titles))]
        yield "".join(said)


def _lines(person: Mapping[str, Any]) -> Iterator[str]:
    state = journey_words.stands(person["state"], person["reason"])[0]
    why = words.reasons().get(person["reason"], "")
    begin_ = [person["id"], person["name"], person["entered_at"], state, why]
    money = ", ".join(f"{amount:.2f} {currency}" for amount, currency in person["money"])
    end = [person["bought_at"], _("yes") if person["before"] else "", money]
    for place, letter in enumerate([*person["letters"], *_told_of(person)] or [{}]):
        left = letter.get("at") if letter.get("sent") else None
        said = [place + 1 if letter else "", letter.get("title", ""), left]
        yield _line([*begin_, *said, letter.get("state", ""), letter.get("why", ""), *end])


def _told_of(person: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The outside addresses that would have been told, as lines beside the letters'."""
    for title, at in person["calls"]:
        yield {"title": title, "at": at, "sent": True, "state": _("would be told")}


def _line(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()
