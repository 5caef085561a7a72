"""Journeys: the list, one drawn with its counts, its state, its versions, copies of it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.pages import journey_drawing, journey_figures, journey_words
from console.pages.journey_drawing import Node
from console.templating import link
from console.web import Call, as_id
from customers.segments.tables import Segment
from email_campaigns import triggers
from email_campaigns.journeys import store
from email_campaigns.journeys.tables import Journey
from email_campaigns.letters import starters
from email_campaigns.tables import Letter
from email_campaigns.triggers.base import Trigger
from foundation.clock import now
from foundation.errors import BadInput
from foundation.text import _

PAGE = 50


def listing(call: Call) -> Response:
    """Every journey, the newest first."""
    after, archived = call.query("after"), call.query("show") == "archived"
    rows, older = store.page(call.db, as_id(after) if after else None, PAGE, archived=archived)
    shown = link("/journeys", show="archived" if archived else "", after=older) if older else ""
    return call.page(
        "journeys.html", rows=rows, older=shown, newer=bool(after), archived=archived,
        states=journey_words.states(), figures=journey_figures.of_list(call.db, rows),
        begun=[] if rows or archived else offered(),
    )  # fmt: skip


def offered() -> list[tuple[str, str, str]]:
    """Triggers to begin with: key, name and when each fires."""
    order = list(starters.everything())  # as a customer meets them
    known = sorted(
        triggers.everything().values(), key=lambda one: order.index(one.key) if one.key in order else 99
    )
    return [(one.key, one.name(), one.about()) for one in known]


def find(call: Call) -> Journey:
    """The journey of the address; 404 when there is none."""
    journey = call.db.get(Journey, call.id())
    if journey is None:
        raise HTTPException(404)
    return journey


def trigger_of(spec: Mapping[str, Any]) -> Trigger | None:
    """What begins it; None when the program knows it no more."""
    return triggers.everything().get(spec["trigger"]["kind"])


def numbered(call: Call, journey: Journey) -> tuple[int, dict[str, Any]]:
    """The version that is asked for and what it says, the newest by default; 404 for none of its own."""
    asked = call.query("version", 6)
    number = int(asked) if asked.isascii() and asked.isdigit() else journey.version
    try:
        return number, store.version(call.db, journey, number)
    except BadInput:
        raise HTTPException(404) from None


def page(
    call: Call, journey: Journey, spec: Mapping[str, Any], template: str, status: int = 200, **shown: Any
) -> Response:
    """A page of one journey, in its frame."""
    trigger = trigger_of(spec)
    extra: dict[str, Any] = {"wrong": {}, "trigger": trigger.name() if trigger else spec["trigger"]["kind"]}
    return call.page(
        template, status, journey=journey, spec=spec, states=journey_words.states(), **(extra | shown)
    )


def names(session: Session, spec: Mapping[str, Any]) -> dict[str, str]:
    """What letters and segments of a spec are called, by id. Two queries."""
    found: dict[str, list[UUID]] = {"letter_id": [], "sender_id": [], "segment_id": []}
    for kind, key in journey_drawing.ids(spec["steps"]):
        found[kind].append(UUID(key))
    begin, trigger, chosen = spec["trigger"]["settings"], trigger_of(spec), spec["audience"]
    fields = [one.name for one in trigger.fields if one.kind == "segment"] if trigger else []
    found["segment_id"] += [UUID(begin[one]) for one in fields if begin.get(one)]
    found["segment_id"] += [UUID(one) for one in (*chosen["include"], *chosen["exclude"])]
    known: dict[str, str] = {}
    for table, ids in ((Letter, found["letter_id"]), (Segment, found["segment_id"])):
        if ids:
            rows = session.execute(select(table.id, table.name).where(table.id.in_(ids)))
            known |= {str(row.id): row.name for row in rows}
    return known


def show(call: Call) -> Response:
    """The journey drawn from top to bottom, with how many came to each step."""
    journey = find(call)
    number, spec = numbered(call, journey)
    known, trigger = names(call.db, spec), trigger_of(spec)
    found = journey_figures.of_steps(call.db, journey)
    title = trigger.name() if trigger else spec["trigger"]["kind"]
    about = trigger.about() if trigger else _("This trigger is gone.")
    begin = Node("trigger", title, words=about, count=found.begin)
    end = Node("end", _("Through"), count=found.end)
    return page(
        call, journey, spec, "journey.html", tab="steps", number=number,
        nodes=journey_drawing.draw(spec, begin, end, known, found), rules=rules(spec, known),
        may=store.MOVES[journey.state], back=(now() - found.found.since).days,
    )  # fmt: skip


def rules(spec: Mapping[str, Any], known: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    """What begins it, who comes in, when it ends early: label, what is said, whether that is a condition."""
    audience, reentry, trigger = spec["audience"], spec["reentry"], trigger_of(spec)
    gone = _("(gone)")
    begin = journey_words.settings(trigger, spec["trigger"]["settings"], known) if trigger else []
    said: list[tuple[str, str, bool]] = [(label, words, False) for label, words in begin]
    if audience["include"]:
        said.append((_("Only"), ", ".join(known.get(one, gone) for one in audience["include"]), False))
    if audience["exclude"]:
        said.append((_("Never"), ", ".join(known.get(one, gone) for one in audience["exclude"]), False))
    often = dict(journey_words.reentries())[reentry["kind"]]
    if reentry["kind"] == "after":
        often = _("again after %s") % journey_words.span(reentry["days"], "days")
    said.append((_("One person"), often, False))
    if spec["holdout"]:
        said.append((_("Held out"), f"{spec['holdout']} %", False))
    goal = spec["goal"]
    if goal:
        order = goal.get("kind") == "order"
        said.append((_("Goal"), _("an order") if order else goal["condition"], not order))
    said += [(_("Way out"), one["condition"], True) for one in spec["exits"]]
    return said


def versions(call: Call) -> Response:
    """What was saved when and by whom, and how many are on each version's way."""
    journey = find(call)
    spec = store.version(call.db, journey)
    return page(
        call, journey, spec, "journey_versions.html", tab="versions", rows=store.versions(call.db, journey),
        going=journey_figures.by_version(call.db, journey),
    )  # fmt: skip


