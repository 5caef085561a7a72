"""Loops go on after errors, look when asked, and are missed when they die."""

import threading

import pytest

from foundation import health
from foundation.loops import Loop
from tests.waiting import eventually


def test_loop_looks_when_asked() -> None:
    turns: list[int] = []
    loop = Loop("test", lambda: bool(turns.append(1)), 600)
    loop.start()
    eventually(lambda: len(turns) == 1)
    loop.look()
    eventually(lambda: len(turns) == 2)
    loop.stop()
    loop.join(5)
    assert not loop.is_alive()
    assert health.stale(0) == []


def test_loop_goes_on_while_there_is_more() -> None:
    left = [1, 1, 1, 0]
    loop = Loop("test", lambda: bool(left.pop(0)), 600)
    loop.start()
    eventually(lambda: not left)
    loop.stop()
    loop.join(5)


def test_error_does_not_end_the_loop() -> None:
    turns: list[int] = []

    def fail_first() -> bool:
        turns.append(1)
        if len(turns) == 1:
            raise OSError("the database is away")
        return False

    loop = Loop("test", fail_first, 0.01)
    loop.start()
    eventually(lambda: len(turns) > 3)
    assert health.stale(15) == []
    loop.stop()
    loop.join(5)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_death_of_a_thread_is_seen() -> None:
    def die() -> bool:
        raise SystemExit

    loop = Loop("test", die, 600)
    loop.start()
    loop.join(5)
    assert health.stale() == ["test"]
    health.forget("test")


def test_only_long_turns_may_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    begun = [threading.Event(), threading.Event()]
    loops = [
        Loop(name, lambda e=event: [e.set(), go_on.wait(10)][0] or False, 600, long=name == "long")  # type: ignore[misc]
        for name, event in zip(("short", "long"), begun, strict=True)
    ]
    for loop in loops:
        loop.start()
    assert all(event.wait(5) for event in begun)
    moment = health.monotonic()
    monkeypatch.setattr(health, "monotonic", lambda: moment + 16)
    assert health.stale() == ["short"]
    go_on.set()
    for loop in loops:
        loop.stop()
        loop.join(5)
