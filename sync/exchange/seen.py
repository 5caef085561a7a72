"""What 1C sent last of each object, byte by byte: sent again under the same names, it changes nothing.

Noted with the version it left in force (`sync.heads`) is a digest of the names that were known then, and a
mark for each of the last few elements that were about the object: how many pieces it gave, and the digest of
its bytes. Whatever is missing here or out of date costs time, and nothing else.
"""

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from connectors.accounting.commerceml.parts import Names
from connectors.accounting.commerceml.skimming import Cut
from sync import heads

_MARK = 16  # bytes
_MOST = 6  # elements of one object: goods, offers, prices and rests may come in files of their own


def begin(names: Names) -> bytes:
    """What marks made under these names begin with."""
    return blake2b(msgspec.msgpack.encode(names), digest_size=16).digest()


def known(
    session: Session, connection_id: UUID, cuts: Sequence[Cut], begin: bytes, but: Collection[str]
) -> dict[bytes, int]:
    """The digests of cuts that would change nothing, and how many pieces each would give; none of `but`."""
    streams: dict[str, set[str]] = {}
    for cut in cuts:
        if cut.digest and cut.external_id not in but:
            streams.setdefault(cut.stream, set()).add(cut.external_id)
    found = {}
    for stream, ids in streams.items():
        for marks in heads.seen(session, connection_id, stream, ids, begin).values():
            for at in range(0, len(marks), _MARK):
                found[marks[at + 1 : at + _MARK]] = marks[at]
    return found


def note(
    session: Session, connection_id: UUID, stream: str, marks: Mapping[str, bytes], begin: bytes
) -> None:
    """Add marks to those of objects that they left as they were. The stream has to be held."""
    before = heads.seen(session, connection_id, stream, marks, begin) if marks else {}
    fresh = {}
    for external_id, mark in marks.items():
        older = before.get(external_id, b"")
        fresh[external_id] = (mark + older)[: len(begin) + _MOST * _MARK]
    heads.note_seen(session, connection_id, stream, fresh)
