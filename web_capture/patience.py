"""Nobody waits for ever for a frozen database: a stalled disk, a stopped process, a table that is locked.

One that is away breaks its connections. A frozen one doesn't: answers just never come. So connections here
give up by themselves, and while the database is known to be frozen one caller at a time looks whether it is.
"""

import threading
from asyncio import get_running_loop
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn
from sqlalchemy import Engine, event
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree

from foundation.clock import monotonic
from foundation.database import make_engine

LONGEST = 4.0  # seconds until a question is given up
SLOTS = 10  # questions at the same time, each over a connection
MOST = 200  # that may wait for theirs
REMEMBERED = 1_000  # answers
_LEAST = 0.1
_CONNECTING = 2  # the driver gives up no sooner, and counts whole seconds
_INTERVAL = 0.1  # the driver's own
_HERE = threading.local()  # .until: when the question of this thread is given up
T = TypeVar("T")


class Lost(Exception):
    """The database can't be reached or doesn't answer; the caller has to come again."""


class Line(psycopg.AsyncConnection[Any]):
    """A connection that waits at most `limit` seconds for an answer; then it is broken."""

    limit = LONGEST

    async def wait(self, gen: PQGen[T], interval: float = _INTERVAL, timeout: float | None = None) -> T:
        """Wait for the server; OperationalError when it takes too long."""
        try:
            return await super().wait(gen, interval, self.limit if timeout is None else timeout)
        except psycopg.OperationalError:
            _drop(self.pgconn)
            raise


class _Line(psycopg.Connection[Any]):
    """The same for threads, until the moment that was set for this thread."""

    def wait(self, gen: PQGen[T], interval: float = _INTERVAL, timeout: float | None = None) -> T:
        """Wait for the server; OperationalError when it takes too long."""
        try:
            return super().wait(gen, interval, _left() if timeout is None else timeout)
        except psycopg.OperationalError:
            _drop(self.pgconn)
            raise


def _drop(connection: PGconn) -> None:
    """End a connection whose answer may still come: it must not be taken for that of the next question."""
    if connection.transaction_status == TransactionStatus.ACTIVE:
        connection.finish()


def _left() -> float:
    return max(getattr(_HERE, "until", monotonic() + LONGEST) - monotonic(), _LEAST)


def impatient(engine: Engine) -> Engine:
    """Another engine of the same database, whose connections give up."""
    made = make_engine(
        engine.url.render_as_string(hide_password=False), pool_size=SLOTS, application="kartoteka-door"
    )
    event.listen(made, "do_connect", _connect)
    return made


class Asking:
    """Asks the database on behalf of callers from outside, in threads of its own."""

    def __init__(self, engine: Engine, slots: int = SLOTS) -> None:
        self.engine = engine
        self._threads = ThreadPoolExecutor(slots, "door")
        self._asked = 0
        self._away = False
        self._known: dict[Hashable, Any] = {}

    async def ask(self, function: Callable[..., T], *given: Any) -> T:
        """What a function answers that asks the database; Lost when there is no answer in time."""
        if self._asked >= MOST or (self._away and self._asked):
            raise Lost
        self._asked += 1
        try:
            until = monotonic() + LONGEST
            answer = await get_running_loop().run_in_executor(self._threads, _by, until, function, *given)
        except (OperationalError, InterfaceError, NoneFree) as error:
            self._away = _is_away(error)
            raise Lost from error
        finally:
            self._asked -= 1
        self._away = False
        return answer

    async def ask_or_recall(self, name: Hashable, function: Callable[..., T], *given: Any) -> T:
        """The same; while there is no answer, the last one that had this name."""
        try:
            answer = await self.ask(function, *given)
        except Lost:
            if name not in self._known:
                raise
            recalled: T = self._known[name]
            return recalled
        self._known.pop(name, None)
        self._known[name] = answer
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return answer


def _by(until: float, function: Callable[..., T], *given: Any) -> T:
    if monotonic() > until:  # it waited for a thread all the time
        raise NoneFree
    _HERE.until = until
    try:
        return function(*given)
    finally:
        del _HERE.until


def _connect(dialect: Any, record: Any, given: list[Any], named: dict[str, Any]) -> _Line:
    """A connection of ours; the server ends a statement by itself, too, or it would wait on for its lock."""
    if (left := _left()) < min(_CONNECTING, LONGEST / 2):
        raise psycopg.OperationalError("no time is left to connect")
    options = f"{named['options']} -c statement_timeout={LONGEST * 900:.0f}"
    return _Line.connect(*given, **{**named, "options": options, "connect_timeout": max(int(left), 1)})


def _is_away(error: Exception) -> bool:
    """Whether all who ask now would wait for the same; a deadlock, say, is one caller's own bad luck."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state is None or state[:2] in ("08", "53", "57")
