"""Bulk acts of people and of the system, recorded so that they can be explained and undone."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from foundation.clock import now
from foundation.errors import BadInput
from foundation.tables import Operation

# takes an operation back and marks it undone; answers a sentence for each thing that was left alone
Undoing = Callable[[Session, Operation, str], list[str]]
undoings: dict[str, Undoing] = {}


def undoes(kind: str) -> Callable[[Undoing], Undoing]:
    """Register what takes back the operations of a kind; for parts that stand beside `sync`."""

    def keep(undoing: Undoing) -> Undoing:
        undoings[kind] = undoing
        return undoing

    return keep


def begin(
    session: Session, kind: str, title: str, actor: str, args: Mapping[str, Any] | None = None
) -> Operation:
    """A running operation with its id; `title` is what the console lists, `actor` an e-mail or "system"."""
    operation = Operation(kind=kind, title=title, actor=actor, args=dict(args or {}))
    session.add(operation)
    session.flush()
    return operation


def finish(
    session: Session, operation: Operation, result: Mapping[str, Any], *, failed: bool = False
) -> None:
    """Close an operation with what came of it."""
    operation.state = "failed" if failed else "done"
    operation.result = dict(result)
    operation.finished_at = now()
    session.flush()


def mark_undone(session: Session, operation: Operation, actor: str) -> None:
    """Record who undid it; the undoing itself is the business of the part that did it."""
    operation.state = "undone"
    operation.undone_at = now()
    operation.undone_by = actor
    session.flush()


def find(session: Session, operation_id: UUID) -> Operation:
    """The operation, locked against a second undo at the same time; `BadInput` when there is none."""
    operation = session.get(Operation, operation_id, with_for_update=True)
    if operation is None:
        raise BadInput(f"there is no operation {operation_id}", at="operation")
    return operation
