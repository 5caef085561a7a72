"""Real servers that nobody of this project wrote, for the tests marked `real`."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from foundation import embedded
from tests.real import tryton_server
from tests.real.shop_driver import Driver, Filled
from tests.real.tryton_hub import hub
from tests.real.tryton_server import Accountant, RealBase
from tests.real.vendure_shop import RealShop, missing


@pytest.fixture(scope="session")
def vendure(servers: embedded.Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealShop]:
    """A Vendure shop with its seeded catalogue. KARTOTEKA_REAL_FOLDER keeps its npm packages."""
    if reason := missing():
        pytest.skip(reason)
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE vendure TEMPLATE template0")
    kept = os.environ.get("KARTOTEKA_REAL_FOLDER")
    shop = RealShop(
        tmp_path_factory.mktemp("vendure"),
        servers.database_url.replace("/kartoteka?", "/vendure?"),
        Path(kept).absolute() if kept else None,
    )
    shop.start()
    yield shop
    shop.stop()


@pytest.fixture(scope="session")
def driver(vendure: RealShop) -> Driver:
    """Acts as the shop's buyers and staff."""
    return Driver(vendure.info)


@pytest.fixture(scope="session")
def filled(driver: Driver) -> Filled:
    """The shop with some people and orders in it."""
    return driver.fill(24, 40, deletions=2)


@pytest.fixture(scope="session")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealBase]:
    """A Tryton base with its books open. KARTOTEKA_REAL_FOLDER keeps its packages, too."""
    if reason := tryton_server.missing():
        pytest.skip(reason)
    kept = os.environ.get("KARTOTEKA_REAL_FOLDER")
    base = RealBase(tmp_path_factory.mktemp("tryton"), Path(kept).absolute() / "tryton" if kept else None)
    base.start()
    yield base
    base.stop()


@pytest.fixture(scope="session")
def accountant(tryton: RealBase) -> Accountant:
    """Works in Tryton itself."""
    return Accountant(tryton.info)


assert hub  # a fixture
