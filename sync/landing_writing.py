"""Writing what landing has decided: new versions and moved heads, by COPY as far as they are new."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.base import Packed, Raw
from foundation.database import copy_binary, instant
from sync.heads import Head, update_heads

Via = Literal["pull", "webhook", "import", "reconcile", "undo"]
_FALSE, _TRUE = b"\0", b"\1"


class Move(msgspec.Struct):
    """One object whose head is to move: to a version that is already here (`landed_id`) or a new one."""

    raw: Raw | Packed
    version_hash: bytes
    before: Head | None
    landed_id: int | None = None


def keep_versions(
    session: Session, connection_id: UUID, stream: str,
    fresh: Sequence[tuple[int, tuple[str, bytes], Raw | Packed, bytes]], via: Via,
    operation_id: UUID | None, at: datetime,
) -> None:  # fmt: skip
    """Write new versions: the id of each, its object and hash, itself and its payload."""
    if not fresh:
        return
    columns = (
        "id", "connection_id", "stream", "external_id", "version_hash", "version_at", "payload", "gone",
        "via", "operation_id", "received_at",
    )  # fmt: skip
    first, now = (connection_id.bytes, stream.encode()), instant(at)  # made once, not for each row
    last = (via.encode(), operation_id.bytes if operation_id else None, now)
    rows = (
        (landed_id.to_bytes(8, "big"), *first, key[0].encode(), key[1], instant(raw.version_at), payload,
         _TRUE if raw.gone else _FALSE, *last)
        for landed_id, key, raw, payload in fresh
    )  # fmt: skip
    copy_binary(session, "landed_records", columns, rows)


def move_heads(
    session: Session, connection_id: UUID, stream: str, moves: Sequence[Move], at: datetime,
    marks: Mapping[str, bytes],
) -> None:  # fmt: skip
    """Put the chosen versions in force and mark them to be resolved."""
    columns = (
        "connection_id", "stream", "external_id", "landed_id", "version_hash", "version_at", "gone",
        "moved_at", "pending", "overtook", "crashes", "seen",
    )  # fmt: skip
    first = (connection_id.bytes, stream.encode())
    last = (instant(at), _TRUE, _FALSE, bytes(4))
    rows = [
        (*first, m.raw.external_id.encode(), (m.landed_id or 0).to_bytes(8, "big"), m.version_hash,
         instant(m.raw.version_at), _TRUE if m.raw.gone else _FALSE, *last, _seen(m, marks))
        for m in moves if m.before is None
    ]  # fmt: skip
    if rows:
        copy_binary(session, "landed_heads", columns, rows)
    moved = [move for move in moves if move.before is not None]
    if moved:
        update_heads(session, connection_id, stream, [_columns(move, marks) for move in moved], at)


def _columns(move: Move, marks: Mapping[str, bytes]) -> tuple[Any, ...]:
    raw = move.raw
    return (
        raw.external_id, move.landed_id, move.version_hash, raw.version_at, raw.gone, _seen(move, marks)
    )  # fmt: skip


def _seen(move: Move, marks: Mapping[str, bytes]) -> bytes | None:
    own = marks.get(move.raw.external_id)
    return move.version_hash + own if own else None


def remember(
    session: Session, connection_id: UUID, stream: str, moves: Sequence[Move], operation_id: UUID
) -> None:
    """Note what an operation replaced, so that it can be undone; its first "before" of an object counts."""
    if not moves:
        return
    session.execute(
        text(
            "INSERT INTO head_moves (operation_id, connection_id, stream, external_id, before_id, after_id)"
            " SELECT :operation, :connection, :stream, s.* FROM unnest(CAST(:ids AS text[]),"
            " CAST(:before AS bigint[]), CAST(:after AS bigint[])) AS s(external_id, before_id, after_id)"
            " ON CONFLICT (operation_id, connection_id, stream, external_id)"
            " DO UPDATE SET after_id = excluded.after_id"
        ),
        {"operation": operation_id, "connection": connection_id, "stream": stream,
         "ids": [m.raw.external_id for m in moves],
         "before": [m.before.landed_id if m.before else None for m in moves],
         "after": [m.landed_id for m in moves]},
    )  # fmt: skip
