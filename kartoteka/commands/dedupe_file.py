"""`kartoteka dedupe file`: who is who in a file, without an installation."""

from pathlib import Path
from typing import Any

import click
import msgspec

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
        options["mapping"] = read_pairs(columns)
    with bar(source.name, not as_json) as show:
        summary = files.match(source, target, shipped(), options, lambda _, done, total: show(done, total))
    found = ", ".join(f"{heading} → {field}" for field, heading in summary.columns.items())
    text = (
        f"{summary.rows:,} rows are {summary.customers:,} customers; {summary.proved:,} when only what is"
        f" certain is joined. {summary.unreadable:,} rows can't be read.\nColumns: {found}"
    )
    say({"file": target, **msgspec.to_builtins(summary)}, as_json, text)
