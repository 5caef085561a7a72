"""The golden record: which profile's value stands on the card, per field, and where it came from. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from customers import emails, identity, phones, tax_numbers
from customers.latin import latin
from foundation.records import Person


class Claim(NamedTuple):
    """What one profile says."""

    profile_id: UUID
    source_id: UUID
    role: str  # of the source: shop accounting file site mailbox
    changed_at: datetime
    person: Person
    set_aside: Mapping[str, str] = {}  # field -> the value of it that counts last while it says so


class Golden(NamedTuple):
    """Field -> value for the columns of `customers`, and field -> id of the profile it came from."""

    values: dict[str, Any]
    origins: dict[str, str]


DEFAULTS: dict[str, tuple[str, ...]] = {
    "name": ("accounting", "shop"),
    "tax_number": ("accounting",),
    "phone": ("shop",),
}
"""Roles that win a field until somebody decides otherwise; elsewhere the newest wins."""

Found = tuple[int, Any]  # how good the value is (higher wins before newer), the value
_NOTHING: Found = (0, None)


def _name(person: Person) -> Found:
    """A name of several whole words is better than a newer one of one word or of initials."""
    name = identity.display_name(person)
    whole = sum(len(word.rstrip(".")) > 1 for word in name.split())
    return (min(whole, 2), name) if name else _NOTHING


def _given_name(person: Person) -> Found:
    return (
        (1, (person.given_name.strip(), person.family_name.strip()))
        if person.given_name.strip()
        else _NOTHING
    )


def _email(person: Person) -> Found:
    """A verified address before one that isn't, both before a role, relay or placeholder."""
    best = _NOTHING
    for email in map(emails.parse, person.emails):
        quality = 1 if email.names_nobody else 3 if person.email_verified else 2
        if email.key and quality > best[0]:
            best = quality, email.shown
    return best


def _phone(person: Person) -> Found:
    best = _NOTHING
    country = identity.country_of(person) if person.phones else ""
    for text in person.phones:
        for phone in (phones.parse(part, country) for part in phones.split(text)):
            quality = 1 if phone.placeholder else 2
            if phone.e164 and quality > best[0]:
                best = quality, phone.e164
    return best


def _tax_number(person: Person) -> Found:
    if not person.tax_number.strip():
        return _NOTHING
    number = tax_numbers.parse(person.tax_number, identity.country_of(person), person.tax_kind)
    return (2, number.value) if number.valid else (1, number.value or person.tax_number.strip())


def _country(person: Person) -> Found:
    for country in (person.country, *(address.country for address in person.addresses)):
        if country:
            return 1, country.upper()
    return _NOTHING


def _city(person: Person) -> Found:
    for address in person.addresses:
        if address.city:
            return 1, " ".join(address.city.split())
    return _NOTHING


def _address(person: Person) -> Found:
    for address in person.addresses:
        if address.line:
            return 1, ", ".join(part.strip() for part in (address.line, address.postcode) if part)
    return _NOTHING


def _plain(value: Any) -> Found:
    return (1, value) if value else _NOTHING


_READERS: dict[str, Callable[[Person], Found]] = {
    "kind": lambda person: (1, person.kind),
    "name": _name,
    "given_name": _given_name,
    "email": _email,
    "phone": _phone,
    "tax_number": _tax_number,
    "country": _country,
    "city": _city,
    "address": _address,
    "language": lambda person: _plain(person.language.strip()),
    "birthday": lambda person: _plain(person.birthday),
}
GOVERNED = tuple(_READERS)
FIELDS = (*GOVERNED, "family_name", "latin_name", "tags")


def choose(claims: Sequence[Claim], policies: Mapping[str, Sequence[str]]) -> Golden:
    """The best value of each field; None (or empty text, no tags) where nobody says anything.

    What nobody vouches for comes last, what was set aside before it, but not at all beside a ledger. Source
    ids and roles in the order of the field's policy win first, then better values (a verified e-mail, a whole
    name), then newer ones. The order of the claims is of no consequence.
    """
    newest = _newest_first(claims)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    labels = {claim.profile_id: str(claim.profile_id) for claim in claims}
    for field in _READERS:
        values[field], wins = _win(newest, field, policies.get(field, DEFAULTS.get(field, ())))
        if wins:
            origins[field] = labels[wins.profile_id]
    given, family = values["given_name"] or ("", "")
    name = values["name"] or ""
    tags = sorted({tag.strip() for claim in claims for tag in claim.person.tags if tag.strip()})
    values |= {
        "name": name,
        "given_name": given,
        "family_name": family,
        "latin_name": latin(name),
        "tags": tags,
    }
    return Golden(values, origins)


def winner(claims: Sequence[Claim], field: str, order: Sequence[str]) -> tuple[Any, Claim | None]:
    """What `choose` gives one governed field by this order, and who says so."""
    return _win(_newest_first(claims), field, order)


def _newest_first(claims: Sequence[Claim]) -> list[Claim]:
    return sorted(claims, key=lambda claim: (claim.changed_at, claim.profile_id), reverse=True)


def _win(newest: Sequence[Claim], field: str, order: Sequence[str]) -> tuple[Any, Claim | None]:
    read = _READERS[field]
    best: tuple[int, int, int] = (-1, 0, 0)
    value, wins = None, None
    for claim in newest:
        quality, said = read(claim.person)
        place = -_place(claim, order) if order and len(newest) > 1 else 0
        trust = 0 if claim.person.claimed or claim.person.writer else 2
        if trust and claim.set_aside and claim.set_aside.get(field) == str(said):
            if any(one.role == "accounting" for one in newest):
                continue  # the ledger it was set aside for says nothing of the field by now: that is its word
            trust = 1
        standing = (trust, place, quality)
        if quality and standing > best:
            best, value, wins = standing, said, claim
    return value, wins


def _place(claim: Claim, order: Sequence[str]) -> int:
    """The place of a claim in a policy; behind all when the policy doesn't name its source or role."""
    source = str(claim.source_id)
    return next((at for at, one in enumerate(order) if one in (source, claim.role)), len(order))
