"""A real Vendure server of our own: started, killed and started again, with its data in our PostgreSQL."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

START = Path(__file__).with_name("start-vendure.sh")


def missing() -> str:
    """Why no real shop can be started here; empty when one can."""
    if os.environ.get("KARTOTEKA_REAL") != "1":
        return "real servers are started only with KARTOTEKA_REAL=1"
    lacking = [program for program in ("node", "npm", "curl") if shutil.which(program) is None]
    return f"a real Vendure shop needs {', '.join(lacking)}" if lacking else ""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RealShop:
    """One server. `info` holds its base address and keys; the folder may be thrown away afterwards."""

    def __init__(self, folder: Path, database_url: str = "", modules: Path | None = None) -> None:
        self.folder, self.port = folder, free_port()
        self.info: dict[str, Any] = {}
        extra = {"PGURL": database_url.replace("postgresql://", "postgres://")} if database_url else {}
        extra |= {"MODULES": str(modules)} if modules else {}
        self._environment = {**os.environ, **extra}

    def start(self) -> None:
        """Start it, with the data it had; about 40 s the first time, 6 s later."""
        self._script()
        self.info = json.loads((self.folder / "info.json").read_text("utf-8"))

    def stop(self) -> None:
        """Ask it to go and wait until it is gone."""
        self._script("stop")

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        pid = int((self.folder / "pid").read_text())
        os.kill(pid, signal.SIGKILL)
        (self.folder / "pid").unlink()
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                    return
            time.sleep(0.02)
        raise RuntimeError("the shop answers after its end")

    def _script(self, *words: str) -> None:
        done = subprocess.run(
            ["bash", START, self.folder, str(self.port), *words],
            env=self._environment, capture_output=True, text=True, timeout=400, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"start-vendure.sh failed: {done.stderr[-2000:]}")
