"""Figures of all cards: marks in fifths, and how much there is."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from customers import card, jobs, listing, stats, store
from customers.store import Resolved
from foundation.clock import now
from foundation.database import GRAPH_LOCK, lock, transaction
from foundation.records import AnyRecord, Gone
from tests.customers.world import rows, say, shop
from tests.people import FEBRUARY, JANUARY, anna, annas_orders, boris, dana, order


def test_marks_are_fifths(session: Session) -> None:
    source = shop(session)
    for number in range(10):
        one = boris(
            external_id=str(number), name=f"Name{number} Weber", emails=(f"b{number}@x.org",), phones=()
        )
        at = JANUARY + timedelta(number)
        bought = [
            order(one, f"{number}-{n}", placed_at=at, total=Decimal(number)) for n in range(number % 5 + 1)
        ]
        say(session, source, one, *bought)
    say(session, source, anna())
    assert stats.refresh_rfm(session) == 10
    found = rows(
        session,
        "SELECT s.recency, s.frequency, s.monetary FROM customer_stats s JOIN profiles p"
        " ON p.customer_id = s.customer_id ORDER BY p.external_id",
    )
    assert found[0] == (1, 1, 1) and found[9] == (5, 5, 5) and found[10] == (None, None, None)
    assert stats.refresh_rfm(session) == 0


def test_what_is_gone_is_not_counted(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), boris(), order(anna(), "1"), order(boris(), "2"))
    assert stats.counts(session) == (2, 2, 2, 0, 4)
    say(session, source, Gone(external_id="2", what="order"), Gone(external_id="boris", what="person"))
    assert stats.counts(session) == (1, 1, 1, 0, 2)


def test_marks_come_by_themselves(engine: Engine) -> None:
    with transaction(engine) as session:
        say(session, shop(session), order(anna(), "1"))
    jobs.marks_of_the_day(engine)
    with transaction(engine) as session:
        assert rows(session, "SELECT recency, frequency, monetary FROM customer_stats") == [(1, 1, 1)]


def test_a_load_leaves_figures_for_later(session: Session) -> None:
    source = shop(session)
    said = [anna(), *annas_orders()]
    items = [Resolved(number, now(), (record,)) for number, record in enumerate(said)]
    store.apply(session, source.id, items, bulk=True)
    [(customer,)] = rows(session, "SELECT customer_id FROM late_stats")
    assert card.read(session, customer).stats.late
    assert stats.catch_up(session)
    found = card.read(session, customer).stats
    assert (found.orders, found.late) == (2, False)
    assert not stats.catch_up(session)


def test_orders_of_known_buyers_are_written_side_by_side(engine: Engine) -> None:
    """Two batches of a load at once; a batch that brings somebody new waits until it is alone."""
    with transaction(engine) as session:
        source = shop(session).id
        store.apply(session, source, [Resolved(1, now(), (anna(),)), Resolved(2, now(), (boris(),))])

    def bulk(session: Session, number: int, *records: AnyRecord) -> None:
        session.execute(text("SET LOCAL lock_timeout = '300ms'"))
        store.apply(session, source, [Resolved(number, now(), records)], bulk=True)

    with Session(engine) as one, Session(engine) as other, Session(engine) as third:
        bulk(one, 3, order(anna(), "A-1", customer=None, customer_id="anna"))
        bulk(other, 4, order(boris(), "B-1", customer=None, customer_id="boris"))
        with pytest.raises(OperationalError, match="lock timeout"):
            bulk(third, 5, dana())
        third.rollback()
        one.commit()
        other.commit()
        bulk(third, 5, dana())
        third.commit()
    with transaction(engine) as session:
        while stats.catch_up(session):
            pass
        assert sorted(rows(session, "SELECT orders FROM customer_stats")) == [(0,), (1,), (1,)]


def test_order_that_changes_hands_is_written_alone(engine: Engine) -> None:
    with transaction(engine) as session:
        source = shop(session).id
        said = (anna(), boris(), order(anna(), "A-1"))
        store.apply(session, source, [Resolved(n, now(), (one,)) for n, one in enumerate(said)])
    moved = [Resolved(9, now(), (order(boris(), "A-1", changed_at=FEBRUARY),))]
    with Session(engine) as other, transaction(engine) as session:
        lock(other, GRAPH_LOCK, shared=True)
        session.execute(text("SET LOCAL lock_timeout = '200ms'"))
        with pytest.raises(OperationalError, match="lock timeout"), session.begin_nested():
            store.apply(session, source, moved, bulk=True)


def test_order_that_changes_hands_in_a_load_moves(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), boris(), order(anna(), "A-1"))
    moved = order(boris(), "A-1", changed_at=FEBRUARY)
    store.apply(session, source.id, [Resolved(9, now(), (moved,))], bulk=True)
    while stats.catch_up(session):
        pass
    found = rows(
        session, "SELECT c.name, s.orders FROM customers c JOIN customer_stats s ON s.customer_id = c.id"
    )
    assert sorted(found) == [("Anna Petrova", 0), ("Boris Weber", 1)]


def test_figures_of_a_batch_not_committed_yet_are_counted_after_it(engine: Engine) -> None:
    with transaction(engine) as session:
        source = shop(session).id
        store.apply(session, source, [Resolved(1, now(), (anna(),))], bulk=True)
    bought = order(anna(), "A-1", customer=None, customer_id="anna")
    with Session(engine) as one:
        store.apply(one, source, [Resolved(2, now(), (bought,))], bulk=True)
        with transaction(engine) as other:
            assert not stats.catch_up(other)
        one.commit()
    with transaction(engine) as session:
        assert stats.catch_up(session)
        assert rows(session, "SELECT orders FROM customer_stats") == [(1,)]


def test_cards_of_a_load_are_listed_at_once(session: Session) -> None:
    source = shop(session)
    store.apply(session, source.id, [Resolved(1, now(), (anna(),))], bulk=True)
    assert len(listing.page(session, listing.Filters()).rows) == 1
    assert len(listing.page(session, listing.Filters(has_orders=False)).rows) == 1
    assert listing.count(session, listing.Filters(has_orders=False)).number == 1
