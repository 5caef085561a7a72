"""The card itself: golden fields, where each came from, consents and the words it is found by."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import consent, golden, policy, search, stats
from customers.golden import Claim
from customers.picture import Graph, Group, Member
from foundation.clock import now
from foundation.database import copy_rows, staged

_FIELDS = {
    "kind": "text", "name": "text", "given_name": "text", "family_name": "text", "latin_name": "text",
    "email": "text", "phone": "text", "tax_number": "text", "country": "text", "city": "text",
    "address": "text", "language": "text", "birthday": "date", "tags": "text[]", "origins": "jsonb",
    "email_consent": "text",
    "sms_consent": "text", "search": "tsvector", "identified": "boolean", "live": "boolean",
    "merged_into": "uuid",
}  # fmt: skip
_encode = msgspec.json.Encoder(order="sorted").encode
_EMPTY = {
    "kind": "person", "name": "", "given_name": "", "family_name": "", "latin_name": "",
    "tags": [], "origins": "{}", "search": "",
}  # fmt: skip


Row = tuple[UUID, Mapping[str, Any]]  # card, columns


def write(session: Session, graph: Graph, groups: Sequence[Group]) -> None:
    """Write the cards of these groups: the survivor with its fields, the others as merged into it."""
    if not groups:
        return
    roles, policies = _roles(session), policy.in_force(session)
    standing = consent.standing(session, [m.id for g in groups for m in g.members if not m.new])
    fresh: list[Row] = []
    known: list[Row] = []
    merged: list[tuple[UUID, UUID | None]] = []
    for group in groups:
        people = present(group.members)
        if group.live:
            fields = _ready(people) or _fields(people, roles, policies, standing)
            fields |= {"identified": group.identified, "live": True, "merged_into": None}
            (fresh if graph.cards[group.survivor].new else known).append((group.survivor, fields))
        for card in group.cards:
            if card == group.survivor and group.live:
                continue
            into = None if card == group.survivor else group.survivor
            if graph.cards[card].new:
                fresh.append((card, {**_EMPTY, "identified": False, "live": False, "merged_into": into}))
            else:
                merged.append((card, into))
    _insert(session, graph, fresh)
    _update(session, known)
    _bury(session, merged)


def present(members: Iterable[Member]) -> list[Member]:
    """Those that speak for a card: profiles their sources still have, else those whose orders remain."""
    here = [member for member in members if not member.gone]
    return here or [member for member in members if member.kept]


def _roles(session: Session) -> dict[UUID, str]:
    return {row[0]: row[1] for row in session.execute(text("SELECT id, role FROM sources"))}


def _fields(
    people: Sequence[Member],
    roles: Mapping[UUID, str],
    policies: Mapping[str, Sequence[str]],
    standing: Mapping[UUID, consent.Standing],
) -> dict[str, Any]:
    """Columns of a live card."""
    claims = [
        Claim(m.id, m.source, roles.get(m.source, ""), m.changed_at, m.person, m.set_aside or {})
        for m in people
    ]
    chosen = golden.choose(claims, policies)
    consents = consent.strictest(
        consent.standing_of_new(member) if member.new else standing.get(member.id, {}) for member in people
    )
    keys = dict.fromkeys(key for member in people for key in member.keys)
    values = chosen.values
    return {name: values.get(name) or _EMPTY.get(name) for name in golden.FIELDS} | {
        "origins": _encode(chosen.origins).decode(),
        "email_consent": consents.get("email"),
        "sms_consent": consents.get("sms"),
        "search": search.document([member.person for member in people], keys),
    }


def alone(member: Member) -> dict[str, Any]:
    """Columns of the card of a new profile, should it be the only one on it: then no policy has a say."""
    return _fields([member], {}, {}, {})


def _ready(people: Sequence[Member]) -> dict[str, Any] | None:
    return people[0].alone if len(people) == 1 and people[0].new else None


def _insert(session: Session, graph: Graph, rows: Iterable[Row]) -> None:
    at = now()
    columns = ("id", "created_at", "changed_at", *_FIELDS)
    values = [
        (card, graph.cards[card].created_at, at, *(fields.get(name) for name in _FIELDS))
        for card, fields in rows
    ]
    if values:
        copy_rows(session, "customers", columns, values)


def _update(session: Session, rows: Sequence[Row]) -> None:
    """Bring cards up to date; those that are already so keep their rows and their `changed_at`."""
    if not rows:
        return
    definition = ", ".join(["id uuid", *(f"{name} {kind}" for name, kind in _FIELDS.items())])
    values = [(card, *(fields.get(name) for name in _FIELDS)) for card, fields in rows]
    names = ", ".join(_FIELDS)
    with staged(session, "fresh_cards", definition, values):
        session.execute(
            text(
                f"UPDATE customers c SET changed_at = :at, ({names}) = ROW ({_of('f')})"
                f" FROM fresh_cards f WHERE f.id = c.id AND ({_of('c')}) IS DISTINCT FROM ({_of('f')})"
            ),
            {"at": now()},
        )


def _of(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in _FIELDS)


def _bury(session: Session, rows: Sequence[tuple[UUID, UUID | None]]) -> None:
    """Cards that live no more, and whom to ask instead."""
    if not rows:
        return
    with staged(session, "buried", "id uuid, merged_into uuid", rows):
        session.execute(
            text(
                "UPDATE customers c SET live = false, merged_into = b.merged_into, changed_at = :at"
                " FROM buried b WHERE b.id = c.id"
                " AND (c.live OR c.merged_into IS DISTINCT FROM b.merged_into)"
            ),
            {"at": now()},
        )
    stats.drop(session, [card for card, _ in rows])
