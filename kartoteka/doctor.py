"""Looks at an installation and says what is wrong and what to do; changes nothing."""

import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.metadata import packages_distributions
from typing import Any, Literal, NamedTuple

import redis
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from foundation import folder, sealing
from foundation.clock import now
from foundation.database import make_engine
from foundation.errors import KartotekaError
from foundation.settings import Settings
from foundation.tables import Lease
from kartoteka.installation import addresses
from migrations import run as migrations

OUR_NAMES = (
    "foundation", "connectors", "customers", "sync", "web_capture", "email_campaigns", "console", "kartoteka",
    "migrations",
)  # fmt: skip
LOW_DISK = 2 * 1024**3
OLDEST_POSTGRESQL = 140_000


class Finding(NamedTuple):
    """One thing looked at. `advice` says what to do when the level is not ok."""

    level: Literal["ok", "warning", "bad"]
    about: str
    text: str
    advice: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Everything, in the order a person would look; a check that breaks is itself a finding."""
    found: list[Finding] = []
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        names, data_folder, disk, key, database, broker,
    )  # fmt: skip
    for check in checks:
        try:
            found.extend(check(settings))
        except (KartotekaError, OSError, SQLAlchemyError, redis.RedisError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            found.append(Finding("bad", check.__name__.replace("_", " "), first, "See the message."))
    return found


def names(settings: Settings) -> Iterator[Finding]:
    """Our package names are plain words: nobody else in this environment may own one."""
    owners = packages_distributions()
    taken = {name: set(owners.get(name, [])) - {"kartoteka"} for name in OUR_NAMES}
    for name, others in taken.items():
        if others:
            yield Finding("bad", "names", f"The package {name} also belongs to {', '.join(sorted(others))}.",
                          "Install Kartoteka into an environment of its own.")  # fmt: skip
    if not any(taken.values()):
        version = sys.version.split()[0]
        yield Finding("ok", "names", f"Python {version}; no other distribution owns our package names.")


def data_folder(settings: Settings) -> Iterator[Finding]:
    """Who holds the folder, or whose stale lock lies in it."""
    path = settings.data.absolute()
    if settings.database_url and settings.redis_url:
        yield Finding("ok", "data folder", f"{path} (the servers are yours, by their two addresses).")
    elif not path.exists():
        yield Finding("warning", "data folder", f"{path} does not exist yet.", "`kartoteka up` makes it.")
    else:
        yield Finding("ok", "data folder", folder.explain(path))


def disk(settings: Settings) -> Iterator[Finding]:
    """Room for the database to grow."""
    path = settings.data.absolute()
    while not path.exists():
        path = path.parent
    free = shutil.disk_usage(path).free
    text_ = f"{free / 1024**3:.1f} GB free at {path}."
    if free < LOW_DISK:
        yield Finding("warning", "disk", text_, "Make room: PostgreSQL stops when the disk is full.")
    else:
        yield Finding("ok", "disk", text_)


def key(settings: Settings) -> Iterator[Finding]:
    """The key that opens stored credentials."""
    path = settings.data / sealing.KEY_FILE
    if settings.key:
        sealing.open_sealer(settings)
        yield Finding("ok", "key", "The sealing key is set from outside.")
    elif not path.exists():
        yield Finding(
            "warning", "key", f"{path} is not there yet.", "It is made on the first start; back it up apart."
        )
    else:
        sealing.open_sealer(settings)
        yield Finding("ok", "key", f"{path} is readable by you only. Keep a copy apart from the backups.")


def database(settings: Settings) -> Iterator[Finding]:
    """The database answers, is new enough, has our tables; and somebody works its jobs."""
    found = addresses(settings)
    if found is None:
        yield Finding("warning", "database", "It is not running.", "Start `kartoteka up`.")
        return
    engine = make_engine(found[0], pool_size=1)
    try:
        with engine.connect() as connection:
            number = int(connection.scalar(text("SHOW server_version_num")) or 0)
            size = connection.scalar(text("SELECT pg_database_size(current_database())")) or 0
        if number < OLDEST_POSTGRESQL:
            yield Finding("bad", "database", f"PostgreSQL {number // 10_000} is too old.", "Use 14 or newer.")
        else:
            yield Finding("ok", "database", f"PostgreSQL {number // 10_000}, {size / 1024**2:,.0f} MB.")
        missing = migrations.missing(engine)
        if missing:
            yield Finding("bad", "tables", f"Not run yet: {', '.join(missing)}.", "Run `kartoteka migrate`.")
            return
        yield Finding("ok", "tables", "The tables are those of this version.")
        with engine.connect() as connection:
            yield from _workers(
                [tuple(row) for row in connection.execute(select(Lease.name, Lease.ticked_at))]
            )
    finally:
        engine.dispose()


def _workers(rows: list[tuple[Any, ...]]) -> Iterator[Finding]:
    fresh = now() - timedelta(seconds=60)
    alive = [name for name, at in rows if name.startswith("worker:") and at is not None and at > fresh]
    if alive:
        yield Finding("ok", "workers", f"{len(alive)} at work.")
    else:
        yield Finding(
            "warning", "workers", "Nobody does the jobs.", "Start `kartoteka up` or `kartoteka worker`."
        )


def clock_beside(theirs: float) -> Finding:
    """Our clock beside the broker's: leases and schedules of several machines rely on one time."""
    apart = now().timestamp() - theirs
    if abs(apart) > 5:
        advice = "Switch time synchronisation on, on both machines."
        return Finding(
            "warning", "clock", f"This clock and the broker's are {abs(apart):.0f} s apart.", advice
        )
    return Finding("ok", "clock", f"{now().isoformat(timespec='seconds')}, as on the broker's machine.")


def broker(settings: Settings) -> Iterator[Finding]:
    """The broker answers; without it everything still happens, a few seconds later."""
    found = addresses(settings)
    if found is None:
        return
    client = redis.Redis.from_url(found[1], socket_timeout=3, socket_connect_timeout=3)
    try:
        about = client.info("server")
        version = about.get("valkey_version") or about.get("redis_version")
        yield Finding("ok", "broker", f"Answers (version {version}).")
        yield clock_beside(float(client.time()[0]))
    except redis.RedisError as error:
        yield Finding(
            "warning", "broker", f"Does not answer: {error}.", "Work goes on, a few seconds later than usual."
        )
    finally:
        client.close()
