"""Finds the installation a command is about: a running one, or one whose servers it starts for the moment."""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, select

from foundation import embedded, folder, jobs, log, sealing
from foundation.clock import now
from foundation.database import make_engine
from foundation.embedded import Servers
from foundation.errors import Misconfigured
from foundation.settings import Settings, load
from foundation.tables import Lease
from kartoteka import posting
from sync import context
from sync.context import Context

WHERE = "address.json"  # in the data folder: how the running copy is reached


@dataclass(frozen=True)
class Installation:
    """What a command works with. `running`: another process does the jobs, we only watch."""

    settings: Settings
    engine: Engine
    redis_url: str
    context: Context
    running: bool


def note(settings: Settings, address: str) -> None:
    """Write down what the copy running on this folder was told, for commands in other terminals."""
    said = {"public_url": address, "allow_private_addresses": settings.allow_private_addresses}
    (settings.data / WHERE).write_text(json.dumps(said), encoding="utf-8")


def settings_of(data: Path | None) -> Settings:
    """The settings in force; where a copy runs on the folder, with the address and network rule it has."""
    settings = load(data=data)
    if embedded.attach(settings.data) is None:
        return settings
    try:
        said = json.loads((settings.data / WHERE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return settings
    return load(data=data, **said)


def addresses(settings: Settings) -> tuple[str, str] | None:
    """Where PostgreSQL and Valkey are: the two settings, or the running private ones; None when neither."""
    if settings.database_url and settings.redis_url:
        return settings.database_url, settings.redis_url
    servers = embedded.attach(settings.data)
    if servers is None:
        return None
    return settings.database_url or servers.database_url, settings.redis_url or servers.redis_url


def needed(settings: Settings) -> tuple[str, str]:
    """The same for a part of the installation, which never starts servers by itself."""
    found = addresses(settings)
    if found is None:
        raise Misconfigured(
            f"No servers run for {settings.data}. Start `kartoteka up`, or set KARTOTEKA_DATABASE_URL "
            "and KARTOTEKA_REDIS_URL.",
            "KARTOTEKA_DATABASE_URL",
        )
    return found


def prepare(settings: Settings, *, pool_size: int = 5, application: str = "kartoteka") -> Installation:
    """Set up this process as a part of a running installation: log, jobs, context, engine."""
    database_url, redis_url = needed(settings)
    log.setup(settings)
    held = Context(settings, sealing.open_sealer(settings))
    context.use(held)
    jobs.connect(redis_url)
    posting.join()
    engine = make_engine(database_url, pool_size=pool_size, application=application)
    return Installation(settings, engine, redis_url, held, running=True)


def worked(engine: Engine) -> bool:
    """Whether a worker holds its lease at this moment, on whatever machine."""
    query = select(Lease.name).where(Lease.name.startswith("worker:"), Lease.until > now()).limit(1)
    with engine.connect() as connection:
        return connection.scalar(query) is not None


@contextmanager
def opened(data: Path | None, *, begins: bool = False) -> Iterator[Installation]:
    """The installation of a folder for as long as a command needs it; starts its servers when nobody has.

    A folder without one is refused, as it may be mistyped, unless the command is one that `begins` there.
    """
    settings = settings_of(data)
    own: Servers | None = None
    if addresses(settings) is None:
        if not (begins or settings.database_url or folder.known(settings.data)):
            raise Misconfigured(
                f"There is no installation in {settings.data}. Name its folder with --data; "
                "`kartoteka up` or `kartoteka migrate` makes a new one.",
                "KARTOTEKA_DATA",
            )
        own = embedded.start(settings.data, server_user=settings.server_user)
    try:
        found = prepare(settings)
        if own is not None:
            from migrations import run as migrations  # Alembic is heavy; the web part never needs it

            migrations.upgrade(found.engine)
        try:
            yield dataclasses.replace(found, running=own is None and worked(found.engine))
        finally:
            found.engine.dispose()
    finally:
        if own is not None:
            own.stop()
