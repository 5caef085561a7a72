"""Pairs of cards that may be one person: the waiting list and the decisions about it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import merge
from customers.tables import Duplicate, Verdict
from foundation import operations
from foundation.clock import now
from foundation.database import GRAPH_LOCK, lock
from foundation.errors import BadInput
from foundation.tables import Operation

Answer = Literal["joined", "different"]

# The pair as people see it: the cards that stand for the two home cards, when both live and are two.
WAITING = """
FROM duplicates d
JOIN customers a ON a.id = d.left_id JOIN customers l ON l.id = coalesce(a.merged_into, a.id) AND l.live
JOIN customers b ON b.id = d.right_id JOIN customers r ON r.id = coalesce(b.merged_into, b.id) AND r.live
WHERE d.state = 'waiting' AND l.id <> r.id AND NOT EXISTS (SELECT FROM verdicts v WHERE v.until IS NULL
  AND v.left_id = d.left_id AND v.right_id = d.right_id)
"""
_PAIR = f"""
SELECT d.id, d.rule, d.evidence, d.found_at, l.id, l.name, l.email, l.phone, l.city,
  r.id, r.name, r.email, r.phone, r.city {WAITING}"""
_PAGE = f"{_PAIR} AND d.id > :after ORDER BY d.id LIMIT :limit"
_OF_CARD = f"""
WITH mine AS (SELECT id FROM customers WHERE id = :card OR merged_into = :card)
{_PAIR} AND (d.left_id IN (SELECT id FROM mine) OR d.right_id IN (SELECT id FROM mine))
ORDER BY d.id LIMIT :limit
"""
_BEGINNING = UUID(int=0)
COUNTED = 1000

# what a filter lets through; an empty rule and a score of 0 let everything
MATCHING = """
AND (CAST(:rule AS text) = '' OR d.rule = :rule) AND (CAST(:least AS float) <= 0 OR :least <=
  CASE jsonb_typeof(d.evidence -> 'score') WHEN 'number' THEN CAST(d.evidence ->> 'score' AS float) END)
"""
_PLACE = f"""
SELECT (SELECT d.id {WAITING} {MATCHING} AND d.id < :at ORDER BY d.id DESC LIMIT 1),
  (SELECT count(*) FROM (SELECT {WAITING} {MATCHING} LIMIT {COUNTED}) counted),
  (SELECT array_agg(DISTINCT rule ORDER BY rule) FROM duplicates WHERE state = 'waiting'),
  EXISTS (SELECT FROM duplicates WHERE state = 'waiting' AND jsonb_exists(evidence, 'score')), here.*
FROM (VALUES (1)) one LEFT JOIN LATERAL
  ({_PAIR} {MATCHING} AND d.id >= :at ORDER BY d.id LIMIT 2) AS here ON true
"""


class Side(NamedTuple):
    """One card of a pair, enough to tell it by."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    city: str | None


class Pair(NamedTuple):
    """Two cards that wait for a decision, why they were not joined and what speaks for it."""

    id: UUID
    rule: str
    evidence: dict[str, Any]
    found_at: datetime
    left: Side
    right: Side


class Page(NamedTuple):
    """Some pairs, oldest first, and the id to go on after."""

    pairs: list[Pair]
    next: UUID | None


class Place(NamedTuple):
    """Where somebody is in the waiting list: a pair, its neighbours, and what else there is."""

    pair: Pair | None
    before: UUID | None
    after: UUID | None
    waiting: int  # of those that fit the filter, counted as far as `COUNTED`
    rules: list[str]  # by which pairs that wait were found
    scored: bool  # some pair that waits has a score


class Decided(BadInput):
    """Somebody was faster: what they said of the pair, and the operation that takes it back."""

    def __init__(self, state: str, operation: Operation | None) -> None:
        super().__init__(f"somebody decided already: {state}", at="duplicate")
        self.state = state
        self.operation = operation


def waiting(session: Session, after: UUID | None = None, limit: int = 50) -> Page:
    """Pairs to be decided; those that are one card by now, or lost a card, don't show. One query."""
    rows = session.execute(text(_PAGE), {"after": after or _BEGINNING, "limit": limit + 1}).all()
    pairs = [_pair(row) for row in rows[:limit]]
    return Page(pairs, pairs[-1].id if len(rows) > limit else None)


