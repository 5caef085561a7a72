"""Why somebody is in a journey, isn't, or stands where they stand: sentence by sentence."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from customers import graph
from customers.tables import Customer
from email_campaigns.delivery import guards
from email_campaigns.journeys import words
from email_campaigns.journeys.course import BACK, live
from email_campaigns.journeys.tables import Journey, JourneyAct, JourneyCall, JourneyRun
from email_campaigns.triggers.base import Window
from foundation.clock import now
from foundation.errors import BadInput
from foundation.text import _


@dataclass(frozen=True)
class Line:
    """A line of a run's log."""

    at: datetime
    step: str
    what: str
    sentence: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Explained:
    """A run with its log, and what becomes of it next."""

    run: JourneyRun
    lines: list[Line]
    next: str  # why it stands where it stands; empty when it is over
    letters: list[Any]  # rows of the ledger: step, state, reason, due_at, handed_at, sentence


_LETTERS = text(
    "SELECT id, step, state, reason, detail, due_at, handed_at, subject FROM deliveries"
    " WHERE step = ANY(:steps) ORDER BY planned_at, id"
)


def run(session: Session, run_id: UUID) -> Explained:
    """Everything about one run; `BadInput` when there is none."""
    row = session.get(JourneyRun, run_id)
    if row is None:
        raise BadInput(_("There is no such run."), "run")
    acts = session.scalars(select(JourneyAct).where(JourneyAct.run_id == run_id).order_by(JourneyAct.id))
    lines = [Line(one.at, one.step, one.what, words.act(one.what, one.detail), one.detail) for one in acts]
    letters = session.execute(_LETTERS, {"steps": row.letters}).all() if row.letters else []
    return Explained(row, lines, _next(session, row, letters), list(letters))


def _next(session: Session, row: JourneyRun, letters: list[Any] | Any) -> str:
    if row.state != "going":
        return ""
    journey = session.get_one(Journey, row.journey_id)
    if journey.state == "paused":
        return _("The journey is paused: nobody goes on until somebody resumes it.")
    if row.attempts:
        return _("The step failed %d times; it is tried again.") % row.attempts
    if not row.at_step:
        return _("Goes on at once.")
    step = live(session, journey).program_of(row.version).steps[row.at_step]
    if step.type == "letter":
        open_ = [one for one in letters if one.step.split(":")[3] == step.id]
        why = guards.sentence(open_[-1].reason, open_[-1].detail) if open_ else ""
        return why or _("Waits for the letter to leave.")
    if step.type == "webhook":
        return _called(session, row)
    if step.type == "wait_for":
        return str(_("Waits until this is true, or the time is up: %s") % step.said["condition"])
    return _("Waits for its time.")


def _called(session: Session, row: JourneyRun) -> str:
    """Why an outside address has not been told yet."""
    mine = select(JourneyCall).where(JourneyCall.run_id == row.id, JourneyCall.step == row.at_step)
    call = session.scalar(mine)
    if call is None or not call.said:
        return _("Waits for the call to be made.")
    said = {"times": call.attempts, "said": call.said}
    return _("It was called %(times)d times and has not taken it; the last time: %(said)s") % said


def person(session: Session, journey: Journey, customer: UUID) -> tuple[list[JourneyRun], list[str]]:
    """The runs of a person in a journey, the newest first, and in sentences why there is none under way."""
    card = graph.survivor(session, customer)
    rows = session.scalars(
        select(JourneyRun)
        .where(
            JourneyRun.journey_id == journey.id,
            text("profile_id IN (SELECT id FROM profiles WHERE customer_id = :card)").bindparams(card=card),
        )
        .order_by(JourneyRun.entered_at.desc(), JourneyRun.id.desc())
        .limit(50)
    ).all()
    if any(one.state == "going" for one in rows):
        return list(rows), []
    if rows:
        return list(rows), [words.ended(rows[0].state, rows[0].reason)]
    return [], _never(session, journey, card)


def _never(session: Session, journey: Journey, card: UUID) -> list[str]:
    """Why somebody was never seen by the trigger, as far as one can know."""
    row = session.get(Customer, card)
    if row is None or not row.live:
        return [_("There is no such card.")]
    found = []
    if journey.state != "on" or journey.on_since is None:
        found.append(_("The journey isn't on: nobody comes in."))
    if not row.identified:
        found.append(_("It is not known who they are; only known people come in."))
    if journey.version:
        course, at = live(session, journey), now()
        window = Window(course.spec["trigger"]["settings"], at - BACK, at, at - BACK)
        entries, params = course.trigger.entries(window)
        query = (
            f"SELECT max(e.at) FROM ({entries}) e JOIN profiles p ON p.id = e.profile_id"
            " WHERE p.customer_id = :j_card"
        )
        last = session.scalar(text(query), {**params, "j_card": card})
        if last is None:
            found.append(_("Within the last day nothing happened to them that brings people in."))
        elif journey.on_since and last <= journey.on_since:
            found.append(_("What brings people in happened before the journey was switched on."))
        elif not found:
            found.append(_("They come in at the next look."))
    return found
