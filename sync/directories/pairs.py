"""A pair as it stands now: the link with its base, what each side says, and what holds it back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from connectors.base import Connector, Stream
from customers import policy
from customers.golden import Claim
from customers.tables import Source
from foundation.errors import BadInput
from foundation.records import Person
from sync import connections
from sync.directories import fields, guesses, matching
from sync.directories.fields import Flat
from sync.directories.merge import Owner
from sync.directories.tables import Directory

PAGE = 500

# columns of the link and what is under way about it; `l` is the link
LINK = """
l.id AS link_id, l.state AS link_state, l.local_id, l.base, l.here, l.there, l.gone_there_at, l.gone_here_at,
EXISTS (SELECT FROM pushes o WHERE o.link_id = l.id AND o.state IN ('waiting', 'sent')) AS on_its_way,
(SELECT CASE o.state WHEN 'failed' THEN o.fields END FROM pushes o WHERE o.link_id = l.id
  ORDER BY o.place DESC LIMIT 1) AS refused,
(SELECT jsonb_object_agg(c.field, jsonb_build_array(c.ours, c.theirs, c.reason)) FROM conflicts c
  WHERE c.link_id = l.id AND c.state = 'waiting') AS conflicts
"""


def making(local_id: str) -> str:
    """A column: the thing of ours is on its way there to be made, so what looks like it there may be it."""
    return (
        f"EXISTS (SELECT FROM pushes w WHERE w.local_id = {local_id} AND w.directory_id = :directory"
        " AND w.link_id IS NULL AND w.state IN ('waiting', 'sent')) AS making"
    )


_PEOPLE = f"""
SELECT p.id, p.external_id, p.customer_id, p.changed_at, p.gone_at, CAST(p.record AS text) AS record, c.name,
  coalesce(h.pending, false) AS pending, h.version_at, h.version_hash, {LINK},
  {making("p.customer_id")}
FROM profiles p
LEFT JOIN customers c ON c.id = p.customer_id
LEFT JOIN landed_heads h ON h.connection_id = p.source_id AND h.stream = :stream
  AND h.external_id = p.external_id
LEFT JOIN links l ON l.directory_id = :directory AND l.external_id = p.external_id
WHERE p.source_id = :source AND p.kind <> 'guest' AND p.landed_id IS NOT NULL AND p.external_id > :after
  AND (CAST(:only AS text[]) IS NULL OR p.external_id = ANY(CAST(:only AS text[])))
ORDER BY p.external_id LIMIT :limit
"""
_OTHERS = """
SELECT p.id, p.source_id, s.role, p.external_id, p.changed_at, CAST(p.record AS text) AS record, p.set_aside,
  p.customer_id, p.kind
FROM profiles p JOIN sources s ON s.id = p.source_id
WHERE p.customer_id = ANY(:cards) AND p.gone_at IS NULL ORDER BY p.id
"""


@dataclass
class Pair:
    """One object there and what is ours of it. `several` objects there on one card wait."""

    external_id: str
    local_id: UUID | None
    title: str
    theirs: Flat
    ours: Flat
    their_id: UUID | None = None
    owners: Mapping[str, Owner] = field(default_factory=dict)
    asides: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)  # field -> profile, value
    matched: matching.Match | None = None
    anew: bool = False  # the match is a better one than that of the link, which nobody has confirmed
    link: Row[Any] | None = None
    busy: bool = False
    several: bool = False
    gone_there: datetime | None = None
    gone_here: datetime | None = None
    join: UUID | None = None  # the card it was made of, while it stands on another
    fixed: bool = False  # nothing of the object there can be written any more
    version: str = ""  # of the object there that its values were read from
    home: str = ""  # the external id of a product of ours
    home_version: str = ""


@dataclass(frozen=True)
class Setting:
    """A directory with what its sides can write."""

    directory: Directory
    name: str  # of the connection
    writes_there: frozenset[str]
    writes_here: frozenset[str] | None  # None: cards take anything
    names: Mapping[str, tuple[str, ...]]

    @property
    def card(self) -> bool:
        """Whether ours are cards."""
        return self.writes_here is None

    @property
    def lasting(self) -> bool:
        """Whether a difference that can't be written away is shown to a person, who may let it stand."""
        return self.directory.what == "invoices"

    @property
    def compared(self) -> list[str]:
        """The fields that can be brought to be equal, and those that a person has to know about."""
        if self.lasting:
            return list(self.names)
        able = self.writes_there if self.card else self.writes_there | (self.writes_here or frozenset())
        return [name for name in self.names if name in able]