def these(session: Session, ids: Collection[UUID]) -> list[Pair]:
    """Those of these pairs that wait. One query."""
    query = f"{_PAIR} AND d.id = ANY(:ids) ORDER BY d.id"
    return [_pair(row) for row in session.execute(text(query), {"ids": list(ids)})]


def of_card(session: Session, customer_id: UUID, limit: int = 3) -> list[Pair]:
    """Waiting pairs that a live card is part of, under whichever of its home cards. One query."""
    rows = session.execute(text(_OF_CARD), {"card": customer_id, "limit": limit})
    return [_pair(row) for row in rows]


def place(session: Session, at: UUID | None = None, rule: str = "", least: float = 0) -> Place:
    """The pair to look at: this one or, if it doesn't wait, the next; behind the last comes the first."""
    values = {"at": at or _BEGINNING, "rule": rule, "least": least}
    rows = session.execute(text(_PLACE), values).all()
    before, number, rules, scored = rows[0][:4]
    pairs = [_pair(row[4:]) for row in rows if row[4] is not None]
    if not pairs and number:
        return place(session, None, rule, least)
    after = pairs[1].id if len(pairs) > 1 else None
    return Place(pairs[0] if pairs else None, before, after, number, list(rules or ()), scored)


def _pair(row: Sequence[Any]) -> Pair:
    return Pair(row[0], row[1], row[2], row[3], Side(*row[4:9]), Side(*row[9:14]))


def count(session: Session) -> int:
    """How many pairs wait for a decision."""
    return int(session.execute(text(f"SELECT count(*) {WAITING}")).scalar_one())


def decide(session: Session, duplicate_id: UUID, answer: Answer, actor: str) -> Operation:
    """Join a pair or keep it apart for good, as an operation that can be undone."""
    lock(session, GRAPH_LOCK)
    duplicate = session.get(Duplicate, duplicate_id, with_for_update=True)
    if duplicate is None:
        raise BadInput(f"there is no duplicate {duplicate_id}", at="duplicate")
    if duplicate.state != "waiting":
        operation = session.get(Operation, duplicate.operation_id) if duplicate.operation_id else None
        raise Decided(duplicate.state, operation)
    operation = (_join if answer == "joined" else _keep_apart)(session, duplicate, actor)
    duplicate.state, duplicate.decided_at, duplicate.operation_id = answer, now(), operation.id
    session.flush()
    return operation


def _join(session: Session, duplicate: Duplicate, actor: str) -> Operation:
    evidence = {"duplicate": str(duplicate.id), "why": duplicate.evidence.get("why", "")}
    return merge.join(
        session, duplicate.left_id, duplicate.right_id, actor,
        kind="verdict", title=f"{_names(session, duplicate)} are one customer", evidence=evidence,
    )  # fmt: skip


def _names(session: Session, duplicate: Duplicate) -> str:
    """The two as the title of an operation names them."""
    query = text(
        "SELECT c.id, coalesce(nullif(s.name, ''), s.email, s.phone, 'somebody') FROM customers c"
        " JOIN customers s ON s.id = coalesce(c.merged_into, c.id) WHERE c.id IN (:left, :right)"
    )
    values = {"left": duplicate.left_id, "right": duplicate.right_id}
    found = {row[0]: row[1] for row in session.execute(query, values)}
    return f"{found[duplicate.left_id]} and {found[duplicate.right_id]}"


def _keep_apart(session: Session, duplicate: Duplicate, actor: str) -> Operation:
    args = {"duplicate": str(duplicate.id)}
    title = f"{_names(session, duplicate)} are two customers"
    operation = operations.begin(session, "verdict", title, actor, args)
    left, right = duplicate.left_id, duplicate.right_id
    query = text(
        "SELECT count(DISTINCT coalesce(merged_into, id)) FROM customers WHERE id IN (:left, :right)"
    )
    if session.execute(query, {"left": left, "right": right}).scalar() == 1:
        raise BadInput("these two are one card by now; split it first", at="duplicate")
    session.add(Verdict(left_id=left, right_id=right, actor=actor, operation_id=operation.id))
    operations.finish(session, operation, args)
    return operation
