"""The step that calls an outside address: a row, planned in the transaction in which the run moves.

The run stays until the address has taken it or it was given up, so that what stands behind comes after it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from customers.tables import Customer
from email_campaigns.journeys import calls, outside
from email_campaigns.journeys.program import Step
from email_campaigns.journeys.reading import choice, refuse
from email_campaigns.journeys.steps.base import Run, Turn, Type
from email_campaigns.journeys.tables import Journey
from foundation.clock import new_ids
from foundation.errors import Misconfigured
from foundation.text import _

LOOK = timedelta(minutes=10)  # between looks at one that waits; its end wakes
THEN = ("go_on", "leave")


def host(address: str) -> str:
    """Whom an address belongs to, as a person reads it; empty for what is none."""
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""


def origin(address: str) -> str:
    """The same with its scheme: what has a secret, and answers or doesn't."""
    return f"{address.partition(':')[0].lower()}://{host(address)}"


def _read(session: Session, said: Mapping[str, Any], at: str) -> dict[str, Any]:
    address = said.get("url")
    address = address.strip() if isinstance(address, str) else ""
    try:
        outside.caller().check(address)
    except Misconfigured as error:
        refuse(str(error), f"{at}/url")
    calls.know(session, origin(address))
    failed = choice(
        said.get("failed", "go_on"), THEN, f"{at}/failed", _("Say what happens when it is not reached.")
    )
    return {"url": address, "failed": failed}


def _call(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    address = step.said["url"]
    for run in runs:
        turn.say(run, "call", host=host(address))
    if turn.sandbox:  # nothing leaves
        for run in runs:
            turn.go(run, step.then)
        return
    _plan(turn, step, runs)
    for run in runs:
        turn.wait(run, max(run.moment(turn.at), turn.at) + LOOK)


def _plan(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    address = step.said["url"]
    name = turn.session.scalar(select(Journey.name).where(Journey.id == runs[0].journey_id))
    people = _people(turn.session, runs)
    rows = []
    for run, id_ in zip(runs, new_ids(len(runs)), strict=True):
        said = {
            "id": str(id_),
            "type": "journey.step",
            "at": run.moment(turn.at).isoformat(),
            "customer": {"id": str(run.card), **people.get(run.card, {})},
            "journey": {"id": str(run.journey_id), "name": name, "version": run.version},
            "step": step.id,
            "trigger": {"kind": turn.program.spec["trigger"]["kind"], "at": run.entered_at.isoformat()},
            "data": run.context,
        }
        rows.append({
            "id": id_, "journey_id": run.journey_id, "run_id": run.id, "step": step.id,
            "profile_id": run.profile_id, "address": address, "origin": origin(address),
            "body": msgspec.json.encode(said).decode(), "state": "waiting", "attempts": 0,
            "due_at": turn.at, "said": "", "created_at": turn.at,
        })  # fmt: skip
    calls.plan(turn.session, rows)


def _people(session: Session, runs: Sequence[Run]) -> dict[Any, dict[str, Any]]:
    query = select(Customer.id, Customer.email, Customer.name).where(
        Customer.id.in_({run.card for run in runs if run.card})
    )
    return {row.id: {"email": row.email, "name": row.name} for row in session.execute(query)}


def _look(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    found = calls.fates(turn.session, [run.id for run in runs], step.id)
    for run in runs:
        call = found.get(run.id)
        if call is not None and call.state == "waiting":
            turn.wait(run, turn.at + LOOK)
            continue
        if call is not None and call.state == "taken":
            turn.say(run, "called", said=call.said)
        else:
            turn.say(run, "not_called", said=call.said if call else "")
            if step.said["failed"] == "leave":
                turn.end(run, "left", "not_called")
                continue
        turn.go(run, step.then)


WEBHOOK = Type(_read, _call, _look)
