"""Deduplicating a file without an installation: rows in, the same rows out with the customer of each."""

import csv
import dataclasses
import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from connectors.files import keys, rows, values, words
from connectors.files.delimited import Row
from connectors.files.pages import columns_of
from connectors.files.reading import Table
from connectors.files.settings import SheetSettings
from customers.matching.model import Model, probability
from customers.matching.prepared import Prepared, prepare
from customers.matching.words import sentence
from foundation.clock import new_id
from foundation.errors import BadInput
from foundation.records import Address, Person, PersonKind
from sync.dedupe.batch import Batch, Outcome, Progress
from sync.plans import reader

_CHANGED = "the file has changed while it was being read; begin again"
ADDED = ("cluster_id", "auto_cluster_id", "match_probability", "why")
_SHOW_EVERY = 5_000
_BESIDE = 20  # cells of a row without a heading; more than that stand together in the last of them


class Summary(msgspec.Struct):
    """What came of a file: rows, those nobody could read, customers by the best guess and by proof alone."""

    rows: int
    unreadable: int
    customers: int
    proved: int
    columns: dict[str, str]


def match(
    source: Path, target: Path, model: Model, options: Mapping[str, Any], progress: Progress = lambda *_: None
) -> Summary:
    """Write `target`: every row of `source` with who it is; options are those of the spreadsheet connector.

    BadInput when the file can't be a table, when nothing in it is known to be of a customer, when it changes
    meanwhile, or when `target` can't be written.
    """
    target = _checked(source, target)
    state = _state(source)
    settings = reader(source, "customers", options).settings
    assert isinstance(settings, SheetSettings)
    settings = dataclasses.replace(settings, country=rows.told_country(settings.country))
    table = Table(source, encoding=settings.encoding, delimiter=settings.delimiter)
    columns = columns_of(table, settings)
    batch, numbers, seen = Batch(model), array("i"), dict[Prepared, int]()
    guessed, width = table.guessed_rows(), len(table.headers)
    for count, row in enumerate(table.rows()):
        width = max(width, min(len(row.cells), len(table.headers) + _BESIDE))
        found = None if row.problem else prepare(person(row.cells, columns, settings))
        numbers.append(_number(batch, found, seen) if found else -1)
        if count % _SHOW_EVERY == 0:
            progress("Reading", count, max(guessed, count))
    outcome = batch.match(progress)
    part = target.with_name(f".kartoteka-{new_id().hex}.part")
    try:
        _write(part, table, width, numbers, batch, outcome, progress)
        if _state(source) != state:
            raise BadInput(_CHANGED, source.name)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    unreadable = sum(number < 0 for number in numbers)
    return Summary(
        len(numbers),
        unreadable,
        len(set(outcome.best)) + unreadable,
        len(set(outcome.automatic)) + unreadable,
        {field: table.headers[column] for field, column in columns.items()},
    )


def _number(batch: Batch, one: Prepared, seen: dict[Prepared, int]) -> int:
    """The record of a row; rows that tell who it is in the same words are one, however many there are."""
    if not (one.name.words or one.company) or not (one.mails or one.phones or one.tax):
        return batch.take(one)
    if (number := seen.get(one)) is None:
        number = seen[one] = batch.take(one)
    return number


def person(cells: Sequence[str], columns: Mapping[str, int], settings: SheetSettings) -> Person:
    """What matching needs of a row; a row with a company is the company's, whoever its contact is."""
    said = {
        field: cell
        for field, column in columns.items()
        if cells[column] and (cell := values.clean(cells[column]))
    }

    def text(field: str) -> str:
        return said.get(field, "")

    country = rows.country_code(text("country")) or settings.country
    company = "" if values.is_nothing(text("company")) else text("company")
    place = (text("address"), text("city"), text("postcode"))
    return Person(
        external_id="",
        kind=_kind(text("kind"), company),
        name=text("name"),
        given_name=text("given_name"),
        family_name=text("family_name"),
        middle_name=text("middle_name"),
        company=company,
        emails=keys.emails(text("email")),
        phones=tuple(keys.phones(text("phone"))),
        tax_number=text("tax_number"),
        birthday=_birthday(text("birthday"), settings.dates),
        country=country,
        addresses=(Address(line=place[0], city=place[1], postcode=place[2]),) if any(place) else (),
        device_ids=(text("device_id"),) if text("device_id") else (),
    )


