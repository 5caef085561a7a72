"""Duplicates: look again by exact keys, list those that wait, decide; and joining two cards by hand."""

from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import click

from foundation.errors import BadInput
from kartoteka.commands.dedupe_file import file_command
from kartoteka.commands.dedupe_models import models_command, train_command
from kartoteka.commands.dedupe_run import evaluate_command, plan_command, run_command
from kartoteka.terminal import data_option, json_option, say, table


@click.group("dedupe", invoke_without_command=True)
@click.option("--join", "join_id", type=click.UUID, metavar="PAIR", help="This waiting pair is one customer.")
@click.option(
    "--apart", "apart_id", type=click.UUID, metavar="PAIR", help="This waiting pair is two, for good."
)
@click.option("--limit", default=50, type=click.IntRange(1, 1000), help="How many to list, the oldest first.")
@data_option
@json_option
@click.pass_context
def dedupe_command(
    ctx: click.Context, join_id: UUID | None, apart_id: UUID | None, limit: int, data: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """List pairs of cards that may be one customer or two, or decide one of them.

    Records that have landed are compared first, so nothing that waits is missing from the list.
    """
    if ctx.invoked_subcommand:
        return
    if join_id and apart_id:
        raise BadInput("One pair at a time: it is one customer, or it is two.", "--apart")
    from customers import duplicates
    from foundation import jobs
    from foundation.database import transaction
    from kartoteka import installation
    from kartoteka.worker import load_jobs

    with installation.opened(data) as found:
        if join_id or apart_id:
            answer: Literal["joined", "different"] = "joined" if join_id else "different"
            pair = UUID(str(join_id or apart_id))
            with transaction(found.engine) as session:
                done = duplicates.decide(session, pair, answer, "terminal")
                result = {"pair": pair, "decided": answer, "operation": done.id}
            say(result, as_json, f"{done.title}. Operation {done.id}.")
            return
        if not found.running:
            load_jobs()
            jobs.run_until_idle(found.engine)
        with transaction(found.engine) as session:
            total = duplicates.count(session)
            rows = [as_row(pair) for pair in duplicates.waiting(session, limit=limit).pairs]
    shown = [(row["id"], row["why"], row["left"]["name"], row["right"]["name"]) for row in rows]
    listed = table(("PAIR", "WHY", "ONE", "OTHER"), shown, "Nothing waits for a decision.")
    say({"waiting": total, "data": rows, "next": None}, as_json, listed)


dedupe_command.add_command(file_command)
for command in (plan_command, run_command, evaluate_command):
    dedupe_command.add_command(command)
dedupe_command.add_command(train_command)
dedupe_command.add_command(models_command)


def as_row(pair: Any) -> dict[str, Any]:
    """One pair for JSON and the table."""
    return {
        "id": pair.id,
        "rule": pair.rule,
        "why": pair.evidence.get("why", pair.rule),
        "score": pair.evidence.get("score"),
        "found_at": pair.found_at,
        "left": pair.left._asdict(),
        "right": pair.right._asdict(),
    }


@click.command("merge")
@click.argument("keep", type=click.UUID)
@click.argument("other", type=click.UUID)
@data_option
@json_option
def merge_command(keep: UUID, other: UUID, data: Path | None, as_json: bool) -> None:
    """Join two cards into one; `kartoteka undo` takes it back exactly."""
    from customers import merge
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        done = merge.merge(session, keep, other, "terminal")
        result = {"operation": done.id, "title": done.title, **done.result}
    say(result, as_json, f"{result['title']}. Operation {result['operation']}.")
