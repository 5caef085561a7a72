"""The webhook door: genuine or refused, kept or counted, twice the same."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from foundation.database import transaction
from foundation.jobs import run_until_idle
from sync import connections, webhooks
from sync.tables import Connection
from tests import shops

THING = {"id": "c1", "name": "Anna", "email": "anna@example.org", "changed": "2026-03-01T10:00:00+00:00"}


@pytest.fixture
def secret(engine, sealer, connection):
    with transaction(engine) as session:
        return connections.hook_secrets(sealer, session.get_one(Connection, connection.id))[0]


@pytest.fixture
def send(engine, sealer, connection, secret):
    def post(headers_and_body=None, **headers):
        found, body = headers_and_body or shops.delivery(secret, "updated", "customers", THING)
        return webhooks.receive(engine, sealer, connection.id, {**found, **headers}, body)

    return post


def test_a_genuine_delivery_is_kept(send, count):
    assert send() == (200, "kept")
    assert count("landed_records", "via = 'webhook'") == 1
    assert count("landed_heads", "pending") == 1


def test_a_repeat_changes_no_row(send, engine):
    tables = ("landed_records", "landed_heads", "connections", "jobs", "problems")

    def dump():
        with engine.connect() as db:
            return [db.execute(text(f"SELECT xmin::text, * FROM {t}")).all() for t in tables]

    send()
    before = dump()
    assert send() == (200, "known already")
    assert dump() == before


@pytest.mark.parametrize("signature", ["", "0" * 64, "not hex", "é"])
def test_a_wrong_signature_keeps_nothing(send, count, signature):
    assert send(**{"x-signature": signature})[0] == 401
    assert count("landed_records") == 0
    send(**{"x-signature": signature})
    assert count("problems", "key LIKE 'hook-refused:%' AND times = 2 AND payload IS NULL") == 1


def test_signature_over_another_body_is_refused(send, secret):
    headers, _ = shops.delivery(secret, "updated", "customers", THING)
    assert send((headers, json.dumps(THING, indent=1).encode()))[0] == 401


def test_a_ping_is_answered(send, count):
    assert send(({}, b"ping")) == (200, "pong")
    assert count("landed_records") == 0


def test_an_unknown_topic_is_stored(send, secret, count):
    delivery = shops.delivery(secret, "created", "coupons", {"id": "x"})
    assert send(delivery)[0] == 200
    assert send(delivery)[0] == 200
    assert count("landed_records", "stream = 'hook:coupons.created'") == 1
    assert count("landed_heads") == 0


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"id": "c1"', b"\0"])
def test_genuine_nonsense_becomes_a_problem(send, secret, count, body):
    headers = {"x-signature": shops.sign(secret, body), "x-topic": "customers.updated"}
    assert send((headers, body))[0] == 200
    assert count("problems", "area = 'webhook'") == 1


def test_too_large_is_refused(send, secret):
    body = b" " * (webhooks.LARGEST + 1)
    assert send(({"x-signature": shops.sign(secret, body)}, body))[0] == 413


def test_old_secret_is_good_for_a_day(send, secret, engine, sealer, connection, clock):
    with transaction(engine) as session:
        fresh = connections.rotate_hook_secret(session, sealer, session.get_one(Connection, connection.id))
    new = shops.delivery(fresh, "updated", "customers", THING)
    clock.advance(timedelta(hours=23))
    assert send()[0] == 200 and send(new)[0] == 200
    clock.advance(timedelta(hours=2))
    assert send()[0] == 401 and send(new)[0] == 200


def test_paused_connection_still_lands(send, engine, connection, count):
    with transaction(engine) as session:
        connections.pause(session, session.get_one(Connection, connection.id))
    assert send()[0] == 200
    assert count("landed_heads") == 1


def test_unknown_connection_is_not_found(engine, sealer):
    assert webhooks.receive(engine, sealer, uuid4(), {}, b"")[0] == 404


def test_a_named_object_is_fetched(send, secret, shop, engine, count):
    shop.customer(1)
    assert send(shops.delivery(secret, "touched", "customers", {"id": "c1"})) == (200, "to be fetched")
    run_until_idle(engine)
    assert count("landed_heads", "external_id = 'c1' AND NOT gone") == 1


def test_deletion_before_creation_stays_deleted(send, secret, count):
    send(shops.delivery(secret, "deleted", "customers", {"id": "c1"}))
    send()
    assert count("landed_heads", "gone") == 1
    assert count("landed_records") == 2


def test_usual_gap_is_learnt(send, secret, engine, connection, clock):
    for minute in range(5):
        thing = {**THING, "id": f"c{minute}"}
        send(shops.delivery(secret, "updated", "customers", thing))
        clock.advance(timedelta(minutes=1))
    with transaction(engine) as session:
        assert session.get_one(Connection, connection.id).hook_gap == pytest.approx(60)


def test_a_mixed_group_is_answered_one_by_one(engine, sealer, connection, secret, count):
    good = shops.delivery(secret, "updated", "customers", THING)
    group = [
        good,
        ({**good[0], "x-signature": "0" * 64}, good[1]),
        ({"x-signature": shops.sign(secret, b"{"), "x-topic": "customers.updated"}, b"{"),
        ({}, b" " * (webhooks.LARGEST + 1)),
        shops.delivery(secret, "created", "coupons", {"id": "x"}),
        shops.delivery(secret, "updated", "orders", {**THING, "id": "o1"}),
    ]
    hooks = [webhooks.Hook(*one) for one in group]
    answers = webhooks.receive_many(engine, sealer, connection.id, hooks)
    assert [status for status, _ in answers] == [200, 401, 200, 413, 200, 200]
    assert count("landed_heads") == 2
    assert count("problems") == 2
