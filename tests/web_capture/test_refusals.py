"""What was sent back is counted with a sample, neither for ever nor without end."""

import asyncio
import time
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from foundation.running import beats, run_beat
from web_capture import refusals

SHOWN = "SELECT reason, origin, times, sample FROM refusals ORDER BY reason"


@pytest.fixture
def kept(pages):
    """The refusals of the process."""
    return pages.client.app.state.collector.refusals


def refuse(pages, kept, reasons, site=None):
    """Add refusals of a site and write them."""

    async def add():
        for reason in reasons:
            kept.add(UUID(site or pages.id), reason, b"https://shop.example", b"{}")
        await kept.flush()

    pages.client.portal.call(add)


def test_refusals_are_counted_with_a_sample(pages, rows, kept):
    for _ in range(3):
        pages.post("track", {"userId": "7", "properties": {"a": "\u0000"}}, origin="https://shop.example")
    pages.client.portal.call(kept.flush)
    (found,) = rows(SHOWN)
    assert (found["reason"], found["origin"], found["times"]) == (
        "A track call needs an event name.", "https://shop.example", 3
    )  # fmt: skip
    assert '"userId":"7"' in found["sample"]


def test_refusals_add_up(pages, rows, kept, clock):
    refuse(pages, kept, ["No."] * 2)
    clock.advance(timedelta(hours=1))
    refuse(pages, kept, ["No.", "Never."])
    assert [(row["reason"], row["times"]) for row in rows(SHOWN)] == [("Never.", 1), ("No.", 3)]
    (row,) = rows("SELECT last_at - first_at AS apart FROM refusals WHERE reason = 'No.'")
    assert row["apart"] == timedelta(hours=1)


def test_refusals_are_forgotten_when_they_are_old(pages, rows, engine, kept, clock):
    refuse(pages, kept, ["old", "again"])
    clock.advance(timedelta(days=20))
    refuse(pages, kept, ["again"])
    clock.advance(timedelta(days=11))
    refuse(pages, kept, ["new"])
    assert run_beat(engine, beats["web.refusals"], "test")
    assert [(row["reason"], row["times"]) for row in rows(SHOWN)] == [("again", 2), ("new", 1)]


def test_flood_of_refusals_keeps_the_latest(pages, rows, kept, clock, monkeypatch):
    monkeypatch.setattr(refusals, "FULL", 10)
    monkeypatch.setattr(refusals, "ENOUGH", 5)
    other = str(uuid4())
    refuse(pages, kept, ["another site's"], other)
    for number in range(10):
        clock.advance(timedelta(seconds=1))
        refuse(pages, kept, [f"reason {number}"])
    assert len(rows(SHOWN)) == 11
    clock.advance(timedelta(seconds=1))
    refuse(pages, kept, ["what somebody has to mend", "reason 2"])
    assert [row["reason"] for row in rows(SHOWN)] == [
        "another site's", "reason 2", "reason 7", "reason 8", "reason 9", "what somebody has to mend"
    ]  # fmt: skip


def test_processes_that_write_at_once_harm_no_other(pages, rows, engine, kept):
    others = [refusals.Refusals(kept._asking) for _ in range(4)]
    reasons = [f"reason {number}" for number in range(300)]

    async def write(one, turn):
        for reason in reasons[turn * 60 :] + reasons[: turn * 60]:  # each in another order
            one.add(UUID(pages.id), reason, b"", b"{}")
        await asyncio.to_thread(one._write, one._seen)

    async def all_of_them():
        await asyncio.gather(*(write(one, turn) for turn, one in enumerate(others)))

    pages.client.portal.call(all_of_them)
    assert [row["times"] for row in rows(SHOWN)] == [4] * 300


def test_flood_of_refusals_costs_little_memory(pages, kept):
    refusing = [f"reason {number}" for number in range(refusals.MOST + 50)]

    async def add():
        for reason in refusing:
            kept.add(UUID(pages.id), reason, b"", b"x" * 100_000)
        assert len(kept._seen) == refusals.MOST
        assert max(len(one.sample) for one in kept._seen.values()) <= refusals.SAMPLE
        kept._seen.clear()

    pages.client.portal.call(add)


def test_stopping_waits_for_what_is_being_written(pages, rows, kept, monkeypatch):
    collector = pages.client.app.state.collector
    write, ended = kept._write, []

    def slowly(seen):
        time.sleep(0.3)
        write(seen)
        ended.append(len(seen))

    monkeypatch.setattr(kept, "_write", slowly)

    async def stop_meanwhile():
        kept.add(UUID(pages.id), "No.", b"", b"")
        writing = asyncio.ensure_future(kept.flush())
        await asyncio.sleep(0.1)
        await collector.stop()
        assert ended == [1]
        await writing

    pages.client.portal.call(stop_meanwhile)
    assert [row["reason"] for row in rows(SHOWN)] == ["No."]
