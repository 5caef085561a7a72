"""Directories kept equal on both sides: switch on, plan, apply, decide conflicts."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args
from uuid import UUID

import click

from foundation.errors import BadInput
from kartoteka.commands import imports
from kartoteka.terminal import data_option, finish, json_option, say, table

DAY = click.DateTime(["%Y-%m-%d"])
SHOWN = ("linked", "taken", "pushed", "made", "agreed", "conflicts", "waiting", "gone", "stuck", "unready")


@click.command("directory")
@click.argument("name")
@click.option(
    "--add",
    "what",
    type=click.Choice(["counterparties", "nomenclature", "invoices"]),
    help="Keep this directory of the connection equal from now on.",
)
@click.option(
    "--home", metavar="SHOP", help="With nomenclature, invoices: the shop whose products or orders are ours."
)
@click.option(
    "--owner",
    "owners",
    multiple=True,
    metavar="FIELD=WHO",
    help="Who wins a field: ours, theirs, newest or ask; empty for the policy of the card.",
)
@click.option(
    "--make",
    "creates",
    type=click.Choice(["none", "companies", "all"]),
    help="Whom or what to make there that is only here; companies is not for nomenclature.",
)
@click.option("--most", type=click.IntRange(0, 100), help="Per cent that a run may change unasked.")
@click.option("--since", type=DAY, help="Invoices: orders of earlier days get none; today when not given.")
@click.option("--due", type=click.IntRange(-1, 3650), help="Invoices: days to pay; -1: as the ledger has it.")
@click.option("--automatic/--by-hand", default=None, help="Whether it runs by itself.")
@data_option
@json_option
def directory_command(
    name: str, what: str | None, home: str | None, owners: tuple[str, ...], creates: str | None,
    most: int | None, since: datetime | None, due: int | None, automatic: bool | None, data: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show or set what is kept equal between the connection NAME and what we have."""
    from foundation.database import transaction
    from kartoteka import installation
    from sync import connections
    from sync.directories import keeping
    from sync.directories.making import CREATES

    fields = ("id", "what", "stream", "creates", "most", "automatic", "owners", "since", "due_days")
    day = since.replace(tzinfo=UTC) if since else None
    with installation.opened(data) as found, transaction(found.engine) as session:
        row, _source = connections.find(session, name)
        if what is not None:
            home_id = connections.find(session, home)[0].id if home else None
            keeping.add(session, row.id, what, home_id)
        kept = [one for one in keeping.of(session, row.id) if what in (None, one.what)]
        rules = dict(_rule(one) for one in owners) or None
        for one in kept:
            able = what is not None or creates in CREATES[one.what]  # all of them are asked, and some can't
            makes = creates if able else None
            keeping.change(
                session, one, owners=rules, creates=makes, most=most, automatic=automatic, since=day,
                due_days=due,
            )  # fmt: skip
        rows = [{field: getattr(one, field) for field in fields} for one in kept]
    shown = [(one["what"], one["stream"], one["creates"], f"{one['most']} %", one["automatic"],
              ", ".join(f"{k}={v}" for k, v in one["owners"].items())) for one in rows]  # fmt: skip
    headers = ("DIRECTORY", "STREAM", "MAKES THERE", "MOST", "BY ITSELF", "OWNERS")
    say({"data": rows, "next": None}, as_json, table(headers, shown, "Nothing is kept equal."))


def _rule(said: str) -> tuple[str, str]:
    name, given, who = said.partition("=")
    if not given:
        raise BadInput(f"“{said}” is not FIELD=WHO", "--owner")
    return name.strip(), who.strip()


