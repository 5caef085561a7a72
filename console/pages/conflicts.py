"""The conflict inbox: what both sides changed, and pairs in doubt, decided one by one or in bulk."""

from uuid import UUID

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.pages import directory_words as words
from console.templating import link
from console.web import Call, as_id
from customers.tables import Source
from foundation.text import _, ngettext
from sync.directories import apply, conflicts, decisions, pushing
from sync.directories.tables import Conflict, Directory, Link

HERE = "/directories/conflicts"
PAGE = 50


def listing(call: Call) -> Response:
    """Fields that wait, the oldest first, and pairs that wait; of one directory where it is named."""
    after, only = call.query("after", 40), call.query("directory", 40)
    directory = call.db.get(Directory, as_id(only)) if only else None
    if only and directory is None:
        raise HTTPException(404)
    of = directory.id if directory is not None else None
    found = conflicts.waiting(call.db, of, after=as_id(after) if after else None, limit=PAGE + 1)
    doubtful = [] if after else conflicts.doubtful(call.db, PAGE + 1, directory_id=of)
    return call.page(
        "directory_conflicts.html",
        conflicts=found[:PAGE],
        doubtful=doubtful[:PAGE],
        more=len(doubtful) > PAGE,
        directory=directory,
        directories=_directories(call),
        things=_things(call, found[:PAGE]),
        older=link(HERE, directory=only, after=found[PAGE - 1].id) if len(found) > PAGE else "",
        newer=link(HERE, directory=only) if after else "",
        fields=words.fields(),
        reasons=words.reasons(),
        whats=words.whats(),
    )


def _directories(call: Call) -> dict[UUID, tuple[str, str]]:
    """Which directory it is: what, and the name of its ledger."""
    rows = call.db.execute(
        select(Directory.id, Directory.what, Source.name)
        .join(Source, Source.id == Directory.connection_id)
        .order_by(Source.name, Directory.what)
    )
    return {row.id: (row.what, row.name) for row in rows}


def _things(call: Call, found: list[Conflict]) -> dict[UUID, UUID]:
    """The things of ours that fields belong to, by the pair."""
    rows = call.db.execute(select(Link.id, Link.local_id).where(Link.id.in_([one.link_id for one in found])))
    return {row.id: row.local_id for row in rows}


def decide(call: Call) -> Response:
    """Decide the chosen ones for a side, or as each proposes."""
    side = {"ours": "ours", "theirs": "theirs", "proposed": None}.get(call.text("side", 10), "")
    if side == "":
        raise HTTPException(400, _("Say which side wins."))
    chosen = call.texts("shown" if call.text("all", 4) == "yes" else "conflict")
    ids: list[UUID] = [as_id(one) for one in chosen[:PAGE]]
    back = link(HERE, directory=call.text("directory", 40))
    if not ids:
        return call.go(back, _("Choose conflicts first."))
    done = decisions.decide(call.db, ids, side, call.actor)  # type: ignore[arg-type]
    said = ngettext("%s conflict decided.", "%s conflicts decided.", len(ids) - len(done.left_alone))
    left = [_("Left alone: %s") % one for one in done.left_alone[:3]]
    notice = " ".join([said % call.reader.number(len(ids) - len(done.left_alone)), *left])
    return call.go(back, notice, done.operation.id)


def pair(call: Call) -> Response:
    """The same or not."""
    same = call.text("same", 4)
    if same not in ("yes", "no"):
        raise HTTPException(400, _("Say whether they are the same."))
    done = decisions.pair(call.db, call.id(), same == "yes", call.actor)
    for connection_id in apply.waiting(call.db, done.operation.id):
        pushing.enqueue(call.db, connection_id)
    said = _("A pair from now on; the next plan compares them.") if same == "yes" else _("No pair.")
    return call.go(link(HERE, directory=call.text("directory", 40)), said, done.operation.id)
