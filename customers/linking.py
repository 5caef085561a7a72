"""New and changed profiles find their cards: load whoever shares a key, decide, and put it into the graph."""

import json
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import birthdays
from customers import graph as graphs
from customers.decide import RULES, decide
from customers.identity import name_form
from customers.known import Decision, Known, Proposal, Shared
from customers.picture import NAMELESS, NEW, TIES, CardRow, Edge, Graph, Member, automatic_groups, homes
from foundation.clock import new_id, now

_SHARING = """
SELECT DISTINCT k.profile_id, p.kind
FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[])) AS w (kind, value)
JOIN profile_keys k ON k.kind = w.kind AND k.value = w.value AND k.strong
JOIN profiles p ON p.id = k.profile_id AND p.gone_at IS NULL
WHERE NOT EXISTS (SELECT FROM shared_keys s WHERE s.kind = w.kind AND s.value = w.value)
"""
_KEYS = "SELECT DISTINCT kind, value FROM profile_keys WHERE profile_id = ANY(:ids) AND strong"
MOST_BROWSERS = 300  # decided about together: chains of claims that strangers make have no end
BROWSERS = ("visitor", "lead")  # kinds of profiles that a browser tells of, and nobody vouches for
LIKELY = ("proof", "claim", "alike", "device")  # rules by which such a profile came to its card


def link(session: Session, dirty: Sequence[Member]) -> tuple[Graph, Decision]:
    """The graph around these profiles with the links that automatic rules give them, yet to be written.

    Merges, splits and verdicts have no say in what is decided here; the graph holds back what they forbid.
    """
    keys = {(key.kind, key.value) for member in dirty for key in member.keys if key.strong}
    sharing, soft = _sharing(session, keys)
    graph = graphs.load(session, sharing | {member.id for member in dirty if not member.new})
    for member in dirty:
        graph.members[member.id] = member
    fresh = {member.id for member in dirty}
    batch = [*dirty, *(graph.members[one] for one in sorted(soft - fresh))]
    decision = _decide(session, graph, batch, sharing, keys)
    _enter(session, graph, decision, fresh | soft)
    return graph, decision


def _sharing(session: Session, keys: set[tuple[str, str]]) -> tuple[set[UUID], set[UUID]]:
    """Profiles that hold one of these keys, and those of browsers among them, with all they lead to.

    What is known of a browser only makes likely whose it is, so whoever shares anything with it may change
    that: those are decided about again. Their keys are added to `keys`.
    """
    sharing: set[UUID] = set()
    soft: set[UUID] = set()
    news = set(keys)
    while news and len(soft) < MOST_BROWSERS:
        values = {"kinds": [kind for kind, _ in news], "values": [value for _, value in news]}
        rows = session.execute(text(_SHARING), values).all()
        browsers = {row[0] for row in rows if row[1] in BROWSERS} - soft
        sharing |= {row[0] for row in rows}
        soft |= browsers
        found = session.execute(text(_KEYS), {"ids": list(browsers)}).all() if browsers else []
        news = {(row[0], row[1]) for row in found} - keys
        keys |= news
    return sharing, soft


def announce(session: Session, decision: Decision) -> None:
    """Write the proposals and the keys found to be shared; the cards they speak of must be there by now."""
    _propose(session, decision.proposals)
    _share(session, decision.shared)


def _decide(
    session: Session, graph: Graph, dirty: Sequence[Member], sharing: set[UUID], keys: set[tuple[str, str]]
) -> Decision:
    groups, home, raw = automatic_groups(graph), homes(graph.edges), homes(graph.edges, raw=True)
    concerned = {groups[one] for one in (*sharing, *(member.id for member in dirty))}

    def known(member: Member) -> Known:
        edge, first = home.get(member.id), raw.get(member.id)
        return Known(
            member.id, member.changed_at, member.external_id, name_form(member.person), member.keys,
            anonymous=member.kind in NAMELESS, home=edge.card if edge else None,
            group=groups[member.id] if edge else None, by_device=first is not None and first.rule == "device",
            claimed=member.kind == "lead",
            born="" if member.person.kind == "company" else birthdays.digits(member.person.birthday),
            soft=member.kind in BROWSERS and first is not None and first.rule in LIKELY,
        )  # fmt: skip

    batch = [known(member) for member in dirty]
    fresh = {member.id for member in dirty}
    existing = [
        known(member)
        for member in graph.members.values()
        if member.id not in fresh and not member.gone and groups[member.id] in concerned
    ]
    return decide(batch, existing, shared=_shared(session, keys))


