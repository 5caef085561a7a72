"""A thread that does one thing after another for another thread: what waits for the disk waits there.

Not an executor: those refuse work while the process ends, and that is when results must still be written.
"""

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


class Promise(Generic[T]):
    """What a call will answer."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call, self._done = call, threading.Event()
        self._answer: T | None = None
        self._error: BaseException | None = None

    def keep(self) -> None:
        """Do it."""
        try:
            self._answer = self._call()
        except BaseException as error:  # noqa: BLE001 (raised again where it is waited for)
            self._error = error
        self._done.set()

    def result(self) -> T:
        """The answer, or the error it ended with; waits for it."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._answer  # type: ignore[return-value]


class Writer:
    """The thread; ends with the block, after what was asked of it."""

    def __init__(self, name: str) -> None:
        self._todo: queue.SimpleQueue[Promise[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._todo.put(None)
        self._thread.join()

    def ask(self, call: Callable[[], T]) -> Promise[T]:
        """Have something done; answers at once."""
        promise = Promise(call)
        self._todo.put(promise)
        return promise

    def _run(self) -> None:
        while (promise := self._todo.get()) is not None:
            promise.keep()