def ask_switch(call: Call) -> Response:
    """What another state will do, before it does."""
    journey, to = find(call), call.query("to", 20)
    if to not in store.MOVES[journey.state]:
        return call.go(f"/journeys/{journey.id}")
    return _ask_switch(call, journey, to)


def _ask_switch(call: Call, journey: Journey, to: str, wrong: dict[str, str] | None = None) -> Response:
    spec = store.version(call.db, journey)
    return page(
        call, journey, spec, "journey_switch.html", 422 if wrong else 200, tab="steps", to=to,
        wrong=wrong or {}, before=journey_figures.before_switch(call.db, journey),
    )  # fmt: skip


def switch(call: Call) -> Response:
    """Switch it on, pause it, switch it off, or put it away."""
    journey, to = find(call), call.text("to", 20)
    try:
        store.switch(call.db, journey, to)
    except BadInput as error:
        call.db.rollback()
        journey = find(call)
        if to not in store.MOVES[journey.state]:
            raise
        return _ask_switch(call, journey, to, {error.at: error.message})
    said = {
        "on": _("It is on: whoever the trigger names from now on comes in."),
        "paused": _("Paused: everybody stays where they stand."),
        "off": _("Off: nobody is on the way any more."),
        "archived": _("Put away. What it did stays readable."),
    }
    return call.go("/journeys" if to == "archived" else f"/journeys/{journey.id}", said[to])


def clone(call: Call) -> Response:
    """A draft that does the same."""
    made = store.clone(call.db, find(call), call.actor)
    return call.go(f"/journeys/{made.id}", _("A copy, as a draft: nobody comes in before you switch it on."))
