"""Why a customer is in a segment or isn't: each condition with what is known, and when time changes it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from customers import graph
from customers.segments import due, printing, sql, store, tree
from customers.segments.fields import FIELDS
from customers.segments.sql import Query
from customers.segments.tables import Segment, SegmentEvent, SegmentMember
from customers.segments.things import VERBS
from customers.segments.tree import And, Condition, Did, Measure, Node, Not, Or

Truth = bool | None
_STEPS = 40  # turning points that are looked at until one changes the answer


@dataclass(frozen=True)
class Clause:
    """A condition as it is for somebody; `actual` is what is known, for a `Did` when it was last."""

    node: Condition
    text: str
    truth: Truth
    actual: Any
    why: bool  # one of the reasons for the answer
    decides: bool  # if it alone were otherwise, so would be the answer


@dataclass(frozen=True)
class Explanation:
    """Whether somebody is in, since when, why, and what would change that."""

    customer: UUID  # the card that stands for who was asked about
    inside: bool
    known: bool  # a live card of somebody known; others are in no segment
    since: datetime | None  # as the members are kept
    entered: SegmentEvent | None  # the last enter or leave
    clauses: list[Clause]
    turns_at: datetime | None  # when time alone changes the answer
    turned: list[str]  # the conditions that then become otherwise


def explain(session: Session, segment: Segment, customer: UUID, at: datetime) -> Explanation:
    """Why a customer is in a segment or isn't; `BadInput` when there is no such customer."""
    card = graph.survivor(session, customer)
    node = store.current(session, segment)
    member = session.get(SegmentMember, (segment.id, card))
    last = session.scalars(
        select(SegmentEvent)
        .where(SegmentEvent.customer_id == card, SegmentEvent.segment_id == segment.id)
        .order_by(SegmentEvent.id.desc())
        .limit(1)
    ).first()
    seen = _look(session, node, card, at, actual=True)
    inside = seen.known and truth_of(node, seen.truths) is True
    turns_at, turned = _turn(session, node, card, seen, inside) if seen.known else (None, [])
    reasons = _reasons(node, seen.truths, iter(range(len(seen.truths))))[1]
    clauses = [
        Clause(
            one, printing.condition(one), seen.truths[number], seen.actual[number], number in reasons,
            _decides(node, seen.truths, number),
        )
        for number, one in enumerate(tree.conditions(node))
    ]  # fmt: skip
    return Explanation(
        card, inside, seen.known, member.since if member else None, last, clauses, turns_at, turned
    )


@dataclass(frozen=True)
class _Seen:
    at: datetime
    known: bool
    truths: list[Truth]
    next: datetime | None
    actual: list[Any]


def _look(session: Session, node: Node, card: UUID, at: datetime, *, actual: bool = False) -> _Seen:
    """What each condition is for a card at an instant. One query."""
    query = Query(at, single=True)
    parts = tree.conditions(node)
    columns = [sql.where(query, one) for one in parts]
    instants = [instant for one in parts if (instant := due.single(query, one))]
    columns.append(f"LEAST({', '.join(instants)})" if instants else "NULL")
    if actual:
        columns += [_actual(query, one) for one in parts]
    row = session.execute(
        text(
            f"SELECT {sql.LIVE}, {', '.join(columns)} FROM customers c"
            f" LEFT JOIN customer_stats s ON s.customer_id = c.id WHERE c.id = {query.bind(card)}"
        ),
        query.params,
    ).one()
    count = len(parts)
    return _Seen(at, row[0], list(row[1 : count + 1]), row[count + 1], list(row[count + 2 :]))


def _actual(query: Query, one: Condition) -> str:
    if isinstance(one, Measure):
        return sql.total(query, one)
    if isinstance(one, Did):
        thing = VERBS[one.did]
        return f"(SELECT max({thing.time}) FROM {sql.rows(query, thing, None, one.filters)})"
    spec = FIELDS[one.field]
    if one.field == "tags":
        return "c.tags"
    return "NULL" if spec.kind == "set" else sql.amount(query, spec, one.currency)


def _turn(
    session: Session, node: Node, card: UUID, seen: _Seen, inside: bool
) -> tuple[datetime | None, list[str]]:
    """When time alone, if nothing else happens, turns the answer, and which conditions are otherwise then."""
    now = seen
    for _ in range(_STEPS):
        if now.next is None:
            return None, []
        now = _look(session, node, card, now.next)
        if (truth_of(node, now.truths) is True) != inside:
            names = map(printing.condition, tree.conditions(node))
            pairs = zip(names, seen.truths, now.truths, strict=True)
            return now.at, [name for name, before, after in pairs if before != after]
    return None, []


def truth_of(node: Node, truths: Sequence[Truth]) -> Truth:
    """What a tree is when its conditions are these, in their order."""
    return _truth(node, iter(truths))


def _truth(node: Node, truths: Iterator[Truth]) -> Truth:
    if isinstance(node, Not):
        part = _truth(node.part, truths)
        return None if part is None else not part
    if isinstance(node, And | Or):
        return _joined(node, [_truth(part, truths) for part in node.parts])
    return next(truths)


def _joined(node: And | Or, parts: Sequence[Truth]) -> Truth:
    decisive = isinstance(node, Or)
    return decisive if decisive in parts else None if None in parts else not decisive


def _reasons(node: Node, truths: Sequence[Truth], numbers: Iterator[int]) -> tuple[Truth, list[int]]:
    """What a tree is, and the conditions that make it so: of a true "or" those that hold, and so on."""
    if isinstance(node, Not):
        part, found = _reasons(node.part, truths, numbers)
        return None if part is None else not part, found
    if not isinstance(node, And | Or):
        number = next(numbers)
        return truths[number], [number]
    parts = [_reasons(part, truths, numbers) for part in node.parts]
    whole = _joined(node, [truth for truth, _ in parts])
    return whole, [number for truth, found in parts if truth is whole for number in found]


def _decides(node: Node, truths: Sequence[Truth], number: int) -> bool:
    """Whether the answer would be otherwise if this condition alone were."""
    inside = truth_of(node, truths) is True
    others = {True, False} - {truths[number]}
    changed = ([*truths[:number], other, *truths[number + 1 :]] for other in others)
    return any((truth_of(node, one) is True) != inside for one in changed)
