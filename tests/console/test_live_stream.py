"""The live stream of a site over many looks: each event once, the oldest of a burst passed over."""

from types import SimpleNamespace
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from console.pages import site_events
from customers.facts import TimelineRow
from foundation.clock import now


@pytest.fixture
def looks(engine, monkeypatch):
    """`more(n)` lets n events come, `look()` is the ids that one look sends."""
    monkeypatch.setattr(site_events, "told", lambda site, row, reader: {"id": str(row.id)})
    site, count = UUID(int=7), 0

    def more(number: int) -> None:
        nonlocal count
        with Session(engine) as session, session.begin():
            for _ in range(number):
                count += 1
                session.add(
                    TimelineRow(
                        source_id=site, source_key=f"m{count}", kind="web.event", occurred_at=now(),
                        received_at=now(), data={}, profile_id=None, customer_id=None,
                    )
                )  # fmt: skip

    watch = site_events._watch(site, 0, "")

    def look() -> list[int]:
        with Session(engine) as session:
            return [news.id for news in watch(session, None)]

    return SimpleNamespace(more=more, look=look)


def test_long_stream_tells_each_event_once(looks, monkeypatch):
    monkeypatch.setattr(site_events, "MOST", 10)
    told = []
    for _ in range(60):
        looks.more(4)
        told += looks.look()
    assert len(told) == 240 and told == sorted(set(told))
    assert looks.look() == []


def test_burst_shows_its_newest_and_nothing_older_after(looks, monkeypatch):
    monkeypatch.setattr(site_events, "MOST", 20)
    looks.more(35)
    first = looks.look()
    assert len(first) == 10
    assert looks.look() == []
    looks.more(1)
    assert looks.look() == [first[-1] + 1]
