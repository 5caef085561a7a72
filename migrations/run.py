"""Brings a database to the newest schema; any number of processes may try at once, and any may be killed."""

import itertools
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, Engine, text

from foundation import log
from foundation.database import MIGRATION_LOCK
from foundation.errors import Misconfigured


def upgrade(engine: Engine) -> list[str]:
    """Run what is missing, in one transaction; answers the numbers that were run.

    PostgreSQL takes schema changes back with the transaction, so a killed upgrade leaves nothing half done.
    Raises `Misconfigured` when the database was made by a newer Kartoteka, or can't hold every script.
    """
    scripts = _scripts()
    done: list[str] = []

    def steps(heads: tuple[str, ...], context: MigrationContext) -> list[MigrationStep]:
        found = _after(scripts, heads)
        done.extend(script.revision for script in found)
        return [MigrationStep.upgrade_from_script(scripts.revision_map, script) for script in found]

    with engine.connect() as connection, connection.begin():
        _check_encoding(connection)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        with EnvironmentContext(Config(), scripts, fn=steps) as environment:
            environment.configure(connection=connection)
            environment.run_migrations()
    if done:
        log.get(__name__).info("database_upgraded", steps=done)
    return done


def _check_encoding(connection: Connection) -> None:
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise Misconfigured(
            f"The database keeps text as {encoding}, so it can't hold or compare names in every script. "
            "Make another with CREATE DATABASE … ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0.",
            setting="KARTOTEKA_DATABASE_URL",
        )


def missing(engine: Engine) -> list[str]:
    """The numbers that `upgrade` would run: empty when code and database fit."""
    with engine.connect() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
    return [script.revision for script in _after(_scripts(), heads)]


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent))


def _after(scripts: ScriptDirectory, heads: tuple[str, ...]) -> list[Script]:
    """The steps after these heads, oldest first."""
    history = list(scripts.walk_revisions())
    if unknown := sorted(set(heads) - {script.revision for script in history}):
        raise Misconfigured(
            f"The database is at schema {', '.join(unknown)}, which this version does not know. "
            "Start the newer version that made it.",
            setting="KARTOTEKA_DATABASE_URL",
        )
    newer = list(itertools.takewhile(lambda script: script.revision not in heads, history))
    return newer[::-1]
