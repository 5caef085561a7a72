"""What Kartoteka itself says of people: a profile of its own source beside the others of a card.

So survivorship weighs it like any statement, the card says where it is from, and merges, splits and their
undo take it along: it lies at the home card that rules alone give the person, whatever people have merged.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from customers import graph as graphs
from customers import stats
from customers.picture import NEW, OWN, Edge, Graph, Member, automatic_groups, draw, homes
from customers.tables import Source
from foundation.clock import new_id, now
from foundation.database import GRAPH_LOCK, lock
from foundation.records import Person

SOURCE = "kartoteka"  # kind and role
Change = Callable[[Person], Person]
_KINDS = text("SELECT id, kind FROM customers WHERE id = ANY(:ids)")


def source_id(session: Session, kind: str = SOURCE, name: str = "Kartoteka") -> UUID:
    """The id of the one source of a kind that is no connection; its row is made on demand."""
    query = select(Source.id).where(Source.kind == kind, Source.removed_at.is_(None))
    query = query.order_by(Source.created_at).limit(1)
    found = session.scalar(query)
    while found is None:  # a person may have named a connection so
        row = {"id": new_id(), "name": name, "kind": kind, "role": kind, "created_at": now()}
        session.execute(insert(Source).values(row).on_conflict_do_nothing(index_elements=[Source.name]))
        found, name = session.scalar(query), f"{name}*"
    return found


def say(session: Session, changes: Mapping[UUID, Change], actor: str) -> set[UUID]:
    """Say something of whoever these profiles are; the cards that changed. Saying it again changes nothing.

    Everybody else who writes the graph waits until the transaction ends.
    """
    lock(session, GRAPH_LOCK)
    graph = graphs.load(session, profile_ids=set(changes))
    source = source_id(session)
    said: dict[UUID, Member] = {}  # home card -> what we say there
    for profile, card in _places(graph, changes).items():
        member = said.get(card) or _ours(graph, card) or _new(session, graph, source, card, actor)
        said[card] = member
        person = changes[profile](member.person)
        if person != member.person or member.new:
            _write(member, person)
    settled = graphs.settle(session, graph)
    stats.refresh(session, settled.cards)
    return settled.cards


def _write(member: Member, person: Person) -> None:
    member.record = msgspec.json.encode(person)
    member.record_hash = blake2b(member.record, digest_size=16).digest()
    member.changed_at, member.dirty, member._person = now(), True, None


def _places(graph: Graph, profiles: Mapping[UUID, Change]) -> dict[UUID, UUID]:
    """For each profile the home card of the person: of those that rules tie it to the oldest with a name."""
    automatic, home = automatic_groups(graph), homes(graph.edges)
    found = {}
    for group in draw(graph)[0]:
        here = [member for member in group.members if not member.gone]
        for profile in {member.id for member in group.members} & set(profiles):
            cards = [home[m.id].card for m in here if automatic[m.id] == automatic[profile] and m.named]
            rows = [graph.cards[card] for card in cards or [home[profile].card]]
            found[profile] = min(rows, key=lambda row: (row.created_at, row.id)).id
    return found


def _ours(graph: Graph, card: UUID) -> Member | None:
    wanted = str(card)
    return next((m for m in graph.members.values() if m.kind == OWN and m.external_id == wanted), None)


def _new(session: Session, graph: Graph, source: UUID, card: UUID, actor: str) -> Member:
    kind = {row.id: row.kind for row in session.execute(_KINDS, {"ids": [card]})}.get(card, "person")
    person = Person(external_id=str(card), kind=kind)
    made = Member(new_id(), source, OWN, str(card), now(), b"", new=True, dirty=True, _person=person)
    graph.members[made.id] = made
    number = NEW + len(graph.edges)
    graph.edges.append(Edge(number, made.id, card, OWN, actor=actor, new=True))
    return made
