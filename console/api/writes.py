"""What the API can set going: pulls, retries, merges, undo."""

from uuid import UUID

import msgspec

from console.api.asking import Ask, Later
from console.api.lists import run_of
from console.api.shapes import Operation, Problem, copied
from customers import merge as merging
from foundation import problems
from foundation.tables import Operation as OperationRow
from foundation.tables import Problem as ProblemRow
from sync import pull, undo
from sync.tables import Connection


class Pull(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a pull may be told: `full` reads everything again."""

    full: bool = False


class Merge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two cards of one person; the ids may be of cards merged before."""

    keep: UUID
    other: UUID


def start_pull(ask: Ask) -> Later:
    """Start a pull of a connection now; answers the run to be followed."""
    ask.row(Connection)
    wanted = ask.read_body(Pull)
    run = pull.start(ask.db, ask.id(), full=wanted.full)
    return Later(run_of(run), f"/runs/{run.id}")


def merge(ask: Ask) -> Operation:
    """Join two cards; answers the operation that can be undone."""
    wanted = ask.read_body(Merge)
    return copied(Operation, merging.merge(ask.db, wanted.keep, wanted.other, ask.actor))


def undo_operation(ask: Ask) -> Later:
    """Take an operation back; large ones go on in the background."""
    row = ask.row(OperationRow)
    undo.undo(ask.db, row.id, ask.actor)
    ask.db.flush()
    return Later(copied(Operation, row), f"/operations/{row.id}")


def retry_problem(ask: Ask) -> Problem:
    """Try again what a problem is about."""
    row = ask.row(ProblemRow)
    problems.retry(ask.db, row.id)
    ask.db.refresh(row)
    return copied(Problem, row, connection_id=row.source_id)
