"""The collector's door: who may send, what is an event, and what is answered."""

import asyncio
import base64
import gzip
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from web_capture import bundle, collector
from web_capture.limits import Limit
from web_capture.tables import Site

EVENT = {"anonymousId": "d1", "event": "Cart Viewed"}
LANDED = "SELECT payload FROM landed_records WHERE stream = 'events' ORDER BY id"


def landed(rows):
    """The landed events, each with its id."""
    return [
        msgspec.json.decode(one.payload) | {"id": one.message_id}
        for row in rows(LANDED)
        for one in bundle.unpack(row["payload"])
    ]


@pytest.mark.parametrize("kind", ["identify", "track", "page", "screen", "group", "alias"])
def test_every_call_is_taken(pages, rows, kind):
    whole = {**EVENT, "userId": "7", "previousId": "d0", "groupId": "g1"}
    for path in (kind, kind[0]):
        assert pages.post(path, whole).json() == {"success": True}
    assert [one["kind"] for one in landed(rows)] == [kind, kind]


@pytest.mark.parametrize("path", ["batch", "b", "import"])
def test_batches_are_taken(pages, rows, path):
    body = {
        "batch": [{"type": "track", **EVENT}, {"type": "page", "userId": 7}],
        "sentAt": "2026-03-02T09:00:00Z",
    }
    assert pages.post(path, body).json() == {"success": True}
    said = landed(rows)
    assert [one["kind"] for one in said] == ["track", "page"]
    assert {one["sent"] for one in said} == {"2026-03-02T09:00:00Z"}


def test_key_may_stand_in_the_body(pages, rows):
    answer = pages.client.post("/v1/track", json={**EVENT, "writeKey": pages.write_key})
    assert answer.status_code == 200
    answer = pages.client.post(f"/v1/track?writeKey={pages.write_key}", json=EVENT)
    assert answer.status_code == 200
    assert len(rows(LANDED)) == 2


def test_key_without_colon_is_understood(pages):
    mark = base64.b64encode(pages.write_key.encode()).decode()
    answer = pages.client.post("/v1/track", json=EVENT, headers={"authorization": f"Basic {mark}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("key", ["", "nonsense", "wk_unknown", "\u0000", "ключ"])
def test_unknown_key_is_refused(pages, rows, key):
    answer = pages.client.post("/v1/track", json={**EVENT, "writeKey": key})
    assert answer.status_code == 401
    assert "write key" in answer.json()["detail"]
    assert rows(LANDED) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no message"),
        (b"nonsense", "no message"),
        (b"[1]", "no message"),
        (b'{"anonymousId":"d1","event":"x"', "no message"),
        (b'{"event":"x"}', "userId or an anonymousId"),
        (b'{"event":"x","userId":"","anonymousId":" "}', "userId or an anonymousId"),
        (b'{"event":"x","userId":{},"anonymousId":null}', "userId or an anonymousId"),
        (b'{"event":"x","userId":true}', "userId or an anonymousId"),
        (b'{"anonymousId":"d1"}', "event name"),
        (b'{"anonymousId":"d1","event":"  "}', "event name"),
        (b'{"anonymousId":"d1","event":7}', "event name"),
        (b'{"anonymousId":"\xff","event":"x"}', "UTF-8"),
        (b'{"anonymousId":"d1","event":"x"}\0', "NUL"),
        (b'{"anonymousId":"d1","event":"x","a":' + b"[" * 9_000 + b"]" * 9_000 + b"}", "no message"),
    ],
)
def test_broken_event_is_told_what_is_wrong(pages, rows, body, said):
    answer = pages.post("track", body)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    assert rows(LANDED) == []


def test_bad_event_harms_no_other(pages, rows):
    batch = [
        {"type": "track", **EVENT, "messageId": "a"},
        {"type": "nonsense", "userId": "7"},
        7,
        {"type": "track"},
        {"type": "page", "userId": "7", "messageId": "b"},
    ]
    answer = pages.post("batch", {"batch": batch})
    assert answer.status_code == 200
    assert [one["at"] for one in answer.json()["refused"]] == ["/batch/1", "/batch/2", "/batch/3"]
    assert [one["id"] for one in landed(rows)] == ["a", "b"]


def test_batch_of_nothing_usable_is_refused(pages):
    assert pages.post("batch", {"batch": []}).status_code == 400
    answer = pages.post("batch", {"batch": [{"type": "track"}]})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["at"] == "/batch/0"


def test_large_calls_are_refused(pages, rows):
    big = {**EVENT, "properties": {"a": "x" * 33_000}}
    assert "32,768" in pages.post("track", big).json()["detail"]
    assert pages.post("batch", b" " * 600_000).status_code == 413
    assert pages.post("batch", {"batch": [{"type": "page", "userId": "7"}] * 2_501}).status_code == 400
    assert rows(LANDED) == []


def test_gzip_is_unpacked(pages, rows):
    packed = gzip.compress(msgspec.json.encode(EVENT))
    assert pages.post("track", packed, **{"content-encoding": "gzip"}).status_code == 200
    assert len(rows(LANDED)) == 1


@pytest.mark.parametrize(
    ("packed", "status"),
    [(b"nonsense", 400), (gzip.compress(b"x" * 2_000)[:20], 400), (gzip.compress(b" " * 50_000_000), 413)],
    ids=["broken", "cut", "bomb"],
)
def test_bad_gzip_is_refused(pages, packed, status):
    assert pages.post("track", packed, **{"content-encoding": "gzip"}).status_code == status


