"""Pulls, reconciliations and their runs."""

from pathlib import Path
from typing import Any

import click

from kartoteka.terminal import data_option, finish, json_option, say, table


@click.command("pull")
@click.argument("name")
@click.option("--full", is_flag=True, help="Read everything again, not only what changed.")
@click.option("--accept-loss", is_flag=True, help="Go on though much seems to have been deleted there.")
@click.option("--no-wait", is_flag=True, help="Start it and leave it to the workers.")
@data_option
@json_option
def pull_command(
    name: str, full: bool, accept_loss: bool, no_wait: bool, data: Path | None, as_json: bool
) -> None:
    """Fetch what changed in an outside system now, and wait until it stands on cards."""
    from foundation.database import transaction
    from kartoteka import installation, summaries
    from kartoteka.following import follow
    from sync import connections, pull

    with installation.opened(data) as found:
        with transaction(found.engine) as session:
            row, source = connections.find(session, name)
            run = pull.start(session, row.id, full=full, accept_loss=accept_loss)
        if no_wait and found.running:
            say({"run": run.id, "state": run.state}, as_json, f"Started run {run.id}.")
            return
        ended = follow(found, run.id, f"Pulling {source.name}", quiet=as_json)
        summary = {"connection": source.name, **summaries.of_run(ended)}
    finish(summary, as_json, summaries.sentence(summary))


@click.command("reconcile")
@click.argument("name")
@click.option("--repair/--no-repair", default=True, help="Fetch what is missing or different here.")
@click.option("--accept-loss", is_flag=True, help="Mark as gone even when a large share vanished there.")
@data_option
@json_option
def reconcile_command(name: str, repair: bool, accept_loss: bool, data: Path | None, as_json: bool) -> None:
    """Compare what is there with what is here, per day, and repair the gaps."""
    from foundation.database import transaction
    from kartoteka import installation, summaries
    from kartoteka.following import follow
    from sync import connections, reconcile

    with installation.opened(data) as found:
        with transaction(found.engine) as session:
            row, source = connections.find(session, name)
            run = reconcile.start(session, row.id, repair, accept_loss)
        ended = follow(found, run.id, f"Reconciling {source.name}", quiet=as_json)
        summary = {"connection": source.name, **summaries.of_run(ended), "detail": ended.detail}
    finish(summary, as_json, summaries.sentence(summary))


@click.command("runs")
@click.option("--name", help="Only of this connection.")
@click.option("--limit", default=20, type=click.IntRange(1, 500), help="How many, the newest first.")
@data_option
@json_option
def runs_command(name: str | None, limit: int, data: Path | None, as_json: bool) -> None:
    """List pulls, imports and reconciliations, the newest first."""
    from foundation.database import transaction
    from kartoteka import installation
    from sync import connections, runs

    fields = ("id", "connection_id", "kind", "state", "read", "new", "changed", "same", "problems", "error",
              "started_at", "finished_at")  # fmt: skip
    with installation.opened(data) as found, transaction(found.engine) as session:
        only = connections.find(session, name)[0].id if name else None
        rows: list[dict[str, Any]] = [
            {field: getattr(run, field) for field in fields} for run in runs.page(session, only, limit=limit)
        ]
    headers = ("STARTED", "KIND", "STATE", "READ", "NEW", "CHANGED", "SAME", "PROBLEMS", "ID")
    columns = ("started_at", "kind", "state", "read", "new", "changed", "same", "problems", "id")
    shown = [[row[column] for column in columns] for row in rows]
    say({"data": rows, "next": None}, as_json, table(headers, shown, "No runs yet."))
