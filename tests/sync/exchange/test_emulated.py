"""The 1C that `kartoteka emulate-1c` plays against our own door, over real sockets, a worker beside it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from connectors.accounting.commerceml.client import Manner
from connectors.accounting.commerceml.site import CommerceMLSite, SiteSettings
from connectors.accounting.commerceml.writing import Profile
from connectors.base import Change
from foundation import jobs
from foundation.records import Product
from kartoteka.commands.emulate import _packets
from kartoteka.emulator.checks import Judge
from kartoteka.emulator.line import Line
from kartoteka.emulator.play import Player, Way
from tests import onec
from tests.serving import served

GOODS, ORDERS = 60, 7


@contextmanager
def working(engine) -> Iterator[None]:
    """A worker that does what is asked for as soon as it is; all is done when the block ends."""
    stopped = threading.Event()

    def work():
        while not stopped.wait(0.02):
            jobs.run_until_idle(engine)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    stopped.set()
    thread.join(10)
    jobs.run_until_idle(engine)


@pytest.fixture
def site(client) -> Iterator[str]:
    """The address of our own application."""
    with served(client.app) as address:
        yield address


@pytest.fixture
def ordered(shop, shopping):
    """Puts orders into the shop; connections that are there already are to get them."""

    def order():
        for number in range(1, ORDERS + 1):
            shop.order(number)
        shopping()

    return order


def play(site, base, engine, *, version="2.09", seed=1, manner=None, goods=GOODS, **faults):
    """One play against a connection: what was found, and the player."""
    line = Line(site + base.path, seed=seed, **faults)
    way = Way(
        user=base.user, password=base.password, manner=manner or Manner(pause=0.05), version=version,
        profile=Profile(version=version or "2.05"),
    )  # fmt: skip
    player = Player(line, way)
    wanted = {
        "files": None,
        "goods": goods,
        "seed": 1,
        "encoding": "utf-8",
        "version": "2.08",
        "whole": False,
    }
    with working(engine):
        return Judge(player).play(_packets(wanted), sale=True), player


def state(engine, connection_id):
    """What this connection has brought and taken in the end."""
    own = "WHERE connection_id = %(id)s AND state"
    queries = (
        "SELECT external_id, CAST(record AS text) FROM products WHERE source_id = %(id)s ORDER BY 1",
        "SELECT number, state, total FROM orders WHERE source_id = %(id)s ORDER BY 1",
        f"SELECT DISTINCT order_id FROM exchange_orders {own} = 'taken' ORDER BY 1",
        f"SELECT order_id FROM exchange_orders {own} IN ('waiting', 'shown')",
    )
    with engine.connect() as db:
        return [db.exec_driver_sql(query, {"id": connection_id}).all() for query in queries]


def bad(checks):
    return [check for check in checks if check.state == "bad"]


@pytest.mark.parametrize("version", ["", "2.08", "3.1"], ids=["old", "new", "split"])
def test_our_own_door_behaves(site, ledger, engine, ordered, version):
    connection_id, base = ledger
    ordered()
    checks, player = play(site, base, engine, version=version)
    assert not bad(checks), checks
    products, orders, taken, open_ = state(engine, connection_id)
    assert (len(products), len(orders), len(taken), open_) == (GOODS, ORDERS, ORDERS, [])
    assert len(player.orders) == ORDERS


@pytest.mark.parametrize("seed", range(3))
def test_cuts_and_repeats_come_to_what_one_clean_run_does(site, client, engine, sealer, ordered, seed):
    clean_id, clean = onec.connect(engine, sealer, client, name="Clean")
    rough_id, rough = onec.connect(engine, sealer, client, name="Rough")
    ordered()
    assert not bad(play(site, clean, engine)[0])
    manner = Manner(pause=0.05, zip=bool(seed % 2), chunk=3000)
    checks, player = play(site, rough, engine, seed=seed, manner=manner, cut=0.1, repeat=0.15)
    assert not bad(checks), checks
    assert {step.fault for step in player.line.steps} & {"cut", "lost"}
    assert state(engine, rough_id) == state(engine, clean_id)


def test_our_own_client_and_our_own_door_understand_each_other(site, ledger, engine, ordered):
    connection_id, base = ledger
    ordered()
    settings = SiteSettings(address=site + base.path, user=base.user, password=base.password)
    shop = CommerceMLSite(settings, CommerceMLSite.make_http(settings, allow_private=True))
    with working(engine):
        raws = [raw for page in shop.pull("orders", None) for raw in page.records]
        assert not list(shop.pull("orders", None))
        tea = Product(external_id="", name="Чай", sku="T", price=Decimal("10.50"), stock=Decimal(3))
        sent = shop.push("products", Change(key="k", record=tea))
    numbers = {shop.normalise("orders", raw, settings)[0].number for raw in raws}
    products, _, taken, open_ = state(engine, connection_id)
    assert numbers == {f"R{number}" for number in range(1, ORDERS + 1)}
    assert (len(taken), open_) == (ORDERS, [])
    assert [external_id for external_id, _ in products] == [sent.external_id]
