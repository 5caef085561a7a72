"""`kartoteka dedupe file`: who is who in a file, without an installation."""

from pathlib import Path
from typing import Any

import click
import msgspec

from foundation.errors import BadInput
from kartoteka.commands.connections import read_pairs
from kartoteka.terminal import bar, json_option, say


@click.command("file")
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--set", "pairs", multiple=True, metavar="KEY=VALUE",
    help="How to read the file: a setting of the spreadsheet connector.",
)  # fmt: skip
@click.option(
    "--column", "columns", multiple=True, metavar="FIELD=HEADING",
    help="Which column is what: name=Kunde. What isn't said isn't used; without any, all are guessed.",
)  # fmt: skip
@json_option
def file_command(
    source: Path, target: Path, pairs: tuple[str, ...], columns: tuple[str, ...], as_json: bool
) -> None:
    """Write the rows of SOURCE (CSV or XLSX) to TARGET (CSV) with the customer of each.

    Adds `cluster_id`, the best guess; `auto_cluster_id`, what would be joined without anybody looking;
    `match_probability` and `why`. Needs no installation and changes nothing in one.
    """
    from customers.matching.model import shipped
    from sync.dedupe import files

    options: dict[str, Any] = dict(read_pairs(pairs))
    if columns:
        options["mapping"] = _mapping(columns)
    with bar(source.name, not as_json) as show:
        try:
            summary = files.match(
                source, target, shipped(), options, lambda _, done, total: show(done, total)
            )
        except BadInput as error:
            if error.at == "mapping" and not columns:
                raise BadInput(f"{error.message}, as --column name=HEADING", "--column") from error
            raise
    found = ", ".join(f"{heading} → {field}" for field, heading in summary.columns.items())
    rows, customers = (
        f"{number:,} {noun}{'' if number == 1 else 's'}"
        for number, noun in ((summary.rows, "row"), (summary.customers, "customer"))
    )
    text = f"{customers} in {rows}; {summary.proved:,} when only what is certain is joined."
    text += f" Rows that can't be read: {summary.unreadable:,}.\nColumns: {found}"
    say({"file": target, **msgspec.to_builtins(summary)}, as_json, text)


def _mapping(columns: tuple[str, ...]) -> dict[str, str]:
    """What was said of the columns; a heading may hold any character."""
    found: dict[str, str] = {}
    for one in columns:
        field, sign, heading = one.partition("=")
        if not sign or not field.strip():
            raise BadInput(f"“{one}” is not FIELD=HEADING.", "--column")
        if field.strip() in found:
            raise BadInput(f"{field.strip()} is named twice.", "--column")
        found[field.strip()] = heading
    return found
