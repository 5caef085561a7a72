"""Silence is noticed."""

import math
from collections.abc import Iterator

import pytest

from foundation import health


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The first item is the present second."""
    now = [1000.0]
    monkeypatch.setattr(health, "monotonic", lambda: now[0])
    yield now
    for name in ("sweeper", "beat"):
        health.forget(name)


def test_silent_loop_is_stale_after_limit(seconds: list[float]) -> None:
    health.tick("sweeper")
    seconds[0] += 15
    assert health.stale() == []
    seconds[0] += 1
    assert health.stale() == ["sweeper"]
    health.tick("sweeper")
    assert health.stale() == []


def test_granted_time_comes_on_top(seconds: list[float]) -> None:
    health.tick("sweeper", good_for=600)
    seconds[0] += 615
    assert health.stale() == []
    health.tick("sweeper", good_for=math.inf)
    seconds[0] += 1e9
    assert health.stale() == []


def test_dead_loop_is_stale_at_once(seconds: list[float]) -> None:
    health.tick("sweeper", good_for=math.inf)
    health.fail("sweeper")
    health.fail("beat")
    assert health.stale() == ["beat", "sweeper"]


def test_ended_loop_is_forgotten(seconds: list[float]) -> None:
    health.fail("sweeper")
    health.forget("sweeper")
    health.forget("a loop nobody knew")
    assert health.stale() == []
