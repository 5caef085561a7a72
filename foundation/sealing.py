"""Seals credentials at rest with Fernet; the newest key seals, older ones still open until rotated away."""

import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import text
from sqlalchemy.orm import Session

from foundation import folder
from foundation.errors import Misconfigured
from foundation.settings import Settings

KEY_FILE = folder.KEY


class Sealer:
    """Turns a secret into text that is safe to store, and back."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Keys newest first; raises `Misconfigured` when one is no Fernet key."""
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise Misconfigured(
                "The sealing key is not 32 bytes in URL-safe base64. `kartoteka rotate-key` makes good ones.",
                setting="KARTOTEKA_KEY",
            ) from error

    def seal(self, secret: str) -> str:
        """The sealed form; a new one each time."""
        return self._fernet.encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """The secret; raises `Misconfigured` when none of the keys opens it."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise Misconfigured(
                "A stored credential was sealed with a key that is not here. Put the old key back behind the "
                "new one, or enter the credential again.",
                setting="KARTOTEKA_KEY",
            ) from None

    def reseal(self, sealed: str) -> str:
        """The same secret under the newest key; raises like `unseal`."""
        return self.seal(self.unseal(sealed))


def new_key() -> str:
    """A fresh random key."""
    return Fernet.generate_key().decode()


def open_sealer(settings: Settings) -> Sealer:
    """The installation's sealer: keys of the setting, else of the key file, which is made on first use."""
    if settings.key:
        return Sealer([key.strip() for key in settings.key.split(",") if key.strip()])
    path = settings.data / KEY_FILE
    if not path.exists():
        write_keys(path, [new_key()], first=True)
    elif path.stat().st_mode & 0o077:
        raise Misconfigured(f"Others may read {path}. Run: chmod 600 {path}", setting="KARTOTEKA_DATA")
    return Sealer(path.read_text(encoding="ascii").split())


def write_keys(path: Path, keys: Sequence[str], *, first: bool = False) -> None:
    """Write a key file, newest first, readable by us only, whole or not at all.

    `first` leaves a file alone that another process has made meanwhile: all parts start with one key.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii"
    ) as file:
        file.write("".join(f"{key}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    if not first:
        fresh.rename(path)
        return
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def begin_rotation(settings: Settings) -> Sealer:
    """A sealer whose newest key is fresh and whose old keys still open; then `rotate`, then `end_rotation`.

    Killed in between, nothing is lost: both keys stay until everything is resealed.
    """
    if settings.key and "," not in settings.key:
        raise Misconfigured(
            "The key is set from outside. Put a new key before the old one, separated by a comma, restart, "
            "and rotate again.",
            setting="KARTOTEKA_KEY",
        )
    sealer = open_sealer(settings)
    if settings.key:
        return sealer
    path = settings.data / KEY_FILE
    write_keys(path, [new_key(), *path.read_text(encoding="ascii").split()])
    return open_sealer(settings)


def end_rotation(settings: Settings) -> None:
    """Keep only the newest key of the key file; call when everything is resealed and committed."""
    if not settings.key:
        path = settings.data / KEY_FILE
        write_keys(path, path.read_text(encoding="ascii").split()[:1])


def rotate(session: Session, sealer: Sealer, columns: Iterable[tuple[str, str, str]]) -> int:
    """Reseal the given (table, id column, column) under the newest key; answers how many values.

    Names come from code. Each row is compared before it is written, so an edit made meanwhile stays.
    """
    count = 0
    for table, identity, column in columns:
        found = session.execute(
            text(f"SELECT {identity}, {column} FROM {table} WHERE {column} IS NOT NULL")
        ).all()
        for row_id, sealed in found:
            session.execute(
                text(f"UPDATE {table} SET {column} = :fresh WHERE {identity} = :id AND {column} = :sealed"),
                {"fresh": sealer.reseal(sealed), "id": row_id, "sealed": sealed},
            )
            count += 1
    return count
