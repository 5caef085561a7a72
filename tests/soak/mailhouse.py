"""Workers that send and two beats, killed at random while a real mail server counts what it takes.

The server lives in the test's process; the others are the product's own, with short leases.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from foundation import context
from foundation.context import Context
from foundation.sealing import open_sealer
from foundation.settings import Settings
from tests.email_campaigns.delivery.mailserver import Behaviour
from tests.email_campaigns.delivery.world import House, build, person

ROOT = Path(__file__).parents[2]
LEASE = 2.0
WORKERS, BEATS = 4, 2
# what is being written at this moment is left alone: a change of many rows would wait for it, and it for us
SKIP = "FOR UPDATE SKIP LOCKED"


class MailHouse:
    """A shop with a mailing under way, and workers that are killed while they send it."""

    def __init__(
        self, engine: Engine, settings: Settings, box: Behaviour, port: int, folder: Path, seed: int
    ) -> None:
        self.engine, self.settings, self.box, self.folder = engine, settings, box, folder
        self.chance = random.Random(seed)
        self.workers: dict[int, int] = {}  # process ids
        self.beats: dict[int, subprocess.Popen[bytes]] = {}
        self.nursery: subprocess.Popen[bytes] | None = None
        self.kills = 0
        context.use(Context(settings, open_sealer(settings)))
        self.house: House = build(engine, open_sealer(settings), port)
        self.house.do("UPDATE mail_switch SET cap = 0, quiet_from = 0, quiet_until = 0")

    def crowd(self, begin: int, end: int) -> list[Any]:
        """People with numbers from one to another."""
        return [person(number) for number in range(begin, end)]

    def start(self, number: int) -> None:
        """Start, or start again, a worker or a beat."""
        path = self.folder / f"mail-{number}.log"
        if number < WORKERS:
            nursery = self._nursery()
            assert nursery.stdin is not None and nursery.stdout is not None
            nursery.stdin.write(f"{number} {path}\n".encode())
            nursery.stdin.flush()
            self.workers[number] = int(nursery.stdout.readline())
        else:
            with path.open("ab") as log:
                command = ["tests.soak.process", "beat", "--data", str(self.settings.data)]
                self.beats[number] = self._part(command, stdout=log, stderr=log)
            self.workers[number] = self.beats[number].pid

    def _nursery(self) -> subprocess.Popen[bytes]:
        """What workers are forked from."""
        if self.nursery is None:
            with (self.folder / "nursery.log").open("ab") as log:
                self.nursery = self._part(
                    ["tests.soak.mailing", str(LEASE)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                )
        return self.nursery

    def _part(self, command: list[str], **pipes: Any) -> subprocess.Popen[bytes]:
        settings = self.settings
        told = {
            "KARTOTEKA_DATA": str(settings.data), "KARTOTEKA_DATABASE_URL": settings.database_url,
            "KARTOTEKA_REDIS_URL": settings.redis_url, "KARTOTEKA_KEY": settings.key,
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, **pipes,
            env=os.environ | {name: str(value) for name, value in told.items() if value},
        )  # fmt: skip

    def tell(self, number: int, what: int) -> None:
        """Send it a signal."""
        os.kill(self.workers[number], what)

    def kill(self, number: int) -> None:
        """SIGKILL, in the middle of whatever it does."""
        self.tell(number, signal.SIGKILL)
        if number in self.beats:
            self.beats[number].wait()
        while self.lives(number):
            time.sleep(0.005)
        self.kills += 1

    def lives(self, number: int) -> bool:
        """Whether its process is there."""
        try:
            os.kill(self.workers[number], 0)
        except ProcessLookupError:
            return False
        return number not in self.beats or self.beats[number].poll() is None

    def ready(self, number: int) -> bool:
        """Whether it has begun its work."""
        path = self.folder / f"mail-{number}.log"
        said = path.read_bytes() if path.exists() else b""
        assert self.lives(number), said[-2000:].decode("utf-8", "replace")
        return f"ready {self.workers[number]}\n".encode() in said

    def rage(self, kills: int, disturb: Any = lambda number: None, seconds: float = 1e9) -> None:
        """Kill workers that are at work, at random moments, until so many were killed or the time is up."""
        until = time.monotonic() + seconds
        for number in range(WORKERS + BEATS):
            self.start(number)
        while self.kills < kills and time.monotonic() < until:
            grown = [number for number in self.workers if self.ready(number)]
            if not grown:
                time.sleep(0.02)
                continue
            time.sleep(self.chance.random() * 0.25)
            number = self.chance.choice(grown)
            self.kill(number)
            disturb(self.kills)
            self.start(number)

    def settle(self, limit: float) -> None:
        """Wait until nothing is left to be sent."""
        deadline = time.monotonic() + limit
        while True:
            states = self.house.states()
            if not {"planned", "claimed", "handed_over", "deferred"} & set(states):
                return
            assert time.monotonic() < deadline, states
            self.hurry("state IN ('planned', 'deferred')")
            time.sleep(0.3)

    def hurry(self, which: str) -> None:
        """Spare us the waiting: for the next try, and for domains that asked for fewer letters."""
        self.house.do(
            "UPDATE deliveries SET due_at = planned_at"
            f" WHERE id IN (SELECT id FROM deliveries WHERE {which} {SKIP})"
        )
        self.house.do(
            f"UPDATE transports SET domains = '{{}}' WHERE id IN (SELECT id FROM transports {SKIP})"
        )

    def stop(self) -> None:
        """End all workers."""
        for number, pid in self.workers.items():
            if self.lives(number):
                os.kill(pid, signal.SIGKILL)
        for part in [*self.beats.values(), *([self.nursery] if self.nursery else [])]:
            part.kill()
            part.communicate()
        context.use(None)

    def check(self, people: int) -> dict[str, int]:
        """At most once, none unexplained; answers the states."""
        got = Counter(self.box.addresses)
        twice = {address: count for address, count in got.items() if count > 1}
        assert not twice, f"got more than one: {twice}"
        rows = self.house.rows()
        assert len(rows) == people
        for row in rows:
            if row.state == "accepted":
                assert got[row.address] == 1, row
            elif row.state != "unknown":
                assert not got[row.address], row
            assert row.state == "accepted" or row.reason, row
            assert row.state in ("accepted", "unknown", "skipped", "failed", "cancelled"), row
        told = self.house.rows(
            "SELECT count(*), count(DISTINCT source_key) FROM timeline WHERE kind = 'letter.sent'"
        )[0]
        states = self.house.states()
        assert told[0] == told[1] == states["accepted"]
        return states
