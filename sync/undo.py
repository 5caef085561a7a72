"""Undo of bulk acts: one door for all kinds, and the undo of imports, which is the landing's own."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import undo as identity
from customers.undo import Undone
from foundation import clock, operations
from foundation.errors import BadInput
from foundation.tables import Operation
from foundation.wake import wake_after_commit
from sync.heads import hold_stream
from sync.landing import TOMBSTONE

Undoing = Callable[[Session, Operation, str], Undone]

NAMED = 100  # objects left alone that the result names
_others: dict[str, Undoing] = {}

# objects of an operation whose head is still where the operation put it
_STILL = (
    "FROM head_moves m JOIN landed_heads h ON h.connection_id = m.connection_id AND h.stream = m.stream"
    " AND h.external_id = m.external_id WHERE m.operation_id = :operation AND h.landed_id = m.after_id"
)


def undo(session: Session, operation_id: UUID, actor: str) -> Undone:
    """Take an operation back; names what was left alone because somebody touched it since.

    BadInput says why an operation can't be undone.
    """
    operation = operations.find(session, operation_id)
    refuse_unless_undoable(operation)
    if operation.kind in identity.KINDS:
        return identity.undo(session, operation_id, actor)
    if operation.kind in _others:
        return _others[operation.kind](session, operation, actor)
    if operation.kind in operations.undoings:
        return Undone(operation, operations.undoings[operation.kind](session, operation, actor))
    result = undo_import(session, operation)
    operation.result = {**operation.result, "undo": result}
    operations.mark_undone(session, operation, actor)
    left = [f"{one['stream']} {one['id']}: it has changed since the import" for one in result["left_alone"]]
    return Undone(operation, left)


def undoes(kind: str) -> Callable[[Undoing], Undoing]:
    """Register what takes back the operations of a kind of another part."""

    def keep(undoing: Undoing) -> Undoing:
        _others[kind] = undoing
        return undoing

    return keep


def refuse_unless_undoable(operation: Operation) -> None:
    """Raise BadInput with the reason when an operation can't be undone now."""
    if operation.kind not in (*identity.KINDS, *_others, *operations.undoings, "import"):
        raise BadInput(f"“{operation.title}” can't be undone.", "operation")
    if operation.state == "undone":
        raise BadInput(f"“{operation.title}” has been undone already.", "operation")
    if operation.state == "running":
        raise BadInput(f"“{operation.title}” is still going on; cancel it first.", "operation")


def undoable(operation: Operation) -> bool:
    """Whether an undo can be offered."""
    try:
        refuse_unless_undoable(operation)
    except BadInput:
        return False
    return True


def undo_import(session: Session, operation: Operation) -> dict[str, Any]:
    """Put the versions from before an import in force again; objects that moved on since stay as they are."""
    values = {"operation": operation.id, "at": clock.now(), "tombstone": TOMBSTONE}
    streams = session.execute(
        text("SELECT DISTINCT connection_id, stream FROM head_moves WHERE operation_id = :operation"), values
    ).all()
    for connection_id, stream in sorted(streams):
        hold_stream(session, connection_id, stream)
    left = session.execute(
        text(
            "SELECT m.stream, m.external_id FROM head_moves m JOIN landed_heads h"
            " ON h.connection_id = m.connection_id AND h.stream = m.stream AND h.external_id = m.external_id"
            " WHERE m.operation_id = :operation AND h.landed_id <> m.after_id ORDER BY 1, 2"
        ),
        values,
    ).all()
    gone = _bury_new(session, values)
    back = _put_back(session, values)
    wake_after_commit(session, "sync.resolve")
    return {
        "back": back,
        "gone": gone,
        "left": len(left),
        "left_alone": [{"stream": row[0], "id": row[1]} for row in left[:NAMED]],
    }


def _bury_new(session: Session, values: dict[str, Any]) -> int:
    """Objects that the operation brought get a tombstone."""
    session.execute(
        text(
            "INSERT INTO landed_records (connection_id, stream, external_id, version_hash, payload, gone,"
            " via, received_at)"
            " SELECT m.connection_id, m.stream, m.external_id, :tombstone, '', true, 'undo', :at "
            + _STILL
            + " AND m.before_id IS NULL ON CONFLICT DO NOTHING"
        ),
        values,
    )
    return _count(
        session,
        "UPDATE landed_heads g SET landed_id = r.id, version_hash = r.version_hash, version_at = NULL,"
        " gone = true, moved_at = :at, overtook = g.pending, pending = true, crashes = 0"
        " FROM landed_records r,"
        " (SELECT m.connection_id, m.stream, m.external_id " + _STILL + " AND m.before_id IS NULL) AS s"
        " WHERE g.connection_id = s.connection_id AND g.stream = s.stream AND g.external_id = s.external_id"
        " AND r.connection_id = s.connection_id AND r.stream = s.stream AND r.external_id = s.external_id"
        " AND r.version_hash = :tombstone",
        values,
    )


def _put_back(session: Session, values: dict[str, Any]) -> int:
    """Objects that the operation changed get their former version back."""
    return _count(
        session,
        "UPDATE landed_heads g SET landed_id = r.id, version_hash = r.version_hash,"
        " version_at = r.version_at, gone = r.gone, moved_at = :at, overtook = g.pending, pending = true,"
        " crashes = 0 FROM landed_records r,"
        " (SELECT m.connection_id, m.stream, m.external_id, m.before_id " + _STILL
        + " AND m.before_id IS NOT NULL) AS s"
        " WHERE g.connection_id = s.connection_id AND g.stream = s.stream AND g.external_id = s.external_id"
        " AND r.id = s.before_id",
        values,
    )  # fmt: skip


def _count(session: Session, update: str, values: dict[str, Any]) -> int:
    """Run an UPDATE and count its rows in the database."""
    query = f"WITH moved AS ({update} RETURNING 1) SELECT count(*) FROM moved"
    return int(session.scalar(text(query), values) or 0)
