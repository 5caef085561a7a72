"""Webhooks that come while a transaction commits share the next one, so that a burst costs few commits.

Nothing is delayed on purpose, and nobody is answered before the commit that keeps the delivery.
"""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from foundation import log
from foundation.sealing import Sealer
from sync import webhooks
from sync.webhooks import Answer, Hook

THREADS = 4  # so many connections land at the same time
TOGETHER = 100  # deliveries of a transaction at most
LONGEST = 300  # deliveries that may wait; with more, shops give up before it is their turn
HEAVIEST = 64_000_000  # bytes that may wait


class Full(Exception):
    """More deliveries wait than can be landed in time; the sender has to come again."""


class _Waiting:
    """A delivery and the answer somebody waits for."""

    def __init__(self, hook: Hook) -> None:
        self.hook = hook
        self.answer: Future[Answer] = Future()


class Intake:
    """The queue at this process's webhook door: a line per connection, served in turn by a few threads."""

    def __init__(
        self, engine: Engine, sealer: Sealer, *, longest: int = LONGEST, heaviest: int = HEAVIEST
    ) -> None:
        self._engine, self._sealer = engine, sealer
        self._longest, self._heaviest = longest, heaviest
        self._guard = threading.Lock()
        self._lines: dict[UUID, deque[_Waiting]] = {}  # a connection is in here while it is being served
        self._count = self._bytes = 0
        self._threads = ThreadPoolExecutor(THREADS, "intake")

    def put(self, connection_id: UUID, headers: Mapping[str, str], body: bytes) -> Future[Answer]:
        """Queue a delivery; the future has its answer once it is committed, or the error. Raises Full."""
        one = _Waiting(Hook(headers, body))
        with self._guard:
            if self._count >= self._longest or self._bytes + len(body) > self._heaviest:
                raise Full
            self._count += 1
            self._bytes += len(body)
            if connection_id in self._lines:
                self._lines[connection_id].append(one)
                return one.answer
            self._lines[connection_id] = deque([one])
        self._threads.submit(self._serve, connection_id)
        return one.answer

    def stop(self) -> None:
        """Land what waits, then end the threads. Nothing may be put any more."""
        self._threads.shutdown()

    def _serve(self, connection_id: UUID) -> None:
        """Land one group; while more of this connection wait, its turn comes again after the others'."""
        while group := self._next(connection_id):
            self._land(connection_id, group)
            try:
                self._threads.submit(self._serve, connection_id)
                return
            except RuntimeError:
                continue  # stopping: no turns any more, the rest is landed right here

    def _next(self, connection_id: UUID) -> list[_Waiting]:
        """The next group; an empty one takes the connection out of the lines."""
        with self._guard:
            line = self._lines[connection_id]
            group = [line.popleft() for _ in range(min(len(line), TOGETHER))]
            self._count -= len(group)
            self._bytes -= sum(len(one.hook.body) for one in group)
            if not group:
                del self._lines[connection_id]
        return group

    def _land(self, connection_id: UUID, group: Sequence[_Waiting]) -> None:
        group = [one for one in group if one.answer.set_running_or_notify_cancel()]
        if len(group) > 1:
            try:
                answers = webhooks.receive_many(
                    self._engine, self._sealer, connection_id, [one.hook for one in group]
                )
            except Exception as error:  # noqa: BLE001 - one delivery must not harm the others
                log.get(__name__).info("group_split", size=len(group), kind=type(error).__name__)
                if _away(error):
                    _fail(group, error)
                    return
            else:
                for one, answer in zip(group, answers, strict=True):
                    one.answer.set_result(answer)
                return
        self._one_by_one(connection_id, group)

    def _one_by_one(self, connection_id: UUID, group: Sequence[_Waiting]) -> None:
        for place, one in enumerate(group):
            hook = one.hook
            try:
                answer = webhooks.receive(self._engine, self._sealer, connection_id, hook.headers, hook.body)
            except Exception as error:  # noqa: BLE001 - whoever waits for the answer raises it
                if _away(error):
                    _fail(group[place:], error)
                    return
                one.answer.set_exception(error)
            else:
                one.answer.set_result(answer)


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for one in group:
        one.answer.set_exception(error)


def _away(error: Exception) -> bool:
    """Whether the database is away: then the next delivery would only wait for the same error."""
    if not isinstance(error, OperationalError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state[:2] in ("08", "57")
