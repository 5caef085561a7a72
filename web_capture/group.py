"""Keeps calls: those that come while a statement is on its way share the next one, and nobody is answered
before the server has it on disk.

What comes together lands as one record per site, a bundle of calls as they came. One statement writes it and
the row that tells the workers of it: both or neither, in one round trip (docs/decisions/0012).
"""

import asyncio
from collections.abc import Sequence
from math import ceil
from uuid import UUID

import psycopg
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import URL

from foundation import clock, log
from foundation.wake import wake
from web_capture.patience import Line, Lost

TOGETHER = 1_000_000  # bytes of a bundle, a call more or less
LONGEST = 50_000  # events that may wait
HEAVIEST = 64_000_000  # bytes that may wait
PATIENCE = 6.0  # seconds to reach the database again, before the callers are sent away
STATEMENT = 5.0  # seconds of them for one; then it is said again over another connection
LINGER = 0.005  # seconds at most that arriving calls hold up a statement
WAKE_EVERY = 0.05
_LEAST = 0.2

_KEEP = """
WITH kept AS (
  INSERT INTO landed_records
    (connection_id, stream, external_id, version_hash, payload, gone, via, received_at)
  SELECT site, 'events', bundle, '', payload, false, 'collector', %(at)s
  FROM unnest(%(sites)b::uuid[], %(bundles)b::text[], %(payloads)b::text[]) AS came (site, bundle, payload)
  ON CONFLICT DO NOTHING RETURNING id, connection_id, external_id
)
INSERT INTO captured (site_id, landed_id, events)
SELECT kept.connection_id, kept.id, came.events
FROM kept JOIN unnest(%(bundles)b::text[], %(counts)b::int[]) AS came (bundle, events)
  ON came.bundle = kept.external_id
"""


class Full(Exception):
    """More waits than can be kept in time; the caller has to come again."""


class _Bundle:
    """Calls to one site that land as one record."""

    def __init__(self, site: UUID) -> None:
        self.site, self.id = site, clock.new_id().hex  # saying it again writes it once
        self.calls: list[str] = []
        self.bytes = self.events = 0


class _Next:
    """What the next statement will keep. Everybody who waits has a future of their own: one who hangs up ends
    nobody else's."""

    def __init__(self) -> None:
        self.bundles: list[_Bundle] = []
        self.open: dict[UUID, _Bundle] = {}
        self.bytes = self.events = 0
        self.waiting: list[asyncio.Future[None]] = []

    def add(self, site: UUID, call: str, events: int) -> None:
        """Put a call into the bundle of its site."""
        bundle = self.open.get(site)
        if bundle is None or bundle.bytes > TOGETHER:
            bundle = self.open[site] = _Bundle(site)
            self.bundles.append(bundle)
        bundle.calls.append(call)
        bundle.bytes += len(call)
        bundle.events += events
        self.bytes += len(call)
        self.events += events

    def end(self, lost: Lost | None) -> None:
        """Tell those who still wait how it went."""
        for one in self.waiting:
            if one.done():
                continue
            if lost is None:
                one.set_result(None)
            else:
                one.set_exception(lost)


class Group:
    """The queue of this process's collector. Lives on one event loop at a time."""

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._line: Line | None = None
        self._next: _Next | None = None
        self._task: asyncio.Task[None] | None = None
        self._waking: asyncio.Task[None] | None = None
        self._away = False

    def put(self, site: UUID, call: str, events: int) -> "asyncio.Future[None]":
        """Queue a call; the future is done when it is on disk. Raises Full, and Lost while others find out
        whether a database that was away is back."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._line, self._next, self._task, self._waking = loop, None, None, None, None
        if self._away and self._task is not None:
            raise Lost
        waiting = self._next
        if waiting is None:
            waiting = self._next = _Next()
        if waiting.events + events > LONGEST or waiting.bytes > HEAVIEST:
            raise Full
        waiting.add(site, call, events)
        if self._task is None:
            self._task = loop.create_task(self._drain())
        kept = loop.create_future()
        waiting.waiting.append(kept)
        return kept

    async def stop(self) -> None:
        """Keep what waits and close the connection."""
        if self._loop is not asyncio.get_running_loop():
            return
        for task in (self._task, self._waking):
            if task is not None:
                await task
        if self._line is not None:
            await self._line.close()
            self._line = None

    async def _drain(self) -> None:
        """Statement after statement until nothing waits; what comes meanwhile makes up the next."""
        try:
            while self._next is not None and self._next.events:
                await self._gather(self._next)
                taken, self._next = self._next, None
                try:
                    await self._keep(taken.bundles)
                except Exception as error:  # noqa: BLE001 - whoever waits for the answer raises it
                    log.get(__name__).error("capture_failed", kind=type(error).__name__)
                    taken.end(Lost())
                    if isinstance(error, Lost):
                        self._send_away()
                else:
                    self._away = False
                    taken.end(None)
                    if self._waking is None:
                        self._waking = asyncio.create_task(self._wake())
        finally:
            self._task = None

    def _send_away(self) -> None:
        """Those who came meanwhile would wait for the same as long again."""
        self._away = True
        came, self._next = self._next, None
        if came is not None:
            came.end(Lost())

    @staticmethod
    async def _gather(waiting: _Next) -> None:
        """Let the loop read what has arrived by now; costs nobody a wait, as it stops when nothing has."""
        deadline = clock.monotonic() + LINGER
        events = 0
        while events < waiting.events and waiting.bytes < TOGETHER and clock.monotonic() < deadline:
            events = waiting.events
            await asyncio.sleep(0)

    async def _keep(self, bundles: Sequence[_Bundle]) -> None:
        values = {
            "at": clock.now(),
            "sites": [one.site for one in bundles],
            "bundles": [one.id for one in bundles],
            "payloads": [f"[{','.join(one.calls)}]" for one in bundles],
            "counts": [one.events for one in bundles],
        }
        deadline = clock.monotonic() + PATIENCE
        while True:
            try:
                left = max(deadline - clock.monotonic(), _LEAST)
                line = await self._connected(ceil(left))
                line.limit = min(STATEMENT, left)
                await line.execute(_KEEP, values, prepare=True)
                return
            except psycopg.OperationalError as error:
                # kept or not, who knows: said again, it is written once
                line_was, self._line = self._line, None
                if line_was is not None:
                    await line_was.close()
                if clock.monotonic() > deadline:
                    raise Lost from error
                await asyncio.sleep(0.1)

    async def _connected(self, seconds: int) -> Line:
        if self._line is None:
            # who waits for a lock doesn't notice that we are gone: the server has to end the statement itself
            options = f"-c timezone=UTC -c jit=off -c statement_timeout={STATEMENT * 900:.0f}"
            line = await Line.connect(
                self._url, autocommit=True, connect_timeout=seconds, client_encoding="utf8",
                application_name="kartoteka-collector", options=options,
            )  # fmt: skip
            line.adapters.register_dumper(list, ListBinaryDumper)
            line.prepare_threshold = 0
            self._line = line
        return self._line

    async def _wake(self) -> None:
        """Tell the workers, once for all that came within a moment: a broker may take its time."""
        await asyncio.sleep(WAKE_EVERY)
        self._waking = None
        await asyncio.to_thread(wake, "web.resolve")
