"""How fast captured events become timeline rows, and whether the time stays in proportion to the backlog.

    python -m benchmarks.drain --events 250000 --double 2

A backlog is put into the database as the collector leaves it (bundles of a hundred events of a usual shop:
five pages a visitor, one in ten says a name), then one worker drains it.
"""

import argparse
import itertools
import random
import statistics
import time
import uuid
from collections.abc import Iterator

import msgspec
import psycopg
from sqlalchemy import text

from benchmarks.capture import EVENT, database_cpu
from benchmarks.rig import Rig, installation, wait
from foundation import clock
from foundation.database import transaction
from foundation.sealing import open_sealer
from web_capture import bundle, sites
from web_capture.payload import Event

BUNDLE = 100
PAGES = 5  # events of a visitor
_encode = msgspec.json.encode
_PUT = (
    "WITH kept AS (INSERT INTO landed_records (connection_id, stream, external_id, version_hash, payload,"
    " gone, via, received_at) VALUES (%s, 'events', %s, '', %s, false, 'collector', %s) RETURNING id)"
    " INSERT INTO captured (site_id, landed_id, events) SELECT %s, id, %s FROM kept"
)


def events(count: int) -> Iterator[Event]:
    """A shop's traffic: visitors look at things, one in ten signs in."""
    chance = random.Random(7)
    for number in range(count // PAGES):
        device = str(uuid.uuid4())
        for page in range(PAGES):
            said = {**EVENT, "messageId": str(uuid.uuid4()), "anonymousId": device}
            kind = "track"
            if page == PAGES - 1 and chance.random() < 0.1:
                traits = {"email": f"p{number}@p.kz", "name": f"Person Nr{number}"}
                said, kind = {**said, "userId": f"u{number}", "traits": traits}, "identify"
            yield Event(said["messageId"], kind, _encode(said))


def fill(rig: Rig, site: uuid.UUID, count: int) -> None:
    """Put a backlog there."""
    at = clock.now().isoformat()
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    source = events(count)
    with psycopg.connect(rig.settings.database_url or "") as db:
        while chunk := list(itertools.islice(source, BUNDLE)):
            payload = f"[{bundle.pack(at, None, '1.2.3.4', agent, False, b'null', chunk)}]"
            db.execute(_PUT, (site, uuid.uuid4().hex, payload, at, site, len(chunk)))


def drain(rig: Rig, count: int) -> tuple[float, float, float]:
    """Seconds, and CPU seconds of the worker and of PostgreSQL, until nothing waits."""
    with rig.engine.connect() as db:
        before = db.scalar(text("SELECT count(*) FROM timeline"))
    began, database = time.perf_counter(), database_cpu()
    worker = rig.worker()

    def done() -> bool:
        with rig.engine.connect() as db:
            return not db.scalar(text("SELECT EXISTS (SELECT FROM captured)"))

    wait(done, worker, pause=0.1)
    took = time.perf_counter() - began, worker.cpu(), database_cpu() - database
    worker.stop()
    with rig.engine.connect() as db:
        rows = db.scalar(text("SELECT count(*) FROM timeline")) - before
    if rows != count:
        raise RuntimeError(f"{count} events became {rows} rows")
    return took


def main() -> None:
    """Print events a second per size of the backlog."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=250_000)
    parser.add_argument("--double", type=int, default=2, help="how often the backlog is doubled")
    given = parser.parse_args()
    rates = []
    for step in range(given.double + 1):
        count = given.events * 2**step
        with installation() as rig:
            with transaction(rig.engine) as session:
                site, _ = sites.add(session, open_sealer(rig.settings), "shop.example")
                site_id = site.id
            fill(rig, site_id, count)
            wall, worker, database = drain(rig, count)
        rates.append(count / wall)
        each = f"{worker / count * 1e6:.0f} us in the worker and {database / count * 1e6:.0f} in PostgreSQL"
        print(f"{count:9,} events in {wall:6.1f} s: {rates[-1]:7,.0f}/s, {each} an event", flush=True)
    print(f"median {statistics.median(rates):,.0f} events a second; last to first {rates[-1] / rates[0]:.2f}")


if __name__ == "__main__":
    main()
