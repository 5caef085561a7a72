"""What a mapping makes of one record, for the person who edits it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from connectors.accounting.odata import mapping, records
from connectors.accounting.odata.values import Row, pick, rows_at, text
from connectors.base import Raw
from foundation.errors import BadInput
from foundation.records import AnyRecord, Person

_LONGEST = 200


class Shown(msgspec.Struct, frozen=True):
    """One of our fields: where the mapping looks, where it found something, and what."""

    field: str
    paths: tuple[str, ...]
    found_at: str = ""
    value: str = ""


class Preview(msgspec.Struct, frozen=True):
    """The fields of a record one by one, those of its first line, the record itself, or what is wrong."""

    fields: tuple[Shown, ...] = ()
    line: tuple[Shown, ...] = ()
    record: dict[str, Any] = {}
    problem: str = ""
    unused: tuple[str, ...] = ()  # paths of the record that have a value and that no field looks at


def preview(said: str, country: str, zone: str, stream: str, raw: Raw) -> Preview:
    """A mapping (its JSON text) applied to one landed record; pure, and never fails."""
    try:
        reading = mapping.read(said, country)[stream]
        row = records.read_row(raw)
        fields = tuple(_shown(row, name, paths) for name, paths in reading.fields.items())
        lines = [line for table in reading.tables for line in rows_at(row, table)] if reading.line else []
        first = tuple(_shown(lines[0], name, paths) for name, paths in reading.line.items()) if lines else ()
    except (BadInput, KeyError) as error:
        return Preview(problem=str(error))
    seen = {one.found_at.partition("/")[0] for one in fields}
    unused = tuple(n for n, v in row.items() if n not in seen and not n.startswith("@") and text(v))
    try:
        made = records.record(stream, row, reading, country, records.zone_named(zone))
    except BadInput as error:
        return Preview(fields, first, problem=str(error), unused=unused)
    if not made:
        return Preview(fields, first, problem="This record is left out.", unused=unused)
    fields += tuple(_contacts(made[0], reading.tables))
    return Preview(fields, first, msgspec.to_builtins(made[0]), unused=unused)


def _shown(row: Row, field: str, paths: tuple[str, ...]) -> Shown:
    path = records.first_said(row, paths)
    if path:
        return Shown(field, paths, path, text(pick(row, path))[:_LONGEST])
    flag = next((path for path in paths if isinstance(pick(row, path), bool)), "")
    return Shown(field, paths, flag, str(pick(row, flag)).lower()) if flag else Shown(field, paths)


def _contacts(made: AnyRecord, tables: tuple[str, ...]) -> Iterator[Shown]:
    """What was found in the tables of contacts."""
    if isinstance(made, Person):
        for field, values in (("emails", made.emails), ("phones", made.phones)):
            if values:
                yield Shown(field, tables, tables[0], ", ".join(values)[:_LONGEST])
