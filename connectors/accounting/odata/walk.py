"""Reading a base incrementally, though it knows no time of change.

1C keeps a version with each object, of which only equality means anything, and `Ref_Key gt …` is refused. So
a pull first scans keys and versions, which is light, and reads whole only what differs from the scan before.
The cursor is that scan in 16 KB: objects fall into 4,096 buckets by their key, and a bucket is four bytes of
hash over its keys and versions. What a shifting page hides from one scan makes the next one differ, so that
nothing is missed for longer.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from uuid import UUID

import msgspec

from connectors.accounting.odata.client import Base
from connectors.accounting.odata.mapping import ENTITY, NAMES, Reading
from connectors.accounting.odata.values import reference, text
from connectors.base import Bad, Page, Raw, raw_json
from foundation.errors import Misconfigured

BUCKETS = 4096
_WIDE = 4
_MANY = 3  # when a third has changed, pages of the list are quicker than asking by reference
_NO_ROWS = bytes(_WIDE)
_LIGHT = "Ref_Key,DataVersion,DeletionMark"


class Seen:
    """The keys and versions of a scan, by bucket."""

    def __init__(self, salt: str) -> None:
        self._salt = salt.encode()
        self._rows: dict[int, set[bytes]] = {}
        self.total = 0

    def add(self, row: object, entity: int) -> None:
        """Take a row's key and version."""
        ref = reference(row.get("Ref_Key")) if isinstance(row, dict) else ""
        if not ref or not isinstance(row, dict):
            return
        key = bytes([entity]) + UUID(ref).bytes
        version = f"{row.get('DataVersion')}{row.get('DeletionMark')}".encode("utf-8", "replace")
        entry = key + hashlib.blake2b(version, digest_size=8, key=self._salt[:64]).digest()
        self._rows.setdefault(zlib.crc32(key) % BUCKETS, set()).add(entry)
        self.total += 1

    def digest(self, bucket: int) -> bytes:
        """Four bytes that differ when a bucket's keys or versions do."""
        rows = self._rows.get(bucket)
        if not rows:
            return _NO_ROWS
        return hashlib.blake2b(b"".join(sorted(rows)), digest_size=_WIDE).digest()

    def count(self, bucket: int) -> int:
        """How many objects are in a bucket."""
        return len(self._rows.get(bucket, ()))

    def refs(self, bucket: int) -> list[tuple[int, str]]:
        """The entities and references of a bucket."""
        return [(entry[0], str(UUID(bytes=entry[1:17]))) for entry in sorted(self._rows.get(bucket, ()))]

    def digests(self) -> list[bytes]:
        """All buckets."""
        return [self.digest(bucket) for bucket in range(BUCKETS)]


