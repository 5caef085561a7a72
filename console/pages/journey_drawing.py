"""A journey as a tree of boxes with counts, for the page that draws it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from console.pages import journey_words
from foundation.text import _

Count = tuple[int, str, str, str]  # how many, in words, the colour of its tag, where it leads


@dataclass(frozen=True)
class Way:
    """A branch by its name."""

    name: str
    nodes: "list[Node]"
    number: int = 0  # how many went it


@dataclass(frozen=True)
class Node:
    """A box: what stands in it, how many came, and what branches off."""

    type: str
    title: str
    id: str = ""
    code: str = ""
    words: str = ""
    path: str = ""
    count: Sequence[Count] = ()
    ways: Sequence[Way] = field(default_factory=tuple)

    @property
    def picture(self) -> str:
        """Its icon."""
        return {"trigger": "bolt", "end": "check"}.get(self.type) or journey_words.PICTURES[self.type]


class Counts(Protocol):
    """What is known of steps."""

    def of(self, step: str, kind: str, /) -> Sequence[Count]:
        """Counts of a step."""

    def way(self, step: str, name: str, /) -> int:
        """How many went a branch of it."""


def draw(
    spec: Mapping[str, Any], begin: Node, end: Node, names: Mapping[str, str], counts: Counts
) -> list[Node]:
    """The whole journey: what begins it, its steps, its end."""
    return [begin, *_nodes(spec["steps"], names, counts), end]


def _nodes(steps: Sequence[Mapping[str, Any]], names: Mapping[str, str], counts: Counts) -> Iterator[Node]:
    for step in steps:
        kind = step["type"]
        ways: list[Way] = []
        if kind == "condition":
            for side, said in (("yes", _("yes")), ("no", _("no"))):
                inside = list(_nodes(step[side], names, counts))
                ways.append(Way(said, inside, counts.way(step["id"], side)))
        for arm in step.get("arms", ()):
            inside = list(_nodes(arm["steps"], names, counts))
            ways.append(Way(f"{arm['name']} · {arm['share']} %", inside, counts.way(step["id"], arm["name"])))
        yield Node(
            kind, journey_words.title(step, names), step["id"], step.get("condition", ""),
            step["text"] if kind == "task" else "",
            f"/letters/{step['letter_id']}" if kind == "letter" else "", counts.of(step["id"], kind), ways,
        )  # fmt: skip


def ids(steps: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Kind and id of the letters, senders and lists that steps name, branches included."""
    for step in steps:
        for name in ("letter_id", "sender_id", "segment_id"):
            if step.get(name):
                yield name, str(step[name])
        for inside in inner(step):
            yield from ids(inside)


def inner(step: Mapping[str, Any]) -> list[Sequence[Mapping[str, Any]]]:
    """The lists of steps inside a step."""
    if step["type"] == "condition":
        return [step["yes"], step["no"]]
    return [arm["steps"] for arm in step["arms"]] if step["type"] == "split" else []


def titles(steps: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> dict[str, str]:
    """What each step does, by its id, branches included."""
    found: dict[str, str] = {}
    for step in steps:
        found[step["id"]] = journey_words.title(step, names)
        for inside in inner(step):
            found |= titles(inside, names)
    return found
