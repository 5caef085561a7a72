"""The collector against an empty Starlette endpoint on the same server and core, PostgreSQL's CPU counted in.

    python -m benchmarks.capture --requests 40000 --rounds 5

The server under test has one core. The client has the other, and PostgreSQL that
one too, or with `--together` the server's. A round sends the same events to the empty endpoint and to the
collector; ratios are taken per round and their medians printed.
"""

import argparse
import base64
import os
import statistics
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy import text

from benchmarks.flood import Flood, flood
from benchmarks.rig import Part, Rig, free_port, installation, wait
from foundation.database import transaction
from foundation.sealing import open_sealer
from web_capture import sites

LINES = 64
BATCH = 100
BAR_RATE, BAR_CPU, BAR_BATCH, BAR_P99 = 0.75, 0.60, 0.15, 0.050
_TICK = os.sysconf("SC_CLK_TCK")
EVENT = {
    "type": "track", "event": "Product Added", "anonymousId": "507f191e-810c-4197-9de8-60ea00000000",
    "properties": {
        "product_id": "507f1f77bcf86cd799439011", "sku": "G-32", "category": "Games", "quantity": 1,
        "name": "Monopoly: 3rd Edition", "brand": "Hasbro", "variant": "200 pieces", "price": 18.99,
        "coupon": "MAYDEALS", "position": 3, "url": "https://shop.example/product/path",
    },
    "context": {"page": {"path": "/a", "url": "https://shop.example/a"}, "locale": "ru",
                "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"},
}  # fmt: skip


@dataclass
class Measured:
    """One run: answers a second, and seconds of CPU a request in the server and in PostgreSQL."""

    flood: Flood
    server: float
    database: float

    @property
    def cpu(self) -> float:
        """Microseconds of CPU a request."""
        return (self.server + self.database) / len(self.flood.seconds) * 1e6


def event() -> bytes:
    """A usual event of 600 bytes with an id of its own."""
    return msgspec.json.encode({**EVENT, "messageId": str(uuid.uuid4())})


def requests(path: str, key: str, count: int, size: int) -> list[bytes]:
    """Prepared requests, each with one event or with a batch of them."""
    mark = base64.b64encode(f"{key}:".encode()).decode()
    found = []
    for _ in range(count):
        body = event() if size == 1 else b'{"batch":[%b]}' % b",".join(event() for _ in range(size))
        head = (
            f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic {mark}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        found.append(head.encode() + body)
    return found


def database_cpu() -> float:
    """Seconds of CPU of all PostgreSQL processes."""
    total = 0.0
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = place.read_text()
        except OSError:
            continue
        if "(postgres)" in stat:
            times = stat.rpartition(")")[2].split()
            total += (int(times[11]) + int(times[12])) / _TICK
    return total


def measure(part: Part, port: int, prepared: list[bytes], pause: float = 0.0) -> Measured:
    """Send them all and take the figures."""
    server, database = part.cpu(), database_cpu()
    result = flood(port, iter(prepared), LINES, pause)
    if result.refused:
        raise RuntimeError(f"{result.refused} requests were refused")
    return Measured(result, part.cpu() - server, database_cpu() - database)


def pin(core: int, together: bool) -> None:
    """The product's own processes on one core, this client on the other, PostgreSQL where it is wanted."""
    mine = os.getpid()
    for place in Path("/proc").glob("[0-9]*"):
        command = (place / "comm").read_text(errors="replace").strip() if place.exists() else ""
        if command in ("postgres", "valkey-server"):
            _pin(int(place.name), core if together else 1 - core)
        elif b"kartoteka" in _command(place):
            _pin(int(place.name), core)
    _pin(mine, 1 - core)


def _command(place: Path) -> bytes:
    try:
        return (place / "cmdline").read_bytes()
    except OSError:
        return b""


def _pin(process: int, core: int) -> None:
    try:
        os.sched_setaffinity(process, {core})
    except (ProcessLookupError, PermissionError):
        return


def start_noop(rig: Rig) -> tuple[Part, int]:
    """The empty endpoint as a process of its own."""
    port = free_port()
    log = rig.folder / "noop.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "benchmarks.noop", str(port)]
        process = subprocess.Popen(command, stdout=out, stderr=out)
    part = Part(process, log)
    rig.parts.append(part)
    wait(lambda: b"LISTEN" in _listening(port), part)
    return part, port


def _listening(port: int) -> bytes:
    for line in Path("/proc/net/tcp").read_text().splitlines():
        parts = line.split()
        if parts[1].endswith(f":{port:04X}") and parts[3] == "0A":
            return b"LISTEN"
    return b""


def rounds(
    rig: Rig, key: str, count: int, times: int, together: bool
) -> Iterator[tuple[Measured, Measured, Measured]]:
    """Empty endpoint, collector with an event a request, collector with batches; over and over."""
    noop, noop_port = start_noop(rig)
    web, web_port = rig.web()
    pin(1, together)
    _pin(noop.process.pid, 1)
    for part, port in ((noop, noop_port), (web, web_port)):
        measure(part, port, requests("/v1/track", key, 2_000, 1))
    for _ in range(times):
        yield (
            measure(noop, noop_port, requests("/v1/track", key, count, 1)),
            measure(web, web_port, requests("/v1/track", key, count, 1)),
            measure(web, web_port, requests("/v1/batch", key, count // BATCH, BATCH)),
        )
        with rig.engine.begin() as db:
            db.execute(text("TRUNCATE captured, landed_records"))


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--together", action="store_true", help="PostgreSQL on the server's core")
    given = parser.parse_args()
    with installation() as rig:
        with transaction(rig.engine) as session:
            _, keys = sites.add(session, open_sealer(rig.settings), "shop.example")
        found = list(rounds(rig, keys.secret_key, given.requests, given.rounds, given.together))
        best = statistics.median(one.flood.rate for _, one, _ in found)
        half = requests("/v1/track", keys.secret_key, int(best * 5), 1)
        web = rig.parts[1]
        port = int(web.process.args[web.process.args.index("--port") + 1])  # type: ignore[union-attr,index]
        calm = measure(web, port, half, pause=LINES / (best / 2))
    for empty, single, batch in found:
        print(
            f"empty {empty.flood.rate:7,.0f}/s {empty.cpu:5.0f} us   collector {single.flood.rate:7,.0f}/s"
            f" {single.server / given.requests * 1e6:5.0f} + {single.database / given.requests * 1e6:3.0f} us"
            f"   batch {batch.flood.rate * BATCH:8,.0f} events/s {batch.server / given.requests * 1e6:4.1f}"
            f" + {batch.database / given.requests * 1e6:3.1f} us an event"
        )
    rate = statistics.median(one.flood.rate / empty.flood.rate for empty, one, _ in found)
    cpu = statistics.median(empty.cpu / one.cpu for empty, one, _ in found)
    share = statistics.median(batch.cpu / BATCH / empty.cpu for empty, _, batch in found)
    p99 = statistics.quantiles(calm.flood.seconds, n=100)[98]
    print(f"requests a second: {rate:.2f} of the empty endpoint's (bar {BAR_RATE})")
    print(f"requests a CPU second, PostgreSQL counted in: {cpu:.2f} of the empty endpoint's (bar {BAR_CPU})")
    print(f"an event in a batch of {BATCH}: {share:.2f} of the CPU of an empty request (bar {BAR_BATCH})")
    print(f"at half the rate ({calm.flood.rate:,.0f}/s): p99 {p99 * 1e3:.0f} ms (bar {BAR_P99 * 1e3:.0f})")


if __name__ == "__main__":
    main()
