"""What was sent back and why: counted in memory, written once in a while, with a sample to mend it by."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from foundation import clock, log
from foundation.database import transaction
from sync.landing import storable
from web_capture.payload import without_secrets

EVERY = 1.0  # seconds between two writings
MOST = 500  # different refusals remembered between two writings
SAMPLE = 32 * 1024  # bytes of a refused call that are kept
_WRITE = text(
    "INSERT INTO refusals (site_id, reason, origin, times, sample, first_at, last_at)"
    " SELECT CAST(:site AS uuid), CAST(:reason AS text), CAST(:origin AS text), CAST(:times AS bigint),"
    " CAST(:sample AS text), CAST(:first AS timestamptz), CAST(:last AS timestamptz)"
    " WHERE (SELECT count(*) FROM refusals WHERE site_id = :site) < 1000"
    " OR EXISTS (SELECT FROM refusals WHERE site_id = :site AND reason = :reason AND origin = :origin)"
    " ON CONFLICT (site_id, reason, origin) DO UPDATE SET times = refusals.times + excluded.times,"
    " sample = excluded.sample, last_at = excluded.last_at"
)


@dataclass
class _Seen:
    times: int
    sample: bytes
    first: datetime
    last: datetime


class Refusals:
    """Refused calls of this process. A flood of them costs a counter each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: dict[tuple[UUID, str, str], _Seen] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, site_id: UUID, reason: str, origin: bytes, sample: bytes) -> None:
        """Remember one."""
        at = clock.now()
        key = (site_id, storable(reason)[:500], origin[:200].decode("latin-1"))
        seen = self._seen.get(key)
        if seen is None:
            if len(self._seen) < MOST:
                self._seen[key] = _Seen(1, without_secrets(sample[:SAMPLE]), at, at)
        else:
            seen.times, seen.sample, seen.last = seen.times + 1, without_secrets(sample[:SAMPLE]), at
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._later())

    async def _later(self) -> None:
        await asyncio.sleep(EVERY)
        await self.flush()

    async def flush(self) -> None:
        """Write what is remembered; with the database away it is lost, as only counts and samples are."""
        seen, self._seen = self._seen, {}
        if seen:
            try:
                await run_in_threadpool(self._write, seen)
            except SQLAlchemyError as error:
                log.get(__name__).warning("refusals_lost", count=len(seen), kind=type(error).__name__)

    def _write(self, seen: dict[tuple[UUID, str, str], _Seen]) -> None:
        with transaction(self._engine) as session:
            for (site, reason, origin), one in seen.items():
                session.execute(
                    _WRITE,
                    {"site": site, "reason": reason, "origin": storable(origin), "times": one.times,
                     "sample": storable(one.sample.decode("utf-8", "replace")), "first": one.first,
                     "last": one.last},
                )  # fmt: skip
