"""Who may send what: write keys, held in memory and read again every few seconds."""

import base64
import binascii
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from foundation.clock import monotonic
from web_capture.sites import digest, host_of
from web_capture.tables import Site, SiteKey

FRESH = 5.0  # seconds after which keys are read again: so long may a revoked one still write
UNKNOWN = 1.0  # seconds between two looks because of keys that aren't known
REMEMBERED = 10_000  # authorizations


@dataclass(frozen=True, slots=True)
class Door:
    """A write key in force."""

    site_id: UUID
    secret: bool
    hosts: frozenset[str]


class Gate:
    """The doors of an installation by their keys."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
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

    def miss(self) -> bool:
        """Whether another look is due because somebody came with a key that isn't known."""
        return monotonic() - self._read_at > UNKNOWN

    def postpone(self) -> bool:
        """Go on with the keys known until the next look; False when none were ever read."""
        if self._read_at == float("-inf"):
            return False
        self._read_at = monotonic()
        return True

    def load(self) -> None:
        """Read the keys; blocks for a query."""
        with Session(self._engine) as session:
            rows = session.execute(
                select(SiteKey.digest, SiteKey.secret, Site.id, Site.domain, Site.origins)
                .join(Site, Site.id == SiteKey.site_id)
                .where(SiteKey.revoked_at.is_(None))
            ).all()
        self._doors = {bytes(row[0]): Door(row[2], row[1], frozenset((row[3], *row[4]))) for row in rows}
        self._by_text, self._by_header, self._origins = {}, {}, {}
        self._hosts = frozenset(host for door in self._doors.values() for host in door.hosts)
        self._read_at = monotonic()

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
