"""Writing invoices: heads with their references, and table parts, which 1C takes whole."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from connectors.accounting.odata.client import Base, Thing
from connectors.accounting.odata.mapping import NAMES, Reading
from connectors.accounting.odata.metadata import Entity
from connectors.accounting.odata.records import COUNTERPARTIES, GOODS, alphabetic
from connectors.accounting.odata.values import linked, reference, rows_at, text, wall
from foundation import clock
from foundation.errors import BadInput, Misconfigured
from foundation.records import Invoice, Line

ORGANISATIONS, CONTRACTS = "Catalog_Организации", "Catalog_ДоговорыКонтрагентов"
_CONTRACT = "ДоговорКонтрагента_Key"
_TYPE = "StandardODATA."


class Desk(msgspec.Struct, frozen=True):
    """What an invoice needs beside itself: other catalogues, and the base's zone."""

    base: Base
    published: frozenset[str]
    zone: ZoneInfo


def of_customer(entity: Entity, reading: Reading, customer: str) -> str:
    """The filter for a customer's documents. A reference of several kinds is compared with its kind."""
    ref = _customer(customer)
    for path in reading.fields["customer_id"]:
        if f"{path}_Type" in entity.fields:
            return f"{path} eq cast(guid'{ref}','{COUNTERPARTIES[0]}')"
        if path in entity.fields:
            return f"{path} eq guid'{ref}'"
    return ""


def body(
    desk: Desk, entity: Entity, reading: Reading, names: Mapping[str, Mapping[str, str]], invoice: Invoice,
    fields: Sequence[str], current: Thing | None,
) -> Thing:  # fmt: skip
    """What to send: the given fields of an existing invoice, everything of a new one."""
    said: Thing = {}
    if "customer_id" in fields or current is None:
        said.update(
            _link(
                entity.fields,
                reading.fields["customer_id"],
                _customer(invoice.customer_id),
                COUNTERPARTIES[0],
            )
        )
    if "issued_at" in fields or current is None:
        _say_day(said, entity, reading, "issued_at", invoice.issued_at or clock.now(), desk.zone)
    if "due_at" in fields and invoice.due_at:
        _say_day(said, entity, reading, "due_at", invoice.due_at, desk.zone)
    if "order_number" in fields or current is None:
        said.update(_first(entity, reading.fields["order_number"], invoice.order_number))
    if "lines" in fields or current is None:
        said.update(_tables(entity, reading, invoice.lines, current))
        said.update(_first(entity, reading.fields["total"], invoice.total))
        said.update(_first(entity, reading.fields["tax_in"], True))
    if current is None:
        said.update(_references(desk, entity, reading, names, invoice))
    return said


def _references(
    desk: Desk, entity: Entity, reading: Reading, names: Mapping[str, Mapping[str, str]], invoice: Invoice
) -> Thing:
    """Organisation, contract and currency of a new invoice."""
    said: Thing = {}
    organisation = next((p for p in reading.fields["organisation"] if p in entity.fields), "")
    given = reference(reading.constants.get(organisation))
    if organisation:
        given = given or _organisation(desk, organisation)
        said[organisation] = given
    if _CONTRACT in entity.fields and _CONTRACT not in reading.constants and CONTRACTS in desk.published:
        contract = _contract(desk, _customer(invoice.customer_id), given)
        said.update({_CONTRACT: contract} if contract else {})
    for path in reading.fields["currency"]:
        field = path.removeprefix(f"{NAMES}/")
        if field not in entity.fields or field in reading.constants:
            continue
        found = [ref for ref, code in names.get(field, {}).items() if alphabetic(code) == invoice.currency]
        if not found:
            raise BadInput(f"1C knows no currency {invoice.currency}", "/currency")
        said[field] = found[0]
    return said


