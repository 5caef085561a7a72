"""Operations from the terminal: what was done in bulk, and taking it back."""

from pathlib import Path
from typing import Any
from uuid import UUID

import click

from kartoteka.terminal import data_option, finish, json_option, say, table


@click.command("operations")
@click.option("--limit", default=20, type=click.IntRange(1, 500), help="How many, the newest first.")
@data_option
@json_option
def operations_command(limit: int, data: Path | None, as_json: bool) -> None:
    """List imports, merges, splits and other bulk acts, the newest first."""
    from sqlalchemy import select

    from foundation.database import transaction
    from foundation.tables import Operation
    from kartoteka import installation

    fields = ("id", "kind", "title", "actor", "state", "result", "started_at", "undone_at")
    with installation.opened(data) as found, transaction(found.engine) as session:
        query = select(Operation).order_by(Operation.started_at.desc(), Operation.id.desc()).limit(limit)
        rows: list[dict[str, Any]] = [
            {field: getattr(row, field) for field in fields} for row in session.scalars(query)
        ]
    shown = [(row["started_at"], row["kind"], row["title"], row["state"], row["id"]) for row in rows]
    headers = ("STARTED", "KIND", "WHAT", "STATE", "ID")
    say({"data": rows, "next": None}, as_json, table(headers, shown, "Nothing was done in bulk yet."))


@click.command("undo")
@click.argument("operation", type=UUID)
@data_option
@json_option
def undo_command(operation: UUID, data: Path | None, as_json: bool) -> None:
    """Take an OPERATION back; what somebody touched since is left alone and named."""
    from foundation import jobs
    from foundation.database import transaction
    from foundation.tables import Operation
    from kartoteka import installation
    from kartoteka.following import settled
    from sync import undo

    with installation.opened(data) as found:
        with transaction(found.engine) as session:
            undo.undo(session, operation, "terminal")
        if not found.running:
            jobs.run_until_idle(found.engine)
        settled(found, operation)
        with transaction(found.engine) as session:
            row = session.get_one(Operation, operation)
            answer: dict[str, Any] = {**row.result, "operation": row.id, "kind": row.kind, "state": row.state}
    answer.setdefault("problems", 0)
    finish(answer, as_json, f"{row.title}: {row.state}.")
