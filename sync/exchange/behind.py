"""Landing behind the reader's back: what PostgreSQL takes its time for is spent reading on."""

from collections.abc import Callable
from threading import Thread


class Behind:
    """Does one thing at a time in a thread of its own while its caller goes on.

    The thread is a daemon: a process that has to end doesn't wait for a server that hangs.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: Thread | None = None
        self._error: BaseException | None = None

    def do(self, act: Callable[[], None]) -> None:
        """Begin it when what was begun before has ended; begins nothing, and raises, if that has raised."""
        self.wait()
        self._thread = Thread(target=self._run, args=(act,), name=self._name, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return when nothing is being done any more; raises, once, what was raised."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self, act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 (whatever it is, it's the caller's)
            self._error = error
