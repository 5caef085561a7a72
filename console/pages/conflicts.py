"""The conflict inbox: what both sides changed, and pairs in doubt, decided one by one or in bulk."""

from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.pages import directory_words as words
from console.templating import link
from console.web import Call, as_id
from foundation.text import _, ngettext
from sync.directories import apply, conflicts, decisions, pushing

PAGE = 50


def listing(call: Call) -> Response:
    """Fields that wait, the oldest first, and pairs that wait."""
    after = call.query("after", 40)
    found = conflicts.waiting(call.db, after=as_id(after) if after else None, limit=PAGE + 1)
    doubtful = [] if after else conflicts.doubtful(call.db, PAGE)
    return call.page(
        "directory_conflicts.html",
        conflicts=found[:PAGE],
        doubtful=doubtful,
        older=link("/directories/conflicts", after=found[PAGE - 1].id) if len(found) > PAGE else "",
        newer="/directories/conflicts" if after else "",
        fields=words.fields(),
        reasons=words.reasons(),
    )


def decide(call: Call) -> Response:
    """Decide the chosen ones for a side, or as each proposes."""
    side = {"ours": "ours", "theirs": "theirs", "proposed": None}.get(call.text("side", 10), "")
    if side == "":
        raise HTTPException(400, _("Say which side wins."))
    ids: list[UUID] = [as_id(one) for one in call.texts("conflict")[:PAGE]]
    if not ids:
        return call.go("/directories/conflicts", _("Choose conflicts first."))
    done = decisions.decide(call.db, ids, side, call.actor)  # type: ignore[arg-type]
    said = ngettext("%s conflict decided.", "%s conflicts decided.", len(ids) - len(done.left_alone))
    left = [_("Left alone: %s") % one for one in done.left_alone[:3]]
    notice = " ".join([said % call.reader.number(len(ids) - len(done.left_alone)), *left])
    return call.go("/directories/conflicts", notice, done.operation.id)


def pair(call: Call) -> Response:
    """The same or not."""
    same = call.text("same", 4)
    if same not in ("yes", "no"):
        raise HTTPException(400, _("Say whether they are the same."))
    done = decisions.pair(call.db, call.id(), same == "yes", call.actor)
    for connection_id in apply.waiting(call.db, done.operation.id):
        pushing.enqueue(call.db, connection_id)
    said = _("A pair from now on; the next plan compares them.") if same == "yes" else _("No pair.")
    return call.go("/directories/conflicts", said, done.operation.id)