class Walk:
    """The objects of one stream: `entities` are those of its mapping that are published."""

    def __init__(
        self, base: Base, reading: Reading, entities: Sequence[str], size: int, published: frozenset[str]
    ):
        self._base, self._reading, self._entities = base, reading, tuple(entities)
        self._size = max(1, min(size, 10_000))
        self._published = published
        self._names: dict[str, dict[str, str]] | None = None
        # another mapping reads other things: everything is read again
        self._salt = hashlib.blake2b(repr((reading, self._entities)).encode(), digest_size=16).hexdigest()

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """What has changed since the scan in the cursor; everything without one."""
        known = read_cursor(cursor)
        if known is None:
            yield from self._whole()
            return
        seen = Seen(self._salt)
        for entity, rows in self.light():
            for row in rows:
                seen.add(row, self._entities.index(entity))
            yield Page((), None)  # a long scan can be stopped between its pages
        changed = [bucket for bucket in range(BUCKETS) if seen.digest(bucket) != known[bucket]]
        wanted = sum(map(seen.count, changed))
        if wanted > self._size and wanted * _MANY > seen.total:
            yield from self._whole()
            return
        for group in self._groups(changed, seen):
            records, bad = self._read([ref for bucket in group for ref in seen.refs(bucket)])
            for bucket in group:
                known[bucket] = seen.digest(bucket)
            yield Page(records, write_cursor(known), wanted, bad)

    def light(self, where: str = "", more: str = "") -> Iterator[tuple[str, list[object]]]:
        """Keys and versions of everything, groups of the catalogue left out."""
        for entity in self._entities:
            select = f"{_LIGHT},{more}" if more else _LIGHT
            if entity.startswith("Catalog_") and self._has_groups(entity):
                select += ",IsFolder"
            for rows in self._base.walk(
                entity, top=self._size, order=self._reading.order, select=select, where=where
            ):
                yield entity, [r for r in rows if not (isinstance(r, dict) and r.get("IsFolder") is True)]

    def fetch(self, refs: Sequence[str]) -> Iterator[Raw]:
        """Single objects, as far as they are there."""
        for entity in self._entities:
            for rows in self._base.by_refs(entity, refs, **self._expand()):
                yield from (found for row in rows if isinstance(found := self.raw(row, entity), Raw))

    def raw(self, row: object, entity: str) -> Raw | Bad | None:
        """A row as it lands: what changes with each reading taken off, the names of references put in."""
        if not isinstance(row, dict):
            return Bad(entity, "an object was expected", repr(row)[:500])
        if row.get("IsFolder") is True:
            return None
        ref = reference(row.get("Ref_Key"))
        if not ref:
            return Bad(entity, "a row without Ref_Key", msgspec.json.encode(row).decode()[:2000])
        kept = {name: value for name, value in row.items() if not _is_link(name)}
        kept[ENTITY] = entity
        if names := self._named(row):
            kept[NAMES] = names
        found = raw_json(ref, kept)
        return msgspec.structs.replace(found, gone=True) if row.get("DeletionMark") is True else found

    def _whole(self) -> Iterator[Page]:
        """Pages of the list; only the last carries a cursor, for only then a bucket is known to be whole."""
        counts = [self._base.count(entity) for entity in self._entities]
        total = None if None in counts else sum(count or 0 for count in counts)
        seen = Seen(self._salt)
        for place, entity in enumerate(self._entities):
            for rows in self._base.walk(entity, top=self._size, order=self._reading.order, **self._expand()):
                found = [self.raw(row, entity) for row in rows]
                for row, one in zip(rows, found, strict=True):
                    if one is not None:
                        seen.add(row, place)
                yield _page(found, None, total)
        yield Page((), write_cursor(seen.digests()), total)

    def _read(self, refs: Sequence[tuple[int, str]]) -> tuple[tuple[Raw, ...], tuple[Bad, ...]]:
        found: list[Raw | Bad | None] = []
        for place, entity in enumerate(self._entities):
            mine = [ref for where, ref in refs if where == place]
            for rows in self._base.by_refs(entity, mine, **self._expand()):
                found += [self.raw(row, entity) for row in rows]
        page = _page(found, None, None)
        return page.records, page.bad

    def _groups(self, buckets: Sequence[int], seen: Seen) -> Iterator[list[int]]:
        """Buckets together, about a page of objects each."""
        group: list[int] = []
        held = 0
        for bucket in buckets:
            group.append(bucket)
            held += seen.count(bucket)
            if held >= self._size:
                yield group
                group, held = [], 0
        if group:
            yield group

    def _expand(self) -> dict[str, str]:
        given = [field for field, entity in self._reading.expand.items() if entity in self._published]
        return {"expand": ",".join(given)} if given else {}

    def _has_groups(self, entity: str) -> bool:
        try:
            self._base.rows(entity, top=1, select="Ref_Key,IsFolder")
        except Misconfigured as error:
            if error.setting != "mapping":
                raise
            return False  # this catalogue has no groups, so there is no such field
        return True

    @property
    def names(self) -> dict[str, dict[str, str]]:
        """What the objects are called that this stream refers to: field, reference, name."""
        if self._names is None:
            self._names = {field: self._load(*how) for field, how in self._reading.names.items()}
        return self._names

    def _named(self, row: dict[str, object]) -> dict[str, str]:
        return {
            field: name
            for field, known in self.names.items()
            if (name := known.get(reference(row.get(field)), ""))
        }

    def _load(self, entity: str, field: str, where: str = "") -> dict[str, str]:
        """What the objects of a small catalogue are called; nothing when it isn't published."""
        if entity not in self._published:
            return {}
        pages = self._base.walk(entity, top=self._size, order=(), select=f"Ref_Key,{field}", where=where)
        return {
            reference(row.get("Ref_Key")): text(row.get(field))
            for rows in pages
            for row in rows
            if isinstance(row, dict)
        }


def write_cursor(digests: Sequence[bytes]) -> str:
    """The buckets of a scan as text."""
    return base64.b85encode(zlib.compress(b"".join(digests), 9)).decode()


def read_cursor(cursor: str | None) -> list[bytes] | None:
    """The buckets of a scan; None when it can't be read, and then everything is read again."""
    try:
        packed = zlib.decompressobj().decompress(base64.b85decode(cursor or ""), BUCKETS * _WIDE + 1)
    except (ValueError, zlib.error, binascii.Error):
        return None
    if len(packed) != BUCKETS * _WIDE:
        return None
    return [packed[at : at + _WIDE] for at in range(0, len(packed), _WIDE)]


def _page(found: Sequence[Raw | Bad | None], cursor: str | None, total: int | None) -> Page:
    return Page(
        tuple(one for one in found if isinstance(one, Raw)),
        cursor,
        total,
        tuple(one for one in found if isinstance(one, Bad)),
    )


def _is_link(name: str) -> bool:
    return name.endswith(("@navigationLinkUrl", "@odata.type", "@mediaReadLink")) or name.startswith("odata.")
