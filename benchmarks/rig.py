"""A throw-away installation for the benchmarks: servers, tables, parts as processes, and what those cost."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, text

from foundation import embedded
from foundation.database import make_engine
from foundation.embedded import Servers
from foundation.settings import Settings, load
from migrations.run import upgrade

PATIENCE = 120.0
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Part:
    """`kartoteka …` as a process of its own."""

    process: subprocess.Popen[bytes]
    log: Path

    def cpu(self) -> float:
        """Seconds of CPU it has used so far."""
        tail = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(tail[11]) + int(tail[12])) / _TICK

    def memory(self, what: str = "VmRSS") -> float:
        """Megabytes it holds (`VmRSS`) or held at most (`VmHWM`)."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"{self.process.args!r} has ended:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """End it and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@dataclass
class Rig:
    """A fresh installation: `engine` on its database, `settings` as its parts have them."""

    folder: Path
    servers: Servers
    engine: Engine
    settings: Settings
    parts: list[Part] = field(default_factory=list)

    def start(self, *words: str) -> Part:
        """Start a part, such as `worker`."""
        log = self.folder / f"part-{len(self.parts)}.log"
        command = [sys.executable, "-m", "kartoteka", *words, "--data", str(self.folder)]
        with log.open("wb") as out:
            part = Part(subprocess.Popen(command, stdout=out, stderr=out), log)
        self.parts.append(part)
        return part

    def web(self) -> tuple[Part, int]:
        """Start the web part on a free port; answers both once it is ready."""
        port = free_port()
        part = self.start("web", "--port", str(port))
        wait(lambda: ready(port), part)
        return part, port

    def worker(self) -> Part:
        """Start a worker; answers it once it holds its lease, from when on commands leave the work to it."""
        with self.engine.begin() as db:
            db.execute(text("DELETE FROM leases WHERE name LIKE 'worker:%'"))
        part = self.start("worker")

        def leased() -> bool:
            with self.engine.connect() as db:
                return bool(db.scalar(text("SELECT count(*) FROM leases WHERE name LIKE 'worker:%'")))

        wait(leased, part)
        return part


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def ready(port: int) -> bool:
    """Whether the web part serves."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        line.request("GET", "/readyz")
        return line.getresponse().status == 200
    except OSError:
        return False
    finally:
        line.close()


def wait(holds: Callable[[], bool], part: Part | None = None, pause: float = 0.02) -> None:
    """Return when something holds; an error with its log when the part dies first."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if part is not None and part.process.poll() is not None:
            raise RuntimeError(f"{part.process.args!r} ended:\n{part.log.read_text()[-2000:]}")
        if time.monotonic() > deadline:
            raise RuntimeError("this takes too long" + (f":\n{part.log.read_text()[-2000:]}" if part else ""))
        time.sleep(pause)


@contextmanager
def installation(*, durable: bool = True, keep: Path | None = None) -> Iterator[Rig]:
    """Servers and tables in a temporary folder (or a kept one) until the block ends; parts end with it."""
    folder = keep or Path(tempfile.mkdtemp(prefix="kartoteka-bench-"))
    servers = embedded.start(folder, durable=durable)
    engine = make_engine(servers.database_url, pool_size=20, application="kartoteka-bench")
    settings = load(data=folder, database_url=servers.database_url, redis_url=servers.redis_url)
    rig = Rig(folder, servers, engine, settings)
    try:
        upgrade(engine)
        yield rig
    finally:
        for part in reversed(rig.parts):
            part.stop()
        engine.dispose()
        servers.stop()
        if keep is None:
            embedded.discard(folder)
            shutil.rmtree(folder, ignore_errors=True)
