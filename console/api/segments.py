"""Segments for programs: conditions as text or tree, members, why somebody is in, lists by hand."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from console.api.asking import Ask
from console.api.shapes import Customer, List, Operation, copied, money
from customers.segments import explain, language, lists, people, printing, store, tree
from customers.segments import tables as segments
from customers.segments.tree import Node
from foundation.clock import now
from foundation.errors import BadInput, Temporary


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A segment; `conditions` and `tree` say the same, a list has neither. `found`: all were looked at."""

    id: UUID
    name: str
    kind: str
    version: int
    customers: int
    found: bool
    conditions: str | None
    tree: Any
    created_at: datetime
    changed_at: datetime
    archived_at: datetime | None


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a segment."""

    customer: Customer
    since: datetime


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """A condition as it is for somebody; `holds` is null where nobody knows."""

    conditions: str
    holds: bool | None
    reason: bool
    decides: bool


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Whether somebody is in, why, and when time alone turns that."""

    customer: UUID
    inside: bool
    since: datetime | None
    turns_at: datetime | None
    clauses: list[Clause]


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many fit now, and some of them."""

    count: int
    conditions: str
    sample: list[UUID]


class Conditions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Conditions as text, or as a tree: one of both."""

    conditions: str | None = None
    tree: Any = None


class NewSegment(Conditions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A segment to be made; without conditions it is a list."""

    name: str


class Entries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Customers to put on a list or take off it: ids, e-mails or phones."""

    add: list[str] = []
    remove: list[str] = []


def _node(said: Conditions) -> Node | None:
    if said.conditions is not None and said.tree is not None:
        raise BadInput("say it as text or as a tree, not both", "/tree")
    if said.conditions is not None:
        return language.parse(said.conditions)
    return None if said.tree is None else store.checked(said.tree)


def _given(said: Conditions) -> Node:
    node = _node(said)
    if node is None:
        raise BadInput("say the conditions, as text or as a tree", "/conditions")
    return node


def segment_of(row: segments.Segment, node: Node | None) -> Segment:
    """A segment as the API shows it."""
    return copied(
        Segment, row, customers=row.members, found=row.computed == row.version,
        conditions=printing.text(node) if node else None, tree=tree.to_data(node) if node else None,
    )  # fmt: skip


def everything(ask: Ask) -> List[Segment]:
    """All segments in use by name; there are few, so this is one page."""
    rows = store.everything(ask.db)
    nodes = store.nodes(ask.db, rows)
    return List([segment_of(row, nodes.get(row.id)) for row in rows])


def show(ask: Ask) -> Segment:
    """One segment with its conditions."""
    row = ask.row(segments.Segment)
    return segment_of(row, store.nodes(ask.db, [row]).get(row.id))


def members(ask: Ask) -> List[Member]:
    """Who is in a segment, the newest card first."""
    rows, following = people.page(ask.db, ask.row(segments.Segment), ask.query.get("cursor"), ask.limit)
    found = []
    for one in rows:
        spent = money(one.customer.spent, one.customer.currency) if one.customer.currency else None
        found.append(Member(customer=copied(Customer, one.customer, spent=spent), since=one.since))
    return List(found, following)


def standing(ask: Ask) -> Standing:
    """Why a customer is in a segment or isn't."""
    told = explain.explain(ask.db, ask.row(segments.Segment), ask.id("customer"), now())
    clauses = [
        Clause(conditions=one.text, holds=one.truth, reason=one.why, decides=one.decides)
        for one in told.clauses
    ]
    return Standing(
        customer=told.customer, inside=told.inside, since=told.since, turns_at=told.turns_at, clauses=clauses
    )


def create(ask: Ask) -> Segment:
    """Make a segment of conditions, or a list without any."""
    wanted: NewSegment = ask.read_body(NewSegment)
    node = _node(wanted)
    if node is None:
        return segment_of(store.make_list(ask.db, wanted.name, ask.actor), None)
    return segment_of(store.make(ask.db, wanted.name, node, ask.actor), node)


def change(ask: Ask) -> Segment:
    """Give a segment other conditions; the earlier ones stay as an earlier version."""
    row, node = ask.row(segments.Segment), _given(ask.read_body(Conditions))
    store.change(ask.db, row, node, ask.actor)
    return segment_of(row, node)


def count(ask: Ask) -> Counted:
    """How many customers fit conditions now; nothing is kept."""
    node = _given(ask.read_body(Conditions))
    store.known_lists(ask.db, node)
    found = store.first_in_time(ask.db, node, now(), 10, milliseconds=20_000)
    if found is None:
        raise Temporary("this takes longer than 20 seconds to count; make a segment of it", retry_after=60)
    return Counted(count=found.number, conditions=printing.text(node), sample=found.ids)


def put(ask: Ask) -> Operation:
    """Put customers on a list or take them off; answers the operation that can be undone."""
    row, wanted = ask.row(segments.Segment), ask.read_body(Entries)
    if bool(wanted.add) == bool(wanted.remove):
        raise BadInput("say whom to add or whom to remove, one of both", "/add")
    known = lists.look_up(ask.db, wanted.add or wanted.remove)
    if wanted.remove:
        return copied(Operation, lists.remove(ask.db, row, known.customers, ask.actor))
    missing = known.unknown + known.several
    return copied(Operation, lists.add(ask.db, row, known.customers, ask.actor, missing))
