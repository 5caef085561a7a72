"""Clocks that are wrong, whichever way: each event is kept, at a time that can be."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import MORNING

AT = "SELECT source_key, occurred_at FROM timeline ORDER BY id"
TRUE = "2026-03-02T08:59:00Z"  # a minute ago
MINUTE_AGO = MORNING - timedelta(minutes=1)
NONSENSE = [
    {}, [], True, "", "yesterday", "0", -1, 0, 5, 1e300, 10**30, "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00", "2026-13-45T99:99:99Z", "x" * 10_000, "\u0000", "２０２６-03-02T09:00:00Z",
]  # fmt: skip


def said(pages, rows, timestamp, sent=None, **more):
    """When an event with these times is on the timeline, by its own sentAt and by its batch's."""
    one = {"anonymousId": "d1", "event": "x", "timestamp": timestamp, **more}
    alone = one if sent is None else {**one, "sentAt": sent}
    assert pages.post("track", {**alone, "messageId": "alone"}).status_code == 200
    batch = {"batch": [{**one, "type": "track", "messageId": "batched"}]}
    assert pages.post("batch", batch if sent is None else {**batch, "sentAt": sent}).status_code == 200
    found = {row["source_key"]: row["occurred_at"] for row in rows(AT)}
    assert set(found) == {"m:alone", "m:batched"}
    assert len(set(found.values())) == 1
    return found["m:alone"]


@pytest.mark.parametrize(
    "timestamp",
    [
        "2999-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-03-02T09:00:01Z", 32_503_680_000_000,
        "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2021-02-01T00:00:00Z", *NONSENSE, None,
    ],
    ids=str,
)  # fmt: skip
def test_time_that_cannot_be_is_now(pages, rows, clock, timestamp):
    assert said(pages, rows, timestamp) == MORNING


@pytest.mark.parametrize("sent", NONSENSE, ids=str)
def test_nonsense_for_a_sending_time_is_none(pages, rows, clock, sent):
    assert said(pages, rows, TRUE, sent) == MINUTE_AGO


@pytest.mark.parametrize(
    ("timestamp", "sent"),
    [
        ("2031-07-01T00:00:00Z", "2031-07-01T00:01:00Z"),
        ("1971-01-01T00:00:00Z", "1971-01-01T00:01:00Z"),
        ("9999-12-31T23:58:00Z", "9999-12-31T23:59:00Z"),
    ],
)
def test_wrong_clock_is_set_right(pages, rows, clock, timestamp, sent):
    assert said(pages, rows, timestamp, sent) == MINUTE_AGO


@pytest.mark.parametrize("sent", ["1990-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_sending_time_from_elsewhere_makes_it_now(pages, rows, clock, sent):
    assert said(pages, rows, TRUE, sent) == MORNING


def test_history_of_a_server_keeps_its_times(pages, rows, clock):
    pages.say("track", secret=True, userId="7", event="x", messageId="a", timestamp="1999-05-04T03:02:01Z")
    (row,) = rows("SELECT occurred_at FROM timeline")
    assert row["occurred_at"] == datetime(1999, 5, 4, 3, 2, 1, tzinfo=UTC)


def test_time_too_large_for_a_number_is_now(pages, rows, clock):
    body = b'{"batch":[{"type":"track","anonymousId":"d","event":"x","timestamp":1e999,"messageId":"a"}]}'
    assert pages.post("batch", body).status_code == 200
    assert [row["occurred_at"] for row in rows(AT)] == [MORNING]