@pytest.mark.parametrize("origin", ["https://shop.example", "https://www.shop.example:8443", "null"])
def test_pages_of_the_site_may_send(pages, origin):
    answer = pages.post("track", EVENT, origin=origin)
    assert answer.status_code == 200
    if origin != "null":
        assert answer.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://shop.example.evil.example", "https://evilshop.example"]
)
def test_other_pages_may_not(pages, rows, origin):
    answer = pages.post("track", EVENT, origin=origin)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert rows(LANDED) == []


def test_preflight_names_what_is_allowed(pages):
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST",
             "access-control-request-headers": "authorization,content-type"}  # fmt: skip
    answer = pages.client.options("/v1/batch", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-headers"] == "authorization,content-type"
    answer = pages.client.options("/v1/batch", headers={**asked, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_get_is_not_a_call(pages):
    assert pages.client.get("/v1/track").status_code == 405


@pytest.fixture
def still(monkeypatch):
    """Limits in whose eyes no time passes: a slow machine lets no more calls in."""
    monkeypatch.setattr("web_capture.limits.monotonic", lambda: 1_000.0)


def test_flood_of_a_key_is_told_to_wait(pages, monkeypatch, still):
    monkeypatch.setattr(pages.client.app.state.collector, "_per_key", Limit(1.0))
    statuses = [pages.post("track", EVENT).status_code for _ in range(12)]
    assert statuses == [200] * 10 + [429] * 2
    assert int(pages.post("track", EVENT).headers["retry-after"]) >= 1
    assert pages.post("track", EVENT, secret=True).status_code == 200


def test_flood_of_an_address_harms_no_other(pages, monkeypatch, still):
    door = pages.client.app.state.collector
    monkeypatch.setattr(door, "_per_address", Limit(1.0))
    monkeypatch.setattr(door, "_proxies", 1)
    statuses = [pages.post("track", EVENT, **{"x-forwarded-for": "1.2.3.4"}).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert pages.post("track", EVENT, **{"x-forwarded-for": "5.6.7.8"}).status_code == 200


def test_full_queue_sends_callers_away(pages, monkeypatch):
    monkeypatch.setattr("web_capture.group.LONGEST", 0)
    answer = pages.post("track", EVENT)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


def test_database_that_is_away_sends_callers_away(pages, monkeypatch):
    monkeypatch.setattr("web_capture.group.PATIENCE", 0.0)
    monkeypatch.setattr(pages.client.app.state.collector.group, "_url", "postgresql:///x?host=/nowhere")
    assert pages.post("track", EVENT).status_code == 503


@pytest.mark.parametrize("message_id", ["", 7, None, "x" * 200, "a\u0000b", "\n", "😀" * 100, "a\tb\\N"])
def test_odd_message_ids_are_kept_apart(pages, rows, message_id):
    for _ in range(2):
        assert pages.post("track", {**EVENT, "messageId": message_id}).status_code == 200
    named = isinstance(message_id, str) and message_id
    assert len(rows("SELECT id FROM timeline")) == (1 if named else 2)


def test_landed_event_holds_all_that_came(pages, rows):
    said = rb'{"anonymousId":"d1","event":"x","messageId":"m\u00e9","properties":{"t":"\\N\t'
    said += "я".encode() + b'","n":1.10}}'
    pages.post("track", said, secret=True)
    assert said.decode() in rows(LANDED)[0]["payload"]
    (event,) = landed(rows)
    assert (event["id"], event["secret"], event["ip"]) == ("mé", True, "testclient")


def test_site_knows_when_it_was_heard_of(pages, rows, engine, clock):
    pages.say("page", anonymousId="d1")
    clock.advance(timedelta(minutes=5))
    pages.say("page", anonymousId="d1")
    (site,) = rows("SELECT first_event_at, last_event_at FROM sites")
    assert site["last_event_at"] - site["first_event_at"] == timedelta(minutes=5)
    assert isinstance(collector.PATHS, frozenset)
    assert Site.__tablename__ == "sites"


def test_secret_keys_are_kept_nowhere(pages, rows):
    body = {**EVENT, "writeKey": pages.secret_key, "messageId": "a"}
    assert pages.client.post("/v1/track", json=body).status_code == 200
    assert pages.client.post("/v1/track", json={"writeKey": pages.secret_key}).status_code == 400
    pages.client.portal.call(pages.client.app.state.collector.refusals.flush)
    kept = [row["payload"] for row in rows(LANDED)] + [
        row["sample"] for row in rows("SELECT sample FROM refusals")
    ]
    assert len(kept) == 2
    assert not any(pages.secret_key in one for one in kept)


@pytest.mark.parametrize(("levels", "status"), [(90, 200), (101, 400), (950, 400)])
def test_deep_events_are_refused(pages, levels, status):
    said = b'{"anonymousId":"d1","event":"x","a":' + b"[" * levels + b"]" * levels + b"}"
    assert pages.post("track", said).status_code == status


def test_brackets_in_texts_are_no_levels(pages):
    assert pages.post("track", {**EVENT, "properties": {"a": "[{" * 500, "b": '\\"[['}}).status_code == 200


def test_caller_who_hangs_up_harms_no_other(pages):
    door = pages.client.app.state.collector

    async def both():
        site = UUID(pages.id)
        one = asyncio.ensure_future(_wait(door.group.put(site, PACKED, 1)))
        other = asyncio.ensure_future(_wait(door.group.put(site, PACKED, 1)))
        await asyncio.sleep(0)
        one.cancel()
        await other
        await _wait(door.group.put(site, PACKED, 1))

    pages.client.portal.call(both)


async def _wait(kept):
    await asyncio.shield(kept)


PACKED = '{"at":"2026-03-02T09:00:00Z","sent":null,"ip":"","ua":"","secret":false,"context":null,"events":[]}'
