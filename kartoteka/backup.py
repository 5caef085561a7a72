"""Backup and restore: every table by COPY from one snapshot into one file that any PostgreSQL can take back.

The file is a zip: `manifest.json` (version, schema, row counts) and one text COPY file per table. The sealing
key is not in it: who finds a backup must not find the credentials open.
"""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Engine, text

from foundation.clock import now
from foundation.errors import BadInput, Misconfigured
from migrations import run as migrations
from migrations.models import METADATA

FORMAT = 1
MANIFEST = "manifest.json"
CHUNK = 1 << 20
Show = Callable[[int, int | None], None]

HELD_BACK = "restored from a backup: another copy may still be running; resume when it is not"


def tables() -> list[str]:
    """Every table of ours, parents before children."""
    return [table.name for table in METADATA.sorted_tables]


def driver(connection: Any) -> psycopg.Connection[Any]:
    """The psycopg connection below, for COPY."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw


def write(engine: Engine, path: Path, show: Show = lambda done, total: None) -> dict[str, int]:
    """Write everything into a new file, readable by us only; answers rows per table."""
    if missing := migrations.missing(engine):
        raise Misconfigured(f"The tables lack {', '.join(missing)}. Run `kartoteka migrate` first.")
    fresh = path.with_name(f".{path.name}.part")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    counts: dict[str, int] = {}
    with (
        engine.connect() as connection,
        zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as file,
    ):
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        for at, name in enumerate(tables()):
            counts[name] = _copy_out(driver(connection), name, file)
            show(at + 1, len(tables()))
        schema = connection.scalar(text("SELECT version_num FROM alembic_version"))
        manifest = {"format": FORMAT, "made_at": now().isoformat(), "schema": schema, "rows": counts}
        file.writestr(MANIFEST, json.dumps(manifest))
    fresh.rename(path)
    return counts


def _copy_out(connection: psycopg.Connection[Any], name: str, file: zipfile.ZipFile) -> int:
    columns = _columns(name)
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(columns, sql.Identifier(name))
    with connection.cursor() as cursor:
        with file.open(f"{name}.copy", "w", force_zip64=True) as entry, cursor.copy(query) as copy:
            for part in copy:
                entry.write(part)
        return cursor.rowcount


def _columns(name: str) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in METADATA.tables[name].columns)


def read_manifest(path: Path) -> dict[str, Any]:
    """What a backup says of itself; BadInput when it is none of ours."""
    try:
        with zipfile.ZipFile(path) as file:
            manifest = json.loads(file.read(MANIFEST))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} is no backup of Kartoteka: {error}", "file") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BadInput(f"{path} was written by another version of Kartoteka.", "file")
    return manifest


def restore(engine: Engine, path: Path, show: Show = lambda done, total: None) -> dict[str, int]:
    """Read a backup into an empty installation, all or nothing; every connection is paused until resumed."""
    manifest = read_manifest(path)
    with engine.begin() as connection:
        schema = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if manifest["schema"] != schema:
            raise BadInput(f"it holds the tables of {manifest['schema']}, here they are of {schema}", "file")
        for name in tables():
            if connection.scalar(text(f"SELECT EXISTS (SELECT FROM {name})")):
                raise Misconfigured(f"There is data in {name} already. Restore into an empty data folder.")
        raw = driver(connection)
        with zipfile.ZipFile(path) as file:
            for at, name in enumerate(tables()):
                _copy_in(raw, name, file)
                show(at + 1, len(tables()))
        for name in tables():
            _move_identity(raw, name)
        connection.execute(
            text("UPDATE connections SET state = 'paused', paused_why = :why WHERE state = 'active'"),
            {"why": HELD_BACK},
        )
        connection.execute(text("DELETE FROM leases"))
    return {name: int(count) for name, count in manifest["rows"].items()}


def _copy_in(connection: psycopg.Connection[Any], name: str, file: zipfile.ZipFile) -> None:
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), _columns(name))
    with connection.cursor() as cursor, file.open(f"{name}.copy") as entry, cursor.copy(query) as copy:
        for part in _chunks(entry):
            copy.write(part)


def _chunks(entry: Any) -> Iterator[bytes]:
    while part := entry.read(CHUNK):
        yield part


def _move_identity(connection: psycopg.Connection[Any], name: str) -> None:
    """Numbers given from now on come after the restored ones."""
    for column in METADATA.tables[name].columns:
        if column.identity is not None:
            query = sql.SQL(
                "SELECT setval(pg_get_serial_sequence({}, {}), coalesce(max({}), 0) + 1, false) FROM {}"
            )
            words = query.format(name, column.name, sql.Identifier(column.name), sql.Identifier(name))
            connection.execute(words)
