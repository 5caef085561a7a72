"""Which thing of ours an object there is: by exact keys, the strongest first. Pure.

A key that several have decides nothing, and a name alone is no more than a guess: those wait for a person.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from customers.latin import latin
from sync.directories.fields import Flat

KEYS = ("tax_number", "external_id", "barcode", "sku", "email", "phone", "name")  # the strongest first
DOUBTFUL = ("name",)


class Match(NamedTuple):
    """Why two are thought to be the same; only a `sure` one is paired without asking."""

    by: str  # one of KEYS, or "card": what joined the card
    value: str = ""
    sure: bool = True
    rivals: int = 0  # others that have the key, too


class Thing(NamedTuple):
    """A thing of either side that has no partner yet, with its keys."""

    id: UUID | str
    keys: Mapping[str, str]


def keys_of(said: Flat, external_id: str = "") -> dict[str, str]:
    """The keys of a thing, in the form to compare by."""
    found = {key: said[key].value for key in KEYS if key in said}
    if "name" in found:
        found["name"] = " ".join(latin(found["name"]).split())
    if external_id:
        found["external_id"] = external_id
    return {key: value.casefold() for key, value in found.items() if value}


def why(ours: Flat, theirs: Flat) -> Match | None:
    """What tells that two on one card are the same; None when nobody but the other side speaks."""
    if not ours:
        return None
    one, other = keys_of(ours), keys_of(theirs)
    for key in KEYS:
        if key in one and one[key] == other.get(key):
            return Match(key, theirs[key].value)
    return Match("card")


def pair_up(ours: Sequence[Thing], theirs: Iterable[Thing]) -> dict[UUID | str, tuple[UUID | str, Match]]:
    """For things there the one of ours, with the reason. What a stronger key has paired is not free any more.

    An ambiguous key proposes its first holder and says how many rivals there are.
    """
    left = {thing.id: thing for thing in theirs}
    free = {thing.id: thing for thing in ours}
    found: dict[UUID | str, tuple[UUID | str, Match]] = {}
    guesses: dict[UUID | str, tuple[UUID | str, Match]] = {}
    for key in KEYS:
        here, there = _by(key, free.values()), _by(key, left.values())
        for value, objects in there.items():
            candidates = here.get(value, ())
            if not candidates:
                continue
            rivals = len(candidates) + len(objects) - 2
            if rivals or key in DOUBTFUL:
                for one in objects:
                    guesses.setdefault(one.id, (candidates[0].id, Match(key, value, False, rivals)))
                continue
            found[objects[0].id] = candidates[0].id, Match(key, value)
            del left[objects[0].id], free[candidates[0].id]
    taken = {ours_id for ours_id, _match in found.values()}
    return found | {
        one: guess for one, guess in guesses.items() if one not in found and guess[0] not in taken
    }


def _by(key: str, things: Iterable[Thing]) -> dict[str, list[Thing]]:
    found: dict[str, list[Thing]] = {}
    for thing in things:
        if key in thing.keys:
            found.setdefault(thing.keys[key], []).append(thing)
    return found
