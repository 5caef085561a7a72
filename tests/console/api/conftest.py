"""The whole application with a token of each scope, and a few people on cards."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from console.sessions import digest
from console.tables import ApiToken
from customers import store
from customers.batch import Resolved
from customers.tables import Source
from foundation.clock import now
from foundation.database import transaction
from kartoteka import app as door
from kartoteka.worker import load_jobs
from sync import context
from sync.context import Context
from sync.tables import Connection
from tests import people


@pytest.fixture
def whole(engine, settings, sealer):
    """The application as `kartoteka web` serves it."""
    load_jobs()
    held = Context(settings, sealer)
    context.use(held)
    yield door.make(held, engine)
    context.use(None)


@pytest.fixture
def bearer(whole, engine):
    """A client for a token of the scopes named."""

    def make(*scopes, **headers):
        text = f"kt_{'_'.join(scopes)}"
        with transaction(engine) as session:
            session.add(ApiToken(name=text, token_hash=digest(text), scopes=list(scopes)))
        return TestClient(
            whole, base_url="http://localhost", headers={"Authorization": f"Bearer {text}", **headers}
        )

    return make


@pytest.fixture
def reader(bearer):
    return bearer("read")


@pytest.fixture
def writer(bearer):
    return bearer("write")


@pytest.fixture
def shop(engine):
    """A connection with Anna, her two orders, and Boris."""
    with transaction(engine) as session:
        source = Source(name="Shop", kind="woocommerce", role="shop")
        session.add(source)
        session.flush()
        session.add(Connection(id=source.id))
        records = [people.anna(), people.boris(), *people.annas_orders()]
        items = [Resolved(number, now(), (record,)) for number, record in enumerate(records, 1)]
        store.apply(session, source.id, items)
    return source


@pytest.fixture
def anna(reader, shop):
    """Anna's card as the list shows it."""
    return reader.get("/api/v1/customers", params={"q": "anna"}).json()["data"][0]


@pytest.fixture
def count_queries(engine):
    """The statements sent to the database inside the block."""

    @contextmanager
    def counting():
        sent = []

        def note(connection, cursor, statement, *rest):
            sent.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return counting
