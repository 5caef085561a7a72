"""The inbox: threads of letters with customers, those who wait for an answer first of all."""

from starlette.responses import Response

from console.templating import link
from console.web import Call
from customers.mail import reading
from foundation.text import _

PAGE = 50


def listing(call: Call) -> Response:
    """Threads of one kind, those that went on last first."""
    kind = call.query("show", 20)
    kind = kind if kind in reading.KINDS else "waiting"
    before = call.query("before", 400) or None
    found = reading.threads(call.db, kind, before, limit=PAGE)
    return call.page(
        "inbox.html", rows=found.rows, kind=kind, tabs=tabs(), empty=_empty()[kind],
        older=link("/inbox", show=kind, before=found.next) if found.next else "",
        newer=link("/inbox", show=kind) if before else "",
    )  # fmt: skip


def tabs() -> list[tuple[str, str]]:
    """Kinds of threads by name."""
    return [
        ("waiting", _("Waiting for an answer")),
        ("all", _("All")),
        ("nobody", _("On no card")),
        ("automatic", _("Automatic")),
    ]


def _empty() -> dict[str, tuple[str, str]]:
    return {
        "waiting": (_("Nobody waits for an answer"), _("Letters that nobody has answered yet stand here.")),
        "all": (_("No letters yet"), _("Connect a mailbox, and letters of customers come in here.")),
        "nobody": (
            _("Every letter is on a card"),
            _("Letters from addresses that no customer has stand here until somebody has one."),
        ),
        "automatic": (
            _("Nothing automatic"),
            _("Absence notes, circulars and reports of mail servers stand here; they wait for nobody."),
        ),
    }
