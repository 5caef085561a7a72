"""Merged payloads as records, and what of them no field took."""

from collections.abc import Mapping, Sequence

from connectors.accounting.commerceml import documents, goods, parties
from connectors.accounting.commerceml.habits import Habits
from connectors.accounting.commerceml.nodes import Node, tree
from connectors.accounting.commerceml.parts import Kept, kept_of
from connectors.base import Raw
from foundation.errors import BadInput
from foundation.records import AnyRecord, Gone

_EVERYWHERE = Habits(currency="RUB")  # no document is refused for its currency


def normalise(stream: str, raw: Raw, habits: Habits) -> Sequence[AnyRecord]:
    """The records of one merged payload; nothing while nothing has named a product."""
    kept = kept_of(raw.payload)
    if kept.gone and stream != "documents":  # a document that is deleted there is cancelled, not erased
        return [Gone(external_id=raw.external_id, what="product" if stream == "products" else "person")]
    return _records(raw.external_id, kept, _trees(kept), habits)


def unread(payload: str) -> list[str]:
    """Every value of a payload that no field of its records took, as "part/path: value"."""
    kept = kept_of(payload)
    trees = _trees(kept)
    _records("x", kept, trees, _EVERYWHERE)
    return [f"{part}/{path}: {value}" for part, node in trees.items() for path, value in node.left()]


def _trees(kept: Kept) -> dict[str, Node]:
    return {part: tree(text) for part, text in kept.parts().items()}


def _records(external_id: str, kept: Kept, trees: Mapping[str, Node], habits: Habits) -> Sequence[AnyRecord]:
    if "document" in trees:
        return documents.records(trees["document"], external_id, habits)
    if "party" in trees:
        return [parties.person(trees["party"], external_id, habits)]
    if not trees:
        raise BadInput("the record is empty")
    found = goods.product(external_id, trees, kept.names(), habits)
    return [found] if found else []
