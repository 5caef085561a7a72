"""The golden record: which profile's value stands on the card, per field, and where it came from. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from foundation.records import Person


class Claim(NamedTuple):
    """What one profile says. `phones`/`e-mails` are read from the record itself."""

    profile_id: UUID
    source_id: UUID
    role: str  # of the source: shop accounting file site mailbox
    changed_at: datetime
    person: Person


class Golden(NamedTuple):
    """Field -> value for the columns of `customers`, and field -> profile id it came from."""

    values: dict[str, Any]
    origins: dict[str, str]


FIELDS = (
    "kind", "name", "given_name", "family_name", "latin_name", "email", "phone", "tax_number",
    "country", "city", "address", "language", "birthday", "tags",
)  # fmt: skip


def choose(claims: Sequence[Claim], policies: Mapping[str, Sequence[str]]) -> Golden:
    """The best value of each field: policy order first (roles or source ids), then the newest."""
    return Golden(dict.fromkeys(FIELDS), {})
