"""A fragment as a tree that remembers which values were taken: what is left over is listed, not lost."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from lxml import etree

from connectors.accounting.commerceml.values import clean, currency, flag, fold, instant, number
from foundation.errors import BadInput

_SILENT = frozenset(fold(name) for name in ("НомерВерсии", "ПометкаУдаления"))


class Node:
    """One element: its own text (whatever children stand before it), attributes and children."""

    __slots__ = ("attributes", "children", "name", "taken", "text", "used")

    def __init__(self, element: Any) -> None:
        self.name = _local(element.tag)
        self.attributes: dict[str, str] = {fold(_local(k)): v for k, v in element.items()}
        self.children: list[Node] = []
        texts = [element.text or ""]
        for child in element:
            if isinstance(child.tag, str):
                self.children.append(Node(child))
            texts.append(child.tail or "")
        self.text = "".join(texts).strip()
        self.taken = False
        self.used: set[str] = set()

    def all(self, *path: str) -> Iterator["Node"]:
        """The elements at a path below this one."""
        key, rest = fold(path[0]), path[1:]
        for child in self.children:
            if fold(child.name) == key:
                if rest:
                    yield from child.all(*rest)
                else:
                    yield child

    def first(self, *path: str) -> "Node | None":
        """The first element at a path."""
        return next(self.all(*path), None)

    def raw(self, *names: str) -> str:
        """The first of these children or attributes that says something, as it stands; it counts as taken."""
        for name in names:
            for child in self.all(name):
                child.taken = True
                if child.text:
                    return child.text
            key = fold(name)
            if self.attributes.get(key, "").strip():
                self.used.add(key)
                return self.attributes[key].strip()
        return ""

    def said(self, *names: str) -> str:
        """The same, as one clean line."""
        return clean(self.raw(*names))

    def own(self) -> str:
        """This element's own text, taken."""
        self.taken = True
        return clean(self.text)

    def number(self, *names: str) -> Decimal | None:
        """A number among children and attributes; what is none stays untaken."""
        for name in names:
            for child in self.all(name):
                if (found := number(child.text)) is not None:
                    child.taken = True
                    return found
            key = fold(name)
            if key in self.attributes and (found := number(self.attributes[key])) is not None:
                self.used.add(key)
                return found
        return None

    def flag(self, *names: str) -> bool | None:
        """Yes or no; what says neither stays untaken."""
        for name in names:
            child = self.first(name)
            if (found := flag(child.text if child else self.attributes.get(fold(name), ""))) is not None:
                self.raw(name)
                return found
        return None

    def currency(self, *names: str) -> str:
        """An ISO code; a word that stands for no currency stays untaken."""
        for name in names:
            child = self.first(name)
            text = child.text if child else self.attributes.get(fold(name), "")
            if found := currency(text):
                self.raw(name)
                return found
        return ""

    def instant(self, day: str, clock: str, zone: str) -> datetime | None:
        """An instant from a date and a time beside it; what is no date stays untaken."""
        child, beside = self.first(day), self.first(clock)
        text = child.text if child else self.attributes.get(fold(day), "")
        time = beside.text if beside else self.attributes.get(fold(clock), "")
        found = instant(text, time, zone)
        if found:
            self.raw(day)
            self.raw(clock)
        return found

    def take(self) -> None:
        """Everything in here is taken."""
        self.taken = True
        self.used.update(self.attributes)
        for child in self.children:
            child.take()

    def left(self, path: str = "") -> Iterator[tuple[str, str]]:
        """The values nothing has taken, with the path to each."""
        if fold(self.name) in _SILENT:
            return
        here = f"{path}/{self.name}" if path else self.name
        for name, value in self.attributes.items():
            if name not in self.used and value.strip():
                yield f"{here}/@{name}", clean(value)
        if not self.taken and self.text:
            yield here, clean(self.text)
        for child in self.children:
            yield from child.left(here)


def tree(fragment: str) -> Node:
    """A fragment of a payload as a tree; BadInput when there is none."""
    # a fragment has lost the declarations of its prefixes, and what was read once needs no second refusal
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(fragment.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadInput(f"the fragment can't be read: {error}") from error
    if root is None:
        raise BadInput("the fragment is empty")
    return Node(root)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2].rpartition(":")[2]
