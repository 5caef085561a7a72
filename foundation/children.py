"""Starting servers as child processes and ending every one of them, also when we are killed."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from foundation import log
from foundation.accounts import Account
from foundation.clock import monotonic
from foundation.errors import KartotekaError

PATIENCE = 60.0  # seconds a server may take to become ready, recovery after a crash included
CALM = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}  # nobody's PG* variables reach the servers
LOG_LIMIT = 10_000_000  # bytes; a longer server log starts anew

# Reads until we say "done" or die; in the second case it ends the servers for us.
_WATCH = """read -r word; [ "$word" = done ] && exit 0
for file in "$@"; do [ -r "$file" ] && kill -INT "$(head -n 1 "$file")"; done"""


def run(command: Sequence[str | Path], account: Account | None, words: bytes = b"") -> None:
    """Run a program to its end, as another account if given; raises with what it said."""
    done = subprocess.run(command, input=words, capture_output=True, check=False, **_surroundings(account))
    if done.returncode:
        said = done.stderr.decode(errors="replace")[-2000:]
        raise KartotekaError(f"{Path(command[0]).name} failed: {said}")


def spawn(command: Sequence[str | Path], output: Path, account: Account | None) -> subprocess.Popen[bytes]:
    """Start a server in its own session: Ctrl-C is for us, who end servers after their users."""
    output.touch(mode=0o600)
    with output.open("ab") as file:
        if file.tell() > LOG_LIMIT:
            file.truncate(0)
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            **_surroundings(account),
        )


def wait_until(ready: Callable[[], bool], child: subprocess.Popen[bytes], output: Path) -> None:
    """Wait for a server to become ready; raises with the end of its log when it ends or takes too long."""
    deadline = monotonic() + PATIENCE
    while not ready():
        if child.poll() is not None or monotonic() > deadline:
            said = output.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise KartotekaError(f"{output.stem} did not start; its log {output} ends with:\n{said}")
        time.sleep(0.01)


def end(child: subprocess.Popen[bytes]) -> None:
    """End a server: politely, and after 15 s not."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
    try:
        child.wait(15)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(15)


def watch(pid_files: Sequence[Path]) -> subprocess.Popen[bytes]:
    """A tiny process that ends the servers of these pid files when we die without having said goodbye."""
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCH, "sh", *pid_files],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **_surroundings(None),
    )


def dismiss(watcher: subprocess.Popen[bytes]) -> None:
    """Say goodbye to the watcher."""
    watcher.communicate(b"done\n", timeout=15)


def end_orphan(pid_file: Path, place: Path) -> None:
    """End a server that an earlier, killed installation of the same place left running."""
    deadline = monotonic() + 20
    asked = False
    while (pid := _server(pid_file, place)) and monotonic() < deadline:
        if not asked:
            log.get(__name__).warning("orphan_ended", pid=pid, place=str(place))
            os.kill(pid, signal.SIGINT)
            asked = True
        time.sleep(0.05)


def _server(pid_file: Path, place: Path) -> int:
    """The process id in a pid file if that process is alive and is about this place, else 0."""
    try:
        pid = int(pid_file.read_bytes().split(b"\n", 1)[0])
    except (OSError, ValueError):
        return 0
    return pid if str(place) in _command_of(pid) else 0


def _command_of(pid: int) -> str:
    """The command line of a process, "" when there is none; `ps` where there is no /proc (macOS)."""
    if Path("/proc/self/cmdline").exists():
        try:
            return (
                Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").replace("\0", " ")
            )
        except OSError:
            return ""
    command = ["/bin/ps", "-ww", "-o", "args=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, check=False, text=True).stdout


def _surroundings(account: Account | None) -> dict[str, Any]:
    return {"cwd": "/", "env": CALM, **(account.popen if account else {})}
