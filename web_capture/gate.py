"""Who may send what: write keys, held in memory and read again every few seconds."""

import asyncio
import base64
import binascii
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from foundation.clock import monotonic
from web_capture.patience import Asking, Lost
from web_capture.sites import digest, host_of
from web_capture.tables import Site, SiteKey

FRESH = 5.0  # seconds after which keys are read again: so long may a revoked one still write
UNKNOWN = 1.0  # seconds between two looks because of keys that aren't known
HOLD_UP = (
    1.0  # seconds that a slow look may hold up callers; then keys known stay in force for the time being
)
REMEMBERED = 10_000  # authorizations


@dataclass(frozen=True, slots=True)
class Door:
    """A write key in force."""

    site_id: UUID
    secret: bool
    hosts: frozenset[str]


class Gate:
    """The doors of an installation by their keys."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._looking: asyncio.Task[bool] | None = None
        self._unsure = False  # whether the last look told nothing
        self._doors: dict[bytes, Door] = {}
        self._read_at = float("-inf")
        self._by_text: dict[str, Door] = {}  # as keys came: spares the digest
        self._by_header: dict[bytes, Door] = {}
        self._origins: dict[tuple[frozenset[str], str], bool] = {}
        self._hosts: frozenset[str] = frozenset()

    @property
    def stale(self) -> bool:
        """Whether the keys should be read again before anybody is let in."""
        return monotonic() - self._read_at > FRESH

    async def fresh(self) -> None:
        """Read the keys again when they are old. Those known stay in force while the database is away; Lost
        when none were ever read."""
        if self.stale:
            await self._look()

    async def door(self, key: object, header: bytes = b"") -> Door | None:
        """The door of a write key or an Authorization header, also of a key made a moment ago.

        Lost rather than None when that can't be known at the moment: whoever is told no doesn't come again.
        """
        await self.fresh()
        door = self.by_header(header) or self.by_key(key)
        if door is None and (key or header):
            if monotonic() - self._read_at > UNKNOWN:
                await self._look()
                door = self.by_header(header) or self.by_key(key)
            if door is None and self._unsure:
                raise Lost
        return door

    async def stop(self) -> None:
        """Wait for the look that is under way."""
        task = self._looking
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            await asyncio.wait({task})

    async def _look(self) -> None:
        """Read the keys, once for all who ask for it meanwhile."""
        loop, task = asyncio.get_running_loop(), self._looking
        if task is None or task.done() or task.get_loop() is not loop:
            task = self._looking = loop.create_task(self._read())
        known = self._read_at > float("-inf")
        await asyncio.wait({task}, timeout=HOLD_UP if known else None)
        self._unsure = not (task.done() and task.result())
        if self._unsure:
            if not known:
                raise Lost
            self._read_at = monotonic()

    async def _read(self) -> bool:
        try:
            await self._asking.ask(self.load)
        except (Lost, SQLAlchemyError):
            return False
        return True

    def load(self) -> None:
        """Read the keys; blocks for a query."""
        began = monotonic()
        with Session(self._asking.engine) as session:
            rows = session.execute(
                select(SiteKey.digest, SiteKey.secret, Site.id, Site.domain, Site.origins)
                .join(Site, Site.id == SiteKey.site_id)
                .where(SiteKey.revoked_at.is_(None))
            ).all()
        self._doors = {bytes(row[0]): Door(row[2], row[1], frozenset((row[3], *row[4]))) for row in rows}
        self._by_text, self._by_header, self._origins = {}, {}, {}
        self._hosts = frozenset(host for door in self._doors.values() for host in door.hosts)
        self._read_at = began

    def by_key(self, key: object) -> Door | None:
        """The door of a key that stands in a body."""
        if not isinstance(key, str):
            return None
        return self._by_text.get(key) or self._remember(self._by_text, key, self._doors.get(digest(key)))

    def by_header(self, header: bytes) -> Door | None:
        """The door of an Authorization header: Basic with the key as the user, a colon or not."""
        known = self._by_header.get(header)
        if known is not None:
            return known
        scheme, _, value = header.partition(b" ")
        if scheme.lower() != b"basic":
            return None
        try:
            key = base64.b64decode(value.strip(), validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self._remember(self._by_header, header, self._doors.get(digest(key)))

    def allows(self, door: Door, origin: str) -> bool:
        """Whether a page of that origin may use the key. Callers that aren't browsers name none."""
        return self._serves(door.hosts, origin)

    def known(self, origin: str) -> bool:
        """Whether any site's pages come from there."""
        return self._serves(self._hosts, origin)

    def _serves(self, hosts: frozenset[str], origin: str) -> bool:
        """Whether an origin is one of these hosts or a subdomain of one."""
        found = self._origins.get((hosts, origin))
        if found is None:
            host = host_of(origin)
            found = any(host == one or host.endswith(f".{one}") for one in hosts)
            if len(self._origins) < REMEMBERED:
                self._origins[hosts, origin] = found
        return found

    @staticmethod
    def _remember(where: dict, name: object, door: Door | None) -> Door | None:  # type: ignore[type-arg]
        if door is not None and len(where) < REMEMBERED:
            where[name] = door
        return door
