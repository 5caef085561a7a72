"""Writing parties: name, tax number, e-mails, phones, addresses, language.

What is no longer said is archived, never deleted: it can be brought back, and invoices may name it.
"""

from typing import Any

from connectors.accounting.tryton import current, records
from connectors.accounting.tryton.client import Client
from connectors.accounting.tryton.sources import SOURCES
from connectors.accounting.tryton.values import Node, listed, nested, text
from connectors.base import Change
from foundation.errors import BadInput
from foundation.records import Address, Person

WRITES = ("name", "company", "tax_number", "emails", "phones", "addresses", "language")

_SOURCE = SOURCES["parties"]
_MODELS = {
    "addresses": "party.address", "contact_mechanisms": "party.contact_mechanism",
    "identifiers": "party.identifier",
}  # fmt: skip


def write(client: Client, change: Change, person: Person) -> int:
    """Make or change one party; answers its id."""
    if not change.external_id:
        return _create(client, change.key, person)
    node = current.read(client, _SOURCE, change, _SOURCE.fields)
    fields = set(change.fields or WRITES)
    values: Node = {}
    if fields & {"name", "company"}:
        values["name"] = _name(person)
    if "tax_number" in fields:
        values["identifiers"] = _tax(node, person)
    mechanisms = [
        *(_ways(node, ("email",), person.emails) if "emails" in fields else ()),
        *(_ways(node, ("phone", "mobile"), person.phones) if "phones" in fields else ()),
    ]
    values["contact_mechanisms"] = mechanisms
    if "addresses" in fields:
        values["addresses"] = _addresses(client, node, person)
    if "language" in fields:
        values["lang"] = _language(client, person.language)
    values = {name: value for name, value in values.items() if value != []}
    if values:
        client.write(_SOURCE.model, int(node["id"]), values, current.stamps(node, _SOURCE, _MODELS))
    return int(node["id"])


def _create(client: Client, key: str, person: Person) -> int:
    mark = records.KEY + key
    known = current.first(client, _SOURCE.model, [["identifiers.code", "=", mark]])
    if known:
        return int(known["id"])
    identifiers = [{"type": None, "code": mark}]
    if person.tax_number:
        identifiers.insert(0, _identifier(person))
    ways = [("email", value) for value in person.emails] + [("phone", value) for value in person.phones]
    values: Node = {
        "name": _name(person),
        "identifiers": [["create", identifiers]],
        "contact_mechanisms": [["create", [{"type": kind, "value": value} for kind, value in ways]]],
        # an invoice needs an address, be it an empty one
        "addresses": [["create", [_place(client, place, {}) for place in person.addresses or (Address(),)]]],
    }
    if person.language:
        values["lang"] = _language(client, person.language)
    return client.create(_SOURCE.model, values)


def _name(person: Person) -> str:
    parts = (person.given_name, person.middle_name, person.family_name)
    name = person.company if person.kind == "company" else ""
    name = name or person.name or " ".join(filter(None, parts)) or person.company
    return name or next(iter((*person.emails, *person.phones)), "")


def _identifier(person: Person) -> Node:
    return {"type": records.TAX_TYPES.get(person.tax_kind), "code": person.tax_number}


def _tax(node: Node, person: Person) -> list[Any]:
    """What to do with the identifiers so that the number is the person's."""
    known = records.tax_identifier(node)
    if known is None:
        return [["create", [_identifier(person)]]] if person.tax_number else []
    if not person.tax_number:
        return [["write", [known["id"]], {"active": False}]]
    values = _identifier(person) if person.tax_kind else {"code": person.tax_number}
    return [["write", [known["id"]], values]]


def _ways(node: Node, types: tuple[str, ...], wanted: tuple[str, ...]) -> list[Any]:
    """What to do with the contact mechanisms of these types so that they are the wanted ones, in order.

    A new value takes the place of one that is no longer said. Archived ones stay so: nothing of them can be
    written.
    """
    ways = listed(node, "contact_mechanisms")
    known = {_bare(way): way for way in ways if way.get("type") in types and way.get("active", True)}
    kept = {value: known.pop(_bare({"value": value}), None) for value in wanted}
    idle = list(known.values())
    done: list[Any] = []
    for place, (value, same) in enumerate(kept.items(), 1):
        values = {"value": value, "sequence": place}
        if way := same or (idle.pop(0) if idle else None):
            done.append(["write", [way["id"]], values])
        else:
            done.append(["create", [{"type": types[0], **values}]])
    return [*done, *([["write", [way["id"] for way in idle], {"active": False}]] if idle else ())]


def _bare(way: Node) -> str:
    """A value as two ways of writing it share it."""
    value = text(way.get("value")).lower()
    return value if "@" in value else "".join(c for c in value if c.isdigit() or c == "+")


def _addresses(client: Client, node: Node, person: Person) -> list[Any]:
    """The addresses one by one in place of those there; further ones there stay."""
    known = [place for place in listed(node, "addresses") if place.get("active", True)]
    done: list[Any] = []
    for number, place in enumerate(person.addresses):
        if number < len(known):
            done.append(["write", [known[number]["id"]], _place(client, place, known[number])])
        else:
            done.append(["create", [_place(client, place, {})]])
    return done


def _place(client: Client, place: Address, known: Node) -> Node:
    values: Node = {
        "street": place.line or None, "city": place.city or None, "postal_code": place.postcode or None,
        "party_name": place.name or None,
    }  # fmt: skip
    before = text(nested(known, "country").get("code")).upper()
    if place.country == before:
        return values
    found = (
        current.first(client, "country.country", [["code", "=", place.country]]) if place.country else None
    )
    if place.country and not found and known:
        raise BadInput(
            f"the base knows no country “{place.country}”: import countries in Tryton", "addresses"
        )
    return {**values, "country": found["id"] if found else None, "subdivision": None}


def _language(client: Client, code: str) -> int | None:
    if not code:
        return None
    found = current.first(client, "ir.lang", [["code", "=", code]])
    if not found:
        raise BadInput(f"the base knows no language “{code}”", "language")
    return int(found["id"])
