"""Directories: what is kept equal, both sides beside each other, plans and what they came to."""

from datetime import UTC, datetime, time
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.pages import directory_words as words
from console.templating import link
from console.web import Call
from customers.facts import Order, Product
from customers.tables import Customer, Source
from foundation.errors import BadInput
from foundation.text import _
from sync import connections
from sync.directories import jobs, keeping, looking, pairs, plan, undoing
from sync.directories.merge import OWNERS
from sync.directories.tables import Directory, DirectoryPlan
from sync.tables import Connection, Run

assert undoing  # imported for the undo it registers
SAMPLES = 100
AT_ONCE = 2_000  # objects compared while a person waits for the page
PLANS = 5


def listing(call: Call) -> Response:
    """What is kept equal, and what could be."""
    names = {row.id: row.name for row in call.db.execute(select(Source.id, Source.name))}
    kept = call.db.scalars(select(Directory).order_by(Directory.connection_id, Directory.what)).all()
    shown = [(one, looking.counts(call.db, one)) for one in kept]
    return call.page(
        "directories.html",
        ledgers=[(key, list(ones)) for key, ones in groupby(shown, lambda one: one[0].connection_id)],
        names=names,
        able=_able(call, {(one.connection_id, one.what) for one in kept}),
        whats=words.whats(),
        sums=words.sums(),
        plans=call.db.scalars(
            select(DirectoryPlan).order_by(DirectoryPlan.made_at.desc()).limit(PLANS)
        ).all(),
    )


def _able(call: Call, kept: set[Any]) -> list[dict[str, str]]:
    """What could be kept equal: a ledger's directory, of nomenclature with each shop that may be ours."""
    rows = call.db.execute(
        select(Source.id, Source.name, Source.role)
        .join(Connection, Connection.id == Source.id)
        .where(Source.role.in_(("accounting", "shop")), Connection.state != "removing")
        .order_by(Source.name)
    ).all()
    writes = {row.id: _writes(call, row.id) for row in rows}
    homes = [row for row in rows if row.role == "shop" and "product" in writes[row.id]]
    sellers = [row for row in rows if row.role == "shop" and "order" in writes[row.id]]
    found = []
    for row in rows:
        if row.role == "shop":
            continue
        if writes[row.id].get("person") and (row.id, "counterparties") not in kept:
            found.append(_offer(row, "counterparties"))
        if "product" in writes[row.id] and (row.id, "nomenclature") not in kept:
            able = [one for one in homes if writes[row.id]["product"] or writes[one.id]["product"]]
            found += [_offer(row, "nomenclature", one) for one in able]
        if writes[row.id].get("invoice") and (row.id, "invoices") not in kept:
            found += [_offer(row, "invoices", one) for one in sellers]
    return found


def _writes(call: Call, connection_id: UUID) -> dict[str, bool]:
    """The records that a connection has streams of, and whether it can write any."""
    found: dict[str, bool] = {}
    for stream in connections.connector_class(call.db, connection_id).streams:
        found[stream.what] = found.get(stream.what, False) or bool(stream.writes)
    return found


def _offer(row: Any, what: str, home: Any = None) -> dict[str, str]:
    return {
        "name": row.name, "connection": str(row.id), "what": what, "home": str(home.id) if home else "",
        "shop": home.name if home else "",
    }  # fmt: skip


def add(call: Call) -> Response:
    """Keep one more equal."""
    connection, _source = connections.find(call.db, call.text("connection", 40))
    home = connections.find(call.db, call.text("home", 40))[0].id if call.text("home", 40) else None
    made = keeping.add(call.db, connection.id, call.text("what", 20), home)
    return call.go(
        f"/directories/{made.id}", _("Kept equal from now on. Plan first: nothing has changed yet.")
    )


def show(call: Call) -> Response:
    """Both sides of a directory beside each other."""
    directory = _find(call)
    asked = call.query("show")
    shown = asked if asked in looking.SHOWS else "all"
    try:
        rows, following = looking.look(call.db, directory, shown, call.query("after", 500))
    except ValueError as error:
        raise HTTPException(404) from error
    here = pairs.setting(call.db, directory)
    address = f"/directories/{directory.id}"
    return call.page(
        "directory.html",
        directory=directory,
        here=here,
        rows=rows,
        maybe=_maybe(call, directory, rows),
        nothing=words.nothing(directory.what)[shown],
        shown=shown,
        counts=looking.counts(call.db, directory),
        older=link(address, show=shown, after=following) if following else "",
        newer=link(address, show=shown) if call.query("after") else "",
        shows=words.shows(),
        states=words.states(),
        fields=words.fields(),
        what=words.whats()[directory.what],
        creates=words.creates(directory.what),
        why=words.waits,
        since=_day(call, directory.since) if directory.since else "",
        owners=OWNERS,
    )


