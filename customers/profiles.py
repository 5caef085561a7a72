"""People as their sources know them: which of a batch are new or changed, and their rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import consent
from customers.batch import Came, PersonId, changed_at
from customers.identity import Key
from customers.picture import Member
from foundation.clock import new_id, now
from foundation.database import copy_rows, staged
from foundation.records import Person

# One look by the unique index for each: as a plain join it reads all profiles of a source that the statistics
# don't know yet, for each batch of its first load.
_KNOWN = """
SELECT w.kind, w.external_id, p.id, p.record_hash, p.landed_id, p.customer_id, p.changed_at, p.gone,
  p.set_aside
FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS w (kind, external_id) CROSS JOIN LATERAL (
  SELECT id, record_hash, landed_id, customer_id, changed_at, gone_at IS NOT NULL AS gone, set_aside
  FROM profiles
  WHERE source_id = :source AND kind = w.kind AND external_id = w.external_id LIMIT 1
) AS p
"""


class Found:
    """Profiles of one source that a batch names: where they are, and which of them need work."""

    def __init__(self) -> None:
        self.ids: dict[PersonId, UUID] = {}
        self.customer: dict[UUID, UUID | None] = {}
        self.gone: set[UUID] = set()  # stored as gone, and not among the changed
        self.members: list[Member] = []  # new and changed ones
        self.new = 0
        self.same = 0


def find(
    session: Session, source: UUID, people: Mapping[PersonId, Came[Person]], named: Collection[PersonId],
    drafts: Mapping[PersonId, Member], payers: Mapping[PersonId, Came[Person]],
) -> Found:  # fmt: skip
    """Compare what came with what is stored. `named` are further profiles that orders point to.

    `drafts` has the members of people who may be new, drawn by `draft`; others are drawn here. `payers` is
    what invoices and payments know of theirs, which holds only until anybody says more.

    What an order says of its buyer never replaces what the source says of the customer.
    """
    found, stored = Found(), {}
    wanted = list({*people, *named, *payers})
    values = {"source": source, "kinds": [kind for kind, _ in wanted], "ids": [one for _, one in wanted]}
    for kind, external_id, *rest in session.execute(text(_KNOWN), values) if wanted else ():
        stored[kind, external_id] = rest
        found.ids[kind, external_id] = rest[0]
        found.customer[rest[0]] = rest[3]
        if rest[5]:
            found.gone.add(rest[0])
    unknown = {key: came for key, came in payers.items() if key not in people and _unknown(stored.get(key))}
    for key, buyer in (*people.items(), *unknown.items()):
        row = stored.get(key)
        member = _changed(source, key, buyer, row) if row else drafts.get(key)
        if row is None and member is None:
            member = draft(source, key, buyer, new_id())
        if member is None:
            found.same += 1
            continue
        found.new += member.new
        found.ids[key] = member.id
        found.gone.discard(member.id)
        found.members.append(member)
    return found


def _unknown(row: Sequence[Any] | None) -> bool:
    """Whether nobody says anything of a profile: there is none, or it went with the last that named it."""
    return row is None or (row[2] is None and row[5])


def draft(source: UUID, key: PersonId, buyer: Came[Person], profile: UUID) -> Member:
    """A profile that isn't stored yet."""
    return _member(source, key, buyer, profile, new=True)


def _changed(source: UUID, key: PersonId, buyer: Came[Person], row: Sequence[Any]) -> Member | None:
    """The member to write, or None when the stored row stays as it is."""
    profile, record_hash, landed_id, customer, since, gone, aside = row
    if buyer.landed_id is None and landed_id is not None:
        return None
    if (buyer.landed_id is None or _told_by_many(key)) and not gone and changed_at(buyer) < since:
        return None
    if record_hash == buyer.hash and not gone and (landed_id is None) == (buyer.landed_id is None):
        return None
    member = _member(source, key, buyer, profile, new=False)
    member.customer, member.set_aside = customer, aside
    return member


def _told_by_many(key: PersonId) -> bool:
    """Whether several objects tell of it, in any order: a guest who is more than one order's."""
    return key[0] == "guest" and not key[1].startswith("order:")


def _member(source: UUID, key: PersonId, buyer: Came[Person], profile: UUID, *, new: bool) -> Member:
    return Member(
        profile, source, key[0], key[1], changed_at(buyer), buyer.encoded, keys=buyer.keys,
        record_hash=buyer.hash, landed_id=buyer.landed_id, new=new, dirty=True, _person=buyer.record,
    )  # fmt: skip


def write(session: Session, members: Iterable[Member], customer: Mapping[UUID, UUID | None]) -> None:
    """Insert new profiles straight onto their cards, bring changed ones up to date; keys and consents too."""
    dirty = [member for member in members if member.dirty]
    if not dirty:
        return
    at = now()
    fresh = [member for member in dirty if member.new]
    columns = (
        "id", "source_id", "kind", "external_id", "customer_id", "landed_id", "record", "record_hash",
        "changed_at", "created_at",
    )  # fmt: skip
    rows = (
        (
            m.id, m.source, m.kind, m.external_id, customer.get(m.id), m.landed_id, m.record.decode(),
            m.record_hash, m.changed_at, at,
        )
        for m in fresh
    )  # fmt: skip
    copy_rows(session, "profiles", columns, rows)
    changed = [member for member in dirty if not member.new]
    if changed:
        _update(session, changed)
    keys = ((m.id, *key) for m in dirty for key in _distinct(m.keys))
    copy_rows(session, "profile_keys", ("profile_id", "kind", "value", "strong"), keys)
    consent.write(session, fresh)


def _distinct(keys: Iterable[Key]) -> list[Key]:
    """One key per kind and value; the strong one stays."""
    best: dict[tuple[str, str], Key] = {}
    for key in keys:
        if key.strong or (key.kind, key.value) not in best:
            best[key.kind, key.value] = key
    return list(best.values())


def _update(session: Session, members: Collection[Member]) -> None:
    definition = "id uuid, landed_id bigint, record jsonb, record_hash bytea, changed_at timestamptz"
    rows = ((m.id, m.landed_id, m.record.decode(), m.record_hash, m.changed_at) for m in members)
    with staged(session, "changed_profiles", definition, rows):
        session.execute(
            text(
                "UPDATE profiles p SET landed_id = c.landed_id, record = c.record,"
                " record_hash = c.record_hash, changed_at = c.changed_at, gone_at = NULL"
                " FROM changed_profiles c WHERE c.id = p.id"
            )
        )
    session.execute(
        text("DELETE FROM profile_keys WHERE profile_id = ANY(:ids)"), {"ids": [m.id for m in members]}
    )
