"""The requisites of a document: values by free names, which 1C and sites tell each other states with."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from connectors.accounting.commerceml.nodes import Node
from connectors.accounting.commerceml.values import clean, fold


class Asked:
    """The requisites of a document, asked for by any of their names."""

    def __init__(self, node: Node) -> None:
        self._found: dict[str, list[Node]] = {}
        for name, one in _requisites(node):
            self._found.setdefault(fold(name), []).append(one)

    def said(self, *names: str) -> str:
        """What the first of these requisites says."""
        for one in self._named(names):
            if value := one.said("Значение"):
                one.raw("Наименование")
                return value
        return ""

    def flag(self, *names: str) -> bool | None:
        """Yes or no; what says neither is kept with the rest."""
        for one in self._named(names):
            if (found := one.flag("Значение")) is not None:
                one.raw("Наименование")
                return found
        return None

    def instant(self, zone: str, *names: str) -> datetime | None:
        """An instant; the bare T that stands for no date is none."""
        for one in self._named(names):
            if found := one.instant("Значение", "", zone):
                one.raw("Наименование")
                return found
            if fold(next((c.text for c in one.all("Значение")), "")) == fold("T"):
                one.take()
        return None

    def _named(self, names: Sequence[str]) -> Iterator[Node]:
        for name in names:
            yield from self._found.get(fold(name), ())

    def rest(self) -> dict[str, str]:
        """Those nobody asked for, by their names."""
        kept: dict[str, list[str]] = {}
        for ones in self._found.values():
            for one in ones:
                value, name = one.first("Значение"), one.first("Наименование")
                if name and value and value.text and not value.taken:
                    kept.setdefault(clean(name.text), []).append(value.own())
                if name:
                    name.taken = True
        return {name: "; ".join(values) for name, values in kept.items() if name}


def _requisites(document: Node) -> Iterator[tuple[str, Node]]:
    """The requisites of a document as (name, element); some write them without their wrapper."""
    for one in (
        *document.all("ЗначенияРеквизитов", "ЗначениеРеквизита"), *document.all("ЗначениеРеквизита")
    ):  # fmt: skip
        name = next((child.text for child in one.all("Наименование")), "")
        if name.strip():
            yield name, one
