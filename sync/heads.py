"""Which version of each outside object is in force: reading and moving heads, one writer per stream."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session


class Head(msgspec.Struct, frozen=True):
    """The version in force of one object."""

    landed_id: int
    version_hash: bytes
    version_at: datetime | None
    gone: bool
    moved_at: datetime


def read_heads(
    session: Session, connection_id: UUID, stream: str, external_ids: Sequence[str]
) -> dict[str, Head]:
    """The versions in force of some objects."""
    rows = session.execute(
        text(
            "SELECT external_id, landed_id, version_hash, version_at, gone, moved_at FROM landed_heads"
            " WHERE connection_id = :connection AND stream = :stream AND external_id = ANY(:ids)"
        ),
        {"connection": connection_id, "stream": stream, "ids": list(external_ids)},
    )
    return {row[0]: Head(row[1], bytes(row[2]), row[3], row[4], row[5]) for row in rows}


def hold_stream(session: Session, connection_id: UUID, stream: str) -> None:
    """One writer per stream until it commits: no deadlocks between batches, no race for a new object."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7))"),
        {"name": f"{connection_id}/{stream}"},
    )


def touch(session: Session, connection_id: UUID, stream: str, times: Mapping[str, datetime]) -> None:
    """The contents in force have been seen with newer change times."""
    if times:
        session.execute(
            text(
                "UPDATE landed_heads h SET version_at = s.at"
                " FROM unnest(CAST(:ids AS text[]), CAST(:times AS timestamptz[])) AS s(id, at)"
                " WHERE h.connection_id = :connection AND h.stream = :stream AND h.external_id = s.id"
            ),
            {"connection": connection_id, "stream": stream, "ids": list(times), "times": [*times.values()]},
        )


def update_heads(
    session: Session, connection_id: UUID, stream: str, rows: Sequence[tuple[Any, ...]], at: datetime
) -> None:
    """Set heads to (external id, landed id, hash, change time, gone) and mark them to be resolved."""
    ids, landed, hashes, times, gone = (list(column) for column in zip(*rows, strict=True))
    session.execute(
        text(
            "UPDATE landed_heads h SET landed_id = s.landed_id, version_hash = s.version_hash,"
            " version_at = s.version_at, gone = s.gone, moved_at = :at, overtook = h.pending, pending = true,"
            " crashes = 0"
            " FROM unnest(CAST(:ids AS text[]), CAST(:landed AS bigint[]), CAST(:hashes AS bytea[]),"
            " CAST(:times AS timestamptz[]), CAST(:gone AS boolean[]))"
            " AS s(external_id, landed_id, version_hash, version_at, gone)"
            " WHERE h.connection_id = :connection AND h.stream = :stream AND h.external_id = s.external_id"
        ),
        {"connection": connection_id, "stream": stream, "at": at, "ids": ids, "landed": landed,
         "hashes": hashes, "times": times, "gone": gone},
    )  # fmt: skip
