"""A database that freezes: callers are told to come again in time, and it goes on by itself."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.web_capture.forms.made import published, said, send
from tests.web_capture.freezing import MARGIN, at_once, locked, timed

EVENT = {"anonymousId": "d1", "event": "Cart Viewed"}
IDS = "SELECT source_key FROM timeline WHERE source_key LIKE 'm:%'"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("web_capture.group.PATIENCE", 1.5)
    monkeypatch.setattr("web_capture.group.STATEMENT", 1.0)
    monkeypatch.setattr("web_capture.gate.HOLD_UP", 0.2)
    monkeypatch.setattr("web_capture.patience.LONGEST", 1.0)


@pytest.fixture
def collector(pages):
    return pages.client.app.state.collector


@pytest.fixture
def backends(engine, servers):
    """Stops processes of the private server, all or those of one application, until the block ends."""
    if os.environ.get("KARTOTEKA_TEST_DATABASE_URL"):
        pytest.skip("another's server is not ours to stop")

    @contextmanager
    def stopped(application=""):
        note = next(servers.data.parent.glob(f"{servers.data.name}/**/postmaster.pid"), None)
        main = int(note.read_text().splitlines()[0]) if note else servers._children["postgres"].pid
        if application:
            with engine.connect() as connection:
                query = text("SELECT pid FROM pg_stat_activity WHERE application_name = :name")
                pids = list(connection.scalars(query, {"name": application}))
            assert pids
        else:
            children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
            pids = [main, *map(int, children)]
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    return stopped


def flood(pages, name, count=20):
    """The ids that were answered 200, all answers, and the longest wait; all sent at once."""
    with ThreadPoolExecutor(count) as threads:
        found = list(
            threads.map(
                lambda number: timed(lambda: pages.post("track", {**EVENT, "messageId": f"{name}-{number}"})),
                range(count),
            )
        )
    kept = {f"m:{name}-{number}" for number, (answer, _) in enumerate(found) if answer.status_code == 200}
    return kept, [answer for answer, _ in found], max(took for _, took in found)


def thawed(pages, seconds=5.0):
    """Wait until the collector takes events again; answers the ids of those it took."""
    deadline, number = time.monotonic() + seconds, 0
    while pages.post("track", {**EVENT, "messageId": f"thawed-{number}"}).status_code != 200:
        assert time.monotonic() < deadline, "it did not go on by itself"
        time.sleep(0.05)
        number += 1
    return {f"m:thawed-{number}"}


def rows_of(rows):
    """The ids on the timeline; each is there once."""
    found = [row["source_key"] for row in rows(IDS)]
    assert len(found) == len(set(found))
    return set(found)


def test_lock_sends_callers_away_in_time(pages, rows, engine, collector):
    kept, _, _ = flood(pages, "before")
    assert len(kept) == 20
    with locked(engine, "landed_records"):
        came, answers, longest = flood(pages, "frozen")
        assert came == set()
        assert {answer.status_code for answer in answers} == {503}
        assert {answer.headers["retry-after"] for answer in answers} == {"1"}
        assert longest < 1.5 + MARGIN
        for _ in range(3):
            flood(pages, "later")
        assert collector.group._next is None, "nobody is held while others look whether it is back"
        with engine.connect() as other:
            query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kartoteka-collector'"
            assert other.scalar(text(query)) <= 3, "what was given up must not go on waiting for the lock"
    kept |= thawed(pages)
    kept |= flood(pages, "after")[0]
    assert len(kept) == 41
    assert kept <= rows_of(rows)


def test_others_wait_for_nobody_who_looks(pages, engine, collector):
    pages.say("track", **EVENT)
    with locked(engine, "landed_records"), ThreadPoolExecutor(1) as threads:
        first = threads.submit(pages.post, "track", EVENT)
        time.sleep(0.3)
        answer, took = timed(lambda: pages.post("track", EVENT))
        assert (answer.status_code, took < 2.0) == (503, True), "who came later waits no longer for it"
        assert first.result().status_code == 503
        looking = threads.submit(pages.post, "track", EVENT)
        time.sleep(0.3)
        answer, took = timed(lambda: pages.post("track", EVENT))
        assert (answer.status_code, took < 0.5) == (503, True)
        assert looking.result().status_code == 503
    thawed(pages)
    assert flood(pages, "after")[2] < 1.0


def test_one_stopped_connection_is_given_up(pages, rows, backends):
    pages.say("track", **EVENT, messageId="before")
    with backends("kartoteka-collector"):
        answer, took = timed(lambda: pages.post("track", {**EVENT, "messageId": "meanwhile"}))
        assert answer.status_code == 200, "over another connection"
        assert took < 1.5 + MARGIN
    pages.say("track", **EVENT, messageId="meanwhile")
    assert rows_of(rows) == {"m:before", "m:meanwhile"}


def test_stopped_server_lets_nobody_hang(pages, rows, engine, backends, monkeypatch):
    monkeypatch.setattr("web_capture.gate.FRESH", 0.3)
    form = published(engine, pages.id)
    snippet, script = f"/k/{pages.site_key}.js", f"/k/{pages.site_key}.forms.js"
    known = {path: pages.client.get(path).content for path in (snippet, script)}
    origin = {"origin": "https://shop.example"}
    asks = {
        "visitor": lambda: pages.client.get(f"/v1/visitor?site={pages.site_key}&id=d1", headers=origin),
        "lead": lambda: send(pages.client, said(form, pages.write_key), **origin),
        "unknown snippet": lambda: pages.client.get("/k/0123.js"),
        "unknown key": lambda: pages.client.post("/v1/track", json={**EVENT, "writeKey": "wk_new"}),
    }
    kept, _, _ = flood(pages, "before")
    assert {answer.status_code for answer, _ in at_once(asks["visitor"], 10)} == {
        200
    }  # over as many connections
    with backends():
        came, answers, longest = flood(pages, "frozen")
        assert came == set()
        assert {answer.status_code for answer in answers} == {503}
        assert longest < 1.5 + 0.2 + MARGIN
        found = at_once(asks["visitor"], 40)
        assert {answer.status_code for answer, _ in found} == {503}
        assert max(took for _, took in found) < 1.0 + MARGIN
        for name, ask in asks.items():
            answer, took = timed(ask)
            assert (name, answer.status_code, answer.headers["retry-after"]) == (name, 503, "1")
            assert took < 1.0 + 0.2 + MARGIN, name
        for path, content in known.items():
            answer, took = timed(lambda path=path: pages.client.get(path))
            assert (answer.status_code, answer.content) == (200, content)
            assert took < 1.0 + MARGIN
        handed = {"writeKey": pages.write_key, "anonymousId": "d1"}
        answer, took = timed(lambda: pages.client.post("/v1/handover", json=handed, headers=origin))
        assert (answer.status_code, took < 0.2 + MARGIN) == (200, True)
    kept |= thawed(pages)
    kept |= flood(pages, "after")[0]
    assert len(kept) == 41
    assert kept <= rows_of(rows)
    assert {asks[name]().status_code for name in ("visitor", "lead")} == {200}
    assert {asks[name]().status_code for name in ("unknown snippet",)} == {404}


def test_lead_comes_again_under_its_name(pages, rows, engine):
    form = published(engine, pages.id, coupon={"kind": "list"}, codes=["one", "two"])
    origin = {"origin": "https://shop.example"}
    lead = said(form, pages.write_key)
    assert send(pages.client, lead, **origin).status_code == 200
    with locked(engine, "landed_records"):
        answer, took = timed(
            lambda: send(pages.client, said(form, pages.write_key, "message-0002"), **origin)
        )
        assert (answer.status_code, took < 1.0 + MARGIN) == (503, True)
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        assert answer.headers["content-type"].startswith("text/plain"), "or the page takes a new message id"
    assert send(pages.client, said(form, pages.write_key, "message-0002"), **origin).json()["ok"]
    assert len(rows("SELECT id FROM timeline WHERE kind = 'web.lead'")) == 2


def test_slow_look_holds_up_nobody_whose_key_is_known(pages, engine, monkeypatch):
    pages.say("track", **EVENT)
    monkeypatch.setattr("web_capture.gate.FRESH", 0.0)
    with locked(engine, "site_keys"):
        answers = [timed(lambda: pages.post("track", EVENT)) for _ in range(3)]
    assert [answer.status_code for answer, _ in answers] == [200] * 3
    assert max(took for _, took in answers) < 0.2 + 0.5
