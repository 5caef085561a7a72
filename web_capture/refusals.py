"""What was sent back and why: counted in memory, written once in a while, with a sample to mend it by."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from foundation import clock, log
from foundation.database import transaction
from foundation.jobs import beat
from sync.landing import storable
from web_capture.patience import Asking, Lost
from web_capture.payload import without_secrets

EVERY = 1.0  # seconds between two writings
MOST = 500  # different refusals remembered between two writings
SAMPLE = 32 * 1024  # bytes of a refused call that are kept
KEPT_FOR = timedelta(days=30)  # since it was last seen
FULL, ENOUGH = 1_000, 500  # refusals of a site: with more than the former only the latest are kept
_WRITE = text(
    "INSERT INTO refusals (site_id, reason, origin, times, sample, first_at, last_at)"
    " VALUES (:site, :reason, :origin, :times, :sample, :first, :last)"
    " ON CONFLICT (site_id, reason, origin) DO UPDATE SET times = refusals.times + excluded.times,"
    " sample = excluded.sample, last_at = excluded.last_at"
)
_TRIM = text(  # what another process writes at the moment stays: nobody waits, so no two for each other
    "DELETE FROM refusals WHERE (site_id, reason, origin) IN (SELECT site_id, reason, origin FROM refusals"
    " WHERE site_id = :site AND (SELECT count(*) FROM refusals WHERE site_id = :site) > :full"
    " ORDER BY last_at DESC OFFSET :enough FOR UPDATE SKIP LOCKED)"
)
_FORGET = text("DELETE FROM refusals WHERE last_at < :before")


@dataclass
class _Seen:
    times: int
    sample: bytes
    first: datetime
    last: datetime


class Refusals:
    """Refused calls of this process. A flood of them costs a counter each."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._seen: dict[tuple[UUID, str, str], _Seen] = {}
        self._task: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

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
        async with self._writing:
            seen, self._seen = self._seen, {}
            if seen:
                try:
                    await self._asking.ask(self._write, seen)
                except (Lost, SQLAlchemyError) as error:
                    log.get(__name__).warning("refusals_lost", count=len(seen), kind=type(error).__name__)

    def _write(self, seen: dict[tuple[UUID, str, str], _Seen]) -> None:
        rows = [
            {"site": site, "reason": reason, "origin": storable(origin), "times": one.times,
             "sample": storable(one.sample.decode("utf-8", "replace")), "first": one.first, "last": one.last}
            for (site, reason, origin), one in sorted(seen.items(), key=lambda one: one[0])
        ]  # fmt: skip
        with transaction(self._asking.engine) as session:
            session.execute(_WRITE, rows)  # in the order of all processes, so that no two wait for each other
            for site in {row["site"] for row in rows}:
                session.execute(_TRIM, {"site": site, "full": FULL, "enough": ENOUGH})


@beat("web.refusals", every=3600)
def forget(engine: Engine) -> None:
    """Let go of what nobody has sent any more for a while."""
    with transaction(engine) as session:
        session.execute(_FORGET, {"before": clock.now() - KEPT_FOR})
