"""The queue at the webhook door: a group shares a commit, and shares nothing else."""

import threading
from concurrent.futures import wait
from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from foundation.database import transaction
from sync import connections, webhooks
from sync.intake import Full, Intake
from sync.tables import Connection
from tests import shops


@pytest.fixture
def secret(engine, sealer, connection):
    with transaction(engine) as session:
        return connections.hook_secrets(sealer, session.get_one(Connection, connection.id))[0]


@pytest.fixture
def intake(engine, sealer):
    made = Intake(engine, sealer, longest=12, heaviest=10_000)
    yield made
    made.stop()


@pytest.fixture
def held(monkeypatch):
    """Single deliveries are held back until this is set, so that what comes meanwhile is a group."""
    begun, go = threading.Event(), threading.Event()
    receive = webhooks.receive

    def slow(*args):
        begun.set()
        assert go.wait(30)
        return receive(*args)

    monkeypatch.setattr(webhooks, "receive", slow)
    go.begun = begun
    yield go
    go.set()


@pytest.fixture
def put(intake, connection, secret, held):
    def one(number, topic="updated", **fields):
        thing = {"id": f"c{number}", "name": "Anna", "changed": "2026-03-01T10:00:00+00:00", **fields}
        answer = intake.put(connection.id, *shops.delivery(secret, topic, "customers", thing))
        assert held.begun.wait(30)  # the first is taken alone; the others are the group after it
        return answer

    return one


@contextmanager
def at_commit(engine, act):
    """Something happens just before every commit."""

    def heard(connection):
        act(connection)

    event.listen(engine, "commit", heard)
    try:
        yield
    finally:
        event.remove(engine, "commit", heard)


def test_deliveries_share_a_commit(put, held, engine, count):
    commits = []
    answers = [put(number) for number in range(10)]
    with at_commit(engine, commits.append):
        held.set()
        assert [one.result(30) for one in answers] == [(200, "kept")] * 10
    assert len(commits) == 2
    assert count("landed_heads", "pending") == 10


def test_nobody_is_told_before_commit(put, held, engine):
    answers = [put(number) for number in range(3)]
    early = []

    def look(_):
        early.extend(one.done() for one in answers[-2:])

    with at_commit(engine, look):
        held.set()
        wait(answers, 30)
    assert early and not any(early)


def test_one_bad_of_ten_harms_none(put, held, monkeypatch, count):
    read = shops.FakeConnector.read_hook

    def fragile(headers, body, secrets):
        if b'"c5"' in body:
            raise RuntimeError("a connector's mistake")
        return read(headers, body, secrets)

    monkeypatch.setattr(shops.FakeConnector, "read_hook", fragile)
    answers = [put(number) for number in range(10)]
    held.set()
    wait(answers, 30)
    assert isinstance(answers.pop(5).exception(), RuntimeError)
    assert {one.result() for one in answers} == {(200, "kept")}
    assert count("landed_heads") == 9


def test_failed_commit_is_told_nobody(put, held, engine, count):
    answers = [put(number) for number in range(4)]

    def fail(_):
        raise OperationalError("COMMIT", {}, Exception("the server is gone"))

    with at_commit(engine, fail):
        held.set()
        wait(answers, 30)
    assert all(isinstance(one.exception(), OperationalError) for one in answers)
    assert count("landed_records") == 0


def test_doubled_deliveries_land_once(put, held, count):
    answers = [put(number) for number in (0, 1, 1, 1)]
    held.set()
    assert {one.result(30)[0] for one in answers} == {200}
    assert count("landed_records") == 2


def test_versions_in_a_group_keep_order(put, held, count):
    first = put(0)
    answers = [put(1, name="Anna"), put(1, name="Berta"), put(1, topic="deleted"), put(1, name="Anna")]
    held.set()
    wait([first, *answers], 30)
    assert count("landed_heads", "external_id = 'c1' AND gone") == 1
    assert count("landed_records", "external_id = 'c1'") == 3


def test_longer_queue_is_refused(put, held, count):
    answers = [put(number) for number in range(13)]
    with pytest.raises(Full):
        put(99)
    held.set()
    assert {one.result(30)[0] for one in answers} == {200}
    assert put(99).result(30) == (200, "kept")


def test_heavier_queue_is_refused(put, intake, connection):
    put(0)
    with pytest.raises(Full):
        intake.put(connection.id, {}, b" " * 10_001)


def test_stopping_lands_what_waits(put, held, intake, count):
    answers = [put(number) for number in range(10)]
    stopping = threading.Thread(target=intake.stop)
    stopping.start()
    held.set()
    stopping.join(30)
    assert all(one.done() for one in answers)
    assert count("landed_heads") == 10
