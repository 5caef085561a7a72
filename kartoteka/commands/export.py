"""`kartoteka export`: everything of one kind into a file or a pipe."""

import sys
from pathlib import Path
from typing import Literal

import click

from kartoteka.terminal import data_option, json_option, say


@click.command("export")
@click.argument("what", type=click.Choice(["customers", "orders"]))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", help="CSV or JSON lines."
)
@click.option("--raw", is_flag=True, help="No guard against formulas: for machines, not for spreadsheets.")
@data_option
@json_option
def export_command(
    what: Literal["customers", "orders"], file: Path, form: Literal["csv", "jsonl"], raw: bool,
    data: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Write customers or orders to FILE, or to the pipe when FILE is - or not given."""
    from kartoteka import export, installation

    with installation.opened(data) as found:
        if str(file) == "-":
            export.write(found.engine, what, form, sys.stdout, raw=raw)
            return
        with file.open("w", encoding="utf-8", newline="") as opened:
            count = export.write(found.engine, what, form, opened, raw=raw)
    say({"what": what, "file": file, "rows": count}, as_json, f"{count:,} {what} written to {file}.")
