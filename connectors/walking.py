"""Walking lists that are cut into pages by offset while people go on changing what they hold.

A row that is edited moves to the end, so that all behind it move up. Lists are therefore walked by change
time, beginning anew at the last time seen, and inside of one time each page overlaps the one before by a
row: where that row isn't there, the walk steps back.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from connectors.base import Raw
from foundation.errors import Temporary

MOST_STEPS_BACK = 50
KEPT = 5  # pages whose rows are remembered
Rows = tuple[list[Any], int | None]  # and how many the list has, where it tells


class Batch(msgspec.Struct, frozen=True):
    """Rows not seen before, the latest change time among them, and how many rows the list has."""

    rows: list[Any]
    at: datetime | None = None
    total: int | None = None


def by_change(
    read: Callable[[datetime | None, int], Rows], since: datetime | None, limit: int, *,
    key: Callable[[Any], Hashable], changed: Callable[[Any], datetime | None],
) -> Iterator[Batch]:  # fmt: skip
    """Everything changed since an instant, oldest change first.

    `read` answers the page at an offset of what has changed at or after an instant, in the order of change
    times, ties in an order that stays. `key` tells one version of one row from all others.
    """
    at, seen = since, frozenset[Hashable]()
    while True:
        last, finished, rows = at, True, list[Any]()
        for rows, size, finished in pages(lambda offset, at=at: read(at, offset), limit, key):  # type: ignore[misc]
            last = max(filter(None, [last, *map(changed, rows)]), default=None)
            yield Batch([row for row in rows if key(row) not in seen], last, size)
            if finished or last != at:
                break
        if finished:
            return
        # within one time the pages go on by offset; behind it, they begin anew
        seen, at = frozenset(key(row) for row in rows if changed(row) == last), last


def pages(
    read: Callable[[int], Rows], limit: int, key: Callable[[Any], Hashable]
) -> Iterator[tuple[list[Any], int | None, bool]]:
    """Rows page by page, how many the list has, and whether these are the last."""
    offset, stepped = 0, 0
    before: deque[frozenset[Hashable]] = deque(maxlen=KEPT)
    while True:
        rows, size = read(offset)
        if offset and not (rows and any(key(rows[0]) in page for page in before)):
            stepped += 1
            if stepped > MOST_STEPS_BACK:
                raise Temporary("The list keeps changing while it is read; trying later.")
            offset = max(0, offset - limit)
            continue
        finished = len(rows) < 2 or (offset + len(rows) >= size if size is not None else len(rows) < limit)
        yield [row for row in rows if not any(key(row) in page for page in before)], size, finished
        if finished:
            return
        before.append(frozenset(map(key, rows)))
        offset += len(rows) - 1


def read_marks(cursor: str | None) -> dict[str, datetime]:
    """How far each list was walked; nothing of a cursor of another version, so that all is read again."""
    try:
        return msgspec.json.decode(cursor, type=dict[str, datetime]) if cursor else {}
    except msgspec.DecodeError:
        return {}


def write_marks(marks: Mapping[str, datetime]) -> str:
    """The cursor of how far each list was walked."""
    return msgspec.json.encode(dict(marks)).decode()


def is_version(there: Raw, version: str, at: datetime | None) -> bool:
    """Whether a version is that of the object there: `at`, when it is a time, else a hash of the content."""
    return at == there.version_at if at else version == there.version_hash.hex()
