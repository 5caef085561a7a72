"""Records as flat fields that can be compared on both sides, and flat fields written into records. Pure.

People are compared by their golden fields, so a phone is the same in whatever way a source writes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple
from uuid import UUID

import msgspec

from customers import golden
from customers.golden import Claim
from foundation.errors import BadInput
from foundation.records import Address, Person, Product
from sync.directories.merge import Owner

# what is compared -> the fields of a record that hold it
PERSON: dict[str, tuple[str, ...]] = {
    "name": ("name", "company", "given_name", "middle_name", "family_name"),
    "tax_number": ("tax_number",),
    "email": ("emails",),
    "phone": ("phones",),
    "country": ("addresses", "country"),
    "city": ("addresses",),
    "address": ("addresses",),
    "language": ("language",),
    "birthday": ("birthday",),
}
PRODUCT: dict[str, tuple[str, ...]] = {
    "name": ("name",), "sku": ("sku",), "barcode": ("barcode",), "price": ("price",), "unit": ("unit",),
    "category": ("category",),
}  # fmt: skip
INVOICE: dict[str, tuple[str, ...]] = {
    "total": ("lines",), "currency": ("currency",), "cancelled": ("state",),
}  # fmt: skip
OF = {"counterparties": PERSON, "nomenclature": PRODUCT, "invoices": INVOICE}
NOBODY = UUID(int=0)


class Said(NamedTuple):
    """A value, since when its source has it at the latest, and the profile or product that has it."""

    value: str
    at: datetime | None = None
    by: UUID | None = None


Flat = Mapping[str, Said]


def written(fields: Mapping[str, tuple[str, ...]], writes: Iterable[str]) -> frozenset[str]:
    """The compared fields that a stream with these `writes` can write."""
    able = set(writes)
    return frozenset(field for field, parts in fields.items() if able.intersection(parts))


def of_person(claim: Claim) -> dict[str, Said]:
    """What one profile says, as the card would have it."""
    return of_claims([claim], {})


def of_claims(claims: Sequence[Claim], policies: Mapping[str, Sequence[str]]) -> dict[str, Said]:
    """What these profiles say together. Values set aside and what nobody vouches for say nothing."""
    sound = [one for one in claims if not one.person.claimed and not one.person.writer]
    chosen = golden.choose(sound, policies)
    by = {str(claim.profile_id): claim for claim in sound}
    found = {}
    for field in PERSON:
        value = chosen.values[field]
        if not value:
            continue
        winner = by[chosen.origins[field]]
        if winner.set_aside.get(field) != str(value):
            found[field] = Said(str(value), winner.changed_at, winner.profile_id)
    return found


def alike(field: str, value: str | None, *others: str | None) -> str | None:
    """The value, in the form that one of the others has: letter case makes no other e-mail of it."""
    if field != "email" or not value:
        return value
    return next((one for one in others if one and one.casefold() == value.casefold()), value)


def owner(field: str, order: Sequence[str], ours: Claim | None, theirs: Claim) -> Owner:
    """Who owns a field by the order of its policy: whichever of the two it names first, else nobody."""

    def place(claim: Claim) -> int:
        names = (str(claim.source_id), claim.role)
        return next((at for at, one in enumerate(order) if one in names), len(order))

    if ours is None or place(ours) == place(theirs):
        return "ask"
    return "ours" if place(ours) < place(theirs) else "theirs"


def of_product(record: Product, at: datetime | None, by: UUID | None = None) -> dict[str, Said]:
    """The fields of a product that say something."""
    values = {
        "name": " ".join(record.name.split()), "sku": record.sku.strip(), "barcode": record.barcode.strip(),
        "price": amount(record.price) if record.price is not None else "", "unit": record.unit.strip(),
        "category": record.category.strip(),
    }  # fmt: skip
    return {field: Said(value, at, by) for field, value in values.items() if value}


def of_bill(
    total: Decimal, currency: str, state: str, at: datetime | None, by: UUID | None = None
) -> dict[str, Said]:  # fmt: skip
    """What is compared of an order and its invoice."""
    cancelled = "yes" if state in ("cancelled", "failed") else ""
    values = {"total": amount(total), "currency": currency, "cancelled": cancelled}
    return {field: Said(value, at, by) for field, value in values.items() if value}


def amount(value: Decimal) -> str:
    """A number in the one way that equal ones share."""
    return format(value.normalize() + 0, "f")


def into_person(record: Person, fields: Mapping[str, str | None]) -> Person:
    """The record with these fields; whatever else it says stays."""
    changes: dict[str, object] = {}
    for field, said in fields.items():
        value = said or ""
        if field == "name":
            changes |= {"given_name": "", "middle_name": "", "family_name": ""}
            changes |= {"name": value, "company": value if record.kind == "company" else record.company}
        elif field == "birthday":
            changes["birthday"] = date.fromisoformat(value) if value else None
        elif field in ("email", "phone"):
            changes[f"{field}s"] = _replaced(record, field, value)
        elif field == "country":
            changes["country"] = value
        elif field in ("tax_number", "language"):
            changes[field] = value
    places = {name: fields[name] or "" for name in ("country", "city", "address") if name in fields}
    if places:
        changes["addresses"] = _placed(record.addresses, places)
    return msgspec.structs.replace(record, **changes)


def _replaced(record: Person, field: str, value: str) -> tuple[str, ...]:
    """A record's e-mails or phones with the value in the place of the one that stood for all of them."""
    values: tuple[str, ...] = getattr(record, f"{field}s")
    said = [_shown(msgspec.structs.replace(record, **{f"{field}s": (one,)}), field) for one in values]
    before = (_shown(record, field), value)
    rest = [one for one, shown in zip(values, said, strict=True) if shown not in before]
    return (*((value,) if value else ()), *rest)


def _shown(record: Person, field: str) -> str:
    """What stands for a record's e-mails or phones."""
    claim = Claim(NOBODY, NOBODY, "", datetime.min.replace(tzinfo=UTC), record)
    return str(golden.choose([claim], {}).values[field] or "")


def _placed(addresses: tuple[Address, ...], places: Mapping[str, str]) -> tuple[Address, ...]:
    """The first address with these parts; an address line keeps its postcode in it."""
    main = addresses[0] if addresses else Address()
    changes = dict(places)
    if "address" in changes:
        changes["line"], changes["postcode"] = changes.pop("address"), ""
    return (msgspec.structs.replace(main, **changes), *addresses[1:])


def into_product(record: Product, fields: Mapping[str, str | None]) -> Product:
    """The record with these fields."""
    changes: dict[str, object] = {}
    for field, value in fields.items():
        changes[field] = _decimal(value) if field == "price" else value or ""
    return msgspec.structs.replace(record, **changes)


def _decimal(value: str | None) -> Decimal | None:
    try:
        return Decimal(value) if value else None
    except InvalidOperation as error:
        raise BadInput(f"“{value}” is no amount", "price") from error


def differing(before: Person | Product, after: Person | Product, writes: Iterable[str]) -> tuple[str, ...]:
    """The fields of a record that are to become another and can be written."""
    return tuple(name for name in writes if getattr(before, name, None) != getattr(after, name, None))
