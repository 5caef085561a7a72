"""The step that sends: a row of the ledger, planned in the transaction in which the run moves.

The run stays at the step until it is decided what became of the letter, so that waits behind it count from
when it left and a night's letters don't come all at once.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from email_campaigns.delivery import ledger
from email_campaigns.journeys import outside
from email_campaigns.journeys.program import Step
from email_campaigns.journeys.reading import choice, refuse
from email_campaigns.journeys.steps.base import Run, Turn, Type
from email_campaigns.letters import store as letters
from email_campaigns.tables import Letter, Sender
from foundation import problems
from foundation.errors import BadInput
from foundation.text import _

LOOK = timedelta(seconds=5)  # after it is due: it has left, or waits for longer
PATIENCE = timedelta(seconds=60)  # between looks at one that doesn't leave
_SELECT = (
    "SELECT p.customer_id, '' AS variant, w.due_at, false AS holdout, w.step, w.context"
    " FROM unnest(CAST(:j_profiles AS uuid[]), CAST(:j_steps AS text[]), CAST(:j_dues AS timestamptz[]),"
    " CAST(:j_contexts AS jsonb[])) AS w (profile_id, step, due_at, context)"
    " JOIN profiles p ON p.id = w.profile_id"
)
# another card with this address has had this step's letter lately
_SHARED = text(
    "SELECT c.id, lower(c.email) AS address, EXISTS (SELECT FROM deliveries d"
    " WHERE d.address = lower(c.email) AND starts_with(d.step, :mark)"
    " AND split_part(d.step, ':', 4) = :id AND d.planned_at > :since"
    " AND d.customer_id <> c.id AND d.state NOT IN ('skipped', 'cancelled')) AS taken"
    " FROM customers c WHERE c.id = ANY(:cards) AND c.email <> ''"
)
SHARED = timedelta(days=1)
_FATES = text(
    "SELECT step, state, reason, due_at, handed_at, finished_at FROM deliveries WHERE step = ANY(:steps)"
)


def name(run: Run, step_id: str) -> str:
    """How the ledger calls the letter of a run's step."""
    return f"journey:{run.journey_id}:{run.version}:{step_id}:{run.id.hex}"


def _read(session: Session, said: Mapping[str, Any], at: str) -> dict[str, Any]:
    letter, sender = _row(session, Letter, said, "letter_id"), _row(session, Sender, said, "sender_id")
    if letter is None or letter.archived_at is not None or letters.newest(session, letter.id) is None:
        refuse(_("Choose a letter that has been written."), f"{at}/letter_id")
    if sender is None or sender.removed_at is not None:
        refuse(_("Choose who the letter is from."), f"{at}/sender_id")
    kept = {"letter_id": str(letter.id), "sender_id": str(sender.id)}
    if said.get("coupon_id"):
        known = dict(session.scalar(select(outside.coupons().pools())) or ())
        kept["coupon_id"] = choice(
            said["coupon_id"], known, f"{at}/coupon_id", _("The list of codes is gone; choose another one.")
        )
    return kept


def _row(session: Session, table: Any, said: Mapping[str, Any], field: str) -> Any:
    try:
        return session.get(table, UUID(str(said.get(field))))
    except ValueError:
        return None


def _plan(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    letter = turn.session.get(Letter, UUID(step.said["letter_id"]))
    version = letters.newest(turn.session, letter.id) if letter else None
    if letter is None or version is None:
        raise BadInput(_("The letter of a step is gone; choose another one."), "letter_id")
    if letter.purpose == "marketing":
        runs = _unshared(turn, step, runs)
    contexts = {run.id: run.context for run in runs}
    if step.said.get("coupon_id") and runs:
        contexts = _with_codes(turn, step, runs)
        runs = [run for run in runs if run.id in contexts]
    steps = {name(run, step.id): run for run in runs}
    values = {
        "j_profiles": [run.profile_id for run in runs],
        "j_steps": list(steps),
        "j_dues": [run.moment(turn.at) for run in runs],
        "j_contexts": [msgspec.json.encode(contexts[run.id]).decode() for run in runs],
    }
    if not runs:
        return
    ledger.plan(
        turn.session, "", letter.purpose, UUID(step.said["sender_id"]), version.id, (_SELECT, values),
        letter.topic, with_context=True, with_steps=True,
    )  # fmt: skip
    for said, run in steps.items():
        turn.say(run, "letter", letter=str(letter.id), version=version.number, step=said)
        run.letters = [*run.letters, said]
        turn.wait(run, run.moment(turn.at) + LOOK)


def _with_codes(turn: Turn, step: Step, runs: Sequence[Run]) -> dict[UUID, dict[str, Any]]:
    """What the letters of those know who get a code of their own; without one there is no letter."""
    pool, names = UUID(step.said["coupon_id"]), {name(run, step.id): run for run in runs}
    if turn.sandbox:  # a back-test hands out nothing
        return {run.id: run.context for run in runs}
    codes = outside.coupons().draw(turn.session, pool, names)
    key = f"coupons:{runs[0].journey_id}:{step.id}"
    if len(codes) == len(names):
        problems.settle(turn.session, key)
    else:
        said = _(
            "There are no codes left: letters of a journey that hand one out are not sent. Paste some more."
        )
        problems.report(turn.session, area="mail", subject="coupons", key=key, message=said)
    for said, run in names.items():
        if said not in codes:
            turn.say(run, "no_letter", reason="no_code")
            turn.go(run, step.then)
    return {
        run.id: run.context | {"coupon": {"code": codes[said]}}
        for said, run in names.items()
        if said in codes
    }


def _unshared(turn: Turn, step: Step, runs: Sequence[Run]) -> list[Run]:
    """Of several cards with one address the first gets a letter that isn't about something of their own."""
    values = {
        "mark": f"journey:{runs[0].journey_id}:", "id": step.id, "since": turn.at - SHARED,
        "cards": [run.card for run in runs],
    }  # fmt: skip
    rows = {row.id: row for row in turn.session.execute(_SHARED, values)}
    owners: dict[str, UUID | None] = {}
    left = []
    for run in runs:
        row = rows.get(run.card) if run.card else None
        if row and (row.taken or owners.setdefault(row.address, run.card) != run.card):
            turn.say(run, "no_letter", reason="shared")
            turn.go(run, step.then)
        else:
            left.append(run)
    return left


def _look(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    names = {name(run, step.id): run for run in runs}
    fates = {row.step: row for row in turn.session.execute(_FATES, {"steps": list(names)})}
    for said, run in names.items():
        fate = fates.get(said)
        if fate is not None and fate.state in ledger.OPEN:
            turn.wait(run, max(fate.due_at + LOOK, turn.at + (PATIENCE if fate.due_at <= turn.at else LOOK)))
            continue
        if fate is None:  # the letter of another card at this address was there before
            turn.say(run, "no_letter", reason="address")
        else:
            run.due_at = fate.handed_at or fate.finished_at or run.due_at
            what = "no_letter" if fate.handed_at is None else "sent"
            turn.say(run, what, state=fate.state, reason=fate.reason)
        turn.go(run, step.then)
    unsent = [said for said, fate in fates.items() if fate.state == "skipped"]
    if unsent and step.said.get("coupon_id") and not turn.sandbox:
        outside.coupons().give_back(turn.session, UUID(step.said["coupon_id"]), unsent)


LETTER = Type(_read, _plan, _look)