def setting(session: Session, directory: Directory) -> Setting:
    """What is known of a directory's two sides."""
    names = fields.OF[directory.what]
    there = stream_of(connections.connector_class(session, directory.connection_id), directory.stream)
    here = None
    if directory.home_id is not None:
        home = stream_of(connections.connector_class(session, directory.home_id), directory.home_stream or "")
        here = fields.written(names, home.writes if home.what == "product" else ())  # orders are the shop's
    name = session.get_one(Source, directory.connection_id).name
    return Setting(directory, name, fields.written(names, there.writes), here, names)


def stream_of(connector: type[Connector] | Connector, name: str) -> Stream:
    """A connector's stream by name."""
    for stream in connector.streams:
        if stream.name == name:
            return stream
    raise BadInput(f"{connector.title} has no {name}.", "stream")


def people(session: Session, here: Setting, only: Sequence[str] | None = None) -> Iterator[list[Pair]]:
    """Pages of counterparties, in the order of their ids there; `only` those with these ids."""
    directory, after = here.directory, ""
    policies = policy.in_force(session)
    role = session.get_one(Source, directory.connection_id).role
    guessed = guesses.of_cards(session, directory) if only is None else {}
    while True:
        values = {
            "source": directory.connection_id, "stream": directory.stream, "directory": directory.id,
            "after": after, "limit": PAGE, "only": list(only) if only is not None else None,
        }  # fmt: skip
        rows = session.execute(text(_PEOPLE), values).all()
        if not rows:
            return
        others = _others(session, [row.customer_id for row in rows if row.customer_id])
        found = [_person(here, row, others.get(row.customer_id, []), policies, role) for row in rows]
        for pair in found:
            if pair.matched is None and pair.link is None and pair.external_id in guessed:
                pair.local_id, pair.matched = guessed[pair.external_id]
        yield found
        after = rows[-1].external_id


def _others(session: Session, cards: list[UUID]) -> dict[UUID, list[tuple[str, Claim]]]:
    """What everybody on these cards says: external id or nothing for guests, and the claim."""
    found: dict[UUID, list[tuple[str, Claim]]] = {}
    for row in session.execute(text(_OTHERS), {"cards": cards}):
        person = msgspec.json.decode(row.record, type=Person)
        claim = Claim(row.id, row.source_id, row.role, row.changed_at, person, row.set_aside or {})
        found.setdefault(row.customer_id, []).append((row.kind, claim))
    return found


def _person(
    here: Setting, row: Row[Any], everybody: list[tuple[str, Claim]],
    policies: Mapping[str, list[str]], role: str,
) -> Pair:  # fmt: skip
    source = here.directory.connection_id
    record = msgspec.json.decode(row.record, type=Person)
    mine = Claim(row.id, source, role, row.changed_at, record)
    others = [claim for _kind, claim in everybody if claim.source_id != source]
    siblings = [c for kind, c in everybody if c.source_id == source and kind != "guest" and c != mine]
    ours = fields.of_claims(others, policies)
    theirs = fields.of_person(mine)
    by = {claim.profile_id: claim for claim in others}
    said = [(claim, fields.of_person(claim._replace(set_aside={}))) for claim in others]
    asides = {
        name: [(str(c.profile_id), one[name].value) for c, one in said if name in one]
        for name in here.compared
    }
    pair = Pair(
        row.external_id, row.customer_id, row.name or "", theirs, ours, row.id,
        _owners(here, ours, by, mine, policies), asides, matching.why(ours, theirs),
    )  # fmt: skip
    stands(pair, row)
    pair.several = any(one.profile_id != row.id for one in siblings) and row.gone_at is None
    pair.gone_there, pair.version = row.gone_at, version(row.version_at, row.version_hash)
    if pair.link is not None and row.link_state == "made" and row.local_id != row.customer_id:
        pair.join = row.local_id
    return pair


def version(at: datetime | None, digest: bytes | None) -> str:
    """What a version that landed is called: its time of change there, else the hash of its content."""
    return at.isoformat() if at is not None else bytes(digest).hex() if digest else ""


def stands(pair: Pair, row: Row[Any]) -> None:
    """Put the link of a row of the reading, and what is on its way, into its pair."""
    if row.link_id is not None:
        pair.link = row
        pair.busy = row.on_its_way
    pair.busy = pair.busy or row.pending or row.making


def _owners(
    here: Setting, ours: Flat, by: Mapping[UUID, Claim], mine: Claim, policies: Mapping[str, list[str]]
) -> dict[str, Owner]:
    """The directory's own rules first, then the policy of the card's field."""
    found: dict[str, Owner] = {}
    for name in here.compared:
        said = here.directory.owners.get(name)
        origin = by.get(ours[name].by) if name in ours and ours[name].by else None  # type: ignore[arg-type]
        found[name] = said or fields.owner(name, policies.get(name, ()), origin, mine)  # type: ignore[assignment]
    return found
