"""Operations: every act in bulk, who did it, what it changed, and its undo."""

from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.news import time_left
from console.pages import directory_words, sites
from console.web import Call
from foundation.clock import now
from foundation.tables import Operation
from foundation.text import _, ngettext
from sync import undo
from sync.directories import history

PAGE = 50
REPLACED = 200  # overwritten values of an operation that are shown
KNOWN = frozenset(
    ("read", "new", "changed", "same", "duplicate", "bad", "profiles", "undo", "customer", "left_alone",
     "sums", "lines", "settings", "mailing", "audience", "cancelled", "sent", "pairs", "decided", "left_out",
     "joined", "asked", "left")
)  # fmt: skip


def listing(call: Call) -> Response:
    """Operations, the newest first."""
    query = select(Operation).order_by(Operation.started_at.desc(), Operation.id.desc()).limit(PAGE + 1)
    try:
        last = call.db.get(Operation, UUID(call.query("before")))
    except ValueError:
        last = None
    if last is not None:
        query = query.where(tuple_(Operation.started_at, Operation.id) < (last.started_at, last.id))
    found = list(call.db.scalars(query))
    return call.page(
        "operations.html",
        operations=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        newer=last is not None,
    )


def show(call: Call) -> Response:
    """One operation: what it did, and what its undo would restore."""
    operation = _find(call)
    return call.page(
        "operation.html",
        operation=operation,
        facts=_facts(operation.result) + _of_directories(operation),
        card=operation.result.get("customer") if operation.state == "done" else None,
        left_alone=_left_alone(operation.result),
        sums=operation.result.get("sums") or {},
        lines=operation.result.get("lines") or [],
        changes=sites.changes(operation.result.get("settings") or {}),
        rest=[
            (key, value)
            for key, value in operation.result.items()
            if key not in KNOWN and not (operation.kind == "directory" and key in directory_words.done())
        ],
        replaced=history.of_operation(call.db, operation.id, limit=REPLACED + 1),
        most_replaced=REPLACED,
        fields=directory_words.fields(),
        reasons=directory_words.reasons(),
        sent=directory_words.sent(),
        undoable=undo.undoable(operation),
        restores=_restores(operation),
        progress=_progress(operation),
    )


def _progress(operation: Operation) -> tuple[float, str] | None:
    """How far a bulk decision has come, from 0 to 1, and how long it will take; None when it is over."""
    planned = operation.result.get("pairs")
    if operation.state != "running" or not planned:
        return None
    done = operation.result.get("decided", 0) + operation.result.get("left_out", 0)
    seconds = (now() - operation.started_at).total_seconds()
    left = seconds / done * (planned - done) if done else None
    return done / planned, time_left(left) if left is not None else ""


def _facts(result: dict[str, Any]) -> list[tuple[str, int]]:
    """The numbers of an import or removal, in the order of the work."""
    names = {
        "read": _("Read"),
        "new": _("New"),
        "changed": _("Changed"),
        "same": _("Untouched"),
        "duplicate": _("Said twice"),
        "bad": _("Can't be used"),
        "profiles": _("Profiles"),
        "audience": _("Audience"),
        "sent": _("Had left"),
        "cancelled": _("Will not be sent"),
        "pairs": _("Pairs planned"),
        "decided": _("Pairs decided"),
        "left_out": _("Wait for you again"),
        "joined": _("Pairs joined"),
        "asked": _("Pairs asked about"),
        "left": _("Left alone"),
    }
    numbers = [(label, result.get(key)) for key, label in names.items()]
    undone = result.get("undo") or {}
    numbers += [(_("Put back"), undone.get("back")), (_("Taken away"), undone.get("gone"))]
    return [(label, number) for label, number in numbers if isinstance(number, int)]


def _of_directories(operation: Operation) -> list[tuple[str, int]]:
    """What a run of directories came to."""
    names = directory_words.done() if operation.kind == "directory" else {}
    return [(label, operation.result[key]) for key, label in names.items() if operation.result.get(key)]


def _left_alone(result: dict[str, Any]) -> list[str]:
    """What an undo did not touch because somebody else had since."""
    named = [*(result.get("left_alone") or []), *((result.get("undo") or {}).get("left_alone") or [])]
    return [f"{one.get('stream')} {one.get('id')}" if isinstance(one, dict) else str(one) for one in named]


def undo_it(call: Call) -> Response:
    """Undo: restores what was before, and names what somebody touched since."""
    operation = _find(call)
    left = len(undo.undo(call.db, operation.id, call.actor).left_alone)
    said = _("Undone.")
    if left:
        said = ngettext("Undone; %s thing was left alone.", "Undone; %s things were left alone.", left) % left
    back = call.text("next", 300)
    known = back.startswith("/duplicates?") or back == "/duplicates"
    return call.go(back if known else f"/operations/{operation.id}", said)


def _restores(operation: Operation) -> str:
    """What the undo of an operation brings back."""
    if "pairs" in operation.args:
        return _(
            "All pairs of this operation wait for a decision again; each half of a card gets its own back,"
            " with what came since."
        )
    return {
        "import": _(
            "What the file brought leaves the cards; what it changed goes back to the version before."
        ),
        "dedupe": _(
            "The cards of this run are as they were, each with its own, including what came since. What it"
            " asked and nobody has answered is asked no more."
        ),
        "arrival": _("The cards that were joined on arrival are as they were, with what came since."),
        "merge": _("The two cards are two again, each with its own, including what came since."),
        "verdict": _("The pair waits for a decision again, as if nobody had decided."),
        "split": _("The profiles return to the card they came from, with what came since."),
        "policy": _("The order before is in force again, and the cards are computed from it."),
        "costs": _("The costs of the file are taken away; those it had replaced are in force again."),
        "mailing": _("What has not left is cancelled. A letter that left can't be taken back."),
        "directory": _(
            "Values return on both sides unless somebody touched them since; a conflict stands there then."
            " What was made there stays."
        ),
        "directory.decision": _("Both sides say again what they said before; the conflict waits again."),
        "site": _("What was changed is again as it was before. Pages have it within five minutes."),
    }.get(operation.kind, _("What was before is put in force again."))


def _find(call: Call) -> Operation:
    operation = call.db.get(Operation, call.id())
    if operation is None:
        raise HTTPException(404)
    return operation
