"""Our processes, killed and started again, and the way back to rest."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import redis
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from foundation import problems
from foundation.database import transaction
from foundation.settings import Settings
from foundation.tables import Problem
from sync import pull, reconcile
from sync.tables import Run

ROOT = Path(__file__).parents[2]
STREAMS = ("missing", "stale", "extra")


class Herd:
    """Workers, the beat and the web part in processes of their own."""

    def __init__(self, engine: Engine, settings: Settings, folder: Path, chance: random.Random) -> None:
        self.engine, self.settings, self.folder, self.chance = engine, settings, folder, chance
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.kills = 0

    def start(self, name: str, port: int = 0) -> None:
        """Start, or start again, one of them: worker-…, beat or web."""
        settings = self.settings
        role = name.split("-")[0]
        args = [sys.executable, "-m", "tests.soak.process", role, "--data", str(settings.data)]
        args += {"web": ["--port", str(port)], "worker": ["--threads", "2"], "beat": []}[role]
        told = {
            "KARTOTEKA_DATABASE_URL": settings.database_url,
            "KARTOTEKA_REDIS_URL": settings.redis_url,
            "KARTOTEKA_KEY": settings.key,
            "KARTOTEKA_ALLOW_PRIVATE_ADDRESSES": "true",
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                args, cwd=ROOT, stdout=log, stderr=log, env=os.environ | {k: v for k, v in told.items() if v}
            )

    def kill(self, name: str) -> None:
        """SIGKILL, in the middle of whatever it does."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()
        self.kills += 1

    def grown(self) -> str:
        """One of them that is at work by now; waits for one. None may have died but by our hand."""
        while True:
            for name, process in self.processes.items():
                said = (self.folder / f"{name}.log").read_text("utf-8", "replace")[-2000:]
                assert process.poll() is None, f"{name} died by itself: {said}"
            ready = [name for name in sorted(self.processes) if self._is_ready(name)]
            if ready:
                return self.chance.choice(ready)
            time.sleep(0.05)

    def _is_ready(self, name: str) -> bool:
        said = f"ready {self.processes[name].pid}\n".encode()
        return said in (self.folder / f"{name}.log").read_bytes()

    def stop(self) -> None:
        """End all of them."""
        for process in self.processes.values():
            process.kill()
            process.wait()

    def flush(self) -> None:
        """Empty the broker under everybody's feet."""
        valkey = redis.Redis.from_url(self.settings.redis_url or "")
        valkey.flushall()
        valkey.close()

    def recover(self, connection_id: UUID, limit: float) -> Run:
        """Let it rest, press "retry" on what gave up, pull, reconcile twice; answers the last run."""
        deadline = time.monotonic() + limit
        self.rest(deadline)
        for begin in (pull.start, _reconcile, _reconcile):
            for _ in range(5):
                with transaction(self.engine) as session:
                    run_id = begin(session, connection_id).id
                self.rest(deadline)
                with transaction(self.engine) as session:
                    run = session.get_one(Run, run_id)
                if run.state == "done":
                    break
            assert run.state == "done", (run.kind, run.state, run.error)
        return run

    def rest(self, deadline: float) -> None:
        """Wait until no job and no landed version waits any more."""
        busy = (
            "SELECT (SELECT count(*) FROM jobs WHERE state IN ('waiting', 'running'))"
            " + (SELECT count(*) FROM landed_heads WHERE pending)"
        )
        while True:
            with transaction(self.engine) as session:
                for problem in session.query(Problem).filter(Problem.area == "job", Problem.state == "open"):
                    problems.retry(session, problem.id)
            self.hurry()
            with self.engine.connect() as db:
                left = db.scalar(text(busy))
            if not left:
                return
            assert time.monotonic() < deadline, f"{left} things never came to rest: {self._stuck()}"
            time.sleep(0.2)

    def hurry(self) -> None:
        """Spare us the pauses between tries."""
        with self.engine.begin() as db:
            db.execute(text("UPDATE jobs SET run_at = created_at WHERE state = 'waiting'"))

    def _stuck(self) -> list[object]:
        query = "SELECT kind, state, attempts, errors, last_error FROM jobs WHERE state <> 'done'"
        with self.engine.connect() as db:
            return list(db.execute(text(query)))


def _reconcile(session: Session, connection_id: UUID) -> Run:
    return reconcile.start(session, connection_id, accept_loss=True)  # much was deleted, and rightly


def gaps(run: Run) -> dict[str, dict[str, int]]:
    """What a reconciliation found different, per stream; empty when both sides are equal."""
    return {
        name: found
        for name, found in run.detail["streams"].items()
        if any(found[kind] for kind in STREAMS) or found["there"] != found["here"]
    }


def kills_wanted(default: int) -> int:
    """How many, as the environment says."""
    return int(os.environ.get("KARTOTEKA_SOAK_KILLS", default))
