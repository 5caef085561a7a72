"""Tasks that journeys have for people: what is to be done for which customer, and until when."""

from datetime import datetime
from uuid import UUID

from starlette.responses import Response

from console.templating import link
from console.web import Call, as_id
from customers.timeline import read_cursor, write_cursor
from email_campaigns.journeys import listing
from foundation.clock import now
from foundation.text import _

PAGE = 50


def show(call: Call) -> Response:
    """Open tasks, the most urgent first; or those that are done."""
    done, after = call.query("show") == "done", call.query("after")
    edge: tuple[datetime, UUID] | None = None
    if after:
        at, last = read_cursor(after, UUID)
        edge = (at, last) if at else None
    rows, more = listing.tasks(call.db, done=done, after=edge, limit=PAGE)
    kept = "done" if done else ""
    return call.page(
        "tasks.html", rows=rows, done=done, now=now(), newer=link("/tasks", show=kept) if after else "",
        older=link("/tasks", show=kept, after=write_cursor(*more)) if more else "",
    )  # fmt: skip


def finish(call: Call) -> Response:
    """It is done."""
    listing.finish(call.db, call.id(), call.actor)
    card = call.text("card", 40)
    return call.go(link(f"/customers/{as_id(card)}", tab="journeys") if card else "/tasks", _("Done."))
