"""An event brings somebody into a segment within two seconds, with a worker as it runs in production."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from customers.segments import jobs, language, store  # noqa: F401 - the duty
from foundation.clock import now
from foundation.jobs import Worker
from tests.conftest import MORNING
from tests.customers.segments.crowd import Crowd

EVENTS, MOST = 20, 2.0


@pytest.fixture
def worker(engine: Engine, valkey_url: str) -> Iterator[Worker]:
    started = Worker(engine, valkey_url, threads=1, beats=False)
    started.start()
    yield started
    started.stop()


def test_entry_by_an_event_is_quick(engine: Engine, worker: Worker) -> None:
    with Session(engine) as session:
        crowd = Crowd(session)
        people = [crowd.customer(f"C{number}") for number in range(EVENTS)]
        segment = store.make(session, "Opened", language.parse("opened(any letter, last 10 days)"), "t").id
        session.commit()
        took = []
        for customer in people:
            crowd.happen(customer, "letter.opened", (MORNING - now()).days + 1)
            session.commit()
            began = time.monotonic()
            while not entered(session, segment, customer):
                assert time.monotonic() - began < 10, "never entered"
                time.sleep(0.01)
            took.append(time.monotonic() - began)
    assert sorted(took)[int(EVENTS * 0.95) - 1] < MOST, took


def entered(session: Session, segment: object, customer: object) -> bool:
    query = "SELECT EXISTS (SELECT FROM segment_events WHERE segment_id = :s AND customer_id = :c)"
    found = bool(session.scalar(text(query), {"s": segment, "c": customer}))
    session.rollback()
    return found
