"""Runs of matching: what one would do, how far it is, what came of it and the way back."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import Response

from console import pairs
from console.news import time_left
from console.web import Call
from foundation.clock import now
from foundation.tables import Operation
from foundation.text import _
from sync import undo
from sync.dedupe import jobs, runs, telling, undoing
from sync.dedupe.tables import MatchPair, MatchRun

PAGE = "/duplicates/runs"
MOVING = ("planning", "running")
EXAMPLES = 8

assert undoing  # it registers the undo that the page offers


class Example(NamedTuple):
    """A pair of a run as people see it."""

    left: tuple[str, UUID | None]
    right: tuple[str, UUID | None]
    why: str
    score: str
    weights: list[pairs.Weight]
    left_alone: str


def listing(call: Call) -> Response:
    """Runs, the newest first, and the button that plans the next."""
    return call.page("matching_runs.html", runs=runs.latest(call.db), states=states(), moving=MOVING)


def plan(call: Call) -> Response:
    """Plan in the background; the page of the run tells how it goes."""
    return call.go(f"{PAGE}/{jobs.plan_later(call.db, call.actor).id}")


def show(call: Call) -> Response:
    """One run: its numbers, its doubtful examples, what it left alone."""
    run = find(call)
    operation = call.db.get(Operation, run.operation_id) if run.operation_id else None
    joined = runs.examples(call.db, run.id, joins=True, limit=EXAMPLES)
    asked = runs.examples(call.db, run.id, joins=False, limit=EXAMPLES)
    names = runs.names(call.db, [*joined, *asked])
    return call.page(
        "matching_run.html",
        run=run,
        operation=operation,
        state=states().get(run.state, run.state),
        moving=run.state in MOVING,
        phase=phases().get(run.phase, run.phase),
        progress=_progress(run),
        facts=_facts(run, operation),
        held=[(telling.held_words(key), run.counts["held"][key]) for key in run.counts.get("held", ())],
        examples=[
            (_("Surely one customer, the least sure of them"), _examples(call, joined, names)),
            (_("For a person to look at, the least sure of them"), _examples(call, asked, names)),
        ],
        left_alone=operation.result.get("left_alone", []) if operation else [],
        undoable=operation is not None and undo.undoable(operation),
    )  # fmt: skip


def start(call: Call) -> Response:
    """Carry the plan out."""
    run = find(call)
    runs.start(call.db, run.id, call.actor, anyway=bool(call.text("anyway", 3)))
    return call.go(f"{PAGE}/{run.id}")


def cancel(call: Call) -> Response:
    """Stop a run; what it did stays."""
    run = find(call)
    runs.cancel(call.db, run.id)
    return call.go(f"{PAGE}/{run.id}", _("Stopped. What it did stays, and can be undone."))


def states() -> dict[str, tuple[str, str]]:
    """What a state is called, and the colour of its tag."""
    return {
        "planning": (_("being planned"), "info"),
        "planned": (_("planned"), "warn"),
        "running": (_("running"), "info"),
        "done": (_("done"), "good"),
        "cancelled": (_("stopped"), ""),
        "failed": (_("failed"), "bad"),
        "undone": (_("undone"), ""),
        "replaced": (_("replaced by a newer plan"), ""),
    }


def phases() -> dict[str, str]:
    """What a run is doing."""
    return {
        "Reading": _("Reading profiles"),
        "Comparing": _("Comparing pairs"),
        "Joining": _("Joining cards"),
    }


def _progress(run: MatchRun) -> tuple[float, str]:
    """How far it has come, from 0 to 1, and how long it will take."""
    if not run.done or not run.total:
        return 0.0, ""
    left = ""
    if run.began_at:
        left = time_left((now() - run.began_at).total_seconds() / run.done * (run.total - run.done))
    return min(1.0, run.done / run.total), left


def _facts(run: MatchRun, operation: Operation | None) -> list[tuple[str, int]]:
    names = {
        "profiles": _("Profiles"), "cards": _("Cards"), "compared": _("Pairs compared"),
        "joins": _("Pairs to join"), "clusters": _("Customers they make"),
        "largest": _("Cards of the largest"),
        "asks": _("Pairs to ask about"), "unasked": _("Left for the next run"),
    }  # fmt: skip
    found = [(label, run.counts[key]) for key, label in names.items() if run.counts.get(key)]
    done = {"joined": _("Joined"), "asked": _("Asked about"), "left": _("Left alone")}
    result = operation.result if operation else {}
    return found + [(label, result[key]) for key, label in done.items() if key in result]


def _examples(call: Call, some: Sequence[MatchPair], names: dict[UUID, Any]) -> list[Example]:
    nobody = (_("Somebody who is gone"), None)
    return [
        Example(
            names.get(one.left_id, nobody),
            names.get(one.right_id, nobody),
            str(one.evidence.get("why", "")),
            pairs.score(one.evidence.get("score"), call.reader),
            pairs.weights(one.evidence.get("waterfall")),
            telling.left_words(one.reason) if one.reason else "",
        )
        for one in some
    ]


def find(call: Call) -> MatchRun:
    """The run that the address names."""
    run = call.db.get(MatchRun, call.id())
    if run is None:
        raise HTTPException(404)
    return run