def _shared(session: Session, keys: set[tuple[str, str]]) -> set[tuple[str, str]]:
    if not keys:
        return set()
    query = (
        "SELECT s.kind, s.value FROM shared_keys s"
        " JOIN unnest(CAST(:kinds AS text[]), CAST(:values AS text[])) AS w (kind, value)"
        " ON s.kind = w.kind AND s.value = w.value"
    )
    values = {"kinds": [kind for kind, _ in keys], "values": [value for _, value in keys]}
    return {(row[0], row[1]) for row in session.execute(text(query), values)}


def _enter(session: Session, graph: Graph, decision: Decision, decided: set[UUID]) -> None:
    """Put what was decided into the graph; links without a reason any more end."""
    at = now()
    for card, profile in decision.new_cards:
        named = graph.members[profile].kind not in NAMELESS
        graph.cards[card] = CardRow(card, at, identified=named, new=True)
    moved = set(decision.moved)
    ending = [edge for edge in graph.edges if edge.profile in moved and edge.rule not in ("split", *TIES)]
    ending += _unjustified(graph, decision, decided - moved)
    _end(session, ending)
    gone = {edge.id for edge in ending}
    graph.edges = [edge for edge in graph.edges if edge.id not in gone]
    # a merge may tie the same two, but it can be undone: what the keys say must stand without it
    there = {(edge.profile, edge.card) for edge in graph.edges if edge.rule not in TIES}
    for number, one in enumerate((*decision.homes, *decision.bridges), start=NEW):
        if (one.profile, one.card) not in there:
            there.add((one.profile, one.card))
            graph.edges.append(Edge(number, one.profile, one.card, one.rule, evidence=one.evidence, new=True))


def _unjustified(graph: Graph, decision: Decision, decided: set[UUID]) -> list[Edge]:
    """Bridges of the profiles decided about that their keys no longer give."""
    hold = {(one.profile, one.card) for one in decision.bridges}
    raw = homes(graph.edges, raw=True)
    return [
        edge
        for edge in graph.edges
        if edge.rule not in ("split", *TIES)
        and edge.profile in decided
        and raw[edge.profile] is not edge
        and (edge.profile, edge.card) not in hold
    ]


def _end(session: Session, edges: Sequence[Edge]) -> None:
    if edges:
        session.execute(
            text("UPDATE profile_links SET until = :at, ended_by = NULL WHERE id = ANY(:ids)"),
            {"at": now(), "ids": [edge.id for edge in edges]},
        )


def _propose(session: Session, proposals: Sequence[Proposal]) -> None:
    """Ask a person about pairs; a pair that was asked about before isn't asked again.

    One that waits because it is likely waits for what is known from now on: the likeness may be taken back.
    """
    if not proposals:
        return
    session.execute(
        text(
            "INSERT INTO duplicates (id, left_id, right_id, rule, evidence, state, found_at)"
            " SELECT id, left_id, right_id, rule, evidence, 'waiting', :at FROM unnest(CAST(:ids AS uuid[]),"
            " CAST(:lefts AS uuid[]), CAST(:rights AS uuid[]), CAST(:rules AS text[]),"
            " CAST(:evidence AS jsonb[])) AS p (id, left_id, right_id, rule, evidence)"
            " ON CONFLICT (left_id, right_id) DO UPDATE"
            " SET rule = excluded.rule, evidence = excluded.evidence"
            " WHERE duplicates.state = 'waiting' AND NOT duplicates.rule = ANY(:exact)"
        ),
        {
            "at": now(),
            "exact": list(RULES),
            "ids": [new_id() for _ in proposals],
            "lefts": [one.left for one in proposals],
            "rights": [one.right for one in proposals],
            "rules": [one.rule for one in proposals],
            "evidence": [json.dumps(one.evidence) for one in proposals],
        },
    )


def _share(session: Session, shared: Sequence[Shared]) -> None:
    if not shared:
        return
    session.execute(
        text(
            "INSERT INTO shared_keys (kind, value, reason, since) SELECT kind, value, reason, :at"
            " FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[]), CAST(:reasons AS text[]))"
            " AS s (kind, value, reason) ON CONFLICT DO NOTHING"
        ),
        {
            "at": now(),
            "kinds": [one.kind for one in shared],
            "values": [one.value for one in shared],
            "reasons": [one.reason for one in shared],
        },
    )
