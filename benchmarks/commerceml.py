"""The import of a catalogue of 1C, from its file in the spool to landed rows, beside lxml's bare iterparse.

    python -m benchmarks.commerceml [--size 60] [--rounds 3]

A file of so many MB is put into the spool of an installation of its own, as 1C's chunks leave it there, and
its import asked for. The job that a worker does for that runs in a process of its own: once for a connection
that knows nothing, once more when nothing has changed. In turns with it `lxml.etree.iterparse` reads the same
file, is shown goods only and clears them. The bars are 30 % of the bare speed at first and 60 % when nothing
has changed, by our processor time and by the clock alike; PostgreSQL's own time stands beside them. Memory is
what the importing process grew by (bar 64 MB). At last a while of resolving: what comes after the import.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from lxml import etree
from sqlalchemy import text

from benchmarks.catalogue import write
from benchmarks.rig import Rig, installation
from foundation import embedded, jobs, running, sealing
from foundation.database import make_engine, transaction
from foundation.heartbeat import Heartbeat
from foundation.settings import Settings, load
from sync import connections, context, resolve
from sync.exchange import importing, queueing, spool  # noqa: F401 (importing is the job)
from sync.exchange.tables import ExchangeImport, ExchangeSession
from sync.tables import Run

BARS = {"at first": 30, "nothing changed": 60}
BAR_MEGABYTES = 64
RESOLVING = 20.0  # seconds
TICK = os.sysconf("SC_CLK_TCK")


def bare(path: Path) -> int:
    """What nobody can be faster than: lxml alone, each good cleared."""
    count = 0
    for _, element in etree.iterparse(str(path), tag="{*}Товар"):
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
        count += 1
    return count


def ask(rig: Rig, connection_id: UUID, file: Path) -> UUID:
    """Put a file where 1C's chunks leave it and ask for its import."""
    size = file.stat().st_size
    with transaction(rig.engine) as session:
        owner = ExchangeSession(connection_id=connection_id, type="catalog", cookie=os.urandom(8), token="")
        session.add(owner)
        session.flush()
        with file.open("rb") as opened:
            chunk = spool.Chunk(file, size, os.urandom(16), opened.read(spool.HEAD))
        row = spool.append(session, rig.settings, owner, "catalog", "import0_1.xml", chunk)
        queueing.ask(session, connection_id, row, "")
        return row.id


def work(folder: Path) -> None:
    """What a worker does: the one job that waits. Prints what it cost this process."""
    servers = embedded.attach(folder)
    assert servers
    settings = load(data=folder, database_url=servers.database_url, redis_url=servers.redis_url)
    use(settings)
    engine = make_engine(servers.database_url)
    jobs.calm_collector()
    with Heartbeat(engine) as heartbeat:
        held, used, began = peak(), time.process_time(), time.monotonic()
        done = running.run_one(engine, "benchmark", heartbeat)
        cost = {"cpu": time.process_time() - used, "wall": time.monotonic() - began, "grew": peak() - held}
    assert done
    print(json.dumps(cost))


def use(settings: Settings) -> None:
    """What functions of the product find by themselves."""
    context.use(context.Context(settings, sealing.open_sealer(settings)))


def peak() -> float:
    """The most memory this process held, in megabytes."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def postgresql(rig: Rig) -> float:
    """Seconds of CPU that the server and its processes have used, those that have ended too."""
    server = rig.servers._children["postgres"].pid
    total = 0.0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                tail = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(entry.name) == server or int(tail[1]) == server:
                total += sum(map(int, tail[11:15])) / TICK
    return total


def one(rig: Rig, connection_id: UUID, file: Path, goods: int, expected: str) -> dict[str, float]:
    """One import, in a process of its own; checked by what its run counted."""
    asked = ask(rig, connection_id, file)
    before = postgresql(rig)
    command = [sys.executable, "-m", "benchmarks.commerceml", "--work", str(rig.folder)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    cost: dict[str, float] = json.loads(said)
    cost["postgresql"] = postgresql(rig) - before
    with transaction(rig.engine) as session:
        found = session.query(ExchangeImport).filter_by(file_id=asked).one()
        run = session.get_one(Run, found.run_id)
        got = {"new": run.new, "changed": run.changed, "same": run.same, "problems": run.problems}
    assert found.state == "done", found.error
    assert got == dict.fromkeys(got, 0) | {expected: goods}
    return cost


def timed(run: Callable[[], object]) -> dict[str, float]:
    """What something costs in this process."""
    used, began = time.process_time(), time.monotonic()
    run()
    return {"cpu": time.process_time() - used, "wall": time.monotonic() - began}


def measure(rig: Rig, file: Path, goods: int, rounds: int) -> dict[str, list[dict[str, float]]]:
    """What each costs, in turns; the bare speed is that of the readings before and behind an import."""
    found: dict[str, list[dict[str, float]]] = {"bare iterparse": [], **{name: [] for name in BARS}}
    use(rig.settings)
    for number in range(rounds):
        with transaction(rig.engine) as session:
            made = connections.create(
                session, context.current().sealer, "commerceml", f"1C {number}", {"country": "RU"}
            )
        for name, expected in (("at first", "new"), ("nothing changed", "same")):
            found["bare iterparse"].append(timed(lambda: bare(file)))
            found[name].append(one(rig, made.id, file, goods, expected))
    return found


def tell(size: float, found: dict[str, list[dict[str, float]]]) -> bool:
    """Print medians and shares; False when a bar is missed."""
    middle = {
        name: {key: statistics.median(cost[key] for cost in costs) for key in costs[0]}
        for name, costs in found.items()
    }
    base, good = middle["bare iterparse"], True
    print(f"{'':<16}{'MB/CPU s':>10}{'share':>9}{'MB/s':>8}{'share':>9}{'PostgreSQL':>12}{'grew':>9}")
    for name, cost in middle.items():
        share = {key: 100 * base[key] / cost[key] for key in ("cpu", "wall")}
        line = f"{name:<16}{size / cost['cpu']:10.1f}{share['cpu']:7.1f} %{size / cost['wall']:8.1f}"
        line += f"{share['wall']:7.1f} %"
        if name in BARS:
            line += f"{cost['postgresql']:10.1f} s{cost['grew']:6.1f} MB (bar {BARS[name]} %)"
            good = good and min(share.values()) >= BARS[name] and cost["grew"] <= BAR_MEGABYTES
        print(line, flush=True)
    return good


def resolving(rig: Rig) -> str:
    """How fast cards and products follow, seen for a while in this process."""
    query = text("SELECT count(*) FROM landed_heads WHERE pending")
    with rig.engine.connect() as db:
        before = db.execute(query).scalar_one()
    used, began = time.process_time(), time.monotonic()
    while time.monotonic() - began < RESOLVING and resolve.resolve(rig.engine):
        pass
    cpu, wall = time.process_time() - used, time.monotonic() - began
    with rig.engine.connect() as db:
        done = before - db.execute(query).scalar_one()
    return f"resolved behind it: {done:,} goods, {done / wall:,.0f} a second, {done / cpu:,.0f} a CPU second"


def main() -> int:
    """Write the file, measure, and say whether the bars are met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=float, default=60, help="MB of the file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(asked.work)
        return 0
    with installation() as rig:
        file = rig.folder / "import0_1.xml"
        goods = write(file, asked.size)
        size = file.stat().st_size / 1e6
        print(f"{size:.0f} MB, {goods:,} goods, medians of {asked.rounds}", flush=True)
        good = tell(size, measure(rig, file, goods, asked.rounds))
        print(resolving(rig))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
