"""Deduplicating a file without an installation: rows in, the same rows out with the customer of each."""

import csv
import os
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
from customers.matching.words import sentence
from foundation.errors import BadInput
from foundation.records import Address, Person, PersonKind
from sync.dedupe.batch import Batch, Outcome, Progress
from sync.plans import reader

ADDED = ("cluster_id", "auto_cluster_id", "match_probability", "why")
_SHOW_EVERY = 5_000


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

    BadInput when the file can't be a table, or when nothing in it is known to be of a customer.
    """
    if target.exists() and os.path.samefile(source, target):
        raise BadInput("write into another file than the one that is read", str(target))
    settings = reader(source, "customers", options).settings
    assert isinstance(settings, SheetSettings)
    table = Table(source, encoding=settings.encoding, delimiter=settings.delimiter)
    columns = columns_of(table, settings)
    batch, numbers = Batch(model), []
    guessed, width = table.guessed_rows(), len(table.headers)
    for count, row in enumerate(table.rows()):
        numbers.append(-1 if row.problem else len(batch.records))
        width = max(width, len(row.cells))
        if not row.problem:
            batch.add(person(row.cells, columns, settings))
        if count % _SHOW_EVERY == 0:
            progress("Reading", count, max(guessed, count))
    outcome = batch.match(progress)
    _write(target, table, width, numbers, batch, outcome, progress)
    unreadable = sum(number < 0 for number in numbers)
    return Summary(
        len(numbers),
        unreadable,
        len(set(outcome.best)) + unreadable,
        len(set(outcome.automatic)) + unreadable,
        {field: table.headers[column] for field, column in columns.items()},
    )


def person(cells: Sequence[str], columns: Mapping[str, int], settings: SheetSettings) -> Person:
    """What matching needs of a row; a row with a company is the company's, whoever its contact is."""
    said = {field: cell for field, column in columns.items() if (cell := values.clean(cells[column]))}

    def text(field: str) -> str:
        return said.get(field, "")

    country = rows.country_code(text("country")) or settings.country.strip().upper()
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


def _write(
    target: Path, table: Table, width: int, numbers: list[int], batch: Batch, outcome: Outcome,
    progress: Progress,
) -> None:  # fmt: skip
    """The rows again with what was found; the file appears whole or not at all."""
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("w", encoding="utf-8", errors="replace", newline="") as file:
            out = csv.writer(file)
            out.writerow([*_headers(table.headers, width), *ADDED])
            where = [line for line, number in enumerate(numbers, 1) if number >= 0]
            for line, (row, number) in enumerate(zip(table.rows(), numbers, strict=True), 1):
                cells = row.cells + [""] * (width - len(row.cells))
                out.writerow([*cells, *_found(line, number, row, batch, outcome, where)])
                if line % _SHOW_EVERY == 0:
                    progress("Writing", line, len(numbers))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _found(
    line: int, number: int, row: Row, batch: Batch, outcome: Outcome, where: list[int]
) -> tuple[str, str, str, str]:
    """The cells we add to a row."""
    if number < 0:
        return f"c{line}", f"c{line}", "", f"this row can't be read: {row.problem}"
    best, proved = where[outcome.best[number]], where[outcome.automatic[number]]
    other = outcome.link[number]
    if other < 0:
        return f"c{best}", f"c{proved}", "", ""
    why = batch.model.why(batch.records[number], batch.records[other], batch.counts)
    chance = f"{probability(outcome.bits[number]):.4f}"
    return f"c{best}", f"c{proved}", chance, f"row {where[other]}: {sentence(why)}"


def _headers(names: tuple[str, ...], width: int) -> Iterator[str]:
    """The file's own headings, out of the way of ours, with one for each cell too many."""
    for name in names:
        yield f"{name} (file)" if name in ADDED else name
    for column in range(len(names) + 1, width + 1):
        yield f"Column {column}"
