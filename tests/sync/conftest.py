"""A connection to the shop in memory, ready to pull."""

import pytest
from sqlalchemy import text

from foundation.database import transaction
from sync import connections, context, removal, resolve, schedule
from tests import shops


@pytest.fixture
def shop():
    """An empty shop."""
    shops.install()
    yield shops.Shop("shop")
    shops.FakeConnector.poison = None
    shops.SHOPS.clear()
    shops.uninstall()


@pytest.fixture
def sync_context(settings, sealer):
    """What jobs of this process work with."""
    context.use(context.Context(settings, sealer))
    yield context.current()
    context.use(None)


@pytest.fixture
def connection(engine, sealer, shop, sync_context):
    """A connection to the shop."""
    with transaction(engine) as session:
        return connections.create(session, sealer, "fake", "My shop", {"shop": "shop", "key": "k"})


@pytest.fixture
def count(engine):
    """How many rows a table has, with an optional condition."""

    def counted(table, where="true"):
        with engine.connect() as db:
            return db.scalar(text(f"SELECT count(*) FROM {table} WHERE {where}"))

    return counted


assert removal and resolve and schedule  # imported for the jobs and duties they register
