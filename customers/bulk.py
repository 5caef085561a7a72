"""Many pairs decided at once: a plan first, one operation that carries it out, one undo that takes it back.

What the plan chose is marked when the operation begins; a job decides it portion by portion, so a killed
worker leaves whole pairs behind and goes on. Nothing that a person would have to look at is joined here.
"""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import graph as graphs
from customers import stats
from customers.chains import Chains, load
from customers.duplicates import MATCHING, WAITING, Answer
from customers.picture import NEW, Edge, Graph, draw, homes
from customers.tables import Verdict
from foundation import operations, work
from foundation.clock import now
from foundation.database import GRAPH_LOCK, lock
from foundation.errors import BadInput, Permanent
from foundation.tables import Operation

MOST = 5000  # pairs of one operation, so that its undo is one short transaction
PORTION = 100  # pairs in one transaction
JOB = "customers.decide"

_CHOSEN = f"SELECT d.id, l.id, r.id {WAITING} {MATCHING} ORDER BY d.id LIMIT :limit"
_NEXT = """
SELECT d.id, d.left_id, d.right_id, d.evidence ->> 'why', l.live AND r.live FROM duplicates d
JOIN customers a ON a.id = d.left_id JOIN customers l ON l.id = coalesce(a.merged_into, a.id)
JOIN customers b ON b.id = d.right_id JOIN customers r ON r.id = coalesce(b.merged_into, b.id)
WHERE d.operation_id = :operation AND d.state = 'deciding' ORDER BY d.id LIMIT :limit
"""


class Choice(NamedTuple):
    """Which waiting pairs, and what is said of them; `least` is the score they have at least."""

    answer: Answer
    rule: str = ""
    least: float = 0


class Plan(NamedTuple):
    """What a decision about many pairs would do; begin it with its hash."""

    ids: list[UUID]  # of the pairs to be decided
    before: int  # cards concerned
    after: int  # cards that come of them
    left_out: dict[str, int]  # why -> pairs that a person has to look at; keys of `chains.REASONS`
    more: bool  # there are more than one operation takes
    hash: str


def plan(session: Session, choice: Choice) -> Plan:
    """What deciding these pairs would come to; nothing is written. At most five queries."""
    values = {"rule": choice.rule, "least": choice.least, "limit": MOST + 1}
    rows = session.execute(text(_CHOSEN), values).all()
    pairs, more = rows[:MOST], len(rows) > MOST
    cards = sorted({card for row in pairs for card in row[1:]})
    if choice.answer == "different":
        ids, after, left_out = [row[0] for row in pairs], len(cards), Counter[str]()
    else:
        ids, after, left_out = _chain(load(session, cards), pairs)
    seen = blake2b(repr((choice, [tuple(map(str, row)) for row in pairs], ids)).encode(), digest_size=16)
    return Plan(ids, len(cards), after, dict(left_out), more, seen.hexdigest())


def _chain(chains: Chains, pairs: Sequence[Sequence[Any]]) -> tuple[list[UUID], int, Counter[str]]:
    """The pairs that may be joined one after another, how many cards remain, and why others may not."""
    ids, left_out = [], Counter[str]()
    for pair, left, right in pairs:
        refusal = chains.join(left, right)
        if refusal:
            left_out[refusal] += 1
        else:
            ids.append(pair)
    return ids, chains.count(), left_out


def begin(session: Session, choice: Choice, actor: str, plan_hash: str) -> Operation:
    """Start to decide as planned; `Permanent` when the plan is out of date, `BadInput` when it is empty."""
    lock(session, GRAPH_LOCK)
    planned = plan(session, choice)
    if planned.hash != plan_hash:
        raise Permanent("the pairs have changed since the plan was shown; look at it again")
    if not planned.ids:
        raise BadInput("there is no pair that can be decided so", at="rule")
    found = f" found by {choice.rule}" if choice.rule else ""
    said = "one customer each" if choice.answer == "joined" else "two customers each"
    pairs = f"{len(planned.ids)} pair{'s' if len(planned.ids) > 1 else ''}"
    title = f"{pairs} of cards{found}: {said}"
    args = {**choice._asdict(), "pairs": len(planned.ids)}
    operation = operations.begin(session, "verdict", title, actor, args)
    operation.plan_hash = plan_hash
    operation.result = {"pairs": len(planned.ids), "decided": 0, "left_out": 0}
    session.execute(
        text("UPDATE duplicates SET state = 'deciding', operation_id = :operation WHERE id = ANY(:ids)"),
        {"operation": operation.id, "ids": planned.ids},
    )
    session.flush()
    work.enqueue(session, JOB, {"operation": str(operation.id)}, key=f"{JOB}:{operation.id}")
    return operation


