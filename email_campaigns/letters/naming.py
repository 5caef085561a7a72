"""Which variables a letter names, which of them it can't do without, and the products it shows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import nodes

from email_campaigns.letters.grammar import path_of

_PLACE = re.compile(r"\[[^\]]*\]")


@dataclass
class Named:
    """What the templates of a letter name."""

    paths: set[str] = field(default_factory=set)  # "order.lines[].name": members of a list behind []
    skus: list[str] = field(default_factory=list)


def read(tree: nodes.Node, into: Named) -> Named:
    """Add what a tree names. Names that the letter makes itself (loops, “set”) are followed."""
    _walk(tree, {}, into)
    return into


def _walk(node: nodes.Node, names: Mapping[str, str], into: Named) -> None:
    if isinstance(node, nodes.For):
        _walk(node.iter, names, into)
        member = _resolved(_list_of(node.iter), names)
        inner = {**names, path_of(node.target): f"{member}[]" if member else "", "loop": ""}
        for one in (*node.body, *([node.test] if node.test else [])):
            _walk(one, inner, into)
        for one in node.else_:
            _walk(one, names, into)
        return
    if isinstance(node, nodes.Filter) and node.name == "products" and isinstance(node.node, nodes.List):
        into.skus += [str(one.value) for one in node.node.items if isinstance(one, nodes.Const)]
    path = path_of(node)
    if path and not (isinstance(node, nodes.Name) and node.ctx == "store"):
        if found := _resolved(path, names):
            into.paths.add(found)
        return
    inner_names = dict(names)
    for child in node.iter_child_nodes():
        _walk(child, inner_names, into)
        if isinstance(child, nodes.Assign) and isinstance(child.target, nodes.Name):
            inner_names[child.target.name] = _resolved(path_of(child.node), names)


def _list_of(node: nodes.Node) -> str:
    """The list behind filters such as `limit`; `products` makes members of its own."""
    while isinstance(node, nodes.Filter) and node.node is not None:
        if node.name == "products":
            return "products"
        node = node.node
    return path_of(node)


def _resolved(path: str, names: Mapping[str, str]) -> str:
    """A path with names of the letter's own replaced; empty for what is nobody's variable."""
    if not path:
        return ""
    first, dot, rest = _PLACE.sub("[]", path).partition(".")
    if first == "range":
        return ""
    name, member, _end = first.partition("[]")
    if name in names:
        return f"{names[name]}{member}{dot}{rest}" if names[name] else ""
    return first + dot + rest
