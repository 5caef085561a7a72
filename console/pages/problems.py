"""Problems: what could not be brought in, why, and another try."""

from uuid import UUID

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.web import Call
from customers.tables import Source
from foundation import problems as dead_letters
from foundation.tables import Problem
from foundation.text import _
from sync import problems

PAGE = 50
STATES = {"open": ("open", "retrying"), "solved": ("solved",), "ignored": ("ignored",)}


def _source(call: Call) -> UUID | None:
    try:
        return UUID(call.query("connection"))
    except ValueError:
        return None


def listing(call: Call) -> Response:
    """Problems of a state, perhaps of one connection, the last seen first."""
    state = call.query("state") if call.query("state") in STATES else "open"
    source = _source(call)
    try:
        before = UUID(call.query("before"))
    except ValueError:
        before = None
    found = problems.page(call.db, states=STATES[state], source_id=source, before=before, limit=PAGE + 1)
    names = {row.id: row.name for row in call.db.execute(select(Source.id, Source.name))}
    return call.page(
        "problems.html",
        problems=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        newer=before is not None,
        state=state,
        states={"open": _("Open"), "solved": _("Solved"), "ignored": _("Left be")},
        source=source,
        names=names,
    )


def show(call: Call) -> Response:
    """One problem: what happened, what to do, and the record as it came."""
    problem = _find(call)
    source = call.db.get(Source, problem.source_id) if problem.source_id else None
    return call.page("problem.html", problem=problem, source=source)


def retry(call: Call) -> Response:
    """Try again."""
    problem = _find(call)
    dead_letters.retry(call.db, problem.id)
    return call.go(f"/problems/{problem.id}", _("Trying again. Reload in a moment to see what came of it."))


def retry_all(call: Call) -> Response:
    """Try all failed records of one connection again."""
    source = call.db.get(Source, call.id())
    if source is None:
        raise HTTPException(404)
    count = problems.retry_all(call.db, source.id)
    return call.go(
        f"/problems?connection={source.id}", _("Trying %s records again.") % call.reader.number(count)
    )


def ignore(call: Call) -> Response:
    """Leave it be."""
    dead_letters.ignore(call.db, _find(call).id)
    return call.go("/problems", _("Left be. The same fault later counts as a new problem."))


def _find(call: Call) -> Problem:
    problem = call.db.get(Problem, call.id())
    if problem is None:
        raise HTTPException(404)
    return problem
