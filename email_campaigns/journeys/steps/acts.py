"""Steps that do something here: a task for a person, a list, the way out."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from customers.segments.tables import Segment
from customers.touched import touch
from email_campaigns.journeys.program import Step
from email_campaigns.journeys.reading import choice, number, refuse, words
from email_campaigns.journeys.steps.base import Run, Turn, Type, nothing
from foundation.clock import new_ids
from foundation.text import _

LONGEST_TASK = 500
MOST_HOURS = 24 * 90

# a task


def _read_task(_session: Session, said: Mapping[str, Any], at: str) -> dict[str, Any]:
    return {
        "text": words(said.get("text"), LONGEST_TASK, f"{at}/text"),
        "within_hours": number(said.get("within_hours", 24), 1, MOST_HOURS, f"{at}/within_hours"),
    }


_TASK = text(
    "INSERT INTO journey_tasks (id, journey_id, run_id, step, profile_id, said, due_at, created_at, done_by)"
    " SELECT w.id, :journey, w.run, :step, w.profile, :said, w.due, :at, ''"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:runs AS uuid[]), CAST(:profiles AS uuid[]),"
    " CAST(:dues AS timestamptz[])) AS w (id, run, profile, due) ON CONFLICT (run_id, step) DO NOTHING"
)


def _task(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    within = timedelta(hours=step.said["within_hours"])
    values = {
        "journey": runs[0].journey_id, "step": step.id, "said": step.said["text"], "at": turn.at,
        "ids": list(new_ids(len(runs))), "runs": [run.id for run in runs],
        "profiles": [run.profile_id for run in runs], "dues": [turn.at + within for _run in runs],
    }  # fmt: skip
    turn.session.execute(_TASK, values)
    for run in runs:
        turn.say(run, "task", text=step.said["text"])
        turn.go(run, step.then)


# a list


def _read_list(session: Session, said: Mapping[str, Any], at: str) -> dict[str, Any]:
    try:
        segment = session.get(Segment, UUID(str(said.get("segment_id"))))
    except ValueError:
        segment = None
    if segment is None or segment.kind != "list" or segment.archived_at is not None:
        refuse(_("Choose a list: segments by conditions take nobody by hand."), f"{at}/segment_id")
    act = choice(
        said.get("act"), ("add", "remove"), f"{at}/act", _("Put them on the list, or take them off.")
    )
    return {"segment_id": str(segment.id), "act": act}


# the journey stands for the operation: what it puts on lists isn't taken back by one
_ADD = text(
    "INSERT INTO segment_entries (segment_id, customer_id, operation_id, added_at)"
    " SELECT :segment, id, :journey, :at FROM unnest(CAST(:ids AS uuid[])) AS w (id)"
    " ON CONFLICT (segment_id, customer_id) WHERE removed_at IS NULL DO NOTHING"
)
_REMOVE = text(
    "UPDATE segment_entries SET removed_at = :at, removed_by = :journey WHERE segment_id = :segment"
    " AND removed_at IS NULL AND customer_id IN (SELECT id FROM customers WHERE id = ANY(:ids)"
    " OR merged_into = ANY(:ids))"
)
_KNOWN = select(Segment.id).where(Segment.kind == "list", Segment.archived_at.is_(None))


def _list(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    segment = UUID(step.said["segment_id"])
    there = turn.session.scalar(_KNOWN.where(Segment.id == segment)) is not None
    ids = sorted({run.card for run in runs if run.card})
    if there and ids and not turn.sandbox:
        values = {"segment": segment, "journey": runs[0].journey_id, "at": turn.at, "ids": ids}
        turn.session.execute(_ADD if step.said["act"] == "add" else _REMOVE, values)
        touch(turn.session, ids)
    for run in runs:
        turn.say(run, ("listed" if step.said["act"] == "add" else "unlisted") if there else "no_list")
        turn.go(run, step.then)


# the way out


def _exit(turn: Turn, _step: Step, runs: Sequence[Run]) -> None:
    for run in runs:
        turn.say(run, "exit")
        turn.end(run, "left", "exit_step")


TASK = Type(_read_task, _task)
LIST = Type(_read_list, _list)
EXIT = Type(nothing, _exit)
