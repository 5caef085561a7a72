"""A 1C that sends a large catalogue while the door and the worker are killed, and what those weigh."""

import os
import random
import re
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, text

from connectors.accounting.commerceml.client import Answer, Manner
from connectors.accounting.commerceml.writing import Profile
from foundation import clock
from foundation.database import transaction
from foundation.sealing import open_sealer
from foundation.settings import Settings
from kartoteka.emulator import goods
from kartoteka.emulator.line import Broken, Dead, Line
from kartoteka.emulator.play import Player, Way
from sync import connections, context
from sync.exchange.tables import Partner
from tests.soak.driver import _free_port, _wait_for_port
from tests.soak.herd import Herd

VERSION, CHUNK = "3.1", 200_000  # goods, offers, prices and rests in files of their own
STATE = """
SELECT 'product', external_id, name, sku, CAST(price AS text), currency, CAST(record AS text), gone_at IS NULL
FROM products WHERE source_id = :id
UNION ALL SELECT h.stream, h.external_id, r.payload, '', '', '', '', h.gone
FROM landed_heads h JOIN landed_records r ON r.id = h.landed_id WHERE h.connection_id = :id
"""


class Persistent(Line):
    """A line to a site that is being killed: the step is tried again, or the run starts over."""

    deaths = 0
    over = False

    def send(self, method: str, query: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        """One request of 1C, whatever happens to the other side."""
        while True:
            try:
                return super().send(method, query, body, headers)
            except Dead:
                self.deaths += 1
                if self.over:
                    raise
                time.sleep(0.3)
                if not self.stubborn and self._random.random() < 0.2:
                    raise Broken("the site went away") from None


class ExchangeStorm(Herd):
    """A door and a worker of our own, and catalogues that go up to them."""

    def __init__(self, engine: Engine, settings: Settings, folder: Path, seed: int) -> None:
        super().__init__(engine, settings, folder, random.Random(seed))
        self.port, self.sealer = _free_port(), open_sealer(settings)
        context.use(context.Context(settings, self.sealer))
        self.weights: dict[str, int] = {}  # the most a part has weighed, in kB
        for name in ("web", "worker-1"):
            self.start(name, self.port)
        _wait_for_port(self.port)

    def files(self, count: int, per_file: int) -> list[dict[str, Path]]:
        """A catalogue of so many goods on disk: packets of files that go up together."""
        place = self.folder / f"goods{count}"
        place.mkdir()
        before, goods.PER_FILE = goods.PER_FILE, per_file
        try:
            profile, packets = Profile(version=VERSION), []
            for packet in goods.invented(count, 1, profile, clock.now(), whole=False):
                for name, content in packet.items():
                    (place / name).write_bytes(content)
                packets.append({name: place / name for name in packet})
        finally:
            goods.PER_FILE = before
        return packets

    def connect(self, name: str, **faults: float) -> tuple[UUID, Player]:
        """A connection and the 1C that is to call it."""
        with transaction(self.engine) as session:
            made = connections.create(session, self.sealer, "commerceml", name, {"country": "KZ"})
            partner = session.get_one(Partner, made.id)
        line = Persistent(f"http://127.0.0.1:{self.port}/exchange/1c/{made.id}", seed=3, **faults)
        way = Way(
            user=partner.user, password=self.sealer.unseal(partner.password), version=VERSION,
            manner=Manner(pause=0.2, zip=False, chunk=CHUNK), profile=Profile(version=VERSION),
        )  # fmt: skip
        return made.id, Player(line, way)

    def upload(self, player: Player, packets: list[dict[str, Path]], kills: int = 0) -> None:
        """Let a catalogue go up, and kill whoever is at work meanwhile."""

        def read():
            return ({name: path.read_bytes() for name, path in packet.items()} for packet in packets)

        with ThreadPoolExecutor(1) as pool:
            playing = pool.submit(player.catalogue, read)
            try:
                self._rage(playing, self.kills + kills)
            except BaseException:
                player.line.over = True
                self.stop()
                raise
            playing.result()
        self.rest(time.monotonic() + 1800)
        for name in self.processes:
            self._weigh(name)

    def _rage(self, playing: Future[None], wanted: int) -> None:
        while not playing.done():
            began, victim = time.monotonic(), self._all_grown()
            took = time.monotonic() - began  # on a busy machine they need longer for everything
            time.sleep(self.chance.uniform(0.05, 0.8) + took * self.chance.random() / 2)
            if self.kills < wanted and not playing.done():
                self._weigh(victim)
                self.kill(victim)
                self.start(victim, self.port)

    def _all_grown(self) -> str:
        """One of them, when all are at work: between two kills something is to be answered."""
        while True:
            victim = self.grown()
            if all(self._is_ready(name) for name in self.processes):
                return victim
            time.sleep(0.05)

    def _weigh(self, name: str) -> None:
        self.weights[name] = max(self.weights.get(name, 0), weight(self.processes[name].pid, "VmHWM"))

    def weigh_anew(self) -> dict[str, int]:
        """What each part weighs now, in kB; the most of each is counted from here."""
        self.weights.clear()
        for process in self.processes.values():
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")
        return {name: weight(process.pid, "VmRSS") for name, process in self.processes.items()}

    def state(self, connection_id: UUID) -> set[tuple[object, ...]]:
        """What a connection has brought in the end: its products and the versions in force."""
        with self.engine.connect() as db:
            return {tuple(row) for row in db.execute(text(STATE), {"id": connection_id})}

    def stop(self) -> None:
        """End everything."""
        super().stop()
        context.use(None)


def weight(pid: int, what: str) -> int:
    """The memory of a process in kB, as the kernel counts it."""
    told = Path(f"/proc/{pid}/status").read_text("ascii")
    found = re.search(rf"{what}:\s+(\d+) kB", told)
    assert found, told
    return int(found[1])


def goods_wanted(default: int) -> int:
    """How many goods, as the environment says."""
    return int(os.environ.get("KARTOTEKA_SOAK_GOODS", default))
