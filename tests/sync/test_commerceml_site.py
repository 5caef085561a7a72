"""A shop with a 1C exchange, pulled by the real job: what is acknowledged is in the database already."""

import pytest

from foundation import jobs
from foundation.database import transaction
from kartoteka.worker import load_jobs
from sync import connections, context, pull
from sync.context import Context
from tests.connectors.accounting.commerceml.test_writing import order
from tests.exchange_site import PASSWORD, USER, exchange_site

ORDERS = [order(f"W-{number}") for number in range(5)]


@pytest.fixture
def pulling(engine, settings, sealer):
    """Connects such a shop; the answer pulls it and says which numbers are here."""
    load_jobs()
    context.use(Context(settings, sealer))

    def connected(site):
        typed = {"address": site.address, "user": USER, "password": PASSWORD}
        with transaction(engine) as session:
            made = connections.create(session, sealer, "commerceml_site", "Shop", typed)

        def again(full=False):
            with transaction(engine) as session:
                pull.start(session, made.id, full=full)
            jobs.run_until_idle(engine)
            return numbers(engine)

        return again

    yield connected
    context.use(None)


def numbers(engine):
    with engine.connect() as db:
        found = db.exec_driver_sql("SELECT number FROM orders WHERE gone_at IS NULL ORDER BY 1")
        return [number for (number,) in found]


def landed(engine):
    with engine.connect() as db:
        return db.exec_driver_sql("SELECT count(DISTINCT external_id) FROM landed_records").scalar()


def test_orders_are_acknowledged_when_all_of_them_are_kept(engine, pulling):
    kept = []
    with exchange_site(ORDERS, faults=["paged"]) as site:
        acknowledged = site._success
        site._success = lambda *asked: kept.append(landed(engine)) or acknowledged(*asked)
        assert pulling(site)() == [each.number for each in ORDERS]
    assert kept == [5] and site.taken == {each.number for each in ORDERS}


def test_an_order_comes_again_when_it_changes_and_stays_when_the_shop_has_no_news(engine, pulling):
    with exchange_site(ORDERS[:2]) as site:
        pull_again = pulling(site)
        assert pull_again() == ["W-0", "W-1"]
        site.orders, site.taken = [order("W-1", state="cancelled"), order("W-2")], set()
        assert pull_again() == ["W-0", "W-1", "W-2"]
        assert pull_again(full=True) == ["W-0", "W-1", "W-2"]
    with engine.connect() as db:
        states = db.exec_driver_sql("SELECT number, state FROM orders ORDER BY 1").all()
    assert states == [("W-0", "open"), ("W-1", "cancelled"), ("W-2", "open")]
