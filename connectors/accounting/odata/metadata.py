"""The description of a base (`$metadata`): what of it we need, read in one pass without keeping the rest.

A full base describes 3,800 kinds of objects in 15 MB. The parser resolves nothing, loads nothing and refuses
a document type, so that the file can do no more than be wrong.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from lxml import etree

from foundation.errors import BadInput, Misconfigured

LARGEST = 32_000_000  # bytes
_DEEPEST = 60
_ROWS = "_RowType"
_CHUNK = 65_536


class Entity(msgspec.Struct, frozen=True):
    """The fields of one kind of object, and the fields of its table parts by their names."""

    fields: dict[str, str]
    tables: dict[str, dict[str, str]]

    def has(self, path: str) -> bool:
        """Whether a path of a mapping leads to a field; what it reads in other objects is not judged."""
        if path.startswith("@"):
            return True
        head, _, rest = path.partition("/")
        if not rest:
            return head in self.fields or head in self.tables
        return rest in self.tables[head] if head in self.tables else head in self.fields


class _Target:
    """Takes the parser's events; keeps the properties of wanted types only."""

    def __init__(self, wanted: Collection[str]) -> None:
        self._wanted = tuple(wanted)
        self._depth = 0
        self._into: dict[str, str] | None = None
        self.types: dict[str, dict[str, str]] = {}
        self.seen = False

    def start(self, tag: str | bytes, attrib: Mapping[Any, Any]) -> None:
        """A type begins, or one of its fields."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise BadInput("it is nested too deeply", "$metadata")
        name = etree.QName(tag).localname
        self.seen = self.seen or name == "Edmx"
        if name in ("EntityType", "ComplexType"):
            said = attrib.get("Name", "")
            self._into = self.types.setdefault(said, {}) if self._wants(said) else None
        elif self._into is not None and name in ("Property", "NavigationProperty"):
            self._into.setdefault(attrib.get("Name", ""), attrib.get("Type", ""))

    def end(self, tag: str | bytes) -> None:
        """A type ends."""
        self._depth -= 1
        if self._depth < 4 and etree.QName(tag).localname in ("EntityType", "ComplexType"):
            self._into = None

    def data(self, data: str | bytes) -> None:
        """Nothing that we need is text."""

    def comment(self, text: str | bytes) -> None:
        """Nor a remark."""

    def doctype(self, *_: Any) -> None:
        """A description has none; one that has is no description."""
        raise BadInput("it has a document type, which 1C never writes", "$metadata")

    def close(self) -> None:
        """The end."""

    def _wants(self, name: str) -> bool:
        return any(
            name == one or (name.endswith(_ROWS) and name.startswith(f"{one}_")) for one in self._wanted
        )


def parse(body: bytes, wanted: Collection[str]) -> dict[str, Entity]:
    """The wanted entities that a description knows; BadInput when it is none."""
    if len(body) > LARGEST:
        raise BadInput(f"it is longer than {LARGEST // 1_000_000} MB", "$metadata")
    target = _Target(wanted)
    parser = etree.XMLParser(
        target=target, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        for start in range(0, len(body), _CHUNK):
            parser.feed(body[start : start + _CHUNK])
        parser.close()
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise BadInput(f"it can't be read as XML: {error}", "$metadata") from error
    if not target.seen:
        raise BadInput("it is no description of an OData interface", "$metadata")
    return {
        name: Entity(fields, _tables(name, target.types))
        for name, fields in target.types.items()
        if name in wanted
    }


def _tables(entity: str, types: Mapping[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    head = f"{entity}_"
    return {
        name[len(head) : -len(_ROWS)]: fields
        for name, fields in types.items()
        if name.startswith(head) and name.endswith(_ROWS)
    }


def require(
    entity: Entity, name: str, fields: Mapping[str, tuple[str, ...]], needed: Collection[str]
) -> None:
    """Misconfigured when none of a needed field's paths is there; names them. A mapping may name none."""
    for field in needed:
        paths = fields.get(field, ())
        if paths and not any(entity.has(path) for path in paths):
            raise Misconfigured(
                f"{name} of this base has no field for “{field}”: the mapping looks for {', '.join(paths)}. "
                "Name the base's own field in the mapping.",
                "mapping",
            )
