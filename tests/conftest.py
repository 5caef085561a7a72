"""A real PostgreSQL and Valkey for every test: one pair of servers and one migrated database per process.

`KARTOTEKA_TEST_DATABASE_URL` names another PostgreSQL (14 or newer) whose user may create databases.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import psycopg
import pytest
import redis
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from foundation import clock as clock_module
from foundation import embedded
from foundation.database import make_engine
from foundation.sealing import Sealer, new_key
from foundation.settings import Settings, load
from migrations.models import METADATA
from migrations.run import upgrade

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday


@pytest.fixture(scope="session")
def servers() -> Iterator[embedded.Servers]:
    """Private servers without fsync, in a folder that goes with them."""
    data = Path(tempfile.mkdtemp(prefix="kartoteka-test-"))
    started = embedded.start(data, durable=False)
    yield started
    started.stop()
    embedded.discard(data)


@pytest.fixture(scope="session")
def database_url(servers: embedded.Servers) -> Iterator[str]:
    """A fresh, migrated database of our own."""
    server = os.environ.get("KARTOTEKA_TEST_DATABASE_URL") or servers.database_url
    kept = " ENCODING 'UTF8' LOCALE 'C.UTF-8'" if server != servers.database_url else ""
    name = f"kartoteka_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0{kept}')
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    engine = make_engine(url, pool_size=1)
    upgrade(engine)
    engine.dispose()
    yield url
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def _shared_engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url, pool_size=20, application="kartoteka-test")
    yield engine
    engine.dispose()


@pytest.fixture
def engine(_shared_engine: Engine) -> Iterator[Engine]:
    """The database, empty at the start of each test."""
    yield _shared_engine
    empty(_shared_engine)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session that rolls back at the end; what other sessions shall see must be committed."""
    with Session(engine, expire_on_commit=False) as opened:
        yield opened


@pytest.fixture
def clock() -> Iterator[ModuleType]:
    """`foundation.clock`, held at a Monday morning; `clock.advance(timedelta)` moves it."""
    with clock_module.hold(MORNING):
        yield clock_module


@pytest.fixture
def valkey_url(servers: embedded.Servers) -> str:
    """An empty Valkey."""
    client = redis.Redis.from_url(servers.redis_url)
    client.flushall()
    client.close()
    return servers.redis_url


@pytest.fixture
def settings(tmp_path: Path, database_url: str, servers: embedded.Servers) -> Settings:
    """Settings of an installation on the test's servers, with a data folder and key of its own."""
    return load(
        data=tmp_path / "data",
        database_url=database_url,
        redis_url=servers.redis_url,
        key=new_key(),
        port=0,
        allow_private_addresses=True,
    )


@pytest.fixture
def sealer() -> Sealer:
    """Seals with a key made for this test."""
    return Sealer([new_key()])


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """A short path for a data folder that the servers' account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="kartoteka-data-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def empty(engine: Engine) -> None:
    """Truncate the tables that hold rows. Fails after 10 s when a test left a transaction open."""
    names = [table.name for table in METADATA.sorted_tables]
    probe = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        dirty = list(connection.scalars(text(probe)))
        if dirty:
            connection.execute(text(f"TRUNCATE {', '.join(dirty)} RESTART IDENTITY CASCADE"))
