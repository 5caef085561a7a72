"""The n-th statement fails: whatever n is, trying again ends where no fault ends."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from foundation.database import transaction
from foundation.jobs import run_until_idle
from sync import pull, resolve
from sync.tables import Connection


class Fault:
    """Raises once, at the n-th statement of any session."""

    def __init__(self, monkeypatch, at: int) -> None:
        self.left, self.happened = at, False
        honest = Session.execute

        def execute(session, *args, **options):
            self.left -= 1
            if self.left == 0:
                self.happened = True
                raise OperationalError("a statement", {}, Exception("the server closed the connection"))
            return honest(session, *args, **options)

        monkeypatch.setattr(Session, "execute", execute)


def state(engine):
    with engine.connect() as db:
        return {
            name: db.execute(text(query)).all()
            for name, query in (
                ("heads", "SELECT stream, external_id, gone, pending FROM landed_heads ORDER BY 1, 2"),
                ("orders", "SELECT external_id, state, total FROM orders ORDER BY 1"),
                ("cards", "SELECT name, email FROM customers WHERE live ORDER BY 1"),
                ("timeline", "SELECT source_key, kind FROM timeline ORDER BY 1, 2"),
                ("figures", "SELECT orders, spent FROM customer_stats ORDER BY 1, 2"),
            )
        }


@pytest.mark.parametrize("at", [1, 2, 3, *sorted(random.Random(4).sample(range(4, 75), 12))])
def test_any_failing_statement_is_survived(shop, engine, connection, monkeypatch, clock, at):
    for number in range(4):
        shop.customer(number)
        shop.order(number, buyer=number if number % 2 else None, state="paid")
    fault = Fault(monkeypatch, at)
    for _ in range(12):
        try:
            with transaction(engine) as session:
                if session.get_one(Connection, connection.id).last_success_at is None:
                    pull.start(session, connection.id)
            run_until_idle(engine)
            while resolve.resolve(engine):
                pass
        except OperationalError:
            assert fault.happened
        clock.advance(timedelta(minutes=2))
    assert fault.happened
    found = state(engine)
    assert [tuple(row) for row in found["heads"]] == [
        (stream, f"{stream[0]}{n}", False, False) for stream in ("customers", "orders") for n in range(4)
    ]
    assert len(found["orders"]) == 4
    assert len(found["cards"]) == len(found["figures"]) == 6
    assert sum(row.orders for row in found["figures"]) == 4
    assert len(found["timeline"]) == len({row.source_key for row in found["timeline"]})
