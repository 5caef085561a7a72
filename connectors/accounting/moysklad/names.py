"""What references in MoySklad's objects stand for: currencies, countries, regions and units, read once."""

from collections.abc import Mapping
from typing import Any

from connectors.accounting.moysklad.client import Client
from connectors.accounting.moysklad.values import id_of, kind_of
from connectors.values import text

# what of an entry is written beside the reference to it, as `expand` would
_SAID = {
    "currency": ("isoCode", "name"),
    "country": ("code", "name"),
    "region": ("name",),
    "uom": ("name",),
}
_MOST = 1000


class Names:
    """Small directories, each read when the first reference to it comes along."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, dict[str, dict[str, Any]]] = {}

    def entries(self, entity: str) -> Mapping[str, Mapping[str, Any]]:
        """A whole directory by id."""
        if entity not in self._known:
            hidden = {"filter": "archived=true;archived=false"} if entity == "currency" else {}
            rows, _ = self._client.rows(f"entity/{entity}", None, limit=_MOST, **hidden)
            self._known[entity] = {text(row.get("id")): row for row in rows if isinstance(row, dict)}
        return self._known[entity]

    def spelled(self, thing: Any) -> Any:
        """The same JSON with names beside its references to those directories."""
        if isinstance(thing, list):
            return [self.spelled(item) for item in thing]
        if not isinstance(thing, dict):
            return thing
        whole = {key: value if key == "meta" else self.spelled(value) for key, value in thing.items()}
        entity = kind_of(whole)
        if entity not in _SAID or "id" in whole:
            return whole
        entry = self.entries(entity).get(id_of(whole), {})
        return {**{name: entry[name] for name in _SAID[entity] if name in entry}, **whole}