@click.command("plan")
@click.argument("name")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", "connection", help="With a FILE: its connection; made when there is none.")
@click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="With a FILE: a setting of the spreadsheet connector.",
)
@click.option("--limit", default=50, type=click.IntRange(0, 100_000), help="How many changes to list.")
@data_option
@json_option
def plan_command(
    name: str, file: Path | None, connection: str | None, pairs: tuple[str, ...], limit: int,
    data: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Say what would change, and change nothing.

    With the NAME of a connection: what would make its directories equal; `kartoteka apply` does it. With
    customers, orders or products and a FILE: what an import would do.
    """
    if file is not None:
        if name not in get_args(imports.What):
            raise BadInput(f"“{name}” is none of {', '.join(get_args(imports.What))}", "what")
        if not connection:
            raise BadInput("Name the connection of the file.", "--name")
        imports.show_plan(name, file, connection, pairs, data, as_json)  # type: ignore[arg-type]
        return
    _plan_directories(name, limit, data, as_json)


def _plan_directories(name: str, limit: int, data: Path | None, as_json: bool) -> None:
    from foundation.database import transaction
    from kartoteka import installation
    from sync import connections
    from sync.directories import keeping, plan

    with installation.opened(data) as found, transaction(found.engine) as session:
        row, source = connections.find(session, name)
        keeping.ensure(session, row.id)
        made = plan.make(session, row.id)
        answer: dict[str, Any] = {
            "plan": made.id, "hash": made.hash, "connection": source.name, "state": made.state,
            "guard": made.guard or None, **made.counts,
        }  # fmt: skip
        changes = [_told(one) for one in plan.changes(session, made.id, limit=limit)]
    lines = [", ".join(f"{answer[count]:,} {count}" for count in SHOWN) + f" of {answer['pairs']:,} pairs."]
    lines += [f"  {one['title'] or one['external_id']}: {line}" for one in changes for line in one["lines"]]
    lines += [answer["guard"]] if answer["guard"] else []
    lines.append(f"Apply: kartoteka apply {answer['plan']}")
    say({**answer, "changes": changes}, as_json, "\n".join(lines))


def _told(row: Any) -> dict[str, Any]:
    """One planned pair in words."""
    from sync.directories.words import lines

    return {
        "directory": row.what, "external_id": row.external_id, "title": row.title, "lines": lines(row.detail),
        "match": row.detail.get("match"), "fields": row.detail.get("fields", []),
        "make": row.detail.get("make"), "gone": row.detail.get("gone"),
    }  # fmt: skip


@click.command("apply")
@click.argument("plan", type=click.UUID)
@data_option
@json_option
def apply_command(plan: UUID, data: Path | None, as_json: bool) -> None:
    """Do what a PLAN of directories says; refused when anything it was made of has moved since."""
    from foundation.database import transaction
    from kartoteka import installation
    from kartoteka.following import follow
    from kartoteka.worker import load_jobs
    from sync.directories import jobs

    load_jobs()
    with installation.opened(data) as found:
        with transaction(found.engine) as session:
            run = jobs.start(session, plan, "terminal")
        ended = follow(found, run.id, "Bringing directories to be equal", quiet=as_json)
        if ended.state != "done":
            raise BadInput(ended.error or f"it is {ended.state}", "plan")
        sent = _sent(found, ended.operation_id)
    counts = ended.detail.get("counts", {})
    left = ended.detail.get("left_alone", [])
    answer = {
        "plan": plan, "operation": ended.operation_id, "read": ended.read, "new": counts.get("made", 0),
        "changed": ended.changed, "same": 0, "problems": sent.get("failed", 0), "counts": counts,
        "pushes": sent, "left_alone": left,
    }  # fmt: skip
    lines = [", ".join(f"{counts.get(name, 0):,} {name}" for name in SHOWN) + "."]
    lines += [", ".join(f"{number:,} {state}" for state, number in sorted(sent.items()))] if sent else []
    lines += [f"  left alone: {one}" for one in left]
    finish(answer, as_json, "\n".join([*lines, f"Undo: kartoteka undo {ended.operation_id}"]))


def _sent(found: Any, operation_id: UUID | None) -> dict[str, int]:
    """How many pushes of an operation are in which state, when all are through or the other side is away."""
    from sqlalchemy import text

    from foundation.database import transaction
    from kartoteka.following import LOOK, Helper

    states = text("SELECT state, count(*) FROM pushes WHERE operation_id = :id GROUP BY state")
    stuck = text(
        "SELECT EXISTS (SELECT FROM jobs WHERE kind = 'sync.push' AND errors > 0 AND state <> 'done')"
    )
    helper = Helper(found.engine)
    if not found.running:
        helper.start()
    try:
        while True:
            with transaction(found.engine) as session:
                sent: dict[str, int] = dict(session.execute(states, {"id": operation_id}).all())
                if not {"waiting", "sent"} & set(sent) or session.scalar(stuck):
                    return sent
            time.sleep(LOOK)
    finally:
        helper.stop()


@click.command("conflicts")
@click.argument("ids", nargs=-1, type=click.UUID)
@click.option("--decide", type=click.Choice(["ours", "theirs", "proposed"]), help="Who wins those named.")
@click.option("--all", "everything", is_flag=True, help="With --decide: all that wait.")
@click.option("--same", type=click.UUID, metavar="PAIR", help="The two of this pair are the same.")
@click.option("--apart", type=click.UUID, metavar="PAIR", help="The two of this pair are not the same.")
@click.option("--limit", default=50, type=click.IntRange(1, 1000), help="How many to list, the oldest first.")
@data_option
@json_option
def conflicts_command(
    ids: tuple[UUID, ...], decide: Literal["ours", "theirs", "proposed"] | None, everything: bool,
    same: UUID | None, apart: UUID | None, limit: int, data: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """List fields that both sides changed and doubtful pairs, or decide them; `undo` takes it back."""
    _check_wanted(bool(ids), decide, everything, same, apart)
    from foundation.database import transaction
    from kartoteka import installation
    from sync.directories import conflicts, decisions

    with installation.opened(data) as found:
        with transaction(found.engine) as session:
            if same or apart:
                done = decisions.pair(session, UUID(str(same or apart)), bool(same), "terminal")
            elif decide:
                waiting = conflicts.waiting(session, limit=10_000) if everything else []
                side = None if decide == "proposed" else decide
                done = decisions.decide(session, [*ids, *(one.id for one in waiting)], side, "terminal")
            else:
                _list(session, limit, as_json)
                return
        _sent(found, done.operation.id)
        answer = {
            "operation": done.operation.id,
            "left_alone": done.left_alone,
            "title": done.operation.title,
        }
    lines = [f"{answer['title']}. Undo: kartoteka undo {answer['operation']}"]
    say(answer, as_json, "\n".join([*lines, *(f"  left alone: {one}" for one in done.left_alone)]))


def _check_wanted(
    named: bool, decide: str | None, everything: bool, same: UUID | None, apart: UUID | None
) -> None:
    """Refuse words that don't go together: nothing of what was asked for is passed over."""
    if (same and apart) or ((same or apart) and (named or decide or everything)):
        raise BadInput("One pair at a time, and no conflicts with it.", "--same" if same else "--apart")
    if (named or everything) and not decide:
        raise BadInput("Say who wins: ours, theirs or proposed.", "--decide")
    if decide and named == everything:
        raise BadInput("Name the conflicts by their ids, or say --all.", "--decide")


def _list(session: Any, limit: int, as_json: bool) -> None:
    from sync.directories import conflicts

    names = ("id", "title", "field", "base", "ours", "theirs", "ours_from", "ours_at", "theirs_at", "reason",
             "proposed")  # fmt: skip
    rows = [{name: getattr(one, name) for name in names} for one in conflicts.waiting(session, limit=limit)]
    doubtful = conflicts.doubtful(session, limit)
    shown = [tuple(one[name] for name in ("id", "title", "field", "base", "ours", "theirs", "proposed"))
             for one in rows]  # fmt: skip
    text = table(("ID", "WHO", "FIELD", "BASE", "OURS", "THEIRS", "PROPOSED"), shown, "Nothing waits.")
    if doubtful:
        headers = ("PAIR", "OURS", "THEIRS", "BECAUSE OF")
        pairs = [
            (one["id"], _side(one, "ours"), _side(one, "theirs"), f"{one['reason']} {one['said']}")
            for one in doubtful
        ]
        text += "\n\n" + table(headers, pairs, "")
    say({"data": rows, "pairs": doubtful, "next": None}, as_json, text)


def _side(pair: dict[str, Any], side: str) -> str:
    """One of a pair: its name or number, and of an order or an invoice whose it is and what it comes to."""
    total = pair[f"{side}_total"]
    sum_ = "" if total is None else f"{total.normalize():f} {pair[f'{side}_currency']}"
    return ", ".join(filter(None, (pair[side], pair[f"{side}_who"], sum_)))
