"""A real PostgreSQL and Valkey for every test: one pair of servers and one migrated database per process.

`KARTOTEKA_TEST_DATABASE_URL` names another PostgreSQL (14 or newer) whose user may create databases.
"""

import gc
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
from hypothesis import settings as properties
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
from tests import once, order

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday
properties.register_profile(
    "kartoteka", deadline=None
)  # benchmarks measure speed; a busy machine is no fault
properties.load_profile("kartoteka")
SMALL = 2**16  # bytes of a table that is emptied row by row

_FILLED = text(
    " UNION ALL ".join(
        f"SELECT '{name}' AS name, pg_relation_size('{name}') AS size WHERE EXISTS (SELECT FROM {name})"
        for name in METADATA.tables
    )
)
_RESTART = text(
    "SELECT setval(s.seqrelid, s.seqstart, false) FROM pg_sequence s JOIN pg_depend d"
    " ON d.objid = s.seqrelid AND d.deptype IN ('a', 'i') JOIN pg_class t ON t.oid = d.refobjid"
    " WHERE t.relname = ANY(:names)"
)

gc.disable()  # a third of collecting thousands of tests went into looking for garbage among them


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For several processes, which take files in this order (`--no-loadscope-reorder`)."""
    if hasattr(config, "workerinput"):
        order.longest_first(items)


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the garbage collector needn't look at it for every test."""
    gc.freeze()
    gc.enable()


def pytest_runtest_setup() -> None:
    once.KEYS.again()


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
    """Remove all rows. Fails after 10 s when a test left a transaction open.

    Where few rows are, deleting them costs a tenth of TRUNCATE, which makes new files for each index; a table
    that has grown is truncated, lest its dead rows slow later tests.
    """
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        sizes = {row.name: row.size for row in connection.execute(_FILLED)}
        if not sizes:
            return
        connection.execute(text(f"LOCK TABLE {', '.join(_pointing_at(set(sizes)))}"))
        able = connection.scalar(text("SHOW is_superuser")) == "on"
        grown = [name for name, size in sizes.items() if size > SMALL or not able]
        if grown:
            connection.execute(text(f"TRUNCATE {', '.join(grown)} RESTART IDENTITY CASCADE"))
        if few := sorted(sizes.keys() - set(grown)):
            connection.execute(text("SET LOCAL session_replication_role = replica"))  # no order among tables
            connection.execute(text(";".join(f"DELETE FROM {name}" for name in few)))
            connection.execute(_RESTART, {"names": few})


def _pointing_at(names: set[str]) -> set[str]:
    """These tables and all whose rows go with theirs."""
    tables = METADATA.tables.values()
    more = {one.name for one in tables if any(key.column.table.name in names for key in one.foreign_keys)}
    return names if more <= names else _pointing_at(names | more)
