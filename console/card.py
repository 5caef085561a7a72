"""What the pages of a card show, made from its rows: golden fields, profiles side by side, pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from console.format import Reader
from customers.card import Card, ProfileView
from customers.picture import TIES
from foundation.text import _

SHOWN = 30  # profiles side by side; a card can have hundreds of guest orders
MOST_CLAIMS = 20


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
    """A field of the profiles beside each other: what each says, and whether the card says otherwise."""

    label: str
    cells: list[tuple[str, bool]]


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
        "proof": _("proved from the same device"),
        "claim": _("unproved, but says the same"),
        "manual": _("merged by a person"),
        "model": _("found by matching"),
        "split": _("split off by a person"),
        "own": _("said of this very person"),
    }.get(rule or "new", rule or "")
    return f"{words}: {key}" if key and rule not in (*TIES, "split", "new") else words


def reasons(card: Card) -> dict[UUID, str]:
    """Why each profile is on the card: the link that brought it here, which a merge only adds to."""
    found: dict[UUID, str] = {}
    for one in card.links:  # the newest first, so the oldest in force is what stays
        if one.until is None and (one.rule not in TIES or one.profile_id not in found):
            found[one.profile_id] = because(one.rule, one.evidence)
    return found


def golden_fields(card: Card, reader: Reader) -> list[GoldenField]:
    """The fields that are known, each with where it came from and everything anybody says."""
    found = []
    for name, label in labels().items():
        field = card.fields[name]
        value = shown(name, field.value, reader)
        if not value or (name == "kind" and field.value == "person"):
            continue
        claims = [
            GoldenClaim(
                shown(name, one.value, reader), one.source, one.changed_at, one.profile_id == field.profile_id
            )
            for one in field.claims
        ]
        claims.sort(key=lambda claim: (not claim.wins, -claim.changed_at.timestamp()))
        found.append(GoldenField(label, value, field.source or "", claims[:MOST_CLAIMS]))
    return found


def sides(profiles: Sequence[ProfileView], reader: Reader) -> list[Side]:
    """Fields of profiles beside each other; fields nobody speaks of are left out."""
    rows = [
        Side(label, [(shown(name, one.values.get(name), reader), name in one.differs) for one in profiles])
        for name, label in labels().items()
    ]
    rows.append(Side(_("Company"), [(one.person.company, False) for one in profiles]))
    rows.append(Side(_("Tags"), [(", ".join(one.person.tags), False) for one in profiles]))
    rows.append(Side(_("Note"), [(one.person.note, False) for one in profiles]))
    everyday = (_("Kind"), {_("person")})
    return [
        row
        for row in rows
        if (texts := {text for text, _differs in row.cells if text}) and (row.label, texts) != everyday
    ]


def kind_words(kind: str) -> str:
    """What kind of profile; nothing for the usual one."""
    return {
        "customer": "", "guest": _("guest"), "visitor": _("visitor"), "lead": _("unverified"),
        "correspondent": _("writes letters"), "own": _("set by journeys"),
    }.get(kind, kind)  # fmt: skip


def shown(name: str, value: Any, reader: Reader) -> str:
    """A golden value as a person reads it."""
    match name, value:
        case _, None | "":
            return ""
        case "birthday", date():
            return reader.date(value)
        case "phone", str():
            return reader.phone(value)
        case "country", str():
            return reader.country(value)
        case "language", str():
            return reader.language(value)
        case "kind", str():
            return {"person": _("person"), "company": _("company")}.get(value, value)
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)
