"""The heap of a process that works in batches: what one has freed is there for the next, or goes back.

glibc's own habits are for other programs: it keeps memory for each thread apart, so that what one batch has
freed is no use to the next thread's, and holds on to what lies free between two blocks in use. Other systems
have no such switches, and nothing here does anything there.
"""

import ctypes
import sys
import threading
from collections.abc import Callable

from foundation.clock import monotonic

_OPTIONS = {-8: 1, -3: 512 << 10, -1: 2 << 20}  # M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of malloc.h
_REST = 1.0  # seconds between two times of giving back: each walks through the heap
_turn = threading.Lock()
_last = 0.0


def share() -> None:
    """One heap for all threads that are started from here on, large blocks and a long free end not kept."""
    if set_option := _glibc("mallopt"):
        for option, value in _OPTIONS.items():
            set_option(option, value)


def give_back() -> None:
    """Let the system have what lies free; call it behind each batch, it does so once a second at most."""
    global _last
    with _turn:
        if monotonic() - _last < _REST:
            return
        _last = monotonic()
    if trim := _glibc("malloc_trim"):
        trim(0)


def _glibc(name: str) -> Callable[..., int] | None:
    found: Callable[..., int] | None = None
    if sys.platform == "linux":
        found = getattr(ctypes.CDLL(None), name, None)
    return found
