"""Starts the program as a person would, and finds what it has left running."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from foundation.clock import monotonic

PATIENCE = 90.0


def _interruptible() -> None:
    """Whoever runs the tests in the background has them, and all they start, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Program:
    """`kartoteka …` in a process of its own, its lines collected."""

    def __init__(self, *words: object, cwd: Path, **environment: str) -> None:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("KARTOTEKA_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kartoteka", *map(str, words)],
            cwd=cwd,
            env={**plain, **environment, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_interruptible,
        )
        self.lines: list[str] = []
        self._new: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self._new.put(line)
        self._new.put(None)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line that matches, of those to come."""
        deadline = monotonic() + PATIENCE
        while (left := deadline - monotonic()) > 0:
            try:
                line = self._new.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                break
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"no line matches {pattern}:\n{''.join(self.lines)[-3000:]}")

    def tell(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal, wait for the end; the exit status."""
        if self.process.poll() is None:
            self.tell(number)
        status = self.process.wait(30)
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


def naming(word: str) -> dict[int, str]:
    """Living processes whose command line has a word, our own aside."""
    shown = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    found = {}
    for line in shown.splitlines():
        pid, state, words = line.split(None, 2)
        if word in words and not state.startswith("Z") and int(pid) != os.getpid():
            found[int(pid)] = words
    return found


def gone(word: str, seconds: float = 25.0) -> dict[int, str]:
    """What is still running after at most so many seconds."""
    deadline = monotonic() + seconds
    while (left := naming(word)) and monotonic() < deadline:
        time.sleep(0.1)
    return left
