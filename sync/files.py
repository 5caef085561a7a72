"""Uploaded files: kept while an import needs them, under the data folder, by the operation's id."""

import hashlib
import os
import re
import shutil
from pathlib import Path
from uuid import UUID

from foundation.errors import BadInput
from foundation.settings import Settings

CHUNK = 1 << 20


def keep(settings: Settings, operation_id: UUID, path: Path, *, move: bool = False) -> Path:
    """Take a file over for an operation, durably; `move` spares the copy when it is ours already."""
    folder = settings.data / "uploads" / str(operation_id)
    folder.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix.lower() if re.fullmatch(r"\.[a-z0-9]{1,8}", path.suffix.lower()) else ".file"
    target = folder / f"upload{suffix}"  # the person's own name for it is never a path of ours
    if move:
        shutil.move(path, target)
    else:
        shutil.copyfile(path, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return target


def drop(settings: Settings, operation_id: UUID) -> None:
    """Forget the file of an operation; its rows have landed."""
    shutil.rmtree(settings.data / "uploads" / str(operation_id), ignore_errors=True)


def digest(path: Path) -> str:
    """What a file holds, as a short name; reads it once, in constant memory."""
    try:
        with path.open("rb") as file:
            found = hashlib.blake2b(digest_size=16)
            while block := file.read(CHUNK):
                found.update(block)
    except OSError as error:
        raise BadInput(f"can't be read: {error.strerror}", path.name) from error
    return found.hexdigest()
