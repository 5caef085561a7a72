"""How many the builder's rows mean now, with some of them: asked while somebody types, given up soon."""

from starlette.responses import HTMLResponse, Response

from console.pages import segment_rows, segment_trees
from console.templating import render
from console.web import Call
from customers.segments import people, store
from foundation.clock import now
from foundation.errors import BadInput
from foundation.text import _

PATIENCE = 3_000  # milliseconds; whoever typed on has stopped waiting anyway
SAMPLES = 8


def show(call: Call) -> Response:
    """A piece of the page: the number, some customers, or why there is neither."""
    try:
        node = segment_trees.to_tree(segment_rows.read(call.form))
        store.known_lists(call.db, node)
        found = store.first_in_time(call.db, node, now(), SAMPLES, milliseconds=PATIENCE)
    except BadInput as error:
        return _piece(call, problem=error.message)
    if found is None:
        said = _(
            "This takes longer than %s seconds to count. Save it: its members are found in the background."
        )
        return _piece(call, problem=said % (PATIENCE // 1000))
    rows = people.some(call.db, found.ids)
    return _piece(call, number=found.number, rows=rows)


def _piece(call: Call, **shown: object) -> Response:
    return HTMLResponse(render("segment_count.html", {"show": call.reader, "problem": "", **shown}))
