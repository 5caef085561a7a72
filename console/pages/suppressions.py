"""Addresses that get no letters: looked up one at a time, since only their hashes are kept."""

import re

from starlette.responses import Response

from console.templating import link
from console.web import Call
from customers import emails
from email_campaigns import suppression
from email_campaigns.tables import Suppression
from foundation.clock import now
from foundation.errors import BadInput
from foundation.text import _

MOST = 200_000  # addresses of a list
LARGEST = 20_000_000  # bytes
_FOUND = re.compile(r"[^\s<>\"',;:|]+@[^\s<>\"',;:|]+")


def reasons() -> dict[str, str]:
    """Why an address is on the list, in words."""
    return {
        "bounce": _("mail came back: no such mailbox"),
        "soft_bounces": _("mail came back several times"),
        "complaint": _("called a letter spam"),
        "unsubscribed": _("unsubscribed"),
        "manual": _("put here by one of us"),
        "imported": _("from a list"),
        "erased": _("was erased"),
    }


def show(call: Call) -> Response:
    """How many there are, and one address when it is asked for."""
    return _shown(call, call.query("address", 400))


def _shown(call: Call, address: str, wrong: dict[str, str] | None = None) -> Response:
    problem = _problem(address) if address else ""
    rows = suppression.history(call.db, address) if address and not problem else []
    return call.page(
        "suppressions.html", 422 if wrong else 200, address=address, problem=problem, rows=rows,
        counts=suppression.counts(call.db), reasons=reasons(), wrong=wrong or {}, typed=call.fields(),
        in_force=_in_force, liftable=any(map(_in_force, rows)), scope=_scope,
    )  # fmt: skip


def _in_force(row: Suppression) -> bool:
    return row.until is None or row.until > now()


def _scope(row: Suppression) -> str:
    if row.scope == suppression.EVERYTHING:
        return _("every letter")
    if row.scope == suppression.MARKETING:
        return _("marketing")
    return _("topic: %s") % row.scope


def _problem(address: str) -> str:
    found = emails.parse(address)
    return _("This is no e-mail address.") if found.problem or not found.key else ""


def add(call: Call) -> Response:
    """Put an address onto the list, with a reason in one's own words."""
    address, why = call.text("address", 400), call.text("why", 300)
    wrong = {}
    if problem := _problem(address):
        wrong["address"] = problem
    if not why:
        wrong["why"] = _("Say why, so that others know later.")
    if wrong:
        return _shown(call, "", wrong)
    scope = suppression.MARKETING if call.text("scope") == "marketing" else suppression.EVERYTHING
    news = suppression.add(call.db, address, "manual", scope=scope, detail=why, actor=call.actor)
    said = _("It gets no letters any more.") if news else _("It was on the list already.")
    return call.go(link("/suppressions", address=address), said)


def lift(call: Call) -> Response:
    """Take an address off the list again; the entry stays with who did it and why."""
    address, why = call.text("address", 400), call.text("why", 300)
    if not why:
        raise BadInput(_("Say why it may get letters again."), "why")
    count = suppression.lift(call.db, address, actor=call.actor, why=why)
    said = _("It may get letters again.") if count else _("Nothing was in force any more.")
    return call.go(link("/suppressions", address=address), said)


def take_list(call: Call) -> Response:
    """Put every address of a file onto the list."""
    why = call.text("list_why", 300)
    data = call.upload("list").file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise BadInput(_("The file is larger than 20 MB; split it."), "list")
    found = {one for one in _FOUND.findall(data.decode("utf-8", "replace")) if not _problem(one)}
    if not found:
        raise BadInput(_("There is no e-mail address in this file."), "list")
    if len(found) > MOST:
        raise BadInput(_("These are more than 200,000 addresses; split the file."), "list")
    news = suppression.add_all(call.db, found, "imported", why, call.actor)
    said = _("%(found)s addresses read, %(news)s of them are new here.")
    number = call.reader.number
    return call.go("/suppressions", said % {"found": number(len(found)), "news": number(news)})
