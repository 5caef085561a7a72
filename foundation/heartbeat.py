"""Keeps the leases of jobs in progress, so that a claim means "somebody alive is at it"."""

import threading
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from foundation import health, log, work
from foundation.work import LEASE, Work


class Heartbeat:
    """Renews the leases of the jobs being done in this process, from a thread of its own."""

    def __init__(self, engine: Engine, lease: float = LEASE) -> None:
        self.engine, self.lease = engine, lease
        self.held: dict[int, Work] = {}
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)

    def hold(self, one: Work) -> None:
        """Renew this job's lease from now on."""
        with self._guard:
            self.held[one.id] = one

    def drop(self, one: Work) -> None:
        """Renew it no more."""
        with self._guard:
            self.held.pop(one.id, None)

    def now_held(self) -> list[Work]:
        """The jobs being done at this moment."""
        with self._guard:
            return list(self.held.values())

    def _run(self) -> None:
        try:
            while not self._stop.wait(self.lease / 3):
                health.tick("heartbeat", good_for=self.lease / 3)
                held = self.now_held()
                try:
                    if held:
                        work.renew(self.engine, held, self.lease)
                except Exception as error:  # the database is away: the next round tries again
                    log.get(__name__).warning("leases_not_renewed", error=error)
            health.forget("heartbeat")
        finally:
            if not self._stop.is_set():
                health.fail("heartbeat")
