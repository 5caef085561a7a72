"""Joining cards and taking profiles out of them, as operations that can be undone in any order."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import graph as graphs
from customers import stats
from customers.picture import NAMELESS, NEW, CardRow, Edge, Graph, Group, automatic_groups, draw, homes
from customers.tables import Verdict
from customers.undo import Undone, undo
from foundation import operations
from foundation.clock import new_id, now
from foundation.database import GRAPH_LOCK, lock
from foundation.errors import BadInput
from foundation.tables import Operation

__all__ = ["Undone", "join", "merge", "split", "undo"]


def merge(session: Session, keep_id: UUID, other_id: UUID, actor: str) -> Operation:
    """Make two cards one; the older identified one stands for both. `BadInput` when they may not be joined.

    Ids of cards that were merged stand for the cards they are part of now.
    """
    lock(session, GRAPH_LOCK)
    keep, other = graphs.survivor(session, keep_id), graphs.survivor(session, other_id)
    if keep == other:
        raise BadInput("these two are one card already", at="other")
    query = text("SELECT id, name FROM customers WHERE id = ANY(:ids)")
    names = {row[0]: row[1] for row in session.execute(query, {"ids": [keep, other]})}
    title = f"{names[other] or other} joined to {names[keep] or keep}"
    return join(session, keep_id, other_id, actor, kind="merge", title=title, evidence={})


def join(
    session: Session,
    keep: UUID,
    other: UUID,
    actor: str,
    *,
    kind: str,
    title: str,
    evidence: Mapping[str, Any],
) -> Operation:
    """Tie two home cards by a link of an operation of this kind; the caller holds `GRAPH_LOCK`."""
    graph = graphs.load(session, seeds=[keep, other])
    if not _at_home(graph, keep) or not _at_home(graph, other):  # ids of a split that was undone
        keep, other = graphs.survivor(session, keep), graphs.survivor(session, other)
        graph = graphs.load(session, seeds=[keep, other])
    profile = _at_home(graph, other)[0]
    operation = operations.begin(
        session, kind, title, actor, {"keep": str(keep), "other": str(other), **evidence}
    )
    edge = Edge(
        NEW, profile, keep, "manual", operation.id, other,
        evidence={"card": str(other), **evidence}, actor=actor, new=True,
    )  # fmt: skip
    graph.edges.append(edge)
    if edge.id in draw(graph)[1]:
        raise BadInput("somebody decided that these two are different people; undo that first", at="other")
    settled = graphs.settle(session, graph)
    stats.refresh(session, settled.cards)
    operations.finish(session, operation, {"customer": str(settled.customer[profile])})
    return operation


def _at_home(graph: Graph, card: UUID) -> list[UUID]:
    """The profiles whose home a card is, those that are gone last."""
    home = homes(graph.edges)
    mine = [edge.profile for edge in graph.edges if edge.card == card and home.get(edge.profile) is edge]
    return sorted(mine, key=lambda profile: graph.members[profile].gone)


def split(session: Session, profile_ids: Collection[UUID], actor: str) -> Operation:
    """Take profiles out of their card onto one of their own, for good: no rule brings them together again."""
    lock(session, GRAPH_LOCK)
    graph = graphs.load(session, profile_ids=set(profile_ids))
    leaving = [graph.members[one] for one in sorted(set(profile_ids)) if one in graph.members]
    group = _group_of(graph, set(profile_ids))
    title = f"{len(leaving)} profile{'s' if len(leaving) > 1 else ''} taken out of a card"
    args = {"profiles": [str(member.id) for member in leaving], "from": str(group.survivor)}
    operation = operations.begin(session, "split", title, actor, args)
    apart = _apart(graph, group, {member.id for member in leaving})
    new: list[UUID] = []
    for member in leaving:
        card = new_id()
        graph.cards[card] = CardRow(card, now(), identified=member.kind not in NAMELESS, new=True)
        _tie(graph, Edge(0, member.id, card, "split", operation.id, actor=actor, new=True))
        if new:
            evidence = {"card": str(card)}
            glue = Edge(0, member.id, new[0], "manual", operation.id, card, evidence=evidence, new=True)
            glue.actor = actor
            _tie(graph, glue)
        new.append(card)
    pairs = [tuple(sorted((one, other))) for one in new for other in apart]
    graph.verdicts += [(left, right, operation.id) for left, right in pairs]
    settled = graphs.settle(session, graph)
    session.add_all(
        Verdict(left_id=left, right_id=right, actor=actor, operation_id=operation.id) for left, right in pairs
    )
    stats.refresh(session, settled.cards)
    operations.finish(session, operation, {"customer": str(settled.customer[leaving[0].id])})
    return operation


def _tie(graph: Graph, edge: Edge) -> None:
    edge.id = NEW + len(graph.edges)
    graph.edges.append(edge)


def _group_of(graph: Graph, profiles: set[UUID]) -> Group:
    """The card that all these profiles are on and somebody else, too."""
    groups = [group for group in draw(graph)[0] if any(member.id in profiles for member in group.members)]
    here = {member.id for group in groups for member in group.members}
    if not profiles or profiles - here:
        missing = next(iter(profiles - here), "none")
        raise BadInput(f"there is no profile {missing} on any card", at="profiles")
    if len(groups) > 1:
        raise BadInput("these profiles are on different cards", at="profiles")
    if all(member.id in profiles or (member.gone and not member.kept) for member in groups[0].members):
        raise BadInput("at least one profile has to stay on the card", at="profiles")
    return groups[0]


def _apart(graph: Graph, group: Group, leaving: set[UUID]) -> Sequence[UUID]:
    """Cards that the leaving profiles never go back to: those rules tied them to, else all of the group.

    What only a merge tied is left out, so that undoing the merge leaves nothing behind; while it holds, the
    verdict about its other half keeps them apart as well.
    """
    automatic, home = automatic_groups(graph), homes(graph.edges)
    mine = {automatic[one] for one in leaving}
    stay = [m.id for m in group.members if m.id not in leaving and not m.gone and automatic[m.id] in mine]
    if not stay:
        return group.cards
    near = {home[one].card for one in stay} | {home[one].card for one in leaving}
    return sorted(near & set(group.cards))
