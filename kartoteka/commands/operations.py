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
@click.argument("operation", type=click.UUID)
@data_option
@json_option
def undo_command(operation: UUID, data: Path | None, as_json: bool) -> None:
    """Take an OPERATION back; what somebody touched since is left alone and named."""
    from foundation.database import transaction
    from kartoteka import installation
    from kartoteka.following import settled
    from kartoteka.worker import load_jobs
    from sync import undo

    load_jobs()  # each part registers the undo of its own kinds
    with installation.opened(data) as found:
        with transaction(found.engine) as session:
            undone = undo.undo(session, operation, "terminal")
            answer: dict[str, Any] = {"operation": operation, "left_alone": undone.left_alone}
        row = settled(found, operation)
        moved = row.result.get("undo", {})
        changed = moved.get("back", 0) + moved.get("gone", 0)
        left = moved.get("left", len(undone.left_alone))
        answer |= {"kind": row.kind, "state": row.state, "read": changed + left, "new": 0, "changed": changed}
    lines = [f"{row.title}: {row.state}.", *(f"  left alone: {one}" for one in undone.left_alone)]
    finish({**answer, "same": left, "problems": left}, as_json, "\n".join(lines))
