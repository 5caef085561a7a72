"""The door of the exchange with everything behind it, and a base that knocks."""

import re

import pytest
from starlette.testclient import TestClient

from console import exchange
from foundation import jobs
from foundation.database import transaction
from kartoteka import app as door
from kartoteka.worker import load_jobs
from sync import connections, context, pull
from sync.context import Context
from tests import onec, shops


@pytest.fixture
def client(engine, settings, sealer, monkeypatch):
    """The whole application; imports are answered with progress at once."""
    monkeypatch.setattr(exchange, "PATIENCE", 0.0)
    load_jobs()
    held = Context(settings, sealer)
    context.use(held)
    yield TestClient(door.make(held, engine), base_url="http://localhost")
    context.use(None)


@pytest.fixture
def ledger(engine, sealer, client):
    """A connection that 1C calls: its id, and the base."""
    return onec.connect(engine, sealer, client)


@pytest.fixture
def base(ledger):
    """The base alone."""
    return ledger[1]


@pytest.fixture
def imported(base, engine):
    """Sends a file, imports it to its end and answers the last bytes."""

    def run(kind, name, body):
        assert base.send(kind, name, body).startswith(b"success")
        assert base.ask(kind, "import", filename=name).startswith(b"progress")
        jobs.run_until_idle(engine)
        return base.ask(kind, "import", filename=name)

    return run


@pytest.fixture
def shop():
    """An empty shop in memory."""
    shops.install()
    yield shops.Shop("shop")
    shops.SHOPS.clear()
    shops.uninstall()


@pytest.fixture
def shopping(shop, engine, sealer, client):
    """A connection to that shop; call it to pull what has changed there."""
    with transaction(engine) as session:
        made = connections.create(session, sealer, "fake", "Shop", {"shop": "shop", "key": "k"})

    def again():
        with transaction(engine) as session:
            pull.start(session, made.id)
        jobs.run_until_idle(engine)

    return again


@pytest.fixture
def asked(base):
    """The numbers of the orders that a query answers with."""

    def run():
        return re.findall(r"<Номер>(.+?)</Номер>", base.ask("sale", "query").decode("utf-8-sig"))

    return run


@pytest.fixture
def exchanged(base, asked):
    """A whole exchange: what was shown and taken."""

    def run():
        base.sign_in("sale")
        found = asked()
        assert base.ask("sale", "success") == b"success\n"
        return found

    return run
