"""Writing what landing has decided: new versions and moved heads, by COPY as far as they are new."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.base import Packed, Raw
from foundation.database import copy_binary, instant, packed
from sync.heads import Head, update_heads

Via = Literal["pull", "webhook", "import", "reconcile", "undo"]
_FALSE, _TRUE = b"\0", b"\1"
_THERE = packed(_FALSE, None)  # most records: not gone, and their source gives no time


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
        "connection_id", "stream", "via", "operation_id", "received_at", "gone", "version_at", "id",
        "external_id", "version_hash", "payload",
    )  # fmt: skip
    operation = operation_id.bytes if operation_id else None
    first = packed(connection_id.bytes, stream.encode(), via.encode(), operation, instant(at))
    rows = (
        (first, _said(raw), packed(landed_id.to_bytes(8, "big"), key[0].encode(), key[1], payload))
        for landed_id, key, raw, payload in fresh
    )
    copy_binary(session, "landed_records", columns, rows)


def move_heads(
    session: Session, connection_id: UUID, stream: str, moves: Sequence[Move], at: datetime,
    marks: Mapping[str, bytes],
) -> None:  # fmt: skip
    """Put the chosen versions in force and mark them to be resolved."""
    columns = (
        "connection_id", "stream", "moved_at", "pending", "overtook", "crashes", "gone", "version_at",
        "external_id", "landed_id", "version_hash", "seen",
    )  # fmt: skip
    first = packed(connection_id.bytes, stream.encode(), instant(at), _TRUE, _FALSE, bytes(4))
    rows = [
        (first, _said(m.raw), packed(
            m.raw.external_id.encode(), (m.landed_id or 0).to_bytes(8, "big"), m.version_hash, _seen(m, marks)
        ))
        for m in moves if m.before is None
    ]  # fmt: skip
    if rows:
        copy_binary(session, "landed_heads", columns, rows)
    moved = [move for move in moves if move.before is not None]
    if moved:
        update_heads(session, connection_id, stream, [_columns(move, marks) for move in moved], at)


def _said(raw: Raw | Packed) -> bytes:
    """Whether it is gone, and when it changed."""
    if not raw.gone and raw.version_at is None:
        return _THERE
    return packed(_TRUE if raw.gone else _FALSE, instant(raw.version_at))


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
