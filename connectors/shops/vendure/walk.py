"""Reading a list that changes under the reader and can only be paged by offset.

Rows are walked in the order of a time column: each request starts a little before the last row seen, so rows
that move only ever come again later, and rows of the same instant are not split by a page border. Where one
instant fills more than a page, that window is read in the order of ids with offsets, each page repeating the
last row of the one before: if it is not there, rows have shifted and the window is read again.

Sorting by time and then by id would be simpler, but the API sorts by its own order of the fields, ids first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Bad
from connectors.shops.vendure.values import Node, instant
from foundation.errors import BadInput, Temporary

OVERLAP = timedelta(milliseconds=1)  # `after` excludes its own instant, and answers cut microseconds off
GRAIN = timedelta(seconds=1)  # how coarse times are on SQLite
MOST_RESTARTS = 20
MOST_REPEATS = 2
UNREADABLE = "unreadable"  # a key put into a row that the shop itself stumbles over: the reason

Answer = dict[str, Any]  # {"totalItems": 3, "items": [...]}
Read = Callable[[dict[str, Any]], Answer]
Mark = tuple[str, str]  # an id and its time: the same row unchanged


@dataclass(frozen=True)
class Step:
    """Rows not seen before in this walk, the time up to which all is read, and how many rows there were."""

    nodes: list[Node]
    reached: datetime | None
    total: int
    bad: tuple[Bad, ...] = ()


@dataclass(frozen=True)
class Rows:
    """One page, parted into what can be used and what can't."""

    nodes: list[Node]
    marks: list[Mark]
    bad: tuple[Bad, ...]
    total: int

    @property
    def size(self) -> int:
        """Rows on the page, usable or not."""
        return len(self.nodes) + len(self.bad)

    def fresh(self, seen: set[Mark]) -> list[Node]:
        """Rows that are not among those seen; adds them."""
        found = [node for node, mark in zip(self.nodes, self.marks, strict=True) if mark not in seen]
        seen.update(self.marks)
        return found


def to_text(at: datetime) -> str:
    """An instant as the API wants it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def walk(read: Read, column: str, after: datetime | None, take: int) -> Iterator[Step]:
    """Every row whose `column` is later than `after`, oldest first; `read` asks for one page."""
    seen: set[Mark] = set()
    while True:
        where = {column: {"after": to_text(after)}} if after else {}
        page = sound(read({"take": take, "sort": {column: "ASC"}, "filter": where}), column)
        fresh = page.fresh(seen)
        reached = instant(page.marks[-1][1]) if page.marks else None
        if fresh or page.bad:
            yield Step(fresh, reached, page.total, page.bad)
        if page.size < take and page.size >= page.total:
            return
        if reached is None or (page.size < take and not fresh):
            raise Temporary(f"The shop says it has {page.total} rows from here but gives {page.size}.")
        following = reached - OVERLAP
        if after is None or following > after:
            after = following
        else:
            end = reached + GRAIN
            yield from _crowd(read, column, (after - OVERLAP, end), take, seen)
            after = end
        seen = {mark for mark in seen if instant(mark[1]) >= after - OVERLAP}


def _crowd(
    read: Read, column: str, window: tuple[datetime, datetime], take: int, seen: set[Mark]
) -> Iterator[Step]:
    """Every row of a window of time that has more rows than a page, in the order of ids."""
    where = {column: {"between": {"start": to_text(window[0]), "end": to_text(window[1])}}}
    skip, restarts, repeats, before = 0, 0, 0, list[Mark]()
    while True:
        page = sound(read({"take": take, "skip": skip, "sort": {"id": "ASC"}, "filter": where}), column)
        if skip and page.marks == before:  # once or twice a row may have slipped in before it
            repeats += 1
            if repeats > MOST_REPEATS:
                raise Temporary("The shop gives the same page again and again; reading stopped.")
        if skip and (not page.marks or page.marks[0] != before[-1] or page.marks == before):
            restarts += 1
            if restarts > MOST_RESTARTS:
                raise Temporary("The shop's list keeps changing while it is read; trying later.")
            skip = 0
            continue
        if (fresh := page.fresh(seen)) or page.bad:
            yield Step(fresh, window[0], page.total, page.bad)
        if page.size < take:
            return
        if not page.marks:
            raise Temporary("The shop gives pages without a single row that can be used.")
        skip, before = skip + max(1, len(page.marks) - 1), page.marks


def sound(answer: Answer, column: str) -> Rows:
    """A page parted into rows that can be used, and those that can't with the reason."""
    items = answer.get("items")
    if not isinstance(items, list):
        raise Temporary("The shop answers with a page that has no list in it.")
    nodes: list[Node] = []
    bad: list[Bad] = []
    for number, item in enumerate(items):
        try:
            if not isinstance(item, dict) or not item.get("id"):
                raise BadInput("there is no id")
            if UNREADABLE in item:
                raise BadInput(str(item[UNREADABLE]), f"id {item['id']}")
            instant(item.get(column), column)
            nodes.append(item)
        except BadInput as error:
            bad.append(Bad(f"row {number + 1} of a page", str(error), repr(item)[:2000]))
    marks = [(str(node["id"]), str(node[column])) for node in nodes]
    return Rows(nodes, marks, tuple(bad), int(answer.get("totalItems") or 0))
