"""Figures of all cards: marks in fifths, and how much there is."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from customers import jobs, stats
from foundation.database import transaction
from foundation.records import Gone
from tests.customers.world import rows, say, shop
from tests.people import JANUARY, anna, boris, order


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
