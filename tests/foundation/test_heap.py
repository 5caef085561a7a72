"""What batches have freed goes back to the system, and not more often than it is worth."""

import pytest

from foundation import heap


@pytest.fixture
def calls(monkeypatch):
    """The functions of glibc that were called, and with what."""
    found = []

    def function(name):
        return lambda *args: found.append((name, *args)) or 1

    monkeypatch.setattr(heap, "_glibc", function)
    monkeypatch.setattr(heap, "_last", float("-inf"))
    return found


def test_all_threads_share_one_heap(calls):
    heap.share()
    assert ("mallopt", -8, 1) in calls and len(calls) == 3


def test_memory_goes_back_once_a_second(calls, monkeypatch):
    for at in (100.0, 100.5, 100.9, 101.1):
        monkeypatch.setattr(heap, "monotonic", lambda at=at: at)
        heap.give_back()
    assert calls == [("malloc_trim", 0)] * 2


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(heap.sys, "platform", "darwin")
    assert heap._glibc("mallopt") is None
