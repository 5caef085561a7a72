"""MoySklad's lists: what changed, what was thrown away, what is there."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from connectors.accounting.moysklad.client import Client
from connectors.accounting.moysklad.values import id_of, identifier, instant, part, stamp
from connectors.base import Bad, Raw, raw_json
from connectors.values import text
from connectors.walking import Batch, Rows, by_change, pages
from foundation.errors import BadInput, Temporary

PAGE = 100  # the most that comes with `expand`; with more it is left out without a word
_SMALLER = {"invoiceout": 25}  # with a hundred lines each
_OF_ITEM = ("meta", "id", "name", "article", "code")
LONG_PAGE = 1000
IDS = 25  # in one address, and invoices among them with all their lines
ALIVE_OR_NOT = ("archived=true", "archived=false")
ENTITIES: dict[str, tuple[str, ...]] = {
    "counterparties": ("counterparty",),
    "nomenclature": ("product", "variant", "service", "bundle"),
    "invoices": ("invoiceout",),
    "payments": ("paymentin", "cashin", "paymentout", "cashout"),
}
DIRECTORIES = frozenset({"counterparty", "product", "variant", "service", "bundle"})
EXPANDED = {
    "counterparty": "contactpersons",
    "variant": "product",
    "invoiceout": "positions.assortment,customerOrder",
}

Row = dict[str, Any]


class Lists:
    """MoySklad's lists, by the names of its entities."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def by_change(self, entity: str, since: datetime | None) -> Iterator[Batch]:
        """Everything changed since an instant, oldest change first, what is archived included."""
        limit = _SMALLER.get(entity, PAGE)

        def read(at: datetime | None, offset: int) -> Rows:
            filters = [*([f"updated>={stamp(at)}"] if at else ()), *_archived(entity)]
            params = _params(entity, filters, "updated,asc;id,asc", limit, offset)
            return self._client.rows(f"entity/{entity}", **params)

        return by_change(read, since, limit, key=_key, changed=_updated)

    def trash(self, entity: str, since: datetime) -> Iterator[list[Any]]:
        """Documents put into the recycle bin since an instant."""
        return self._by_id(entity, ("isDeleted=true", f"deleted>={stamp(since)}"))

    def all(self, entity: str) -> Iterator[list[Any]]:
        """Everything that is neither archived nor deleted, in the order of ids, without what it refers to."""
        return self._by_id(entity, ())

    def by_ids(self, entity: str, ids: Sequence[str]) -> Iterator[Row]:
        """Those of the ids that are there, neither archived nor deleted."""
        for start in range(0, len(ids), IDS):
            wanted = [f"id={one}" for one in ids[start : start + IDS]]
            rows, _ = self._client.rows(f"entity/{entity}", **_params(entity, wanted, "", PAGE, 0))
            yield from (row for row in rows if isinstance(row, dict))

    def whole(self, invoice: Row) -> Row:
        """The invoice with all its lines, for more than a page of them don't come with it.

        Of the items only names and kinds are kept: the rest is the nomenclature's.
        """
        found = invoice.get("positions")
        if not isinstance(found, dict) or not isinstance(found.get("rows"), list):
            return invoice
        rows, size = list(found["rows"]), part(found, "meta").get("size")
        path = f"entity/invoiceout/{id_of(invoice)}/positions"
        while isinstance(size, int) and len(rows) < size:
            more, _ = self._client.rows(path, expand="assortment", limit=PAGE, offset=len(rows))
            if not more:
                raise Temporary("MoySklad promises more lines of an invoice than it gives.")
            rows += more
        return {**invoice, "positions": {**found, "rows": [_slim(row) for row in rows]}}

    def _by_id(self, entity: str, filters: Sequence[str]) -> Iterator[list[Any]]:
        def read(offset: int) -> Rows:
            return self._client.rows(f"entity/{entity}", **_params("", filters, "id,asc", LONG_PAGE, offset))

        for rows, _, _ in pages(read, LONG_PAGE, _key):
            yield rows


def _slim(line: Any) -> Any:
    item = line.get("assortment") if isinstance(line, dict) else None
    if not isinstance(item, dict):
        return line
    return {**line, "assortment": {key: item[key] for key in _OF_ITEM if key in item}}


def _params(entity: str, filters: Sequence[str], order: str, limit: int, offset: int) -> dict[str, Any]:
    said = {"filter": ";".join(filters), "order": order, "expand": EXPANDED.get(entity, "")}
    return {**{k: v for k, v in said.items() if v}, "limit": limit, **({"offset": offset} if offset else {})}


def _archived(entity: str) -> Sequence[str]:
    return ALIVE_OR_NOT if entity in DIRECTORIES else ()


def _key(row: Any) -> tuple[str, str]:
    return (str(row.get("id")), str(row.get("updated"))) if isinstance(row, dict) else (repr(row), "")


def _updated(row: Any) -> datetime | None:
    return instant(row.get("updated")) if isinstance(row, dict) else None


def raw(row: Any) -> Raw | Bad:
    """A row as it came; Bad when it isn't an object with an id, gone when it is archived."""
    try:
        if not isinstance(row, dict):
            raise BadInput("an object was expected")
        external_id = identifier(row.get("id"))
    except BadInput as error:
        return Bad("a row of the list", str(error), msgspec.json.encode(row).decode()[:2000])
    found = raw_json(external_id, row, instant(row.get("updated")))
    return msgspec.structs.replace(found, gone=True) if row.get("archived") is True else found


def gone(row: Row) -> Raw:
    """A row of the recycle bin."""
    at = instant(row.get("deleted")) or instant(row.get("updated"))
    return msgspec.structs.replace(raw_json(text(row.get("id")), row, at), gone=True)
