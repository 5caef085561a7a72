"""`kartoteka up`: keeps web, worker and beat running as children, and leaves nothing behind.

Children hold the reading end of a pipe that only we hold open: when we die, in whatever way, they see its
end and stop. So do the private servers, by the same means.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from foundation import log
from foundation.clock import monotonic

PATIENCE = 12.0  # seconds a child may take to stop
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0  # seconds before a died child is started again


@dataclass
class Child:
    """A part that is kept running."""

    name: str
    arguments: Sequence[str]
    sockets: tuple[socket.socket, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    pause: float = FIRST_PAUSE
    started: float = 0.0
    again_at: float | None = field(default=None)

    @property
    def command(self) -> list[str]:
        """The words it is started with."""
        return [sys.executable, "-m", "kartoteka", *self.arguments]

    def start(self) -> None:
        """Start it; its standard input is the pipe that tells it of our end."""
        self.let_go()
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            self.command,
            stdin=subprocess.PIPE,
            pass_fds=[one.fileno() for one in self.sockets],
            start_new_session=True,  # Ctrl-C reaches us alone; we stop the children in order
        )
        self.started, self.again_at = monotonic(), None

    def look(self) -> None:
        """Start it again when it has died, later and later if it dies at once."""
        if self.process is None or self.process.poll() is None:
            return
        if self.again_at is None:
            lived = monotonic() - self.started
            self.pause = FIRST_PAUSE if lived > 60 else min(LONGEST_PAUSE, self.pause * 2)
            self.again_at = monotonic() + self.pause
            log.get(__name__).warning("part_died", part=self.name, status=self.process.returncode)
        elif monotonic() >= self.again_at:
            self.start()

    def ask_to_stop(self) -> None:
        """Tell it to finish what it is doing."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def stop(self, deadline: float) -> None:
        """Wait for its end; by force after the deadline."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.let_go()

    def let_go(self) -> None:
        """Close our end of the pipe to a process that has ended."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()


class Ending:
    """Somebody's wish that this process ends. A signal may bring it at any moment, also while we wait for it:
    a queue's `put` may break into its `get`; an event's `set` into its `wait` would wait for itself.
    """

    def __init__(self) -> None:
        self._wishes: SimpleQueue[None] = SimpleQueue()

    def ask(self, *_: object) -> None:
        """Ask for the end; fit to be a signal handler."""
        self._wishes.put(None)

    def asked(self, seconds: float) -> bool:
        """Whether somebody asks for it within so many seconds."""
        try:
            self._wishes.get(timeout=seconds)
        except Empty:
            return False
        return True


class Supervisor:
    """Starts the children and watches them until somebody asks for the end."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = list(children)
        self.ending = Ending()
        self.ended = False

    def run(
        self, *, then: Callable[[], None] = lambda: None, healthy: Callable[[], bool] = lambda: True
    ) -> None:
        """Keep the children running until Ctrl-C or SIGTERM, or until `healthy` says no.

        `then` runs in a thread of its own once all are started; what it raises ends everything.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.ending.ask)
        for child in self.children:
            child.start()
        failures: list[BaseException] = []
        after = threading.Thread(target=self._after, args=(then, failures), name="after-start", daemon=True)
        after.start()
        try:
            while not self.ending.asked(0.25):
                for child in self.children:
                    child.look()
                if failures or not healthy():
                    break
        finally:
            self.stop()
        if failures:
            raise failures[0]

    def _after(self, then: Callable[[], None], failures: list[BaseException]) -> None:
        try:
            then()
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that watches
            if not self.ended:
                failures.append(error)

    def stop(self) -> None:
        """Stop all children, the last started first."""
        self.ended = True
        for child in reversed(self.children):
            child.ask_to_stop()
        deadline = monotonic() + PATIENCE
        for child in reversed(self.children):
            child.stop(deadline)


def end_with_parent(stop: Callable[[], None]) -> None:
    """In a child: when the pipe on standard input ends, our parent has died; stop, by force if need be."""

    def watch() -> None:
        while os.read(0, 64):
            continue
        stop()
        time.sleep(PATIENCE)
        signal.raise_signal(signal.SIGKILL)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
