"""The graph in the database: a bounded number of queries, whatever its size."""

from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from customers import graph, jobs, merge, policy
from foundation.clock import now
from foundation.database import transaction
from foundation.jobs import run_until_idle
from tests.customers.test_card import queries
from tests.customers.test_merge import card
from tests.customers.world import row, rows, say, shop
from tests.people import JANUARY, anna, boris, dana, order


def test_recomputing_many_costs_few_queries(session: Session) -> None:
    source = shop(session)
    guests = [
        order(anna(guest=True), str(number), placed_at=JANUARY + timedelta(number)) for number in range(50)
    ]
    say(session, source, *guests, boris(), dana())
    merge.merge(session, card(session, "boris"), card(session, "dana"), "x")
    with queries(session) as sent:
        graph.recompute(session, [r.id for r in rows(session, "SELECT id FROM customers")])
    assert len(sent) <= 20


def test_applying_costs_few_queries(session: Session) -> None:
    source = shop(session)
    records = [order(boris(external_id=str(n), emails=(f"{n}@x.org",), phones=()), str(n)) for n in range(40)]
    say(session, source, *records[:20])
    with queries(session) as sent:
        say(session, source, *records, anna(), landed=100)
    assert len(sent) <= 30


def test_a_policy_reaches_every_card(engine: Engine) -> None:
    with transaction(engine) as session:
        say(session, shop(session), anna())
        say(
            session,
            shop(session, "Old file", "file"),
            anna(name="Anna Maria Petrova", changed_at=now()),
            landed=9,
        )
        operation = policy.set_policy(session, "name", ["file"], "x")
    assert jobs.PORTION
    run_until_idle(engine)
    with transaction(engine) as session:
        assert row(session, "SELECT name FROM customers WHERE live").name == "Anna Maria Petrova"
        merge.undo(session, operation.id, "x")
    run_until_idle(engine)
    with transaction(engine) as session:
        assert row(session, "SELECT name FROM customers WHERE live").name == "Anna Petrova"
