"""Imports of spreadsheets: plan, then do."""

import sys
from pathlib import Path
from typing import Any, Literal

import click

from foundation.errors import BadInput
from kartoteka.commands.connections import read_pairs
from kartoteka.terminal import Command, data_option, finish, json_option, say

What = Literal["customers", "orders", "products"]
PLANNED = ("read", "new", "changed", "same", "duplicate", "problems")


def file_options(command: Command) -> Command:
    """What planning and importing have in common."""
    for option in (
        json_option,
        data_option,
        click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE",
                     help="How to read the file: a setting of the spreadsheet connector."),
        click.option("--name", required=True, help="The connection of the file; made when there is none."),
        click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False)),
        click.argument("what", type=click.Choice(["customers", "orders", "products"])),
    ):  # fmt: skip
        command = option(command)
    return command


def plan_of(found: Any, name: str, file: Path, what: What, options: dict[str, str]) -> dict[str, Any]:
    """What the import would do; nothing is kept."""
    from sqlalchemy import select

    from customers.tables import Source
    from foundation.database import transaction
    from sync import plans

    with transaction(found.engine) as session:
        known = session.scalar(select(Source.id).where(Source.name == name.strip()))
    planned = plans.plan(found.engine, known, file, what, options)
    return {
        "plan": planned.hash,
        "read": planned.rows,
        "new": planned.new,
        "changed": planned.changed,
        "same": planned.same,
        "duplicate": planned.duplicate,
        "problems": planned.bad,
        "samples": planned.samples,
        "bad_rows": planned.bad_rows,
    }


def in_words(plan: dict[str, Any]) -> str:
    """The plan in lines: counts, then the first rows that can't be used."""
    lines = [", ".join(f"{plan[name]:,} {name}" for name in PLANNED) + "."]
    lines += [f"  {row.at}: {row.reason}" for row in plan["bad_rows"][:5]]
    return "\n".join(lines)


def show_plan(
    what: What, file: Path, name: str, pairs: tuple[str, ...], data: Path | None, as_json: bool
) -> None:
    """Print the plan of an import; leaves with 3 when rows can't be used."""
    from kartoteka import installation

    with installation.opened(data, begins=True) as found:
        plan = plan_of(found, name, file, what, read_pairs(pairs))
    finish({**plan, "operation": None}, as_json, in_words(plan))


@click.command("import")
@file_options
@click.option("--plan", "only_plan", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Don't ask before importing.")
def import_command(
    what: What, file: Path, name: str, pairs: tuple[str, ...], data: Path | None, as_json: bool,
    only_plan: bool, yes: bool,
) -> None:  # fmt: skip
    """Import customers, orders or products from a CSV or XLSX FILE. `kartoteka undo` takes all of it back."""
    if only_plan:
        show_plan(what, file, name, pairs, data, as_json)
        return
    if not yes and (as_json or not sys.stdin.isatty()):
        raise BadInput("Nobody is here to be asked: look with --plan, then import with --yes.", "--yes")
    from kartoteka import installation

    options = read_pairs(pairs)
    with installation.opened(data, begins=True) as found:
        held = None
        if not yes:
            plan = plan_of(found, name, file, what, options)
            click.echo(in_words(plan))
            if not click.confirm("Import?"):
                say({"operation": None}, as_json, "Nothing was changed.")
                return
            held = str(plan["plan"])
        summary = do_import(found, what, file, name, options, held, quiet=as_json)
    text = ", ".join(f"{summary[count]:,} {count}" for count in PLANNED)
    finish(summary, as_json, f"{text}. Undo: kartoteka undo {summary['operation']}")


def do_import(
    found: Any, what: What, file: Path, name: str, options: dict[str, str], plan_hash: str | None = None,
    *, quiet: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Import and wait until it stands on cards; answers the summary."""
    from foundation.database import transaction
    from kartoteka import summaries
    from kartoteka.following import follow
    from sync import imports

    with transaction(found.engine) as session:
        made = imports.connection_for(session, found.context.sealer, name)
        run = imports.start(
            session, found.settings, made.id, file, what, "terminal", options=options, plan_hash=plan_hash
        )
    ended = follow(found, run.id, f"Importing {file.name}", quiet=quiet)
    return {"connection": name, **summaries.of_run(ended), "duplicate": ended.detail.get("duplicate", 0)}
