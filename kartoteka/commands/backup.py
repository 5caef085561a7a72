"""`kartoteka backup` and `kartoteka restore`."""

from pathlib import Path

import click

from foundation.errors import BadInput
from kartoteka.terminal import bar, data_option, json_option, say


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@data_option
@json_option
def backup_command(file: Path, data: Path | None, as_json: bool) -> None:
    """Write everything in the database into a new FILE, while the product goes on running.

    The key that opens stored credentials is not in it: keep secret.key of the data folder elsewhere.
    """
    from kartoteka import backup, installation

    if file.exists():
        raise BadInput(f"{file} exists already; choose another name.", "file")
    with installation.opened(data) as found, bar("Backing up", wanted=not as_json) as show:
        counts = backup.write(found.engine, file, show)
    rows = sum(counts.values())
    size = file.stat().st_size
    text = f"{rows:,} rows in {size / 1024**2:,.1f} MB: {file}. Keep a copy of secret.key apart from it."
    say({"file": file, "bytes": size, "rows": rows, "tables": counts}, as_json, text)


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@data_option
@json_option
def restore_command(file: Path, data: Path | None, as_json: bool) -> None:
    """Read a backup into an empty installation. All connections are paused until you resume them.

    Put the old secret.key into the data folder first; without it the credentials must be entered again.
    """
    from kartoteka import backup, installation

    backup.read_manifest(file)
    with installation.opened(data, begins=True) as found, bar("Restoring", wanted=not as_json) as show:
        counts = backup.restore(found.engine, file, show)
    rows = sum(counts.values())
    text = f"{rows:,} rows restored. Connections are paused: kartoteka resume NAME, when no other copy runs."
    say({"file": file, "rows": rows, "tables": counts, "connections": "paused"}, as_json, text)
