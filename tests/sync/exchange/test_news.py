"""Of all orders a 1C is shown what changed, without looking at the others, and nothing is passed over."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, func, select, text

from customers.batch import Resolved
from foundation import clock
from foundation.database import transaction
from foundation.records import Order
from sync.exchange import news, outgoing
from sync.exchange.tables import ExchangeNews


@pytest.fixture
def asked_of(engine):
    """The statements that a call asks of the database."""

    def run(call):
        found = []

        def note(_connection, _cursor, statement, *_rest):
            found.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        call()
        event.remove(engine, "before_cursor_execute", note)
        return found

    return run


def changed(session, number, told):
    """An order that another transaction has written and not committed yet, with or without saying so."""
    mark = text("UPDATE orders SET record_hash = 'other' WHERE number = :number RETURNING source_id")
    source = session.scalar(mark, {"number": number})
    if told:
        one = Order(
            external_id=f"o{number[1:]}", number=number, state="paid", currency="GBP", total=Decimal(1)
        )
        news.tell(session, source, [Resolved(0, clock.now(), [one])])


def test_a_change_that_commits_late_is_not_passed_over(shop, shopping, exchanged, engine):
    for number in (1, 2):
        shop.order(number)
    shopping()
    exchanged()
    with transaction(engine) as session:
        changed(session, "R1", told=True)
        shop.order(2, state="paid")
        shopping()
        assert exchanged() == ["R2"]
    assert exchanged() == ["R1"]
    assert exchanged() == []


def test_only_what_changed_is_looked_at(shop, shopping, exchanged, engine, asked_of):
    for number in (1, 2, 3):
        shop.order(number)
    shopping()
    exchanged()
    assert [one for one in asked_of(exchanged) if "FROM orders o JOIN sources" in one] == []
    shop.order(2, state="paid")
    shopping()
    looked = [one for one in asked_of(exchanged) if "FROM orders o JOIN sources" in one]
    assert len(looked) == 1 and "o.id = ANY" in looked[0]
    with engine.connect() as db:
        assert db.scalar(select(func.count()).select_from(ExchangeNews)) == 0


def test_what_nobody_told_goes_a_day_later(clock, shop, shopping, exchanged, engine):
    shop.order(1)
    shopping()
    assert exchanged() == ["R1"]
    with transaction(engine) as session:
        changed(session, "R1", told=False)
    assert exchanged() == []
    clock.advance(outgoing.WHOLE + timedelta(minutes=1))
    assert exchanged() == ["R1"]


def test_an_earlier_day_brings_the_orders_since_then(shop, shopping, exchanged, ledger, engine):
    shop.order(1)
    shopping()
    with transaction(engine) as session:
        outgoing.since(session, ledger[0], clock.now() + timedelta(days=1))
    assert exchanged() == []
    with transaction(engine) as session:
        outgoing.since(session, ledger[0], clock.now() - timedelta(days=900))
    assert exchanged() == ["R1"]


def test_news_of_more_than_a_page_go_page_by_page(shop, shopping, exchanged, base, asked, monkeypatch):
    monkeypatch.setattr(outgoing, "PAGE", 2)
    shop.order(9)
    shopping()
    exchanged()
    for number in range(7):
        shop.order(number)
    shopping()
    base.sign_in("sale")
    assert [len(asked()) for _ in range(5)] == [2, 2, 2, 1, 0]


def test_without_a_1c_nothing_is_told(shop, shopping, engine):
    shop.order(1)
    shopping()
    with engine.connect() as db:
        assert db.scalar(select(func.count()).select_from(ExchangeNews)) == 0
