"""Taking back merges, splits, verdicts and policies, in any order and exactly."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from customers import graph as graphs
from customers import policy, stats
from customers.picture import Graph, homes
from customers.segments import lists
from customers.tables import Duplicate
from foundation import operations
from foundation.clock import now
from foundation.database import GRAPH_LOCK, lock
from foundation.errors import BadInput
from foundation.tables import Operation

PORTION = 500  # cards drawn together
NAMED = 100  # things left alone that an undo names
KINDS = ("merge", "split", "verdict", "policy", lists.KIND)


@dataclass(slots=True)
class Undone:
    """The operation that is taken back, and what stays as it is, with the reason, a sentence each."""

    operation: Operation
    left_alone: list[str] = field(default_factory=list)


def undo(session: Session, operation_id: UUID, actor: str) -> Undone:
    """Take an operation back as if it had never been; later ones stay in force.

    `BadInput` when it isn't one of ours, or isn't in force. After a policy a job computes the cards anew.
    """
    lock(session, GRAPH_LOCK)
    operation = operations.find(session, operation_id)
    if operation.kind not in KINDS:
        raise BadInput(f"an operation of the kind {operation.kind} can't be undone here", at="operation")
    if operation.state != "done":
        raise BadInput(f"the operation is {operation.state}", at="operation")
    if operation.kind == "policy":
        return Undone(policy.undo(session, operation_id, actor))
    if operation.kind == lists.KIND:
        return Undone(operation, lists.undo(session, operation, actor))
    undone = Undone(operation)
    if operation.kind == "split":
        seeds = _unsplit(session, operation)
    else:
        seeds = _untie(session, operation)
    _look(session, undone, _recompute(session, sorted(seeds)))
    operations.mark_undone(session, operation, actor)
    operation.result = {**operation.result, "left_alone": undone.left_alone}
    session.flush()
    return undone


def _recompute(session: Session, seeds: Sequence[UUID]) -> graphs.Settled:
    """Draw the cards anew, some at a time: many pairs may have been decided at once."""
    settled = graphs.Settled()
    for start in range(0, len(seeds), PORTION):
        part = graphs.recompute(session, seeds[start : start + PORTION])
        settled.customer.update(part.customer)
    return settled


def untie_some(session: Session, operation: Operation, most: int) -> int:
    """End so many links of an operation for good and draw their cards anew; answers how many ended.

    The caller holds `GRAPH_LOCK` and goes on until there is nothing left to end.
    """
    ended = session.execute(
        text(
            "UPDATE profile_links SET until = coalesce(until, :at), ended_by = operation_id WHERE id IN ("
            " SELECT id FROM profile_links WHERE operation_id = :operation"
            " AND (until IS NULL OR ended_by IS DISTINCT FROM operation_id) ORDER BY id LIMIT :most)"
            " RETURNING customer_id, CAST(evidence ->> 'card' AS uuid)"
        ),
        {"operation": operation.id, "at": now(), "most": most},
    ).all()
    _recompute(session, sorted({card for pair in ended for card in pair if card}))
    return len(ended)


def _untie(session: Session, operation: Operation) -> set[UUID]:
    """End the links and verdicts of an operation for good; the duplicate it decided waits again."""
    values = {"operation": operation.id, "at": now()}
    seeds: set[UUID] = set()
    ended = session.execute(
        text(
            "UPDATE profile_links SET until = coalesce(until, :at), ended_by = operation_id"
            " WHERE operation_id = :operation"
            " RETURNING profile_id, customer_id, CAST(evidence ->> 'card' AS uuid)"
        ),
        values,
    )
    for _, card, other in ended:
        seeds |= {card, other} if other else {card}
    ended = session.execute(
        text("UPDATE verdicts SET until = :at WHERE operation_id = :operation RETURNING left_id, right_id"),
        values,
    )
    for left, right in ended:
        seeds |= {left, right}
    session.execute(
        text(
            "UPDATE duplicates SET state = 'waiting', decided_at = NULL, operation_id = NULL"
            " WHERE operation_id = :operation"
        ),
        values,
    )
    return seeds


def _unsplit(session: Session, operation: Operation) -> set[UUID]:
    """Let what came to the split's cards since then belong where it would have gone without it."""
    profiles = [UUID(one) for one in operation.args["profiles"]]
    graph = graphs.load(session, profile_ids=profiles)
    parents = _parents(graph, operation.id)
    for card, parent in parents.items():
        _rename(session, graph, operation.id, card, parent)
    seeds = (_untie(session, operation) | set(parents.values())) - set(parents)
    for card, parent in parents.items():
        session.execute(
            text("UPDATE customers SET live = false, merged_into = :into, changed_at = :at WHERE id = :card"),
            {"into": parent, "card": card, "at": now()},
        )
    stats.drop(session, list(parents))
    return seeds


