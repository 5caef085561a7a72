"""Watches work being done, not processes being alive: every loop ticks, and a silent one is named."""

import math
import threading

from foundation.clock import monotonic

LIMIT = 15.0  # seconds of silence after which a loop counts as dead

_until: dict[str, float] = {}
_guard = threading.Lock()


def tick(name: str, *, good_for: float = 0.0) -> None:
    """Say that a loop lives; `good_for` seconds are granted on top (infinity: it does one long thing)."""
    with _guard:
        _until[name] = monotonic() + good_for


def fail(name: str) -> None:
    """Say that a loop has died: it is stale from now on."""
    with _guard:
        _until[name] = -math.inf


def forget(name: str) -> None:
    """A loop ended on purpose."""
    with _guard:
        _until.pop(name, None)


def stale(limit: float = LIMIT) -> list[str]:
    """Names of loops of this process that have been silent for longer than `limit` seconds, or have died."""
    before = monotonic() - limit
    with _guard:
        return sorted(name for name, until in _until.items() if until < before)