def go_on(session: Session, operation_id: UUID) -> bool:
    """Decide the next portion of an operation; False when nothing is left to do and it is closed."""
    lock(session, GRAPH_LOCK)
    operation = operations.find(session, operation_id)
    if operation.state != "running":
        return False
    rows = session.execute(text(_NEXT), {"operation": operation_id, "limit": PORTION}).all()
    if not rows:
        operations.finish(session, operation, operation.result)
        return False
    live = [row for row in rows if row[4]]
    decided = (_join if operation.args["answer"] == "joined" else _keep_apart)(session, operation, live)
    _mark(session, operation, [row[0] for row in rows], decided)
    return True


def _mark(session: Session, operation: Operation, pairs: Sequence[UUID], decided: set[UUID]) -> None:
    """Write what became of a portion; what could not be decided waits for a person again."""
    session.execute(
        text(
            "UPDATE duplicates SET state = CASE WHEN id = ANY(:decided) THEN :answer ELSE 'waiting' END,"
            " decided_at = CASE WHEN id = ANY(:decided) THEN CAST(:at AS timestamptz) END,"
            " operation_id = CASE WHEN id = ANY(:decided) THEN operation_id END WHERE id = ANY(:pairs)"
        ),
        {"pairs": pairs, "decided": list(decided), "answer": operation.args["answer"], "at": now()},
    )
    result = operation.result
    operation.result = {
        "pairs": result["pairs"],
        "decided": result["decided"] + len(decided),
        "left_out": result["left_out"] + len(pairs) - len(decided),
    }
    session.flush()


def _join(session: Session, operation: Operation, rows: Sequence[Sequence[Any]]) -> set[UUID]:
    """Tie the cards of these pairs and draw them once; answers the pairs that nothing held back."""
    graph = graphs.load(session, seeds={card for row in rows for card in row[1:3]})
    living = _living(graph)
    made: dict[int, UUID] = {}
    for pair, left, right, why, *_ in rows:
        if left not in living or right not in living:
            continue
        evidence = {"card": str(right), "duplicate": str(pair), "why": why or ""}
        edge = Edge(
            NEW + len(graph.edges), living[right], left, "manual", operation.id, right,
            evidence=evidence, actor=operation.actor, new=True,
        )  # fmt: skip
        graph.edges.append(edge)
        made[edge.id] = pair
    held = draw(graph)[1]
    graph.edges = [edge for edge in graph.edges if not (edge.new and edge.id in held)]
    settled = graphs.settle(session, graph)
    stats.refresh(session, settled.cards)
    return {pair for edge, pair in made.items() if edge not in held}


def _living(graph: Graph) -> dict[UUID, UUID]:
    """Home card -> a profile whose home it is, rather one that its source still has."""
    found: dict[UUID, UUID] = {}
    for profile, edge in sorted(homes(graph.edges).items()):
        kept = found.get(edge.card)
        if kept is None or (graph.members[kept].gone and not graph.members[profile].gone):
            found[edge.card] = profile
    return found


def _keep_apart(session: Session, operation: Operation, rows: Sequence[Sequence[Any]]) -> set[UUID]:
    """Record that these are different people, for good; those that are one card by now are left."""
    ids = {card for row in rows for card in row[1:3]}
    query = text("SELECT id, coalesce(merged_into, id) FROM customers WHERE id = ANY(:ids)")
    stands = {row[0]: row[1] for row in session.execute(query, {"ids": list(ids)})}
    apart = [row for row in rows if stands[row[1]] != stands[row[2]]]
    session.add_all(
        Verdict(left_id=row[1], right_id=row[2], actor=operation.actor, operation_id=operation.id)
        for row in apart
    )
    session.flush()
    return {row[0] for row in apart}
