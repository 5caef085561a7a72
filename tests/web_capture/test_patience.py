"""Questions that find no answer are given up in time, and those remembered are answered from memory."""

import asyncio
import time

import pytest
from psycopg.errors import DeadlockDetected
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.web_capture.freezing import MARGIN, at_once, locked
from web_capture.patience import Lost


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("web_capture.gate.HOLD_UP", 0.2)
    monkeypatch.setattr("web_capture.patience.LONGEST", 1.0)


@pytest.fixture
def collector(pages):
    return pages.client.app.state.collector


def test_own_bad_luck_is_nobody_elses(collector, pages):
    def unlucky():
        raise OperationalError("UPDATE", {}, DeadlockDetected())

    async def ask():
        with pytest.raises(Lost):
            await collector.asking.ask(unlucky)
        first, second = await asyncio.gather(
            *(collector.asking.ask(time.sleep, 0.1) for _ in range(2)), return_exceptions=True
        )
        assert (first, second) == (None, None)

    pages.client.portal.call(ask)


def test_only_so_many_wait(collector, pages, monkeypatch):
    monkeypatch.setattr("web_capture.patience.MOST", 3)

    async def ask():
        found = await asyncio.gather(
            *(collector.asking.ask(time.sleep, 0.1) for _ in range(5)), return_exceptions=True
        )
        assert [type(one) for one in found] == [type(None)] * 3 + [Lost] * 2

    pages.client.portal.call(ask)


def test_what_was_given_up_is_not_asked_again(collector, pages):
    lines = []

    def long():
        with collector.asking.engine.connect() as connection:
            lines.append(connection.connection.driver_connection)
            time.sleep(0.6)
            try:
                connection.execute(text("SELECT pg_sleep(0.8)"))
            finally:
                lines.append(lines[0].closed)

    async def ask():
        with pytest.raises(Lost):
            await collector.asking.ask(long)

    pages.client.portal.call(ask)
    assert lines[1] is True, "its answer may come yet"


def test_nobody_connects_when_no_time_is_left(collector, pages):
    def look(after):
        time.sleep(after)
        with collector.asking.engine.connect() as connection:
            return connection.scalar(text("SELECT 1"))

    async def ask():
        collector.asking.engine.dispose()
        with pytest.raises(Lost):
            await collector.asking.ask(look, 0.6)  # a frozen database would hold it the driver's two seconds
        assert await collector.asking.ask(look, 0) == 1
        assert await collector.asking.ask(look, 0.6) == 1, "over the connection that is there"

    pages.client.portal.call(ask)


def test_server_ends_what_was_given_up(pages, engine):
    ask = f"/v1/visitor?site={pages.site_key}&id=d1"
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kartoteka-door' AND state = 'active'"
    )
    with locked(engine, "carts"), engine.connect() as other:
        for _ in range(3):
            assert pages.client.get(ask).status_code == 503
        assert other.scalar(text(waiting)) == 0, "nobody goes on waiting for the lock"


def test_many_who_ask_a_frozen_database_are_told_in_time(pages, engine):
    ask = f"/v1/visitor?site={pages.site_key}&id=d1"
    assert pages.client.get(ask).status_code == 200
    with locked(engine, "carts"):
        first, later = (at_once(lambda: pages.client.get(ask), 60) for _ in range(2))
        assert {answer.status_code for answer, _ in first + later} == {503}
        assert max(took for _, took in first + later) < 1.0 + MARGIN
        assert sum(took > 0.8 for _, took in later) <= 2, "one looks whether it is back"
    assert pages.client.get(ask).status_code == 200


def test_snippet_is_remembered_and_forgotten(pages, engine, monkeypatch):
    path = f"/k/{pages.site_key}.js"
    with locked(engine, "sites"):
        assert pages.client.get(path).status_code == 503
        assert pages.client.get(path).headers["cache-control"] == "no-store"
    first = pages.client.get(path).content
    monkeypatch.setattr("web_capture.patience.REMEMBERED", 1)
    pages.client.get(f"/k/{pages.site_key}.forms.js")
    assert len(pages.client.app.state.collector.asking._known) == 1
    pages.client.get(path)
    with locked(engine, "sites"):
        assert pages.client.get(path).content == first
        assert pages.client.get(f"/k/{pages.site_key}.forms.js").status_code == 503
