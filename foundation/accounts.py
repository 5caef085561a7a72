"""As root, the private servers run as an unprivileged system account: which one, and where it can pass."""

import hashlib
import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundation.errors import Misconfigured

CHOICES = ("kartoteka", "postgres", "nobody")
ELSEWHERE = "servers-folder"  # in the data folder: where its servers live when they can't live inside


@dataclass(frozen=True)
class Account:
    """A system account that servers run as."""

    name: str
    uid: int
    gid: int

    def own(self, folder: Path) -> None:
        """Give it a folder that we made."""
        os.chown(folder, self.uid, self.gid)

    @property
    def popen(self) -> dict[str, Any]:
        """What `subprocess` needs to become this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def for_servers(wanted: str = "") -> Account | None:
    """The account servers run as, or `None` for our own (we are not root).

    Raises `Misconfigured` when the wanted account does not exist or is root itself.
    """
    if os.geteuid() != 0:
        return None
    for name in (wanted,) if wanted else CHOICES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    names = wanted or " or ".join(CHOICES)
    raise Misconfigured(
        f"PostgreSQL refuses to run as root, and there is no other account named {names}. "
        "Start Kartoteka as an ordinary user, or name a system account.",
        setting="KARTOTEKA_SERVER_USER",
    )


def can_enter(account: Account, folder: Path) -> bool:
    """Whether the account may pass into a folder: asked of the system, so that access lists count too."""
    asked = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
        check=False,
        capture_output=True,
        cwd="/",
        **account.popen,
    )
    return asked.returncode == 0


def home(data: Path, account: Account | None) -> Path:
    """Where the servers of a data folder live: inside it, or, where their account can't pass, elsewhere.

    The other place is written down in the data folder, so that later starts find the same database.
    """
    note = data / ELSEWHERE
    if note.exists():
        return Path(note.read_text(encoding="utf-8").strip())
    if account is None or can_enter(account, data):
        return data
    root = Path(tempfile.gettempdir())
    if not data.is_relative_to(root):
        root = Path("/var/lib")
    place = root / f"kartoteka-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"
    try:
        place.mkdir(mode=0o711)
        place.chmod(0o711)  # mkdir is subject to the umask
    except FileExistsError:
        pass  # ours if it belongs to us, by its name
    except OSError as error:
        raise Misconfigured(
            f"The account {account.name} can't reach {data}, and {place} can't be made: {error}",
            setting="KARTOTEKA_DATA",
        ) from error
    if place.stat().st_uid != os.geteuid() or not can_enter(account, place):
        raise Misconfigured(
            f"The account {account.name} can't reach {data} nor {place}. Choose another data folder.",
            setting="KARTOTEKA_DATA",
        )
    note.write_text(f"{place}\n", encoding="utf-8")
    return place


def name_of(uid: int) -> str:
    """The login name of a user id; PostgreSQL's peer check compares names."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise Misconfigured(
            f"This process runs as user id {uid}, which has no login name; PostgreSQL needs one. "
            "Add it to the system's accounts, or name your own PostgreSQL.",
            setting="KARTOTEKA_DATABASE_URL",
        ) from None
