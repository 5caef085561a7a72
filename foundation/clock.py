"""The one place time comes from, so that tests can hold it and SQL never asks its own clock."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from uuid import UUID

_held: datetime | None = None
_sandbox: ContextVar[datetime | None] = ContextVar("sandbox", default=None)


def now() -> datetime:
    """The present instant in UTC (held still inside `hold`; another one inside `sandbox`)."""
    if (at := _sandbox.get()) is not None:
        return at
    return _held if _held is not None else datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251


def monotonic() -> float:
    """Seconds that never go backwards: for leases and deadlines inside one process."""
    return time.monotonic()


@contextmanager
def hold(at: datetime) -> Iterator[None]:
    """Stop the clock at an instant (tests); restores it afterwards."""
    global _held
    before, _held = _held, at.astimezone(UTC)
    try:
        yield
    finally:
        _held = before


def advance(step: timedelta) -> None:
    """Move a held clock forward; an error when it is not held."""
    global _held
    if _held is None:
        raise RuntimeError("the clock is not held")
    _held += step


@contextmanager
def sandbox(at: datetime) -> Iterator[None]:
    """Another time for this thread alone (back-tests); `go_to` moves it. Everybody else's goes on."""
    token = _sandbox.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _sandbox.reset(token)


def go_to(at: datetime) -> None:
    """Move the time of the sandbox we are in; an error outside of one."""
    if _sandbox.get() is None:
        raise RuntimeError("not in a sandbox")
    _sandbox.set(at.astimezone(UTC))


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): sorts by time, so index pages fill in order, and is not guessable."""
    return next(new_ids(1))


def new_ids(count: int) -> Iterator[UUID]:
    """So many of them of one instant; asking the system for randomness once makes each five times cheaper."""
    milliseconds = int(now().timestamp() * 1000)
    random = os.urandom(10 * count)
    for start in range(0, 10 * count, 10):
        value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(random[start : start + 10], "big")
        value = value & ~(0xF << 76) | 7 << 76
        yield UUID(int=value & ~(0x3 << 62) | 2 << 62)