def _organisation(desk: Desk, field: str) -> str:
    """The organisation that bills: the only one there is, else a person must say which."""
    rows: list[Any] = []
    if ORGANISATIONS in desk.published:
        rows = desk.base.rows(ORGANISATIONS, top=50, select="Ref_Key,Description,DeletionMark")
    alive = [r for r in rows if isinstance(r, dict) and r.get("DeletionMark") is not True]
    if len(alive) == 1:
        return reference(alive[0].get("Ref_Key"))
    named = "; ".join(f"{text(r.get('Description'))} is {text(r.get('Ref_Key'))}" for r in alive[:5])
    raise Misconfigured(
        f"Which organisation issues the invoices? Say it in the mapping: "
        f'{{"invoices": {{"constants": {{"{field}": "…"}}}}}}. '
        f"{named or ORGANISATIONS + ' is not published'}.",
        "mapping",
    )


def _contract(desk: Desk, customer: str, organisation: str) -> str:
    """The customer's contract, when there is one that fits; several are the accountant's to choose from."""
    rows = desk.base.rows(CONTRACTS, top=50, where=f"Owner_Key eq guid'{customer}'")
    fitting = [
        row
        for row in rows
        if isinstance(row, dict)
        and row.get("DeletionMark") is not True
        and reference(row.get("Организация_Key")) in ("", organisation)
        and text(row.get("ВидДоговора")) in ("", "СПокупателем")
    ]
    return reference(fitting[0].get("Ref_Key")) if len(fitting) == 1 else ""


def _tables(entity: Entity, reading: Reading, lines: Sequence[Line], current: Thing | None) -> Thing:
    """All table parts, complete. A line stays in the part where its product stood before."""
    tables = [table for table in reading.tables if table in entity.tables]
    if not tables:
        raise Misconfigured(f"The mapping names no table part of this base: {reading.tables}.", "mapping")
    before = {
        ref: table
        for table in tables
        for row in rows_at(current or {}, table)
        for path in reading.line.get("product_id", ())
        if (ref := linked(row, path, GOODS))
    }
    filled: dict[str, list[Thing]] = {table: [] for table in tables}
    for line in lines:
        table = before.get(reference(line.product_id), tables[0])
        row = _row(entity.tables[table], reading, line)
        filled[table].append({"LineNumber": str(len(filled[table]) + 1), **row})
    return dict(filled)


def _row(known: Mapping[str, str], reading: Reading, line: Line) -> Thing:
    row: Thing = {}
    if line.product_id:
        row.update(_link(known, reading.line.get("product_id", ()), reference(line.product_id), GOODS[0]))
    net = line.total - line.tax
    rate = str(round(line.tax * 100 / net)) if net else "0"
    said = {
        "name": line.name,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "total": line.total,
        "tax": line.tax,
        "discount": line.discount or None,
        "tax_rate": reading.vat.get(rate),
    }
    for field, value in said.items():
        path = next((path for path in reading.line.get(field, ()) if path in known), "")
        if path and value is not None:
            row[path] = value
    return row


def _link(known: Mapping[str, str], paths: Sequence[str], ref: str, kind: str) -> Thing:
    """A reference as this base writes it: with its kind beside it where it may be to several."""
    for path in paths:
        if f"{path}_Type" in known:
            return {path: ref, f"{path}_Type": f"{_TYPE}{kind}"}
        if path in known:
            return {path: ref}
    raise Misconfigured(
        f"This base has none of {', '.join(paths)}. Name its own field in the mapping.", "mapping"
    )


def _customer(said: str) -> str:
    ref = reference(said)
    if not ref:
        raise BadInput(
            "the counterparty's reference in 1C is needed: write the counterparty first", "/customer_id"
        )
    return ref


def _first(entity: Entity, paths: Sequence[str], value: Decimal | bool | str) -> Thing:
    return next(({path: value} for path in paths if path in entity.fields), {})


def _say_day(said: Thing, entity: Entity, reading: Reading, field: str, at: datetime, zone: ZoneInfo) -> None:
    path = next((path for path in reading.fields[field] if path in entity.fields), "")
    if path:
        said[path] = wall(at, zone)
