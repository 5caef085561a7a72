"""Removing a connection: with its data nothing of it is left, without it the cards stay."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from customers import merge, store
from customers.tables import Profile
from foundation import jobs
from foundation.clock import now
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.jobs import run_until_idle
from foundation.records import Invoice, Line, Payment
from sync import connections, pull, removal
from sync.dedupe import arrivals
from tests import shops


@pytest.fixture
def second(engine, sealer, connection):
    """Another shop that shares a customer with the first."""
    other = shops.Shop("second")
    other.customer(1, name="Person Number1", phone="+49 151 23456789")
    other.order(9, buyer=1)
    with transaction(engine) as session:
        return connections.create(session, sealer, "fake", "Second", {"shop": "second"})


@pytest.fixture
def filled(engine, shop, connection, second):
    for number in range(30):
        shop.customer(number)
        shop.order(number, buyer=number)
    shop.order(99)
    with transaction(engine) as session:
        pull.start(session, connection.id)
        pull.start(session, second.id)
    run_until_idle(engine)


@pytest.fixture
def removed(engine, connection):
    def run(**options):
        with transaction(engine) as session:
            operation = removal.start(session, connection.id, "anna", **options)
        run_until_idle(engine)
        return operation

    return run


def bill(engine, connection):
    """Somebody of the shop, known from that alone, has an invoice and paid it; nobody has another one."""
    lines = (Line(position=1, name="Cup"),)
    said = [
        Invoice(
            external_id=payer, number="1", customer_id=payer, currency="EUR", total=Decimal(5), lines=lines
        )
        for payer in ("", "payer")
    ]
    paid = Payment(external_id="1", customer_id="payer", currency="EUR", amount=Decimal(5))
    with transaction(engine) as session:
        store.apply(session, connection.id, [store.Resolved(1, now(), (*said, paid))])


def test_with_data_nothing_is_left(filled, removed, connection, count, monkeypatch, engine):
    monkeypatch.setattr(removal, "PROFILES", 7)
    monkeypatch.setattr(removal, "ROWS", 10)
    bill(engine, connection)
    assert count("customers", "live") == 32
    removed(with_data=True)
    assert count("invoice_lines") == count("payments") == count("invoices") == 0
    for table, column in (
        ("profiles", "source_id"), ("orders", "source_id"), ("timeline", "source_id"),
        ("landed_records", "connection_id"), ("landed_heads", "connection_id"),
        ("cursors", "connection_id"), ("connections", "id"),
    ):  # fmt: skip
        assert count(table, f"{column} = '{connection.id}'") == 0, table
    assert count("order_lines") == 1
    assert count("customers", "live") == 1
    assert count("customers", "live AND email = 'person1@example.org' AND phone IS NOT NULL") == 1
    assert count("customer_stats s JOIN customers c ON c.id = s.customer_id", "c.live AND s.orders = 1") == 1
    assert count("operations", "state = 'done' AND result ->> 'profiles' = '32'") == 1


def test_matching_keeps_nothing_of_it(filled, removed, engine, count):
    with transaction(engine) as session:
        arrivals.turn_on(session)
    run_until_idle(engine)
    assert count("match_records") > 20
    removed(with_data=True)
    gone = "NOT EXISTS (SELECT FROM profiles p WHERE p.id = profile_id)"
    assert count("match_records", gone) == count("match_keys", gone) == 0
    assert count("match_records") == 1


def test_without_data_cards_stay(filled, removed, connection, count):
    removed(with_data=False)
    assert count("customers", "live") == 31
    assert count("orders") == 32
    assert count("connections") == 1
    assert count("sources", "removed_at IS NOT NULL") == 1


def test_name_is_free_again(filled, removed, engine, sealer):
    removed(with_data=False)
    with transaction(engine) as session:
        connections.create(session, sealer, "fake", "My shop", {})


def test_credentials_go_at_once(filled, engine, connection, count):
    with transaction(engine) as session:
        removal.start(session, connection.id, "anna", with_data=True)
    assert count("connections", "secrets IS NULL AND hook_secret IS NULL AND state = 'removing'") == 1
    with transaction(engine) as session, pytest.raises(BadInput, match="already"):
        removal.start(session, connection.id, "anna", with_data=True)


def test_merges_of_others_survive(filled, removed, engine, sealer, second, count):
    """Two cards of other shops joined by hand stay joined, even where the merge hung on the removed shop."""
    third = shops.Shop("third")
    third.customer(5, name="Somebody Else", email="else@example.org")
    with transaction(engine) as session:
        own = connections.create(session, sealer, "fake", "Third", {"shop": "third"})
        pull.start(session, own.id)
    run_until_idle(engine)
    with transaction(engine) as session:
        cards = [
            session.scalars(text("SELECT customer_id FROM profiles WHERE source_id = :id"), {"id": one}).one()
            for one in (second.id, own.id)
        ]
        merge.merge(session, cards[1], cards[0], "anna")
    removed(with_data=True)
    with transaction(engine) as session:
        assert len({p.customer_id for p in session.query(Profile)}) == 1
    assert count("customers", "live") == 1


def test_what_is_read_while_the_connection_goes_does_not_land(
    filled, removed, engine, connection, shop, count, monkeypatch
):
    """A webhook had an object read again; the answer comes when the connection has been taken away."""
    honest = shops.FakeConnector.fetch

    def slow(self, stream, ids):
        found = list(honest(self, stream, ids))
        with transaction(engine) as session:
            removal.start(session, connection.id, "anna", with_data=True)
        run_until_idle(engine)
        return found

    monkeypatch.setattr(shops.FakeConnector, "fetch", slow)
    shop.customer(1, name="Too Late")
    with transaction(engine) as session:
        jobs.enqueue(
            session, "sync.fetch", {"connection": str(connection.id), "stream": "customers", "ids": ["c1"]}
        )
    run_until_idle(engine)
    assert count("landed_heads", f"connection_id = '{connection.id}'") == 0
    assert count("profiles", f"source_id = '{connection.id}'") == 0
    assert count("landed_records", "payload LIKE '%Too Late%'") == 0