def _maybe(call: Call, directory: Directory, rows: list[looking.Seen]) -> dict[UUID, str]:
    """What the things of ours are called that those in doubt may be."""
    ids = [one.local_id for one in rows if one.state == "waiting" and one.local_id is not None]
    tables: dict[str, Any] = {"counterparties": Customer, "nomenclature": Product, "invoices": Order}
    table = tables[directory.what]
    name = Order.number if table is Order else table.name
    found = call.db.execute(select(table.id, name).where(table.id.in_(ids))) if ids else ()
    return dict(iter(found))


def save(call: Call) -> Response:
    """Who wins which field, whom to make there, how much may change unasked."""
    directory = _find(call)
    here = pairs.setting(call.db, directory)
    most = call.text("most", 4)
    if not most.isdecimal():
        raise BadInput(_("It is a share in per cent, from 0 to 100."), "most")
    keeping.change(
        call.db,
        directory,
        owners={name: call.text(f"owner.{name}", 10) for name in here.compared if not here.lasting},
        creates=call.text("creates", 12) or None,
        most=int(most),
        automatic=call.text("automatic", 4) == "yes",
        **_billing(call, directory),
    )
    return call.go(f"/directories/{directory.id}", _("Saved. The next plan goes by it."))


def _billing(call: Call, directory: Directory) -> dict[str, Any]:
    """Of invoices: the day of the first orders that get one, and the days that there are to pay."""
    if directory.what != "invoices":
        return {}
    due = call.text("due", 4)
    if due and not due.isdecimal():
        raise BadInput(_("It is a number of days."), "due")
    try:
        day = datetime.strptime(call.text("since", 20), "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise BadInput(_("Choose a day."), "since") from None
    at = datetime.combine(day, time(), ZoneInfo(call.me.zone)).astimezone(UTC)
    same = directory.since is not None and _day(call, directory.since) == day.isoformat()
    return {"since": None if same else at, "due_days": int(due) if due else -1}


def _day(call: Call, at: datetime) -> str:
    return at.astimezone(ZoneInfo(call.me.zone)).date().isoformat()


def make_plan(call: Call) -> Response:
    """Compare all directories of a connection."""
    keeping.of(call.db, call.id())
    big = keeping.large(call.db, call.id(), AT_ONCE)
    made = jobs.plan_later(call.db, call.id()) if big else plan.make(call.db, call.id())
    return call.go(f"/directories/plans/{made.id}")


def show_plan(call: Call) -> Response:
    """What a plan would do: numbers first, then the first changes with their reasons."""
    made = _plan(call)
    rows = plan.changes(call.db, made.id, limit=SAMPLES + 1)
    total = call.db.scalar(text("SELECT count(*) FROM planned_pairs WHERE plan_id = :id"), {"id": made.id})
    run = (
        call.db.scalar(select(Run).where(Run.operation_id == made.operation_id))
        if made.operation_id
        else None
    )
    return call.page(
        "directory_plan.html",
        plan=made,
        rows=rows[:SAMPLES],
        total=total,
        todo=plan.to_do(call.db, made.id),
        why=words.waits,
        run=run,
        source=call.db.get(Source, made.connection_id),
        fields=words.fields(),
        reasons=words.reasons(),
        acts=words.acts(),
        sums=words.sums(),
    )


def apply(call: Call) -> Response:
    """Do it; the run's page shows how far it is."""
    made = _plan(call)
    run = jobs.start(call.db, made.id, call.actor)
    return call.go(f"/runs/{run.id}", _("What it overwrites is recorded with its reason."), run.operation_id)


def _find(call: Call) -> Directory:
    found = call.db.get(Directory, call.id())
    if found is None:
        raise HTTPException(404)
    return found


def _plan(call: Call) -> DirectoryPlan:
    found = call.db.get(DirectoryPlan, call.id())
    if found is None:
        raise HTTPException(404)
    return found
