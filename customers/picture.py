"""Who belongs to which card, worked out in memory: a pure function of links, verdicts and what is gone.

Nothing depends on the order of merges, splits and undos, only on which of them are in force; that is why an
undo gives exactly the state of a run that never had the operation (docs/decisions/0004).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from customers.identity import Key
from foundation.records import Person

OWN = "own"  # the kind of what we say ourselves, and the rule by which it is on its card
NAMELESS = ("visitor", "correspondent", OWN)  # kinds of profiles that alone make nobody known
TIES = ("manual", "model")  # rules of links by which an operation ties two cards
NEW = 1 << 60  # ids of links yet to be written: after all that are


@dataclass(slots=True)
class Edge:
    """A row of `profile_links` that hasn't ended for good. Edges are kept in the order of their ids.

    `other` is set on `TIES`: the row ties two cards, whatever becomes of the profile it is written on.
    """

    id: int
    profile: UUID
    card: UUID
    rule: str
    operation: UUID | None = None
    other: UUID | None = None
    held_by: UUID | None = None  # as stored: the split or verdict that holds it back
    evidence: dict[str, Any] = field(default_factory=dict)
    actor: str = "resolve"
    new: bool = False


@dataclass(slots=True)
class Member:
    """A profile of the graph. `customer` is as stored; `dirty` when its record is new or changed."""

    id: UUID
    source: UUID
    kind: str
    external_id: str
    changed_at: datetime
    record: bytes
    customer: UUID | None = None
    gone: bool = False
    kept: bool = False  # gone, but orders of it remain
    keys: tuple[Key, ...] = ()
    record_hash: bytes = b""
    landed_id: int | None = None  # None: known only from what an order says of its buyer
    new: bool = False
    dirty: bool = False
    set_aside: Mapping[str, str] | None = None  # field -> a value of it that another source's replaced
    alone: dict[str, Any] | None = None  # columns of its card should it be new and nobody else's
    _person: Person | None = None

    @property
    def named(self) -> bool:
        """Whether it makes somebody known."""
        return self.kind not in NAMELESS

    @property
    def person(self) -> Person:
        """The record, decoded once."""
        if self._person is None:
            self._person = msgspec.json.decode(self.record, type=Person)
        return self._person


@dataclass(slots=True)
class CardRow:
    """What is stored of a card about its place in the graph."""

    id: UUID
    created_at: datetime
    live: bool = True
    merged_into: UUID | None = None
    identified: bool = True
    new: bool = False


@dataclass(slots=True)
class Graph:
    """A closed part of the graph: all links of its profiles and all profiles of its cards are in it."""

    edges: list[Edge] = field(default_factory=list)
    members: dict[UUID, Member] = field(default_factory=dict)
    cards: dict[UUID, CardRow] = field(default_factory=dict)
    verdicts: list[tuple[UUID, UUID, UUID]] = field(default_factory=list)  # left, right, operation


@dataclass(slots=True)
class Group:
    """A card as people see it: home cards that links connect. `survivor` is the one that stands for all."""

    survivor: UUID
    cards: list[UUID]
    members: list[Member]
    live: bool
    identified: bool


class Sets:
    """Disjoint sets of profiles and cards."""

    def __init__(self) -> None:
        self.parent: dict[UUID, UUID] = {}

    def root(self, node: UUID) -> UUID:
        """The node that stands for the set of this one."""
        parent = self.parent
        above = parent.setdefault(node, node)
        while above != node:
            parent[node] = parent[above]
            node, above = above, parent[above]
        return node

    def unite(self, one: UUID, other: UUID) -> None:
        """Make two sets one."""
        self.parent[self.root(other)] = self.root(one)


def homes(edges: Iterable[Edge], *, raw: bool = False) -> dict[UUID, Edge]:
    """The home link of each profile: its newest split, else its first; `raw` leaves splits out."""
    found: dict[UUID, Edge] = {}
    for edge in edges:
        if edge.rule == "split" and not raw:
            found[edge.profile] = edge
        elif edge.rule not in ("split", *TIES):
            found.setdefault(edge.profile, edge)
    return found


def automatic_groups(graph: Graph) -> dict[UUID, UUID]:
    """A label per profile, the same for those that automatic links connect.

    Splits, merges and verdicts don't show in it: later arrivals are decided about as if there were none.
    """
    sets, home, raw = Sets(), homes(graph.edges), homes(graph.edges, raw=True)
    for edge in graph.edges:
        member = graph.members[edge.profile]
        at_home = edge.rule == "split" or home.get(edge.profile) is edge or raw.get(edge.profile) is edge
        if edge.rule not in TIES and (at_home or not member.gone):
            sets.unite(edge.card, edge.profile)
    return {profile: sets.root(profile) for profile in graph.members}


def held_by_splits(graph: Graph) -> dict[int, UUID]:
    """Links that a split holds back, those of its profile that are older than its own -> operation."""
    splits = {edge.profile: edge for edge in graph.edges if edge.rule == "split"}  # the newest remains
    held = {}
    for edge in graph.edges:
        split = splits.get(edge.profile)
        if split is not None and edge.rule not in TIES and edge.id < split.id and split.operation:
            held[edge.id] = split.operation
    return held


def draw(graph: Graph) -> tuple[list[Group], dict[int, UUID]]:
    """The groups that the links in force make, and which links are held back by which operation.

    Links count in the order of their ids; one that would bring together two cards with a verdict against it
    is held back. Of a profile that is gone only the home link counts.
    """
    sets, held, home = Sets(), held_by_splits(graph), homes(graph.edges)
    for card in graph.cards:
        sets.root(card)
    for edge in graph.edges:
        if edge.id in held:
            continue
        if edge.rule not in TIES and graph.members[edge.profile].gone and home[edge.profile] is not edge:
            continue
        one, other = edge.card, edge.other or edge.profile
        verdict = _against(graph, sets, one, other)
        if verdict is not None:
            held[edge.id] = verdict
        else:
            sets.unite(one, other)
    return _groups(graph, sets, home), held


def _against(graph: Graph, sets: Sets, one: UUID, other: UUID) -> UUID | None:
    """The operation of a verdict that keeps two sets apart."""
    if not graph.verdicts:
        return None
    pair = {sets.root(one), sets.root(other)}
    if len(pair) == 1:
        return None
    for left, right, operation in graph.verdicts:
        if {sets.root(left), sets.root(right)} == pair:
            return operation
    return None


def _groups(graph: Graph, sets: Sets, home: dict[UUID, Edge]) -> list[Group]:
    groups: dict[UUID, Group] = {}
    for card in graph.cards:
        root = sets.root(card)
        group = groups.setdefault(root, Group(card, [], [], False, False))
        group.cards.append(card)
    lived: dict[UUID, bool] = {}  # home cards somebody is left on -> is one of them identified
    for member in graph.members.values():
        edge = home.get(member.id)
        if edge is None:
            continue
        group = groups[sets.root(member.id)]
        group.members.append(member)
        if not member.gone or member.kept:
            group.live = True
            group.identified = group.identified or member.named
            lived[edge.card] = lived.get(edge.card, False) or member.named
    for group in groups.values():
        group.survivor = min(group.cards, key=lambda card: _age(graph.cards[card], lived.get(card)))
    return list(groups.values())


def _age(card: CardRow, named: bool | None) -> tuple[int, datetime, UUID]:
    """Sorts home cards: those with an identified person, then with anybody, then empty ones; oldest first."""
    return (2 if named is None else 0 if named else 1), card.created_at, card.id
