"""A tree as text: the one way the language writes it, which reads back as the same tree."""

import re

from customers.segments import checks
from customers.segments.tree import (
    And,
    Did,
    Field,
    Filter,
    Measure,
    Node,
    Not,
    Or,
    Period,
    Single,
    number,
    simplified,
)

WIDE = 100  # characters of a line before a group takes a line a part


def text(node: Node) -> str:
    """The text of a tree."""
    return _group(simplified(node), "")


def _group(node: Node, indent: str) -> str:
    if isinstance(node, Not):
        part = _group(node.part, indent)
        return f"not ({part})" if isinstance(node.part, And | Or) else f"not {part}"
    if not isinstance(node, And | Or):
        return condition(node)
    word = "and" if isinstance(node, And) else "or"
    parts = [_part(node, part, indent) for part in node.parts]
    line = f" {word} ".join(parts)
    if len(line) + len(indent) <= WIDE and "\n" not in line:
        return line
    return f"\n{indent}{word} ".join(parts)


def _part(group: Node, part: Node, indent: str) -> str:
    if isinstance(group, And) and isinstance(part, Or):
        return f"({_group(part, indent + '  ')})"
    return _group(part, indent + "  ")


def condition(node: Field | Did | Measure) -> str:
    """The text of one condition."""
    if isinstance(node, Did):
        return f"{node.did}({_arguments(node)})"
    if isinstance(node, Measure):
        return f"{node.measure}({_arguments(node)}) {node.op} {_amount(node.value, node.currency)}"
    if node.op in ("set", "not set"):
        return f"{node.field} is {node.op}"
    if node.period is not None:
        word = " in" if node.period.kind in ("last", "next") else ""
        return f"{node.field}{word} {period(node.period)}"
    if isinstance(node.value, tuple):
        return f"{node.field} {node.op} ({', '.join(_value(value) for value in node.value)})"
    assert node.value is not None
    return f"{node.field} {node.op} {_value(node.value, node.currency)}"


def _arguments(node: Did | Measure) -> str:
    thing = checks.thing(node.did if isinstance(node, Did) else node.measure)
    parts = [_filter(one) for one in node.filters]
    if thing and thing.subject and all(one.property or one.name != thing.subject for one in node.filters):
        parts.insert(0, f"any {thing.subject}")
    if node.period is not None:
        parts.append(period(node.period))
    return ", ".join(parts)


def _filter(one: Filter) -> str:
    if not one.property:
        return f"{one.name} {_value(one.value)}"
    plain = _NAME.fullmatch(one.name) and one.name.lower() not in _RESERVED
    name = one.name if plain else quoted(one.name)
    return f"{name} {one.op} {_value(one.value)}"


_NAME = re.compile(r"[^\W\d]\w*")  # what the language reads as a name; identifiers of Python may hold more
_RESERVED = {
    "and", "or", "not", "in", "is", "set", "has", "contains", "starts", "with", "any", "last", "next", "more",
    "than", "ago", "since", "before", "between",
}  # fmt: skip


def period(one: Period) -> str:
    """The text of a period."""
    match one.kind:
        case "ago":
            return f"more than {_length(one)} ago"
        case "since" | "before":
            return f"{one.kind} {one.start}"
        case "between":
            return f"between {one.start} and {one.end}"
    return f"{one.kind} {_length(one)}"


def _length(one: Period) -> str:
    return f"{one.amount} {one.unit[:-1] if one.amount == 1 else one.unit}"


def _value(value: Single, currency: str = "") -> str:
    return quoted(value) if isinstance(value, str) else _amount(value, currency)


def _amount(value: int | float, currency: str) -> str:
    said = f"{number(value):f}"
    return f"{said} {currency}" if currency else said


def quoted(value: str) -> str:
    """A text between quotes."""
    return (
        '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
    )
