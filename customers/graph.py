"""The graph of profiles and cards in the database: read a closed part, draw it anew, write."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import cards, profiles, stats
from customers.identity import Key
from customers.picture import CardRow, Edge, Graph, Group, Member, draw
from customers.touched import touch_profiles
from foundation.clock import now
from foundation.database import copy_rows, staged
from foundation.errors import BadInput

_encode = msgspec.json.Encoder().encode
# for good; a link that a split or a verdict holds back has not ended
_ENDED = "(l.until IS NOT NULL AND (l.ended_by IS NULL OR l.ended_by IS NOT DISTINCT FROM l.operation_id))"

_EDGES = f"""
WITH RECURSIVE reach (node, is_card) AS (
  (SELECT unnest(CAST(:profiles AS uuid[])), false UNION ALL SELECT unnest(CAST(:cards AS uuid[])), true)
  UNION
  SELECT next.node, next.is_card FROM reach CROSS JOIN LATERAL (
    SELECT l.customer_id, true FROM profile_links l
      WHERE NOT reach.is_card AND l.profile_id = reach.node AND NOT {_ENDED}
    UNION ALL
    SELECT l.profile_id, false FROM profile_links l
      WHERE reach.is_card AND l.customer_id = reach.node AND NOT {_ENDED}
  ) AS next (node, is_card)
)
SELECT l.id, l.profile_id, l.customer_id, l.rule, l.operation_id, CAST(l.evidence ->> 'card' AS uuid),
  CASE WHEN l.until IS NOT NULL THEN l.ended_by END
FROM reach JOIN profile_links l ON l.profile_id = reach.node
WHERE NOT reach.is_card AND NOT {_ENDED} ORDER BY l.id
"""

# whether facts of a profile `p` remain
KEPT = """(EXISTS (SELECT FROM orders o WHERE o.profile_id = p.id AND o.gone_at IS NULL)
  OR EXISTS (SELECT FROM invoices i WHERE i.profile_id = p.id AND i.gone_at IS NULL)
  OR EXISTS (SELECT FROM payments m WHERE m.profile_id = p.id AND m.gone_at IS NULL))"""
_MEMBERS = f"""
SELECT p.id, p.source_id, p.kind, p.external_id, p.changed_at, CAST(p.record AS text), p.customer_id,
  p.gone_at IS NOT NULL, p.gone_at IS NOT NULL AND {KEPT},
  p.set_aside
FROM profiles p WHERE p.id = ANY(:ids)
"""


@dataclass(slots=True)
class Settled:
    """What came of writing a graph: cards whose figures must be counted anew, and where profiles are now."""

    cards: set[UUID] = field(default_factory=set)
    customer: dict[UUID, UUID | None] = field(default_factory=dict)  # profile -> card


def load(session: Session, profile_ids: Collection[UUID] = (), seeds: Collection[UUID] = ()) -> Graph:
    """The closed part of the graph around some profiles and cards: at most five queries."""
    graph = Graph()
    if not profile_ids and not seeds:
        return graph
    found = session.execute(text(_EDGES), {"profiles": list(profile_ids), "cards": list(seeds)})
    graph.edges = [Edge(r[0], r[1], r[2], r[3], r[4], r[5], r[6]) for r in found]
    wanted = {*profile_ids, *(edge.profile for edge in graph.edges)}
    for r in session.execute(text(_MEMBERS), {"ids": list(wanted)}):
        graph.members[r[0]] = Member(
            r[0], r[1], r[2], r[3], r[4], r[5].encode(), r[6], r[7], r[8], set_aside=r[9]
        )
    _load_keys(session, graph)
    ids = {*seeds, *(edge.card for edge in graph.edges), *(edge.other for edge in graph.edges if edge.other)}
    query = "SELECT id, created_at, live, merged_into, identified FROM customers WHERE id = ANY(:ids)"
    for r in session.execute(text(query), {"ids": list(ids)}):
        graph.cards[r[0]] = CardRow(r[0], r[1], r[2], r[3], r[4])
    query = (
        "SELECT left_id, right_id, operation_id FROM verdicts"
        " WHERE until IS NULL AND left_id = ANY(:ids) AND right_id = ANY(:ids) ORDER BY id"
    )
    if len(ids) > 1:
        graph.verdicts = [(r[0], r[1], r[2]) for r in session.execute(text(query), {"ids": list(ids)})]
    return graph


def _load_keys(session: Session, graph: Graph) -> None:
    found: dict[UUID, list[Key]] = {}
    query = "SELECT profile_id, kind, value, strong FROM profile_keys WHERE profile_id = ANY(:ids)"
    for profile, kind, value, strong in session.execute(text(query), {"ids": list(graph.members)}):
        found.setdefault(profile, []).append(Key(kind, value, strong))
    for profile, keys in found.items():
        graph.members[profile].keys = tuple(sorted(keys))


def survivor(session: Session, card: UUID) -> UUID:
    """The card that stands for this one now; `BadInput` when there is none, or nothing is left of it."""
    query = text(
        "WITH RECURSIVE up AS (SELECT id, live, merged_into FROM customers WHERE id = :id UNION"
        " SELECT c.id, c.live, c.merged_into FROM up JOIN customers c ON c.id = up.merged_into)"
        " SELECT id FROM up WHERE live"
    )
    found: UUID | None = session.execute(query, {"id": card}).scalar()
    if found is None:
        raise BadInput(f"there is no customer {card}, or nothing is left of it", at="customer")
    return found


def recompute(session: Session, seeds: Collection[UUID]) -> Settled:
    """Draw the parts of the graph around some cards anew and write what changed, figures included.

    The caller holds `GRAPH_LOCK`. A bounded number of queries, whatever the number of cards.
    """
    settled = redraw(session, seeds)
    stats.refresh(session, settled.cards)
    return settled


def redraw(session: Session, seeds: Collection[UUID]) -> Settled:
    """The same without the figures."""
    return settle(session, load(session, seeds=seeds), anew=True)


def settle(session: Session, graph: Graph, *, anew: bool = False) -> Settled:
    """Write a graph: cards with golden fields, profiles, links, and the cards of all that hangs on profiles.

    Golden fields are chosen for groups that changed, `anew` for all.
    """
    groups, held = draw(graph)
    settled = Settled()
    for member in graph.members.values():
        settled.customer[member.id] = None  # until it turns out to be in a group
    left = {
        member.customer for group in groups for member in group.members if member.customer != group.survivor
    }
    changed = [
        group for group in groups if anew or _differs(graph, group) or not left.isdisjoint(group.cards)
    ]
    for group in groups:
        for member in group.members:
            settled.customer[member.id] = group.survivor
    cards.write(session, graph, changed)
    profiles.write(session, graph.members.values(), settled.customer)
    _move(session, graph, settled)
    _write_edges(session, graph, held)
    for group in changed:
        settled.cards.update(group.cards)
    touch_profiles(session, set(_heard_of(graph, settled)))
    return settled


def _heard_of(graph: Graph, settled: Settled) -> Iterator[UUID]:
    """The cards whose profiles are others now, or say something else."""
    for member in graph.members.values():
        to = settled.customer[member.id]
        if member.dirty or member.customer != to:
            yield from (card for card in (member.customer, to) if card is not None)


def _differs(graph: Graph, group: Group) -> bool:
    """True when a group isn't stored as it is drawn, or the record of one of its members changed."""
    for card in group.cards:
        row = graph.cards[card]
        stands = card == group.survivor
        into = None if stands else group.survivor
        if row.new or row.live != (stands and group.live) or row.merged_into != into:
            return True
    if graph.cards[group.survivor].identified != group.identified:
        return True
    return any(member.dirty or member.customer != group.survivor for member in group.members)


