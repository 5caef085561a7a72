"""A version of a journey as the engine walks it: each step knows what comes after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """A step with the one behind it; empty: the journey is over then."""

    id: str
    type: str
    said: Mapping[str, Any]
    then: str
    ways: Mapping[str, str]  # of a branch: its name -> the first step there, or the one behind the branch


@dataclass(frozen=True)
class Program:
    """The steps by their ids, and where everybody begins."""

    spec: Mapping[str, Any]
    steps: Mapping[str, Step]
    first: str


def compile_(spec: Mapping[str, Any]) -> Program:
    """What the engine needs of a checked spec."""
    found: dict[str, Step] = {}
    first = _lay(spec["steps"], "", found)
    return Program(spec, found, first)


def _lay(steps: Sequence[Mapping[str, Any]], after: str, found: dict[str, Step]) -> str:
    """Steps of one list, the last of them followed by `after`; the first of them."""
    then = after
    for one in reversed(steps):
        ways = {name: _lay(inside, then, found) for name, inside in branches(one).items()}
        found[one["id"]] = Step(one["id"], one["type"], one, then, ways)
        then = one["id"]
    return then


def walk(steps_: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Every step of a checked spec in the order of reading, branches included."""
    found: list[Mapping[str, Any]] = []
    for one in steps_:
        found.append(one)
        for inside in branches(one).values():
            found += walk(inside)
    return found


def branches(step: Mapping[str, Any]) -> dict[str, Sequence[Mapping[str, Any]]]:
    """The ways inside a step by their names; none for a step that doesn't branch."""
    if step["type"] == "condition":
        return {"yes": step["yes"], "no": step["no"]}
    if step["type"] == "split":
        return {arm["name"]: arm["steps"] for arm in step["arms"]}
    return {}


def letters(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Its steps that send."""
    return [one for one in walk(spec["steps"]) if one["type"] == "letter"]
