"""Who is in a journey and where, one person's way with its log, and why somebody isn't in it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.pages import journey_drawing, journey_words, journeys, mailing_words
from console.templating import link
from console.web import Call
from customers.tables import Customer, Profile
from customers.timeline import read_cursor, write_cursor
from email_campaigns.delivery import guards
from email_campaigns.journeys import explain, listing, store, words
from email_campaigns.journeys.explain import Line
from email_campaigns.journeys.tables import Journey, JourneyRun
from foundation.errors import BadInput
from foundation.text import _

PAGE, OF_CARD = 50, 20


def show(call: Call) -> Response:
    """Everybody who came in or was kept out, the newest first; by state, step and reason."""
    journey = journeys.find(call)
    spec = store.version(call.db, journey)
    known = journeys.names(call.db, spec)
    titles = journey_drawing.titles(spec["steps"], known)
    states, reasons = journey_words.run_states(), words.reasons()
    asked = {name: call.query(name, 60) for name in ("state", "step", "reason")}
    asked["state"] = asked["state"] if asked["state"] in states else ""
    edge: tuple[datetime, UUID] | None = None
    if after := call.query("after"):
        at, last = read_cursor(after, UUID)
        edge = (at, last) if at else None
    rows, more = listing.runs(
        call.db, journey=journey.id, after=edge, limit=PAGE,
        **{name: value or None for name, value in asked.items()},  # type: ignore[arg-type]
    )  # fmt: skip
    here = f"/journeys/{journey.id}/people"
    chips = [
        (words_, link(here, **{name: value for name, value in asked.items() if name != without}))
        for without, words_ in (
            ("state", states[asked["state"]][0] if asked["state"] else ""),
            ("step", titles.get(asked["step"], _("a step that is gone")) if asked["step"] else ""),
            ("reason", reasons.get(asked["reason"], "") if asked["reason"] else ""),
        ) if words_
    ]  # fmt: skip
    return journeys.page(
        call, journey, spec, "journey_people.html", tab="people", rows=rows, asked=asked, titles=titles,
        run_states=states, stands=journey_words.stands, reasons=reasons, chips=chips,
        newer=link(here, **asked) if after else "",
        older=link(here, **asked, after=write_cursor(*more)) if more else "",
    )  # fmt: skip


def run(call: Call) -> Response:
    """One person's way through the journey: what happened when, its letters, what is next."""
    journey = journeys.find(call)
    try:
        found = explain.run(call.db, call.id("run"))
    except BadInput:
        raise HTTPException(404) from None
    if found.run.journey_id != journey.id:
        raise HTTPException(404)
    spec = store.version(call.db, journey, found.run.version)
    titles = journey_drawing.titles(spec["steps"], journeys.names(call.db, spec))
    letters = [(one, guards.sentence(one.reason, one.detail)) for one in found.letters]
    return journeys.page(
        call, journey, spec, "journey_run.html", tab="people", found=found, run=found.run, titles=titles,
        card=_card(call.db, found.run), lines=[(one, _said(call, one)) for one in found.lines],
        letters=letters, outcomes=mailing_words.outcomes(), stands=journey_words.stands,
        ended=words.ended(found.run.state, found.run.reason) if found.run.state != "going" else "",
    )  # fmt: skip


def _card(session: Session, found: JourneyRun) -> Customer | None:
    """The living card of a run."""
    query = select(Customer).join(Profile, Profile.customer_id == Customer.id)
    return session.scalar(query.where(Profile.id == found.profile_id))


def _said(call: Call, line: Line) -> str:
    """A line of the log, with instants as the reader has them."""
    until = line.detail.get("until")
    if line.what != "waits" or not isinstance(until, str):
        return line.sentence
    return words.act("waits", line.detail | {"until": call.reader.short(datetime.fromisoformat(until))})


def why(call: Call) -> Response:
    """Why somebody is in the journey or isn't."""
    journey = journeys.find(call)
    card = call.db.get(Customer, call.id("customer"))
    if card is None:
        raise HTTPException(404)
    runs, sentences = explain.person(call.db, journey, card.id)
    spec = store.version(call.db, journey)
    titles = journey_drawing.titles(spec["steps"], journeys.names(call.db, spec))
    return journeys.page(
        call, journey, spec, "journey_why.html", tab="people", card=card, runs=runs, sentences=sentences,
        titles=titles, stands=journey_words.stands,
    )  # fmt: skip


def of_card(session: Session, customer: UUID) -> dict[str, Any]:
    """What the card's tab shows: ways of this person, tasks, and the journeys under way without them."""
    runs, _more = listing.runs(session, customer=customer, limit=OF_CARD)
    open_, _more_open = listing.tasks(session, customer=customer, limit=OF_CARD)
    done, _more_done = listing.tasks(session, customer=customer, done=True, limit=OF_CARD)
    seen = {one.journey_id for one in runs if one.state == "going"}
    query = select(Journey).where(Journey.state.in_(("on", "paused"))).order_by(Journey.name).limit(100)
    return {
        "runs": runs, "tasks": [*open_, *done], "stands": journey_words.stands,
        "reasons": words.reasons(), "not_in": [one for one in session.scalars(query) if one.id not in seen],
    }  # fmt: skip
