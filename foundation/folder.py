"""The data folder: made private, held by one installation at a time, and able to explain who holds it."""

import fcntl
import json
import os
import socket
import time
from pathlib import Path
from typing import IO, Any

from foundation.clock import now
from foundation.errors import Misconfigured

LOCK = "kartoteka.lock"
KEY = "secret.key"  # what seals stored credentials; a folder with one is ours, too


def prepare(data: Path, *, enterable: bool = False) -> Path:
    """The data folder as an absolute path, made if missing; others may not look into it.

    `enterable` (as root, for the servers' account) lets others pass through to what they own. The mode of a
    folder that already held something else before us is left as it is.
    """
    data = data.expanduser().absolute()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = {path.name for path in data.iterdir()}
        ours = data.stat().st_uid == os.geteuid() and (not names or bool(names & {LOCK, KEY}))
        if ours:
            data.chmod(0o711 if enterable else 0o700)
    except OSError as error:
        raise Misconfigured(f"The data folder {data} can't be used: {error}", "KARTOTEKA_DATA") from error
    return data


def known(data: Path) -> bool:
    """Whether an installation is, or is to be, in this folder: its lock or its key lies there."""
    data = data.expanduser().absolute()
    return (data / LOCK).exists() or (data / KEY).exists()


class Lock:
    """One installation holds a data folder; the system lets go of it when that process ends, however."""

    def __init__(self, data: Path) -> None:
        """Take the folder or raise `Misconfigured` saying who has it."""
        self._path = data / LOCK
        self._file: IO[str] = self._path.open("a+", encoding="utf-8")
        if not self._take():
            self._file.close()
            raise Misconfigured(explain(data), "KARTOTEKA_DATA")
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": now().isoformat(timespec="seconds"),
        }
        self._file.truncate(0)
        self._file.write(json.dumps(holder))
        self._file.flush()

    def _take(self) -> bool:
        for _ in range(10):  # `held` in another process takes it for an instant
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.02)
            else:
                return True
        return False

    def release(self) -> None:
        """Let go; the emptied file stays as the mark that the folder is ours."""
        if not self._file.closed:
            self._file.truncate(0)
            self._file.close()


def held(data: Path) -> bool:
    """Whether a living process holds the folder."""
    try:
        with (data / LOCK).open("r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def explain(data: Path) -> str:
    """What the folder's lock says, in words for a person, with what to do."""
    holder = _holder(data)
    who = "process {pid} on {host} since {since}".format_map(holder) if holder else "another process"
    if held(data):
        return (
            f"The data folder {data} is in use by {who}. Stop that one, or choose another folder with --data."
        )
    if holder:
        return (
            f"The lock of {data} was left by {who}, which ended without cleaning up. "
            "Nobody holds it now: nothing to do, the next start takes it over."
        )
    return f"Nobody holds the data folder {data}."


def _holder(data: Path) -> dict[str, Any]:
    try:
        holder = json.loads((data / LOCK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) and {"pid", "host", "since"} <= holder.keys() else {}
