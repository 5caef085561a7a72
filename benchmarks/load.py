"""Initial load by the whole path (land, resolve, cards, timeline, stats) against a bare COPY of its rows.

    python -m benchmarks.load --customers 20000 --rounds 5
    python -m benchmarks.load --customers 125000 --rounds 1 --double 3

Every round has a server and a database of its own: the load, the same once more (an unchanged pull), then the
rows it left are copied out and into bare tables whose keys and indexes are built afterwards. Ratios are taken
within a round; medians are printed. This process lands; two others resolve, as many as `kartoteka up` starts
on two cores. CPU is that of all of them and of all PostgreSQL processes of the server.
"""

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from benchmarks.people import orders, people
from benchmarks.source import Workers
from connectors.base import Raw
from customers.tables import Source
from foundation import embedded
from foundation.database import driver, make_engine, transaction
from foundation.records import AnyRecord
from migrations.run import upgrade
from sync import landing
from sync.tables import Connection

PAGE = 1_000
TABLES = (
    "landed_records", "landed_heads", "customers", "profiles", "profile_keys", "profile_links", "consents",
    "orders", "order_lines", "timeline", "customer_stats",
)  # fmt: skip
_encode = msgspec.json.Encoder().encode


@dataclass
class Cost:
    """Seconds on the clock and of CPU."""

    wall: float = 0.0
    cpu: float = 0.0


@dataclass
class Round:
    """One load and what to hold it against."""

    load: Cost = field(default_factory=Cost)
    again: Cost = field(default_factory=Cost)
    bare: Cost = field(default_factory=Cost)


class Meter:
    """Measures wall time and CPU of ourselves, of the workers and of the database server."""

    def __init__(self, engine: Engine, workers: Workers) -> None:
        self.workers = {process.pid for process in workers.processes}
        with engine.connect() as connection:
            one = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        self.server = int(_stat(one)[3])

    def measure(self, work: Callable[[], object]) -> Cost:
        """What a piece of work costs."""
        wall, cpu = time.perf_counter(), self._cpu()
        work()
        return Cost(time.perf_counter() - wall, self._cpu() - cpu)

    def _cpu(self) -> float:
        """Our own CPU seconds, the server's, and those of its processes, ended ones included."""
        ticks = 0
        for process in Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            try:
                stat = _stat(int(process.name))
            except OSError:
                continue
            if int(process.name) == self.server:
                ticks += sum(map(int, stat[13:17]))
            elif int(stat[3]) == self.server or int(process.name) in self.workers:
                ticks += int(stat[13]) + int(stat[14])
        return ticks / os.sysconf("SC_CLK_TCK") + time.process_time()


def _stat(process: int) -> list[str]:
    """Fields of /proc/PID/stat; the name of the program may hold spaces."""
    line = Path(f"/proc/{process}/stat").read_text()
    head, _, tail = line.rpartition(")")
    return [head.split("(")[0], "", *tail.split()]


def pages(records: Iterable[AnyRecord]) -> Iterator[list[Raw]]:
    """Raw records as a source sends them, a page at a time."""
    raws = (
        Raw(record.external_id, _encode(record).decode(), getattr(record, "changed_at", None))
        for record in records
    )
    while page := list(islice(raws, PAGE)):
        yield page


def prepare(customers: int, orders_each: int) -> dict[str, list[list[Raw]]]:
    """All pages of a load, made before any clock runs, and out of the garbage collector's sight."""
    made = {
        "customers": list(pages(people(customers))),
        "orders": list(pages(orders(customers * orders_each, customers))),
    }
    gc.collect()
    gc.freeze()
    return made


def load(engine: Engine, source: Any, streams: dict[str, list[list[Raw]]], workers: Workers) -> None:
    """The whole path for everything: land, while the workers resolve; ends when they have nothing left."""
    left = text(
        "SELECT EXISTS (SELECT FROM landed_heads WHERE connection_id = :id AND pending)"
        " OR EXISTS (SELECT FROM late_stats)"
    )
    with workers.busy(), engine.connect() as connection:
        pull(engine, source, streams)
        while connection.scalar(left, {"id": source}):
            connection.rollback()
            time.sleep(0.2)


def pull(engine: Engine, source: Any, streams: dict[str, list[list[Raw]]]) -> None:
    """Land everything page by page."""
    for stream, its_pages in streams.items():
        for page in its_pages:
            with transaction(engine) as session:
                landing.land(session, source, stream, page, "pull")


def make_source(engine: Engine) -> Any:
    """A source to speak for."""
    with transaction(engine) as session:
        source = Source(name="Bench", kind="bench", role="shop")
        session.add(source)
        session.flush()
        session.add(Connection(id=source.id))
        return source.id


def copy_out(engine: Engine, folder: Path) -> dict[str, list[str]]:
    """Every table's rows as COPY files; answers the statements that build its keys and indexes."""
    builds: dict[str, list[str]] = {}
    with transaction(engine) as session:
        session.execute(text("CREATE SCHEMA bare"))
        for table in TABLES:
            session.execute(text(f"CREATE TABLE bare.{table} (LIKE public.{table})"))
            rows = session.execute(
                text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = :t"),
                {"t": table},
            )
            builds[table] = [row[0].replace(" ON public.", " ON bare.") for row in rows]
            with (
                driver(session).cursor() as cursor,
                (folder / table).open("wb") as file,
                cursor.copy(f"COPY public.{table} TO STDOUT") as copy,
            ):
                file.writelines(copy)
    return builds


