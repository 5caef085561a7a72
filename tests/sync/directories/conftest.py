"""A shop and a ledger in memory, both connected, and the work between them done on demand."""

import pytest
from sqlalchemy import inspect, select, text

from foundation import jobs
from foundation.database import transaction
from sync import connections, undo
from sync.directories import jobs as directory_jobs
from sync.directories import keeping, plan, undoing
from sync.directories.tables import Link, Overwritten, Push
from sync.tables import Run
from tests import ledgers


class World:
    """Both systems and the hub between them."""

    def __init__(self, engine, shop, ledger, here, there):
        self.engine, self.shop, self.ledger, self.here, self.there = engine, shop, ledger, here, there

    def pull(self, *which):
        """Fetch what both sides hold now, and bring it onto cards."""
        ledgers.pull(self.engine, *(which or (self.here, self.there)))

    def plan(self):
        with transaction(self.engine) as session:
            return plan.make(session, self.there)

    def rows(self, made):
        with transaction(self.engine) as session:
            return plan.changes(session, made.id)

    def fields(self, made):
        """(id there, field, act, reason) of a plan."""
        return [
            (row.external_id, one["field"], one["act"], one["reason"])
            for row in self.rows(made)
            for one in row.detail.get("fields", ())
        ]

    def undo(self, operation):
        """Take an operation back; what it left alone."""
        with transaction(self.engine) as session:
            left = undo.undo(session, operation, "anna@example.org").left_alone
        jobs.run_until_idle(self.engine)
        return left

    def apply(self, made, actor="anna@example.org"):
        with transaction(self.engine) as session:
            run = directory_jobs.start(session, made.id, actor)
        jobs.run_until_idle(self.engine)
        with transaction(self.engine) as session:
            return session.get_one(Run, run.id)

    def sync(self):
        """Plan and apply."""
        return self.apply(self.plan())

    def all(self, table):
        """All rows, in the order they were asked for where the table keeps one; else in none."""
        numbers = [column for column in inspect(table).columns if column.identity]
        with transaction(self.engine) as session:
            return list(session.scalars(select(table).order_by(*numbers)))

    def card(self, name):
        """The live card with this name."""
        with transaction(self.engine) as session:
            return session.execute(
                text("SELECT * FROM customers WHERE live AND name = :name"), {"name": name}
            ).one()

    def links(self):
        return self.all(Link)

    def overwritten(self):
        return [(o.side, o.field, o.was, o.now, o.reason) for o in self.all(Overwritten)]

    def pushes(self):
        return [(p.external_id, p.fields, p.state) for p in self.all(Push)]


@pytest.fixture
def ledger():
    ledgers.install()
    yield ledgers.Ledger()
    ledgers.uninstall()


@pytest.fixture
def world(engine, sealer, shop, connection, ledger, sync_context):
    with transaction(engine) as session:
        there = connections.create(session, sealer, "ledger", "Ledger", {})
        keeping.add(session, there.id, "counterparties")
    return World(engine, shop, ledger, connection.id, there.id)


@pytest.fixture
def billing(world):
    """Everybody becomes a counterparty, and each order an invoice."""
    with transaction(world.engine) as session:
        keeping.change(session, keeping.add(session, world.there, "counterparties"), creates="all")
        keeping.add(session, world.there, "nomenclature", world.here)
        made = keeping.add(session, world.there, "invoices", world.here)
        keeping.change(session, made, creates="all")
    return world


@pytest.fixture
def billed(billing):
    """An order of 300 with its draft."""
    billing.shop.customer(1)
    billing.ledger.party(1)
    billing.shop.order(1, buyer=1, total="300.00")
    for _time in range(2):
        billing.pull()
        billing.sync()
    billing.pull()
    [billing.bill] = billing.ledger.things["invoices"]
    assert billing.rows(billing.plan()) == []
    return billing


assert undoing  # imported for the undo it registers
