"""What the pages of a card show, made from its rows: golden fields, profiles side by side, pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from console.format import Reader
from customers import golden
from customers.golden import Claim
from customers.tables import Customer
from foundation.records import Person
from foundation.text import _

SHOWN = 40  # profiles side by side; a card can have hundreds of guest orders


@dataclass(frozen=True)
class ProfileShown:
    """A profile as the card's pages show it."""

    id: UUID
    source: str
    source_id: UUID
    role: str
    kind: str
    external_id: str
    changed_at: datetime
    gone_at: datetime | None
    person: Person
    because: str
    said: Mapping[str, Any]  # golden field -> what this profile alone says

    @property
    def kind_words(self) -> str:
        """What kind of profile."""
        return {"customer": "", "guest": _("guest"), "visitor": _("visitor")}.get(self.kind, self.kind)


@dataclass(frozen=True)
class GoldenClaim:
    """What one profile says about a field."""

    value: str
    source: str
    changed_at: datetime
    wins: bool


@dataclass(frozen=True)
class GoldenField:
    """A field of the card, where its value is from, and what everybody says."""

    label: str
    value: str
    origin: str
    claims: list[GoldenClaim]


@dataclass(frozen=True)
class Side:
    """A field of several profiles or cards beside each other."""

    label: str
    cells: list[str]

    @property
    def differs(self) -> bool:
        """Whether those that say anything say different things."""
        return len({cell.casefold() for cell in self.cells if cell}) > 1


def labels() -> dict[str, str]:
    """Names of the golden fields, in the order they are shown."""
    return {
        "name": _("Name"),
        "email": _("E-mail"),
        "phone": _("Phone"),
        "city": _("City"),
        "address": _("Address"),
        "country": _("Country"),
        "tax_number": _("Tax number"),
        "birthday": _("Birthday"),
        "language": _("Language"),
        "kind": _("Kind"),
    }


def profile_of(row: Any) -> ProfileShown:
    """A profile from its row joined with its source and home link."""
    person = msgspec.convert(row.record, Person, strict=False)
    claim = Claim(row.id, row.source_id, row.role, row.changed_at, person)
    return ProfileShown(
        id=row.id,
        source=row.source,
        source_id=row.source_id,
        role=row.role,
        kind=row.kind,
        external_id=row.external_id,
        changed_at=row.changed_at,
        gone_at=row.gone_at,
        person=person,
        because=because(row.rule, row.evidence or {}),
        said=golden.choose([claim], {}).values,
    )


def because(rule: str | None, evidence: Mapping[str, Any]) -> str:
    """Why a profile belongs to a card, in words."""
    key = str(evidence.get("key") or "")
    key = key.partition(":")[2] or key
    words = {
        "new": _("the first of its card"),
        "email": _("same e-mail address"),
        "phone": _("same phone number"),
        "tax": _("same tax number"),
        "account": _("same account"),
        "device": _("same device"),
        "manual": _("merged by a person"),
        "split": _("split off by a person"),
    }.get(rule or "new", rule or "")
    return f"{words}: {key}" if key and rule not in ("manual", "split", "new") else words


def golden_fields(card: Customer, profiles: Sequence[ProfileShown], reader: Reader) -> list[GoldenField]:
    """The fields that are known, each with where it came from and everything anybody says."""
    found = []
    by_id = {str(profile.id): profile for profile in profiles}
    for name, label in labels().items():
        value = shown(getattr(card, name), reader)
        if not value or (name == "kind" and value == "person"):
            continue
        winner = str(card.origins.get(name, ""))
        claims = [
            GoldenClaim(said, profile.source, profile.changed_at, str(profile.id) == winner)
            for profile in profiles
            if (said := shown(profile.said.get(name), reader)) and not profile.gone_at
        ]
        claims.sort(key=lambda claim: (not claim.wins, -claim.changed_at.timestamp()))
        origin = by_id[winner].source if winner in by_id else ""
        found.append(GoldenField(label, value, origin, claims[:20]))
    return found


def sides(profiles: Sequence[ProfileShown], reader: Reader) -> list[Side]:
    """Fields of profiles beside each other; fields nobody speaks of are left out."""
    rows = [
        Side(label, [shown(profile.said.get(name), reader) for profile in profiles])
        for name, label in labels().items()
    ]
    rows.append(Side(_("Company"), [profile.person.company for profile in profiles]))
    rows.append(Side(_("Tags"), [", ".join(profile.person.tags) for profile in profiles]))
    rows.append(Side(_("Note"), [profile.person.note for profile in profiles]))
    return [row for row in rows if any(row.cells)]


def shown(value: Any, reader: Reader) -> str:
    """A golden value as text."""
    if value is None:
        return ""
    if hasattr(value, "year"):
        return reader.day(value)
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


@dataclass(frozen=True)
class PairRow:
    """A field of two cards."""

    label: str
    left: str
    right: str

    @property
    def mark(self) -> str:
        """The class that colours the row."""
        if not self.left or not self.right:
            return ""
        return "same" if self.left.casefold() == self.right.casefold() else "diff"


@dataclass(frozen=True)
class Pair:
    """Two cards side by side, and why somebody thinks they are one."""

    id: UUID | None
    left: Customer
    right: Customer
    why: str
    rows: list[PairRow]


def pair(
    left: Customer, right: Customer, reader: Reader, *, proposal: UUID | None = None, why: str = "",
    extra: Sequence[PairRow] = (),
) -> Pair:  # fmt: skip
    """Two cards beside each other, field by field; what neither knows is left out."""
    rows = [
        PairRow(label, shown(getattr(left, name, None), reader), shown(getattr(right, name, None), reader))
        for name, label in labels().items()
        if name != "name"
    ]
    return Pair(proposal, left, right, why, [row for row in (*rows, *extra) if row.left or row.right])
