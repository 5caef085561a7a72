"""The raw inbox: every version of every outside object as it came, and which of them is in force.

Repeats cost nothing, deliveries in any order end in the same state, and going back to an older content
(A, B, A) is a change like any other.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.base import Packed, Raw, version_of
from foundation import clock, problems
from foundation.wake import wake_after_commit
from sync.heads import Head, hold_stream, read_heads, touch
from sync.landing_writing import Move, Via, keep_versions, move_heads, remember

TOMBSTONE = b"gone".ljust(16, b"\0")  # every tombstone of an object is the same version
_IDS = """
SELECT array_agg(nextval(s.name)) FROM generate_series(1, :n), (
  SELECT CAST(pg_get_serial_sequence('landed_records', 'id') AS regclass) AS name OFFSET 0
) AS s
"""
LONGEST_ID = 500  # longer ones don't fit an index page


class Landed(msgspec.Struct, frozen=True):
    """What became of a batch: how many were read, and how many were new, changed, the same or unusable."""

    read: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    bad: int = 0

    def __add__(self, other: "Landed") -> "Landed":
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Landed(*(one + more for one, more in pairs))


def land(
    session: Session, connection_id: UUID, stream: str, raws: Iterable[Raw | Packed], via: Via, *,
    operation_id: UUID | None = None, read_at: datetime | None = None,
    marks: Mapping[str, bytes] | None = None, heads: Mapping[str, Head] | None = None,
) -> Landed:  # fmt: skip
    """Keep a batch of raw records and move the heads of those that changed; wakes the resolver on commit.

    `read_at` is when the source was asked, for authoritative reads: what was read after the head last moved
    may replace it even when the source gives no newer change time. A webhook has none: a version known
    already and not newer is then taken for a repeat. `marks` are for heads that move (sync.heads). `heads`
    are those of the batch, from a caller who has read them since it holds the stream.
    """
    everything = list(raws)
    usable = [raw for raw in everything if _usable(session, connection_id, stream, raw)]
    if heads is None:
        hold_stream(session, connection_id, stream)
    versions: dict[str, list[tuple[bytes, Raw | Packed]]] = {}
    stored: dict[tuple[str, bytes], bytes] = {}
    for raw in usable:
        version, payload = _encoded(raw)
        versions.setdefault(raw.external_id, []).append((version, raw))
        stored[raw.external_id, version] = payload
    if heads is None:
        heads = read_heads(session, connection_id, stream, list(versions))
    strangers = [
        i for i, v in versions.items() if i in heads and any(h != heads[i].version_hash for h, _ in v)
    ]
    known = _known(session, connection_id, stream, strangers)
    moves, keep = _decide(versions, heads, known, read_at)
    touch(session, connection_id, stream, _later(versions, heads))
    at = clock.now()
    ids = session.scalars(text(_IDS), {"n": len(keep)}).one() if keep else []
    known.update(zip(keep, ids, strict=True))
    for move in moves:
        move.landed_id = known[move.raw.external_id, move.version_hash]
    if moves:
        wake_after_commit(session, "sync.resolve")
    rows = [(known[key], key, raw, stored[key]) for key, raw in keep.items()]
    keep_versions(session, connection_id, stream, rows, via, operation_id, at)
    move_heads(session, connection_id, stream, moves, at, marks or {})
    if operation_id is not None:
        remember(session, connection_id, stream, moves, operation_id)
    new = sum(move.before is None for move in moves)
    bad = len(everything) - len(usable)
    changed = len(moves) - new
    return Landed(len(everything), new, changed, len(usable) - new - changed, bad)


def hash_of(raw: Raw) -> bytes:
    """The 16 bytes that name this version of the object."""
    return TOMBSTONE if raw.gone else raw.version_hash


def _encoded(raw: Raw | Packed) -> tuple[bytes, bytes]:
    """The name of a version, and its payload as it is stored."""
    try:
        payload = raw.data if isinstance(raw, Packed) else raw.payload.encode()
    except UnicodeEncodeError:
        return hash_of(Raw(raw.external_id, raw.payload, gone=raw.gone)), storable(raw.payload).encode()
    version = TOMBSTONE if raw.gone else version_of(payload)
    return version, storable(raw.payload).encode() if b"\0" in payload else payload


def storable(value: str) -> str:
    """Text that PostgreSQL can hold: NUL and lone surrogates become visible replacements."""
    if "\0" in value:
        value = value.replace("\0", "\ufffd")
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _usable(session: Session, connection_id: UUID, stream: str, raw: Raw | Packed) -> bool:
    identity = raw.external_id
    if 0 < len(identity) <= LONGEST_ID and storable(identity) == identity:
        return True
    shown = storable(identity[:80])
    problems.report(
        session,
        area="record",
        subject=f"{stream} {shown or '(without an id)'}",
        message="The record's id is empty, longer than 500 characters or holds characters that can't be "
        "stored. Give the object a proper id in the source; the rest of its page went on.",
        payload=storable(raw.payload),
        source_id=connection_id,
        key=f"id:{connection_id}:{stream}:{shown}",
    )
    return False


def _known(
    session: Session, connection_id: UUID, stream: str, external_ids: Sequence[str]
) -> dict[tuple[str, bytes], int]:
    """The versions kept of some objects. New objects have none, so they need no look."""
    if not external_ids:
        return {}
    rows = session.execute(
        text(
            "SELECT external_id, version_hash, id FROM landed_records"
            " WHERE connection_id = :connection AND stream = :stream AND external_id = ANY(:ids)"
        ),
        {"connection": connection_id, "stream": stream, "ids": list(external_ids)},
    )
    return {(row[0], bytes(row[1])): row[2] for row in rows}


def _decide(
    versions: Mapping[str, list[tuple[bytes, Raw | Packed]]],
    heads: Mapping[str, Head],
    known: Mapping[tuple[str, bytes], int],
    read_at: datetime | None,
) -> tuple[list[Move], dict[tuple[str, bytes], Raw | Packed]]:
    """Which heads move, and which versions are new to us (they are kept even when they come too late)."""
    moves: list[Move] = []
    keep: dict[tuple[str, bytes], Raw | Packed] = {}
    for external_id, candidates in versions.items():
        before = heads.get(external_id)
        if before is not None and all(version == before.version_hash for version, _ in candidates):
            continue
        for version, raw in candidates:
            if (external_id, version) not in known:
                keep[external_id, version] = raw
        version, raw = _newest(candidates)
        repeat = read_at is None and (external_id, version) in known
        if before is None or (version != before.version_hash and _supersedes(raw, before, read_at, repeat)):
            moves.append(Move(raw, version, before))
    return moves, keep


def _later(
    versions: Mapping[str, list[tuple[bytes, Raw | Packed]]], heads: Mapping[str, Head]
) -> dict[str, datetime]:
    """Newer change times of contents in force: kept, so that what lies between stays old."""
    newer: dict[str, datetime] = {}
    for external_id, candidates in versions.items():
        head = heads.get(external_id)
        if head is None or head.version_at is None:
            continue
        same = [raw.version_at for version, raw in candidates if version == head.version_hash]
        latest = max((at for at in same if at is not None), default=head.version_at)
        if latest > head.version_at:
            newer[external_id] = latest
    return newer


def _newest(candidates: Sequence[tuple[bytes, Raw | Packed]]) -> tuple[bytes, Raw | Packed]:
    """The last of a batch by the source's change time, and by position where times are equal or missing."""
    best = candidates[0]
    for candidate in candidates[1:]:
        then, now = best[1].version_at, candidate[1].version_at
        if then is None or now is None or now >= then:
            best = candidate
    return best


def _supersedes(raw: Raw | Packed, head: Head, read_at: datetime | None, repeat: bool) -> bool:
    seen_later = read_at is not None and read_at >= head.moved_at
    if head.gone and not raw.gone:
        died_at = head.version_at or head.moved_at
        return seen_later or (raw.version_at is not None and raw.version_at > died_at)
    if raw.version_at is not None and head.version_at is not None and raw.version_at != head.version_at:
        return raw.version_at > head.version_at
    return seen_later if read_at is not None else not repeat