def _move(session: Session, graph: Graph, settled: Settled) -> None:
    """Move the profiles whose card is another one now, and with them what hangs on them."""
    moved = []
    for member in graph.members.values():
        to = settled.customer[member.id]
        if not member.new and to != member.customer:
            moved.append((member.id, member.customer, to))
            settled.cards.update(card for card in (member.customer, to) if card is not None)
    if not moved:
        return
    with staged(session, "moved", "profile_id uuid, was uuid, customer_id uuid", moved):
        for table in ("profiles", "orders", "invoices", "payments", "timeline"):
            # a timeline row without a card is hidden: its order is gone
            hidden = "AND (t.customer_id IS NOT NULL OR m.was IS NULL)" if table == "timeline" else ""
            key = "id" if table == "profiles" else "profile_id"
            session.execute(
                text(
                    f"UPDATE {table} t SET customer_id = m.customer_id FROM moved m"
                    f" WHERE t.{key} = m.profile_id {hidden}"
                )
            )


def _write_edges(session: Session, graph: Graph, held: dict[int, UUID]) -> None:
    """Insert new links; hold back and give back the others."""
    at = now()
    columns = (
        "profile_id", "customer_id", "rule", "score", "evidence", "actor", "operation_id", "since", "until",
        "ended_by",
    )  # fmt: skip
    rows = [
        (
            edge.profile, edge.card, edge.rule, edge.evidence.get("score"),
            _encode(edge.evidence).decode(), edge.actor, edge.operation, at,
            at if edge.id in held else None, held.get(edge.id),
        )
        for edge in graph.edges
        if edge.new
    ]  # fmt: skip
    if rows:
        copy_rows(session, "profile_links", columns, rows)
    shifted = [
        (edge.id, held.get(edge.id))
        for edge in graph.edges
        if not edge.new and edge.held_by != held.get(edge.id)
    ]
    if shifted:
        _hold(session, shifted)


def _hold(session: Session, shifted: Iterable[tuple[int, UUID | None]]) -> None:
    with staged(session, "shifted", "link_id bigint, operation_id uuid", shifted):
        session.execute(
            text(
                "UPDATE profile_links l SET ended_by = s.operation_id,"
                " until = CASE WHEN s.operation_id IS NULL THEN NULL ELSE CAST(:at AS timestamptz) END"
                " FROM shifted s WHERE l.id = s.link_id"
            ),
            {"at": now()},
        )
