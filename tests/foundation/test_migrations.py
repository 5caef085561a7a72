"""The schema as its history makes it, against the models."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from foundation.database import make_engine
from foundation.errors import Misconfigured
from migrations import draft
from migrations.models import METADATA
from migrations.run import missing, upgrade


def test_upgraded_schema_equals_models(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_first_migration_is_the_draft() -> None:
    written = draft.TARGET.read_text(encoding="utf-8")
    assert written == draft.statements(), "a model changed: run .venv/bin/python -m migrations.draft"


def test_second_upgrade_does_nothing(engine: Engine) -> None:
    assert missing(engine) == []
    assert upgrade(engine) == []


@pytest.fixture
def fresh(database_url: str) -> Iterator[Engine]:
    """A database without any table."""
    name = f"kartoteka_fresh_{os.getpid()}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    engine = make_engine(make_url(database_url).set(database=name).render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_database_that_cannot_hold_every_script_is_refused(database_url: str) -> None:
    name = f"kartoteka_ascii_{os.getpid()}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
        engine = make_engine(make_url(database_url).set(database=name).render_as_string(hide_password=False))
        with pytest.raises(Misconfigured, match="SQL_ASCII"):
            upgrade(engine)
        engine.dispose()
        connection.execute(f"DROP DATABASE {name}")


KILLED = """
import os, signal, sys
from sqlalchemy import event
from foundation.database import make_engine
from migrations.run import upgrade
engine = make_engine(sys.argv[1])
event.listen(engine, "commit", lambda connection: os.kill(os.getpid(), signal.SIGKILL))
upgrade(engine)
"""


def test_killed_upgrade_runs_again(fresh: Engine) -> None:
    url = fresh.url.render_as_string(hide_password=False)
    killed = subprocess.run([sys.executable, "-c", KILLED, url], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert missing(fresh) == ["0001"]
    assert upgrade(fresh) == ["0001"]
    assert missing(fresh) == []


def test_many_upgrade_at_once(fresh: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: upgrade(fresh), range(4)))
    assert sorted(done) == [[], [], [], ["0001"]]


def test_database_of_a_newer_version_is_refused(fresh: Engine) -> None:
    upgrade(fresh)
    with fresh.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for act in (upgrade, missing):
        with pytest.raises(Misconfigured, match="9999"):
            act(fresh)