def _parents(graph: Graph, operation: UUID) -> dict[UUID, UUID]:
    """Cards that a split made -> the card their profile came from."""
    parents = {}
    for edge in graph.edges:
        if edge.rule == "split" and edge.operation == operation:
            earlier = [one for one in graph.edges if one.profile == edge.profile and one.id < edge.id]
            parents[edge.card] = homes(earlier)[edge.profile].card
    return parents


def _rename(session: Session, graph: Graph, operation: UUID, card: UUID, parent: UUID) -> None:
    """Whatever of other operations and rules speaks of a card speaks of another one from now on."""
    session.execute(
        text(
            "UPDATE profile_links SET customer_id = :parent"
            " WHERE customer_id = :card AND operation_id IS DISTINCT FROM :operation"
        ),
        {"card": card, "parent": parent, "operation": operation},
    )
    tied = [edge.id for edge in graph.edges if edge.other == card and edge.operation != operation]
    if tied:
        session.execute(
            text(
                "UPDATE profile_links SET evidence = evidence"
                " || jsonb_build_object('card', CAST(:parent AS text)) WHERE id = ANY(:ids)"
            ),
            {"ids": tied, "parent": str(parent)},
        )
    session.execute(
        text(
            "UPDATE verdicts v SET left_id = least(w.one, w.other), right_id = greatest(w.one, w.other),"
            " until = CASE WHEN w.one = w.other THEN :at ELSE v.until END FROM (SELECT id,"
            " CASE left_id WHEN :card THEN :parent ELSE left_id END,"
            " CASE right_id WHEN :card THEN :parent ELSE right_id END FROM verdicts"
            " WHERE until IS NULL AND (left_id = :card OR right_id = :card)"
            " AND operation_id IS DISTINCT FROM :operation) AS w (id, one, other) WHERE w.id = v.id"
        ),
        {"card": card, "parent": parent, "operation": operation, "at": now()},
    )
    _rename_duplicates(session, card, parent)


def _rename_duplicates(session: Session, card: UUID, parent: UUID) -> None:
    """The same for proposals; of two about one pair the decided one stays."""
    query = select(Duplicate).where((Duplicate.left_id == card) | (Duplicate.right_id == card))
    for mine in session.scalars(query.order_by(Duplicate.id)).all():
        other = mine.right_id if mine.left_id == card else mine.left_id
        left, right = sorted((other, parent))
        there = session.scalars(
            select(Duplicate).where(Duplicate.left_id == left, Duplicate.right_id == right)
        ).first()
        if there is None and left != right:
            mine.left_id, mine.right_id = left, right
            continue
        if there is not None and there.state == "waiting" and mine.state != "waiting":
            there.state, there.operation_id, there.decided_at = mine.state, mine.operation_id, mine.decided_at
        session.delete(mine)
    session.flush()


def _look(session: Session, undone: Undone, settled: graphs.Settled) -> None:
    """Say what didn't go back to how it was because something else holds it."""
    operation = undone.operation
    if operation.kind == "split":
        ids = [UUID(one) for one in operation.args["profiles"]]
        _look_apart(session, undone, ids, settled)
        return
    undone.left_alone += still_tied(session, operation)


def still_tied(session: Session, operation: Operation) -> list[str]:
    """A sentence for each two cards that stay one although an operation that tied them was taken back."""
    query = text(
        "SELECT DISTINCT k.id, o.id FROM profile_links l JOIN customers k ON k.id = l.customer_id"
        " JOIN customers o ON o.id = CAST(l.evidence ->> 'card' AS uuid)"
        " WHERE l.operation_id = :operation AND l.rule IN ('manual', 'model')"
        " AND coalesce(k.merged_into, k.id) = coalesce(o.merged_into, o.id) ORDER BY 1, 2 LIMIT :limit"
    )
    return [
        f"Customers {keep} and {other} stay one card, because other links connect them, too."
        for keep, other in session.execute(query, {"operation": operation.id, "limit": NAMED})
    ]


def _look_apart(
    session: Session, undone: Undone, profiles: Collection[UUID], settled: graphs.Settled
) -> None:
    query = text(
        "SELECT profile_id, customer_id FROM profile_links WHERE profile_id = ANY(:ids) AND until IS NOT NULL"
        " AND ended_by IS NOT NULL AND ended_by IS DISTINCT FROM operation_id"
    )
    for profile, card in session.execute(query, {"ids": list(profiles)}):
        if settled.customer.get(profile) != card:
            undone.left_alone.append(
                f"Profile {profile} stays off customer {card}, because another split or verdict holds."
            )
