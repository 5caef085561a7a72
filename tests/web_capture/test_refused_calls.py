"""The debugger knows of every refused call whose site can be known, whatever was wrong with it."""

import gzip
import json

import pytest

from web_capture import payload

LARGE = "x" * payload.LARGEST_EVENT
EVENT = {"type": "track", "event": "Seen", "anonymousId": "d1"}


def reasons(rows):
    return [row["reason"] for row in rows("SELECT reason FROM refusals ORDER BY reason")]


def flushed(pages, rows):
    pages.client.portal.call(pages.client.app.state.collector.refusals.flush)
    return reasons(rows)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("track", {**EVENT, "properties": {"text": LARGE}}, "The event is larger"),
        ("batch", {"batch": [EVENT], "context": {"text": "y" * payload.LARGEST_BODY}}, "The body is larger"),
        ("batch", {"batch": 5, "context": {"text": LARGE}}, "The body is no batch"),
    ],
)
@pytest.mark.parametrize("where", ["header", "body"])
def test_large_calls_are_noted(pages, rows, path, body, said, where):
    text = json.dumps({**body, "writeKey": pages.write_key} if where == "body" else body)
    auth = (pages.write_key, "") if where == "header" else None
    answer = pages.client.post(f"/v1/{path}", content=text, auth=auth)
    assert answer.status_code in (400, 413)
    if where == "body" and answer.status_code == 413:
        return  # more than is ever read: whose it is can't be known
    assert [one for one in flushed(pages, rows) if one.startswith(said)], answer.text


def test_broken_gzip_is_noted(pages, rows):
    broken = gzip.compress(json.dumps(EVENT).encode())[:-9]
    answer = pages.client.post(
        "/v1/track", content=broken, auth=(pages.write_key, ""), headers={"content-encoding": "gzip"}
    )
    assert answer.status_code == 400
    assert flushed(pages, rows) == ["The body says it is gzip and can't be unpacked."]


def test_calls_from_unknown_hosts_are_noted_whatever_their_size(pages, rows):
    body = json.dumps({"batch": [{**EVENT, "text": "z" * 30_000}] * 2, "writeKey": pages.write_key})
    answer = pages.client.post("/v1/batch", content=body, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert flushed(pages, rows)[0].startswith("https://evil.example is none")


def test_calls_that_come_too_fast_are_noted(pages, rows, monkeypatch):
    monkeypatch.setattr(pages.client.app.state.collector, "_wait", lambda *_: 2.5)
    answer = pages.client.post("/v1/track", content=json.dumps(EVENT), auth=(pages.write_key, ""))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert flushed(pages, rows) == ["Too many events at once; send this again later."]