def _kind(said: str, company: str) -> PersonKind:
    spoken = said.casefold()
    return "company" if company or words.COMPANIES & {spoken, *spoken.split()} else "person"


def _birthday(text: str, order: str) -> Any:
    try:
        return values.day(text, order) if text else None
    except BadInput:
        return None


def _checked(source: Path, target: Path) -> Path:
    """Where the rows are to stand; BadInput when they can't, before anything is spent on them."""
    if target.exists() and os.path.samefile(source, target):
        raise BadInput("write into another file than the one that is read", str(target))
    if target.exists() and not target.is_file():
        raise BadInput("only a file can be written", str(target))
    found = target.resolve()
    if not os.access(found.parent, os.W_OK | os.X_OK):
        raise BadInput("nothing can be written into this folder", str(found.parent))
    return found


def _state(source: Path) -> tuple[int, int, int]:
    """Differs when a file has been written to, or is another one."""
    now = source.stat()
    return now.st_ino, now.st_size, now.st_mtime_ns


def _write(
    part: Path, table: Table, width: int, numbers: "array[int]", batch: Batch, outcome: Outcome,
    progress: Progress,
) -> None:  # fmt: skip
    """The rows again with what was found."""
    with part.open("x", encoding="utf-8", errors="replace", newline="") as file:
        out = csv.writer(file)
        out.writerow([*_headers(table.headers, width), *ADDED])
        where = _lines(numbers, len(batch.records))
        for line, (row, number) in enumerate(zip(table.rows(), numbers, strict=False), 1):
            out.writerow([*_fitted(row.cells, width), *_found(line, number, row, batch, outcome, where)])
            if line % _SHOW_EVERY == 0:
                progress("Writing", line, len(numbers))


def _lines(numbers: "array[int]", records: int) -> list[list[int]]:
    """The first two rows of each record, from one on."""
    found: list[list[int]] = [[] for _ in range(records)]
    for line, number in enumerate(numbers, 1):
        if number >= 0 and len(found[number]) < 2:
            found[number].append(line)
    return found


def _fitted(cells: list[str], width: int) -> list[str]:
    """As many cells as there are columns."""
    if len(cells) > width:
        return [*cells[: width - 1], ",".join(cells[width - 1 :])]
    return cells + [""] * (width - len(cells))


def _found(
    line: int, number: int, row: Row, batch: Batch, outcome: Outcome, where: list[list[int]]
) -> tuple[str, str, str, str]:
    """The cells we add to a row."""
    if number < 0:
        return f"c{line}", f"c{line}", "", f"this row can't be read: {row.problem}"
    best, proved = where[outcome.best[number]][0], where[outcome.automatic[number]][0]
    other, twin = outcome.link[number], next((one for one in where[number] if one != line), 0)
    if twin:
        other, bits = number, batch.model.weigh(batch.records[number], batch.records[number], batch.counts)
    elif other >= 0:
        twin, bits = where[other][0], outcome.bits[number]
    else:
        return f"c{best}", f"c{proved}", "", ""
    why = batch.model.why(batch.records[number], batch.records[other], batch.counts)
    return f"c{best}", f"c{proved}", f"{probability(bits):.4f}", f"row {twin}: {sentence(why)}"


def _headers(names: tuple[str, ...], width: int) -> Iterator[str]:
    """The file's own headings, out of the way of ours, with one for each cell too many."""
    taken = {*names, *ADDED}
    for name in names:
        own = name
        while own in ADDED or (own != name and own in taken):
            own += " (file)"
        taken.add(own)
        yield own
    for column in range(len(names) + 1, width + 1):
        yield f"Column {column}"
