"""Who may send: keys are known in memory, a revoked one is out within seconds, a new one works at once."""

import base64
import time

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from foundation.database import transaction
from kartoteka import app
from web_capture import gate, sites

EVENT = {"anonymousId": "d1", "event": "Cart Viewed"}


@pytest.fixture
def revoke(engine, pages):
    """Revokes the keys of the site."""

    def revoked():
        with transaction(engine) as session:
            site = sites.find(session, pages.id)
            for key in sites.keys_of(session, site):
                sites.revoke(session, site, key.id)

    return revoked


@pytest.fixture
def at(monkeypatch):
    """Seconds of the gates' clock."""
    now = [time.monotonic()]
    monkeypatch.setattr(gate, "monotonic", lambda: now[0])
    return now


def basic(key):
    """The header that names a key."""
    return {"authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"}


def test_revoked_key_is_refused_in_every_process(pages, engine, capturing, revoke, at):
    body, hand_over = (
        {**EVENT, "writeKey": pages.write_key},
        {"writeKey": pages.write_key, "anonymousId": "d1"},
    )
    with TestClient(app.make(capturing, engine), base_url="http://localhost") as second:
        doors = (pages.client, second)

        def said(path, body, **headers):
            return [door.post(path, json=body, headers=headers).status_code for door in doors]

        secret = basic(pages.secret_key)
        assert said("/v1/track", body) == said("/v1/track", EVENT, **secret) == [200, 200]
        revoke()
        assert said("/v1/track", body) == [200, 200], "held in memory: the next assertions are of something"
        at[0] += gate.FRESH + 0.01
        assert said("/v1/track", body) == said("/v1/track", EVENT, **secret) == [401, 401]
        assert said("/v1/handover", hand_over) == [403, 403]
        assert said("/v1/lead", hand_over) == [400, 400]
    assert gate.FRESH <= 5


def test_slow_look_makes_keys_no_fresher(pages, revoke, at):
    engine = pages.client.app.state.collector.asking.engine

    def slowly(*_):
        at[0] += 4.0
        revoke()  # after they were read, before that is known

    at[0] += 6
    event.listen(engine, "after_cursor_execute", slowly)
    assert pages.post("track", EVENT).status_code == 200
    event.remove(engine, "after_cursor_execute", slowly)
    at[0] += 1.5
    assert pages.post("track", EVENT).status_code == 401


@pytest.mark.parametrize("by", ["header", "body", "address"])
def test_new_key_works_at_once(pages, engine, sealer, at, by):
    assert pages.post("track", EVENT).status_code == 200
    with transaction(engine) as session:
        fresh = sites.new_key(session, sealer, sites.find(session, pages.id), secret=False)
    at[0] += gate.UNKNOWN + 0.01
    if by == "header":
        answer = pages.client.post("/v1/track", json=EVENT, headers=basic(fresh))
    elif by == "body":
        answer = pages.client.post("/v1/track", json={**EVENT, "writeKey": fresh})
    else:
        answer = pages.client.post(f"/v1/track?writeKey={fresh}", json=EVENT)
    assert answer.status_code == 200


def test_unknown_keys_cost_a_look_a_second(pages, at, monkeypatch):
    door = pages.client.app.state.collector.gate
    looks = []
    reading = door.load
    monkeypatch.setattr(door, "load", lambda: (looks.append(0), reading()))
    for number in range(20):
        at[0] += 0.1
        answer = pages.client.post("/v1/track", json={**EVENT, "writeKey": f"wk_{number}"})
        assert answer.status_code == 401
    assert 1 <= len(looks) <= 3


def away():
    """A look at a database that is gone."""
    raise OperationalError("SELECT", {}, Exception("gone"))


def test_keys_stay_known_while_the_database_is_away(pages, at, monkeypatch):
    door = pages.client.app.state.collector.gate
    assert pages.post("track", EVENT).status_code == 200
    reading = door.load
    monkeypatch.setattr(door, "load", away)
    at[0] += 60
    assert pages.post("track", EVENT).status_code == 200
    unknown = pages.client.post("/v1/track", json={**EVENT, "writeKey": "wk_made_a_moment_ago"})
    assert unknown.status_code == 503, "nobody knows whether it is one"
    monkeypatch.setattr(door, "load", reading)
    at[0] += 60
    unknown = pages.client.post("/v1/track", json={**EVENT, "writeKey": "wk_made_a_moment_ago"})
    assert unknown.status_code == 401


def test_nobody_is_known_before_the_first_look(pages, monkeypatch):
    monkeypatch.setattr(pages.client.app.state.collector.gate, "load", away)
    assert pages.post("track", EVENT).status_code == 503
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    assert pages.client.options("/v1/track", headers=asked).status_code == 503


def test_stopping_waits_for_a_look(pages, monkeypatch):
    collector = pages.client.app.state.collector
    reading, ended = collector.gate.load, []

    def slowly():
        time.sleep(0.3)
        reading()
        ended.append(True)

    async def stop_meanwhile():
        await collector.gate.fresh()
        assert not ended
        await collector.stop()
        assert ended

    assert pages.post("track", EVENT).status_code == 200
    monkeypatch.setattr(gate, "FRESH", 0.0)
    monkeypatch.setattr(gate, "HOLD_UP", 0.05)
    monkeypatch.setattr(collector.gate, "load", slowly)
    pages.client.portal.call(stop_meanwhile)
