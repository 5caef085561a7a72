"""How WooCommerce's lists are walked so that nothing slips through while the shop goes on changing.

Page numbers shift when rows change, so orders and products are walked by their modification time: after each
page the walk starts again at the last time it saw. Times are whole seconds, so a second that holds more rows
than one page is read on its own, in the order of ids.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from connectors.base import Bad, Raw, raw_json
from connectors.http import Http
from connectors.shops.woocommerce.records import version_at
from connectors.shops.woocommerce.values import identifier
from foundation.errors import BadInput, Permanent, Temporary

PER_PAGE = 100  # the most WordPress gives
OVERLAP = timedelta(seconds=90)
BEGINNING = datetime(1990, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_VOLATILE = ("_links", "related_ids")  # said anew each time (related products are drawn by lot): no change

Row = dict[str, Any]


class Batch(msgspec.Struct, frozen=True):
    """Rows of one answer that were not seen before, how far the walk got, how many rows the shop promises."""

    rows: list[Any]
    at: datetime
    total: int | None = None


class Shop:
    """WooCommerce's lists over one `Http`; `params` go with every call."""

    def __init__(self, http: Http, params: Mapping[str, str] | None = None) -> None:
        self._http = http
        self._params = dict(params or {})
        self._size = PER_PAGE

    def get(self, path: str, **params: Any) -> Any:
        """One answer's JSON."""
        return self._http.get(path, {**self._params, **params}).json()

    def find(self, path: str) -> Row | None:
        """One object, or None when the shop doesn't have it (any more)."""
        reply = self._http.get(path, self._params, allow=(404, 410))
        said = reply.json()
        if reply.status in (404, 410):
            code = said.get("code", "") if isinstance(said, dict) else ""
            if "no_route" in code:
                raise Permanent(f"{reply.host} has no WooCommerce REST API at this address.")
            return None
        if not isinstance(said, dict):
            raise Temporary(f"{reply.host} answers {path} with something that is no object.")
        return said

    def send(self, path: str, body: Any) -> Any:
        """POST a JSON body; the answer's JSON."""
        return self._http.post(path, body, params=self._params).json()

    def rows(self, path: str, **params: Any) -> tuple[list[Any], int | None]:
        """One page of a list and the shop's total; a shop that chokes on a page is asked for smaller ones."""
        try:
            reply = self._http.get(path, {**self._params, **params, "per_page": self._size})
        except Temporary as failure:
            if self._size < PER_PAGE or failure.retry_after:
                raise
            self._size = PER_PAGE // 5
            try:
                reply = self._http.get(path, {**self._params, **params, "per_page": self._size})
            except Temporary:
                raise failure from None  # it was no matter of size: the first answer says what is wrong
        said = reply.json()
        if not isinstance(said, list):
            raise Temporary(f"{reply.host} answers {path} with something that is no list.")
        total = reply.headers.get("x-wp-total", "")
        return said, int(total) if total.isdecimal() else None

    def by_change(self, path: str, since: datetime, **params: Any) -> Iterator[Batch]:
        """Everything modified after an instant, oldest change first; ties at page borders are never lost."""
        seen: dict[tuple[str, datetime | None], None] = {}
        while True:
            window = {"modified_after": _stamp(since), "dates_are_gmt": "true", **params}
            rows, total = self.rows(path, orderby="modified", order="asc", **window)
            last = max((at for row in rows if (at := _modified(row))), default=since)
            fresh = [row for row in rows if (key := _key(row)) not in seen and (key[1] or since) >= since]
            crowded = since < last <= since + _SECOND  # a full page of one second
            finished = self._is_last(path, rows, fresh, 0, total, excused=crowded)
            yield Batch(fresh, last, total)
            if finished:
                return
            seen = {key: None for row in rows if ((key := _key(row))[1] or last) >= last}
            if crowded:
                yield from self._second(path, last, seen, **params)
                since = last
            else:
                since = max(since, last - _SECOND)

    def _second(
        self, path: str, at: datetime, seen: dict[tuple[str, datetime | None], None], **params: Any
    ) -> Iterator[Batch]:
        """All rows of one second; again and again until a pass finds nothing new, since rows may leave it."""
        window = {"modified_after": _stamp(at - _SECOND), "modified_before": _stamp(at + _SECOND)}
        while True:
            found = 0
            for rows in self._by_id(path, dates_are_gmt="true", **window, **params):
                fresh = [row for row in rows if _key(row) not in seen]
                seen.update((_key(row), None) for row in fresh)
                found += len(fresh)
                yield Batch(fresh, at)
            if not found:
                return

    def by_id(self, path: str, start: int = 0, **params: Any) -> Iterator[tuple[list[Any], int, int | None]]:
        """Everything in the order of ids, with the offset to go on from and the shop's total.

        Each page overlaps the one before by a row: where the row isn't there, something before it was deleted
        and the rest moved up, so the walk steps back.
        """
        offset, last, stepped = start, 0, False
        while True:
            rows, total = self.rows(path, orderby="id", order="asc", offset=offset, **params)
            ids = [number for row in rows if (number := _number(row)) is not None]
            if last and offset and (not ids or ids[0] > last):
                offset, stepped = max(0, offset - self._size), True
                continue
            fresh = [row for row in rows if (number := _number(row)) is None or number > last]
            finished = self._is_last(path, rows, fresh, offset, total, excused=stepped)
            last, stepped = max([last, *ids]), False
            offset += len(rows) if finished else max(1, len(rows) - 1)
            yield fresh, offset, total
            if finished:
                return

    def _is_last(
        self, path: str, rows: list[Any], fresh: list[Any], offset: int, total: int | None, *, excused: bool
    ) -> bool:
        """Whether a page ends its list; Temporary when it doesn't and nothing new comes without an excuse."""
        if total is None:  # a short page may still have followers where a plugin takes rows out of pages
            last = not fresh and len(rows) < self._size
        else:
            last = offset + len(rows) >= total
        if not (last or fresh or excused):
            raise Temporary(
                f"The shop promises more {path} but gives "
                + ("the same page again and again; a cache may sit before it." if rows else "an empty page.")
            )
        return last

    def _by_id(self, path: str, **params: Any) -> Iterator[list[Any]]:
        for rows, _, _ in self.by_id(path, **params):
            yield rows


def raw(thing: Any) -> Raw | Bad:
    """A row as it came, without what changes at every reading; Bad when it isn't an object with an id."""
    try:
        if not isinstance(thing, dict):
            raise BadInput("an object was expected")
        external_id = identifier(thing.get("id"))
    except BadInput as error:
        return Bad("a row of the list", str(error), msgspec.json.encode(thing).decode())
    kept = {key: value for key, value in thing.items() if key not in _VOLATILE}
    found = raw_json(external_id, kept, version_at(thing))
    return msgspec.structs.replace(found, gone=True) if thing.get("status") == "trash" else found


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _modified(row: Any) -> datetime | None:
    return version_at(row) if isinstance(row, dict) else None


def _key(row: Any) -> tuple[str, datetime | None]:
    return (str(row.get("id")), _modified(row)) if isinstance(row, dict) else (repr(row), None)


def _number(row: Any) -> int | None:
    said = str(row.get("id")) if isinstance(row, dict) else ""
    return int(said) if said.isdecimal() else None
