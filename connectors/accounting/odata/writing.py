"""Writing counterparties and nomenclature: bodies from records, made once though asked twice."""

from typing import Any

import msgspec

from connectors.accounting.odata import contacts, invoicing, records
from connectors.accounting.odata.client import Base, Thing, quoted
from connectors.accounting.odata.mapping import NAMES, Reading
from connectors.accounting.odata.metadata import Entity
from connectors.accounting.odata.values import reference, text
from connectors.accounting.odata.walk import Walk
from connectors.base import Change, Overtaken
from foundation.errors import BadInput, Misconfigured, Permanent
from foundation.records import AnyRecord, Invoice, Person, Product

WRITES = {
    "counterparties": ("name", "company", "tax_number", "registration_number", "emails", "phones"),
    "nomenclature": ("name", "sku", "unit"),
    "invoices": ("customer_id", "issued_at", "due_at", "order_number", "lines"),
}
_MARK = "kartoteka:"


class Target(msgspec.Struct, frozen=True):
    """Where a change goes: the entity as this base has it, and what the mapping says of it."""

    base: Base
    name: str
    entity: Entity
    reading: Reading
    published: frozenset[str]
    walk: Walk
    desk: invoicing.Desk

    def path(self, field: str) -> str:
        """The first path of a field that this base has; "" when it has none."""
        return next((path for path in self.reading.fields.get(field, ()) if self.entity.has(path)), "")


def write(target: Target, change: Change) -> str:
    """Write a change; answers the reference of the object."""
    fields = change.fields or WRITES_OF[type(change.record)]
    if change.external_id:
        return _update(target, change, fields)
    if target.reading.key not in target.entity.fields:
        raise Misconfigured(
            f"{target.name} has no text field “{target.reading.key}” to keep our key in; without it the "
            "same object might be made twice. Name one as “key” in the mapping.",
            "mapping",
        )
    found = _made_before(target, change)
    if found:
        return found
    mark = f"{_MARK}{change.key}"
    body = {**_body(target, change.record, fields, None), target.reading.key: mark}
    said = target.base.create(target.name, {**body, **target.reading.constants})
    made = reference(said.get("Ref_Key")) or _made_before(target, change)
    if not made:
        raise Permanent(f"1C says that it made an object in {target.name}, and doesn't say which.")
    return made


def _update(target: Target, change: Change, fields: tuple[str, ...]) -> str:
    """1C refuses what isn't of the version read here, and that is the one the change was decided on."""
    ref = reference(change.external_id)
    there = next(target.walk.fetch([ref]), None) if ref else None
    if there is None or there.gone:
        raise Overtaken(f"{target.name} {change.external_id} is no longer there.")
    current = records.read_row(there)
    version = text(current.get("DataVersion"))
    if change.version not in ("", version, there.version_hash.hex()):
        raise Overtaken(f"{target.name} {ref} has changed in 1C meanwhile.")
    body = _body(target, change.record, fields, current)
    if body:
        target.base.change(target.name, ref, body, version)
    return ref


def _made_before(target: Target, change: Change) -> str:
    """The object that an earlier try with the same key made. 1C can't compare long texts, so we do."""
    mark, key = f"{_MARK}{change.key}", target.reading.key
    for rows in target.base.walk(
        target.name, top=500, order=(), select=f"Ref_Key,{key}", where=_narrowed(target, change.record)
    ):
        for row in rows:
            if isinstance(row, dict) and mark in text(row.get(key)).split():
                return reference(row.get("Ref_Key"))
    return ""


def _narrowed(target: Target, record: AnyRecord) -> str:
    """A filter that an object made from this record passes."""
    if isinstance(record, Invoice):
        return invoicing.of_customer(target.entity, target.reading, record.customer_id)
    if isinstance(record, Person) and record.tax_number and (path := target.path("tax_number")):
        return f"{path} eq {quoted(record.tax_number)}"
    if isinstance(record, Product) and record.sku and (path := target.path("sku")):
        return f"{path} eq {quoted(record.sku)}"
    path = target.path("name")
    return f"{path} eq {quoted(_name(record))}" if path else ""


def _body(target: Target, record: AnyRecord, fields: tuple[str, ...], current: Thing | None) -> Thing:
    if isinstance(record, Person):
        return _person(target, record, fields, current)
    if isinstance(record, Product):
        return _product(target, record, fields, current)
    if isinstance(record, Invoice):
        names = target.walk.names
        return invoicing.body(target.desk, target.entity, target.reading, names, record, fields, current)
    raise Permanent("1C takes only counterparties, nomenclature and invoices.")


def _person(target: Target, person: Person, fields: tuple[str, ...], current: Thing | None) -> Thing:
    body: Thing = {}
    legal = person.company if person.kind == "company" else ""
    said = {
        "name": _name(person),
        "company": legal or _name(person),
        "tax_number": person.tax_number,
        "registration_number": person.registration_number,
    }
    for field, value in said.items():
        if field in fields and (path := target.path(field)):
            body[path] = value
    if current is None:
        _say_kind(target, person, body)
    if "emails" in fields or "phones" in fields:
        body.update(contacts.table(target.base, target.published, target.entity, person, fields, current))
    return body


def _say_kind(target: Target, person: Person, body: Thing) -> None:
    """A new counterparty says whether it is a person: by the names that the fields have in stock bases."""
    path = target.path("kind")
    if path == "ЮридическоеФизическоеЛицо":
        body[path] = "ЮридическоеЛицо" if person.kind == "company" else "ФизическоеЛицо"
    elif path == "ЮрФизЛицо":
        body[path] = "ЮрЛицо" if person.kind == "company" else "ФизЛицо"


def _product(target: Target, product: Product, fields: tuple[str, ...], current: Thing | None) -> Thing:
    body: Thing = {}
    if "name" in fields and (path := target.path("name")):
        body[path] = product.name
    if current is None and (path := target.path("full_name")):
        body[path] = product.name
    if "sku" in fields and (path := target.path("sku")):
        body[path] = product.sku
    if "unit" in fields and product.unit:
        body.update(_unit(target, product.unit, required=current is not None))
    return body


def _unit(target: Target, unit: str, *, required: bool) -> Thing:
    """The reference of a unit by its name. A new item may do without one."""
    for path in target.reading.fields["unit"]:
        field = path.removeprefix(f"{NAMES}/")
        if field not in target.entity.fields:
            continue
        for ref, name in target.walk.names.get(field, {}).items():
            if name.casefold().rstrip(".") == unit.casefold().rstrip("."):
                return {field: ref}
    if required:
        raise BadInput(f"1C knows no unit “{unit}”", "/unit")
    return {}


def _name(record: AnyRecord) -> str:
    if isinstance(record, Product):
        return record.name
    if not isinstance(record, Person):
        return ""
    parts = " ".join(p for p in (record.family_name, record.given_name, record.middle_name) if p)
    return (record.company if record.kind == "company" else "") or record.name or parts or record.company


WRITES_OF: dict[Any, tuple[str, ...]] = {
    Person: WRITES["counterparties"],
    Product: WRITES["nomenclature"],
    Invoice: WRITES["invoices"],
}
