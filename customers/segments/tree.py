"""A segment's conditions as a tree, and the tree as JSON: the form that is kept and that programs send."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec

from foundation.errors import BadInput

Unit = Literal["minutes", "hours", "days", "weeks"]
Compare = Literal["=", "!=", "<", "<=", ">", ">="]
Op = Literal[
    "=", "!=", "<", "<=", ">", ">=", "in", "not in", "contains", "starts with", "has", "set", "not set",
    "during",
]  # fmt: skip
Single = str | int | float | bool
Value = Single | tuple[Single, ...] | None

LARGEST = 200_000  # characters of JSON
MOST_CONDITIONS, DEEPEST = 200, 20


class _Node(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all parts of a tree."""


class Period(_Node, frozen=True, kw_only=True):
    """When something happened: relative to the instant of asking, or between days (UTC)."""

    kind: Literal["last", "next", "ago", "since", "before", "between"]
    amount: int = 0  # of last, next and ago
    unit: Unit = "days"
    start: date | None = None  # of since, before and between
    end: date | None = None  # of between; that day included


class Filter(_Node, frozen=True, kw_only=True):
    """What narrows down happenings: `product "CUP"`, or a property of an event."""

    name: str
    value: Single
    op: Compare | Literal["contains"] = "="
    property: bool = False


class Field(_Node, frozen=True, kw_only=True, tag_field="type", tag="field"):
    """A field of the card beside a value."""

    field: str
    op: Op
    value: Value = None
    currency: str = ""
    period: Period | None = None  # of the op "during"


class Did(_Node, frozen=True, kw_only=True, tag_field="type", tag="did"):
    """Something happened at least once."""

    did: str
    period: Period | None = None
    filters: tuple[Filter, ...] = ()


class Measure(_Node, frozen=True, kw_only=True, tag_field="type", tag="measure"):
    """What happenings add up to, beside a number."""

    measure: str  # orders.count
    op: Compare
    value: int | float
    currency: str = ""
    period: Period | None = None
    filters: tuple[Filter, ...] = ()


class And(_Node, frozen=True, kw_only=True, tag_field="type", tag="and"):
    """All of its parts hold."""

    parts: "tuple[Node, ...]"


class Or(_Node, frozen=True, kw_only=True, tag_field="type", tag="or"):
    """At least one of its parts holds."""

    parts: "tuple[Node, ...]"


class Not(_Node, frozen=True, kw_only=True, tag_field="type", tag="not"):
    """Its part doesn't hold; where that is unknown, so is this."""

    part: "Node"


Condition = Field | Did | Measure
Node = Field | Did | Measure | And | Or | Not

_decoder = msgspec.json.Decoder(Node)
_encode = msgspec.json.Encoder(order=None).encode


def from_json(text: str | bytes) -> Node:
    """The tree that JSON says; `BadInput` names the place. Names and values are not looked at here."""
    if len(text) > LARGEST:
        raise BadInput(f"a segment's JSON has at most {LARGEST:,} characters", at="json")
    try:
        return bounded(_decoder.decode(text))
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise BadInput(_words(error), at="json") from None


def from_data(data: Any) -> Node:
    """The same of JSON that is read already."""
    try:
        return bounded(msgspec.convert(data, Node))
    except (msgspec.ValidationError, RecursionError) as error:
        raise BadInput(_words(error), at="json") from None


def _words(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "groups are nested too deeply"
    return str(error).replace("`", "").rstrip(".")


def to_json(node: Node) -> str:
    """The tree as JSON; the same tree gives the same text."""
    return _encode(node).decode()


def to_data(node: Node) -> Any:
    """The tree as what JSON is made of."""
    return msgspec.to_builtins(node)


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a group; none of a condition."""
    if isinstance(node, And | Or):
        return node.parts
    return (node.part,) if isinstance(node, Not) else ()


def walk(node: Node, path: str = "$") -> Iterator[tuple[str, Node]]:
    """Every part of a tree with its JSON path, from the top."""
    yield path, node
    if isinstance(node, Not):
        yield from walk(node.part, f"{path}.part")
    elif isinstance(node, And | Or):
        for number, part in enumerate(node.parts):
            yield from walk(part, f"{path}.parts[{number}]")


def conditions(node: Node) -> list[Condition]:
    """The conditions of a tree, in order."""
    return [part for _path, part in walk(node) if isinstance(part, Condition)]


def bounded(node: Node) -> Node:
    """The tree itself; `BadInput` when it has too many conditions, or groups too deep or without parts."""
    waiting, count = [(node, 1)], 0
    while waiting:
        one, depth = waiting.pop()
        if depth > DEEPEST:
            raise BadInput(f"groups are nested more than {DEEPEST} deep", at="json")
        parts = children(one)
        if not parts and not isinstance(one, Condition):
            raise BadInput(
                "a group without conditions would mean nobody or everybody: give it one", at="json"
            )
        count += isinstance(one, Condition)
        waiting += [(part, depth + 1) for part in parts]
    if count > MOST_CONDITIONS:
        raise BadInput(f"a segment has at most {MOST_CONDITIONS} conditions", at="json")
    return node


def simplified(node: Node) -> Node:
    """The same without groups of one and groups in groups of their own kind, as text and rows show it."""
    if isinstance(node, Not):
        return Not(part=simplified(node.part))
    if not isinstance(node, And | Or):
        return node
    parts: list[Node] = []
    for part in map(simplified, node.parts):
        parts += part.parts if isinstance(part, type(node)) else (part,)
    return parts[0] if len(parts) == 1 else type(node)(parts=tuple(parts))


def number(value: float | int) -> Decimal:
    """A number of a tree as it was written."""
    return Decimal(str(value))


def mapped(node: Node, change: Callable[[Condition], Condition]) -> Node:
    """A tree with every condition changed."""
    if isinstance(node, Not):
        return Not(part=mapped(node.part, change))
    if isinstance(node, And | Or):
        return type(node)(parts=tuple(mapped(part, change) for part in node.parts))
    return change(node)
