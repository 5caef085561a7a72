"""What was said of people, kept trait by trait, so that the order of arrival is of no consequence."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from foundation import clock
from foundation.records import Person
from web_capture.messages import Message
from web_capture.people import Actor, Known, person_of, said_of_person

_READ = text(
    "SELECT p.kind, p.external_id, p.traits, p.devices, p.accounts FROM personas p"
    " JOIN unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS w (kind, external_id)"
    " ON p.kind = w.kind AND p.external_id = w.external_id WHERE p.site_id = :site"
    " ORDER BY p.kind, p.external_id FOR UPDATE OF p"
)
_MAKE = text(
    "INSERT INTO personas (site_id, kind, external_id, traits, devices, accounts, changed_at)"
    " SELECT :site, kind, external_id, '{}', '{}', '{}', :at"
    " FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS w (kind, external_id)"
    " ORDER BY kind, external_id ON CONFLICT DO NOTHING"
)
_WRITE = text(
    "UPDATE personas p SET traits = CAST(w.traits AS jsonb), devices = CAST(w.devices AS jsonb),"
    " accounts = CAST(w.accounts AS jsonb), changed_at = :at"
    " FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[]), CAST(:traits AS text[]),"
    " CAST(:devices AS text[]), CAST(:accounts AS text[]))"
    " AS w (kind, external_id, traits, devices, accounts)"
    " WHERE p.site_id = :site AND p.kind = w.kind AND p.external_id = w.external_id"
)


def hear(
    session: Session, site: UUID, events: Sequence[Message], actors: Sequence[Actor | None],
    secrets: Sequence[str],
) -> dict[Actor, Person]:  # fmt: skip
    """Take in what events say of people; the records of those of whom something new was said.

    `secrets` are the site's keys that signatures are checked with. The rows of the people are held until the
    transaction ends.
    """
    named = sorted({one for one in actors if one and one.kind != "visitor"})
    if not named:
        return {}
    known = _read(session, site, named)
    changed = set()
    for event, actor in zip(events, actors, strict=True):
        if actor in known and known[actor].hear(event, said_of_person(event, secrets)):
            changed.add(actor)
    _write(session, site, {one: known[one] for one in sorted(changed)})
    return {one: person_of(one, known[one], site) for one in changed}


def _read(session: Session, site: UUID, actors: Sequence[Actor]) -> dict[Actor, Known]:
    values = {"site": site, **_columns(actors)}
    rows = session.execute(_READ, values).all()
    if len(rows) < len(actors):
        session.execute(_MAKE, {**values, "at": clock.now()})
        rows = session.execute(_READ, values).all()
    return {
        Actor(row[0], row[1]): Known({name: tuple(said) for name, said in row[2].items()}, row[3], row[4])
        for row in rows
    }


def _write(session: Session, site: UUID, changed: dict[Actor, Known]) -> None:
    if not changed:
        return
    values = {"site": site, "at": clock.now(), **_columns(changed)}
    for name in ("traits", "devices", "accounts"):
        values[name] = [msgspec.json.encode(getattr(known, name)).decode() for known in changed.values()]
    session.execute(_WRITE, values)


def _columns(actors: Iterable[Actor]) -> dict[str, Any]:
    kinds, ids = zip(*actors, strict=True)
    return {"kinds": list(kinds), "ids": list(ids)}
