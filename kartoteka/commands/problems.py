"""What went wrong, from the terminal."""

from pathlib import Path
from typing import Any
from uuid import UUID

import click

from kartoteka.terminal import data_option, json_option, say, table


@click.command("problems")
@click.option("--name", help="Only of this connection.")
@click.option("--state", default="open", type=click.Choice(["open", "retrying", "solved", "ignored"]),
              help="Only in this state.")  # fmt: skip
@click.option("--retry", "retry_id", type=click.UUID, metavar="ID", help="Try this one again.")
@click.option("--ignore", "ignore_id", type=click.UUID, metavar="ID", help="Set this one aside.")
@click.option("--limit", default=50, type=click.IntRange(1, 1000), help="How many, the latest first.")
@data_option
@json_option
def problems_command(
    name: str | None, state: str, retry_id: UUID | None, ignore_id: UUID | None, limit: int,
    data: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """List what went wrong, the latest first; or try one again; or set one aside."""
    from foundation import jobs, problems
    from foundation.database import transaction
    from foundation.tables import Problem
    from kartoteka import installation
    from kartoteka.worker import load_jobs

    with installation.opened(data) as found:
        with transaction(found.engine) as session:
            if retry_id or ignore_id:
                act = problems.retry if retry_id else problems.ignore
                wanted = UUID(str(retry_id or ignore_id))
                act(session, wanted)
                session.flush()
                rows = [as_row(session.get_one(Problem, wanted, populate_existing=True))]
            else:
                rows = listed(session, name, state, limit)
        if retry_id and not found.running:
            load_jobs()
            jobs.run_until_idle(found.engine)
    shown = [(row["last_at"], row["times"], row["subject"], row["message"], row["id"]) for row in rows]
    headers = ("LAST", "TIMES", "WHAT", "WHY", "ID")
    say({"data": rows, "next": None}, as_json, table(headers, shown, f"No {state} problems."))


def listed(session: Any, name: str | None, state: str, limit: int) -> list[dict[str, Any]]:
    """The problems in a state, the latest first."""
    from sqlalchemy import select

    from foundation.tables import Problem
    from sync import connections

    query = select(Problem).where(Problem.state == state)
    if name:
        query = query.where(Problem.source_id == connections.find(session, name)[0].id)
    rows = session.scalars(query.order_by(Problem.last_at.desc(), Problem.id.desc()).limit(limit))
    return [as_row(row) for row in rows]


def as_row(row: Any) -> dict[str, Any]:
    """One problem for JSON and the table."""
    fields = ("id", "area", "subject", "message", "state", "times", "source_id", "operation_id", "last_at")
    return {field: getattr(row, field) for field in fields}
