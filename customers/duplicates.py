"""Pairs of cards that may be one person: the waiting list and the decisions about it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import merge
from customers.tables import Duplicate, Verdict
from foundation import operations
from foundation.clock import now
from foundation.database import GRAPH_LOCK, lock
from foundation.errors import BadInput, Permanent
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


class Plan(NamedTuple):
    """What a decision about many pairs would do; apply it with its hash."""

    pairs: int
    customers: int  # cards concerned
    left_out: int  # asked for, but not waiting any more
    hash: str


def waiting(session: Session, after: UUID | None = None, limit: int = 50) -> Page:
    """Pairs to be decided; those that are one card by now, or lost a card, don't show. One query."""
    rows = session.execute(text(_PAGE), {"after": after or _BEGINNING, "limit": limit + 1}).all()
    pairs = [_pair(row) for row in rows[:limit]]
    return Page(pairs, pairs[-1].id if len(rows) > limit else None)


def of_card(session: Session, customer_id: UUID, limit: int = 3) -> list[Pair]:
    """Waiting pairs that a live card is part of, under whichever of its home cards. One query."""
    rows = session.execute(text(_OF_CARD), {"card": customer_id, "limit": limit})
    return [_pair(row) for row in rows]


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
        raise BadInput(f"somebody decided already: {duplicate.state}", at="duplicate")
    operation = (_join if answer == "joined" else _keep_apart)(session, duplicate, actor)
    duplicate.state, duplicate.decided_at, duplicate.operation_id = answer, now(), operation.id
    session.flush()
    return operation


def _join(session: Session, duplicate: Duplicate, actor: str) -> Operation:
    evidence = {"duplicate": str(duplicate.id), "why": duplicate.evidence.get("why", "")}
    return merge.join(
        session, duplicate.left_id, duplicate.right_id, actor,
        kind="verdict", title="A pair of cards is one customer", evidence=evidence,
    )  # fmt: skip


def _keep_apart(session: Session, duplicate: Duplicate, actor: str) -> Operation:
    args = {"duplicate": str(duplicate.id)}
    operation = operations.begin(session, "verdict", "A pair of cards is two customers", actor, args)
    left, right = duplicate.left_id, duplicate.right_id
    query = text(
        "SELECT count(DISTINCT coalesce(merged_into, id)) FROM customers WHERE id IN (:left, :right)"
    )
    if session.execute(query, {"left": left, "right": right}).scalar() == 1:
        raise BadInput("these two are one card by now; split it first", at="duplicate")
    session.add(Verdict(left_id=left, right_id=right, actor=actor, operation_id=operation.id))
    operations.finish(session, operation, args)
    return operation


def plan(session: Session, duplicate_ids: Collection[UUID]) -> Plan:
    """What deciding these pairs at once would touch; nothing is written."""
    rows = session.execute(
        text(f"SELECT d.id, l.id, r.id {WAITING} AND d.id = ANY(:ids) ORDER BY d.id"),
        {"ids": list(duplicate_ids)},
    ).all()
    cards = {card for row in rows for card in row[1:]}
    seen = blake2b("".join(map(str, rows)).encode(), digest_size=16).hexdigest()
    return Plan(len(rows), len(cards), len(set(duplicate_ids)) - len(rows), seen)


def decide_many(
    session: Session, duplicate_ids: Collection[UUID], answer: Answer, actor: str, plan_hash: str
) -> list[Operation]:
    """Decide the waiting ones of these pairs, an operation each; `Permanent` when the plan is out of date."""
    lock(session, GRAPH_LOCK)
    if plan(session, duplicate_ids).hash != plan_hash:
        raise Permanent("the pairs have changed since the plan was shown; look at it again")
    rows = session.execute(
        text(f"SELECT d.id {WAITING} AND d.id = ANY(:ids) ORDER BY d.id"), {"ids": list(duplicate_ids)}
    )
    return [decide(session, row[0], answer, actor) for row in rows.all()]
