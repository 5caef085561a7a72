"""Which version of each outside object is in force: reading and moving heads, one writer per stream.

A head may have `seen` something: marks of what a source sent that left this very version in force. They begin
with the version's hash, so they count for it alone, whoever moves the head; what they are made of is known to
whoever gave them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

VERSION = 16  # bytes of a version's hash


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
    """Set heads to (external id, landed id, hash, change time, gone, seen) and mark them to be resolved."""
    ids, landed, hashes, times, gone, marks = (list(column) for column in zip(*rows, strict=True))
    session.execute(
        text(
            "UPDATE landed_heads h SET landed_id = s.landed_id, version_hash = s.version_hash,"
            " version_at = s.version_at, gone = s.gone, moved_at = :at, overtook = h.pending, pending = true,"
            " crashes = 0, seen = s.seen"
            " FROM unnest(CAST(:ids AS text[]), CAST(:landed AS bigint[]), CAST(:hashes AS bytea[]),"
            " CAST(:times AS timestamptz[]), CAST(:gone AS boolean[]), CAST(:marks AS bytea[]))"
            " AS s(external_id, landed_id, version_hash, version_at, gone, seen)"
            " WHERE h.connection_id = :connection AND h.stream = :stream AND h.external_id = s.external_id"
        ),
        {"connection": connection_id, "stream": stream, "at": at, "ids": ids, "landed": landed,
         "hashes": hashes, "times": times, "gone": gone, "marks": marks},
    )  # fmt: skip


def any_of(session: Session, connection_id: UUID) -> bool:
    """Whether anything has landed of a connection."""
    query = "SELECT 1 FROM landed_heads WHERE connection_id = :connection LIMIT 1"
    return session.execute(text(query), {"connection": connection_id}).first() is not None


def seen(
    session: Session, connection_id: UUID, stream: str, external_ids: Iterable[str], begin: bytes
) -> dict[str, bytes]:
    """The marks of objects that are there, as far as they begin so and are of the version in force."""
    rows = session.execute(
        text(
            "SELECT external_id, substr(seen, :skip) FROM landed_heads"
            " WHERE connection_id = :connection AND stream = :stream AND external_id = ANY(:ids)"
            " AND NOT gone AND substr(seen, 1, :length) = version_hash || :begin"
        ),
        {"connection": connection_id, "stream": stream, "ids": list(external_ids), "begin": begin,
         "length": VERSION + len(begin), "skip": VERSION + len(begin) + 1},
    )  # fmt: skip
    return {row[0]: row[1] for row in rows}


def note_seen(session: Session, connection_id: UUID, stream: str, marks: Mapping[str, bytes]) -> None:
    """Give the versions in force of some objects these marks. The stream has to be held."""
    if marks:
        session.execute(
            text(
                "UPDATE landed_heads h SET seen = h.version_hash || s.marks"
                " FROM unnest(CAST(:ids AS text[]), CAST(:marks AS bytea[])) AS s(id, marks)"
                " WHERE h.connection_id = :connection AND h.stream = :stream AND h.external_id = s.id"
            ),
            {"connection": connection_id, "stream": stream, "ids": [*marks], "marks": [*marks.values()]},
        )
