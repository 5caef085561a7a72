"""Writing a counterparty's contact information: a table part, which 1C takes whole or not at all."""

from collections.abc import Sequence
from typing import Any

from connectors.accounting.odata.client import Base, Thing, quoted
from connectors.accounting.odata.metadata import Entity
from connectors.accounting.odata.records import EMAIL, PHONE, emails, phones
from connectors.accounting.odata.values import reference, text
from foundation.errors import Misconfigured
from foundation.records import Person

TABLE, KINDS = "КонтактнаяИнформация", "Catalog_ВидыКонтактнойИнформации"
_TYPES = {"emails": (EMAIL, emails), "phones": (PHONE, phones)}
_STOCK = {"emails": "EmailКонтрагента", "phones": "ТелефонКонтрагента"}


def table(
    base: Base, published: frozenset[str], entity: Entity, person: Person, fields: Sequence[str],
    current: Thing | None,
) -> Thing:  # fmt: skip
    """The whole table with these e-mails and phones, its other rows kept; nothing when it says so already."""
    if TABLE not in entity.tables:
        return {}
    rows = [
        {name: value for name, value in row.items() if "@" not in name}
        for row in (current or {}).get(TABLE) or ()
        if isinstance(row, dict)
    ]
    before = list(rows)
    for field, (kind, said) in _TYPES.items():
        if field not in fields:
            continue
        wanted: Sequence[str] = getattr(person, field)
        mine = [row for row in rows if text(row.get("Тип")) == kind]
        if said(mine) == tuple(wanted):
            continue
        rows = [row for row in rows if text(row.get("Тип")) != kind]
        known = {text(row.get("Представление")): row for row in mine}
        ref = _kind_of(base, published, field, mine) if any(v not in known for v in wanted) else ""
        rows += [known.get(v) or _row(field, v, ref) for v in wanted]
    if rows == before:
        return {}
    return {TABLE: [{**row, "LineNumber": str(place)} for place, row in enumerate(rows, 1)]}


def _row(field: str, value: str, kind: str) -> Thing:
    row: dict[str, Any] = {"Тип": _TYPES[field][0], "Вид_Key": kind, "Представление": value}
    return {**row, "АдресЭП": value} if field == "emails" else {**row, "НомерТелефона": value}


def _kind_of(base: Base, published: frozenset[str], field: str, rows: Sequence[Thing]) -> str:
    """Which sort of address a new row is: as its neighbours, else the stock one of counterparties."""
    for row in rows:
        if ref := reference(row.get("Вид_Key")):
            return ref
    if KINDS in published:
        for found in base.rows(KINDS, top=1, where=f"PredefinedDataName eq {quoted(_STOCK[field])}"):
            if isinstance(found, dict) and (ref := reference(found.get("Ref_Key"))):
                return ref
    raise Misconfigured(
        f"To write contacts, {KINDS} with “{_STOCK[field]}” must be published: add it to the set of the "
        "OData interface (“Состав стандартного интерфейса OData”).",
        "mapping",
    )
