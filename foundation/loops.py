"""Threads that look again and again, can be asked to look at once, and are missed when they die."""

import math
import threading
from collections.abc import Callable

from foundation import health, log


class Loop(threading.Thread):
    """Calls `turn` every so many seconds, or at once after `look`; again at once while it answers True.

    An error of a turn is logged and the loop goes on. A `long` turn may take its time; a short one that takes
    longer than `health.LIMIT` turns the process red, and so does the death of the thread.
    """

    def __init__(self, name: str, turn: Callable[[], bool], every: float, *, long: bool = False) -> None:
        super().__init__(name=name, daemon=True)
        self.stopping = threading.Event()
        self._turn, self._every, self._long = turn, every, long
        self._look = threading.Event()
        self._failing = False

    def look(self) -> None:
        """Do not wait any longer."""
        self._look.set()

    def stop(self) -> None:
        """End after the present turn; `join` waits for it."""
        self.stopping.set()
        self._look.set()

    def run(self) -> None:
        """The thread itself."""
        try:
            while not self.stopping.is_set():
                self._look.clear()  # before the turn: who asks during it is heard after it
                health.tick(self.name, good_for=math.inf if self._long else 0.0)
                more = self._try()
                health.tick(self.name, good_for=self._every)
                if not more:
                    self._look.wait(self._every)
        finally:
            if self.stopping.is_set():
                health.forget(self.name)
            else:
                health.fail(self.name)

    def _try(self) -> bool:
        try:
            more = self._turn()
        except Exception as error:  # the database is away, for example: look again later
            if not self._failing:  # an outage is told once
                log.get(__name__).warning("turn_failed", loop=self.name, error=error)
            self._failing = True
            return False
        if self._failing:
            log.get(__name__).info("turns_again", loop=self.name)
        self._failing = False
        return more
