"""A shop in memory and a real Tryton base, both connected, and what a person does with them in the hub."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from foundation import jobs
from foundation.database import transaction
from foundation.sealing import Sealer
from foundation.settings import Settings
from sync import connections, context, resolve, undo
from sync.directories import conflicts, decisions, keeping
from sync.directories.tables import Conflict
from tests import shops
from tests.real.tryton_server import RealBase
from tests.sync.directories.conftest import World

ANNA = "anna@example.org"

assert resolve  # imported for the job it registers


class Hub(World):
    """Both systems and the hub between them."""

    def one(self, query: str, **values: Any) -> Any:
        """The one row of a query."""
        with self.engine.connect() as db:
            return db.execute(text(query), values).one()

    def card(self, email: str) -> Any:
        """The live card with this e-mail address."""
        return self.one("SELECT * FROM customers WHERE live AND email = :email", email=email)

    def party(self, card: UUID) -> str:
        """The id of the party that a card is in Tryton."""
        query = "SELECT external_id FROM profiles WHERE source_id = :source AND customer_id = :card"
        return str(self.one(query, source=self.there, card=card).external_id)

    def invoice(self, order: str) -> Any:
        """The invoice of an order."""
        return self.one("SELECT * FROM invoices WHERE order_number = :order", order=order)

    def waiting(self) -> list[Conflict]:
        """What waits for a decision."""
        with transaction(self.engine) as session:
            return conflicts.waiting(session)

    def decide(self, conflict: Conflict, side: Any) -> UUID:
        """Decide a conflict; answers the operation to undo it by."""
        with transaction(self.engine) as session:
            done = decisions.decide(session, [conflict.id], side, ANNA)
        jobs.run_until_idle(self.engine)
        return done.operation.id

    def undo(self, operation: UUID) -> list[str]:
        """Take an operation back; answers what was left alone."""
        with transaction(self.engine) as session:
            left = undo.undo(session, operation, ANNA).left_alone
        jobs.run_until_idle(self.engine)
        return left


@pytest.fixture
def hub(engine: Engine, settings: Settings, sealer: Sealer, tryton: RealBase) -> Iterator[Hub]:
    """Everything connected; who buys becomes a party there, and what they buy an invoice."""
    shops.install()
    shop = shops.Shop("shop")
    context.use(context.Context(settings, sealer))
    typed = {"address": tryton.info["base"], "database": tryton.info["database"]}
    typed |= {name: tryton.info[name] for name in ("user", "password")}
    with transaction(engine) as session:
        here = connections.create(session, sealer, "fake", "My shop", {"shop": "shop", "key": "k"})
        there = connections.create(session, sealer, "tryton", "Books", typed)
        for what, home in (("counterparties", None), ("nomenclature", here.id), ("invoices", here.id)):
            directory = keeping.add(session, there.id, what, home)
            if what != "nomenclature":
                keeping.change(session, directory, creates="all")
    yield Hub(engine, shop, None, here.id, there.id)
    context.use(None)
    shops.SHOPS.clear()
    shops.uninstall()
