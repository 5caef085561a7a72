"""Freezes a table, and sees how long callers wait."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, text

MARGIN = 2.5  # seconds: two slow cores, and the driver's least time to connect


@contextmanager
def locked(engine: Engine, table: str) -> Iterator[None]:
    """The table, held by another session for itself."""
    with engine.connect() as connection, connection.begin():
        connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        yield


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """The answer, and how long it took."""
    began = time.monotonic()
    answer = call()
    return answer, time.monotonic() - began


def at_once(call: Callable[[], Any], count: int) -> list[tuple[Any, float]]:
    """The answers to so many calls, and how long each took."""
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(lambda _: timed(call), range(count)))
