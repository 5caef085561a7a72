"""Odoo's rows with what belongs to them: a company's people and addresses, an invoice's lines, names."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.accounting.odoo import sources
from connectors.accounting.odoo.client import PAGE, Client, Row
from connectors.accounting.odoo.sources import Silent, Source
from connectors.accounting.odoo.values import id_of, instant, stamp
from connectors.walking import Batch, Rows, by_change

# of small directories: what is written beside a reference to them, and what of them
_SAID = {
    "country_id": ("res.country", "code", "country_code"),
    "currency_id": ("res.currency", "decimal_places", "decimal_places"),
}


class Tables:
    """Rows of the streams' models. `stock` is the field with what there is of an item, empty: not read."""

    def __init__(self, client: Client, stock: str) -> None:
        self._client, self._stock = client, stock
        self._known: dict[str, dict[int, Any]] = {}

    def by_change(self, source: Source, since: datetime | None) -> Iterator[Batch]:
        """Everything changed since an instant, oldest change first, what is archived included."""
        fields = self._fields(source)

        def read(at: datetime | None, offset: int) -> Rows:
            domain = [*source.domain, *([["write_date", ">=", stamp(at)]] if at else ())]
            order, context = "write_date asc, id asc", dict(source.context)
            rows = self._client.rows(source.model, domain, fields, order=order, offset=offset, archived=True,
                                     context=context)  # fmt: skip
            return rows, None

        return by_change(read, since, PAGE, key=_key, changed=_changed)

    def by_ids(self, source: Source, ids: Sequence[int], field: str = "id") -> Iterator[list[Any]]:
        """Those of the ids that are there and not archived, page by page."""
        fields, context = self._fields(source), dict(source.context)
        for start in range(0, len(ids), PAGE):
            domain = [*source.domain, [field, "in", list(ids[start : start + PAGE])]]
            yield from self._client.every(source.model, domain, fields, context=context)

    def touched(self, silent: Silent, since: datetime) -> Iterator[int]:
        """Ids of what has changed without moving its own time."""
        fields = self._client.fields(silent.model, [silent.reference])
        if not fields:
            return
        for rows in self._client.every(
            silent.model, _filled(silent.since, stamp(since)), fields, archived=True
        ):
            yield from filter(None, (id_of(row.get(silent.reference)) for row in rows))

    def has_stock(self) -> bool:
        """Whether this database keeps stock, and it is to be read."""
        return bool(self._stock and self._client.fields("product.product", [self._stock]))

    def whole(self, source: Source, rows: Sequence[Any]) -> list[Any]:
        """The same rows with what belongs to them."""
        found = [self._spelled(row) if isinstance(row, dict) else row for row in rows]
        if source.model == "res.partner":
            found = self._with(found, "people", "res.partner", "parent_id", source.fields, ())
            tags = self._directory("res.partner.category", "name") if any(_tagged(r) for r in found) else {}
            return [_with_tags(row, tags) for row in found]
        if source.model == "account.move":
            # sections and notes are lines too
            goods = (["display_type", "in", ["product", False]],)
            return self._with(found, "lines", "account.move.line", "move_id", sources.LINE, goods)
        return found

    def _fields(self, source: Source) -> list[str]:
        more = (self._stock,) if source.model == "product.product" and self._stock else ()
        return self._client.fields(source.model, (*source.fields, *more))

    def _with(
        self, rows: list[Any], name: str, model: str, reference: str, fields: Sequence[str],
        domain: Sequence[Any],
    ) -> list[Any]:  # fmt: skip
        """Rows with those of another model that name them, in the order of ids."""
        parts: dict[int, list[Row]] = {id_of(r.get("id")): [] for r in rows if isinstance(r, dict)}
        parts.pop(0, None)
        if parts:
            asked = self._client.fields(model, fields)
            for page in self._client.every(model, [[reference, "in", list(parts)], *domain], asked):
                for part in page:
                    parts.get(id_of(part.get(reference)), []).append(self._spelled(part))
        return [
            {**row, name: parts.get(id_of(row.get("id")), [])} if isinstance(row, dict) else row
            for row in rows
        ]

    def _spelled(self, row: Row) -> Row:
        more = {
            name: self._directory(model, field).get(id_of(row[reference]))
            for reference, (model, field, name) in _SAID.items()
            if id_of(row.get(reference))
        }
        return {**row, **more}

    def _directory(self, model: str, field: str) -> Mapping[int, Any]:
        if model not in self._known:
            every = self._client.every(model, (), ["id", field], archived=True)
            self._known[model] = {id_of(row.get("id")): row.get(field) for rows in every for row in rows}
        return self._known[model]


def _tagged(row: Any) -> bool:
    return isinstance(row, dict) and bool(row.get("category_id"))


def _with_tags(row: Any, names: Mapping[int, Any]) -> Any:
    ids = row.get("category_id") if isinstance(row, dict) else None
    if not isinstance(ids, list):
        return row
    return {**row, "tags": [names[one] for one in ids if isinstance(one, int) and one in names]}


def _filled(domain: Sequence[Any], at: str) -> list[Any]:
    """A domain with its instants filled in."""
    return [[*one[:2], at] if isinstance(one, list) and one[2] is None else one for one in domain]


def _key(row: Any) -> tuple[str, str]:
    return (str(row.get("id")), str(row.get("write_date"))) if isinstance(row, dict) else (repr(row), "")


def _changed(row: Any) -> datetime | None:
    return instant(row.get("write_date")) if isinstance(row, dict) else None