def bare(engine: Engine, folder: Path, builds: dict[str, list[str]]) -> None:
    """COPY the rows into tables without anything, then build keys and indexes."""
    with transaction(engine) as session:
        for table, statements in builds.items():
            with (
                driver(session).cursor() as cursor,
                (folder / table).open("rb") as file,
                cursor.copy(f"COPY bare.{table} FROM STDIN") as copy,
            ):
                while block := file.read(1 << 20):
                    copy.write(block)
            for statement in statements:
                session.execute(text(statement.replace("%", "%%")))


def settle(engine: Engine) -> None:
    """Wait until the server has nothing left to do from before, so that the bare copy has it to itself."""
    vacuuming = text("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker')")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while connection.scalar(vacuuming):
            time.sleep(0.2)
        connection.execute(text("CHECKPOINT"))


def one_round(engine: Engine, meter: Meter, workers: Workers, streams: dict[str, list[list[Raw]]]) -> Round:
    """Load, load again, and the bare copy of what came of it."""
    source, found = make_source(engine), Round()
    found.load = meter.measure(lambda: load(engine, source, streams, workers))
    found.again = meter.measure(lambda: load(engine, source, streams, workers))
    with tempfile.TemporaryDirectory() as folder:
        builds = copy_out(engine, Path(folder))
        settle(engine)
        found.bare = meter.measure(lambda: bare(engine, Path(folder), builds))
    return found


def show(customers: int, orders_each: int, rounds: list[Round]) -> tuple[float, float]:
    """Print the figures of some rounds; answers the median seconds of the load and of the bare copy."""
    landed = customers * (1 + orders_each)

    def median(read: Callable[[Round], float]) -> float:
        return statistics.median(read(one) for one in rounds)

    cpu = median(lambda one: one.load.cpu)
    bought = customers * orders_each
    print(
        f"{'medians: ' if len(rounds) > 1 else ''}{customers} customers, {bought} orders, {bought * 3} lines:"
        f" load {median(lambda one: one.load.wall):.1f} s,"
        f" CPU {cpu:.1f} s = {cpu / landed * 1e6:.0f} us a record;"
        f" bare {median(lambda one: one.bare.wall):.1f} s, CPU {median(lambda one: one.bare.cpu):.1f} s;"
        f" load/bare {median(lambda one: one.load.wall / one.bare.wall):.2f} wall,"
        f" {median(lambda one: one.load.cpu / one.bare.cpu):.2f} CPU (bar 4);"
        f" again/bare {median(lambda one: one.again.wall / one.bare.wall):.2f} wall,"
        f" {median(lambda one: one.again.cpu / one.bare.cpu):.2f} CPU (bar 1)",
        flush=True,
    )
    return median(lambda one: one.load.wall), median(lambda one: one.bare.wall)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--orders-each", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--double", type=int, default=0, help="so many sizes, each twice the one before")
    parser.add_argument("--workers", type=int, default=2, help="worker processes that resolve")
    parser.add_argument(
        "--url", help="a PostgreSQL server where a database may be made; default: a private one"
    )
    options = parser.parse_args()
    before: tuple[float, float] | None = None
    for size in range(max(options.double, 1)):
        customers = options.customers << size
        streams = prepare(customers, options.orders_each)
        rounds: list[Round] = []
        for _ in range(options.rounds):
            with installed(options.url, options.workers) as (engine, workers):
                rounds.append(one_round(engine, Meter(engine, workers), workers, streams))
            if options.rounds > 1:
                show(customers, options.orders_each, rounds[-1:])
        cost = show(customers, options.orders_each, rounds)
        if before:
            grown = [now / then for now, then in zip(cost, before, strict=True)]
            print("twice the data: load {:.2f} times (bar 2), bare {:.2f} times".format(*grown), flush=True)
        before = cost


@contextmanager
def installed(url: str | None, workers: int) -> Iterator[tuple[Engine, Workers]]:
    """A database with nothing in it but our tables, on a server of its own when no `url` names one."""
    folder = Path(tempfile.mkdtemp(prefix="kartoteka-bench-"))
    servers = None if url else embedded.start(folder)
    server = url or servers.database_url  # type: ignore[union-attr]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS kartoteka_bench WITH (FORCE)")
        connection.execute("CREATE DATABASE kartoteka_bench TEMPLATE template0")
    engine = make_engine(psycopg_url(server))
    upgrade(engine)
    started = Workers(psycopg_url(server), workers)
    try:
        yield engine, started
    finally:
        started.stop()
        engine.dispose()
        if servers:
            servers.stop()
            embedded.discard(folder)


def psycopg_url(server: str) -> str:
    """The address of our database on a server."""
    return make_url(server).set(database="kartoteka_bench").render_as_string(hide_password=False)


if __name__ == "__main__":
    main()
