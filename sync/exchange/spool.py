"""The files that 1C brings, on disk: chunks in their order, each once, a file sent anew from its beginning.

What a file is called is never a path of ours: its bytes lie under the id of its row.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import BadInput
from foundation.settings import Settings
from foundation.text import _
from sync.exchange import archives
from sync.exchange.replies import Refused
from sync.exchange.tables import ExchangeFile, ExchangeImport, ExchangeSession

HEAD = 64  # bytes of a chunk that tell whether a file begins
LARGEST = 8_000_000_000  # bytes of a session's files
MOST = 100_000  # files of a session
_LONGEST_NAME = 240
_BOM = b"\xef\xbb\xbf"
_COPY = 1 << 20
_XML = (
    b"<?xml", "<КоммерческаяИнформация".encode(), "<КоммерческаяИнформация".encode("cp1251"),
    b"\xff\xfe<\0", b"\xfe\xff\0<",
)  # fmt: skip
_ZIP, _ZIP_NAME = b"PK\x03\x04", 30  # where the name of an entry stands behind this
_TAIL = "</КоммерческаяИнформация>"
_TAILS = tuple(_TAIL.encode(one) for one in ("utf-8", "cp1251", "utf-16-le", "utf-16-be"))


class Chunk(msgspec.Struct, frozen=True):
    """A body that has been received: where it lies, how long it is, its digest and how it begins."""

    path: Path
    size: int
    digest: bytes
    head: bytes


def folder(settings: Settings, session_id: UUID) -> Path:
    """Where the files of a session lie."""
    return settings.data / "exchange" / str(session_id)


def path_of(settings: Settings, file: ExchangeFile) -> Path:
    """Where a file's bytes lie."""
    return folder(settings, file.session_id) / str(file.id)


def plain_name(name: str) -> str:
    """A file's name as it is kept: relative, with slashes. Refused when it tries to leave its folder."""
    name = name.replace("\\", "/")
    if not name.isprintable() or len(name) > _LONGEST_NAME:
        raise Refused(
            _("The file's name is longer than 240 characters or holds characters that can't be shown.")
        )
    if len(name) > 1 and name[1] == ":":
        name = name[2:]
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused(_("The file's name leads out of its folder (“..”); it was not taken."))
    if not parts:
        raise Refused(_("The request names no file (filename=…)."))
    return "/".join(parts)


def append(
    session: Session, settings: Settings, owner: ExchangeSession, kind: str, name: str, chunk: Chunk
) -> ExchangeFile:
    """Put a chunk behind what has come of its file; one that has come already changes nothing.

    The session's row must be locked. The disk has a chunk before the row says so: what a crash leaves behind
    the size in the row is cut off again.
    """
    name = plain_name(name)
    if not chunk.size:
        raise Refused(_("The file %s is empty.") % name)
    file = _open_row(session, owner, kind, name)
    target = path_of(settings, file)
    begins = _beginning(target) if file.chunks else b""
    what = judge(file.chunks, chunk.digest, chunk.head, begins)
    if what == "known":
        return file
    if what == "anew":
        file = _start_over(session, file)
    elif _imported(session, file):
        if chunk.size <= HEAD and not chunk.head.strip():
            return file  # a line end behind the last element
        raise Refused(_("The file %s was imported already; more of it can't be taken. Send it whole.") % name)
    _check_room(owner, chunk.size)
    _write(path_of(settings, file), file.size, chunk.path)
    file.size += chunk.size
    file.chunks = [*file.chunks, chunk.digest]
    file.at = clock.now()
    return file


def judge(
    chunks: Sequence[bytes], digest: bytes, head: bytes, begins: bytes
) -> Literal["known", "anew", "more"]:
    """What a chunk is to a file of which those have come: the last once more, the beginning, or the next.

    `head` and `begins` are the first bytes of the chunk and of the file. 1C sends one chunk after the other,
    each again until it was answered; so one like an earlier that is neither is content that repeats itself.
    """
    if not chunks:
        return "more"
    if chunks[-1] == digest:
        return "known"
    return "anew" if digest == chunks[0] or _begins_again(head, begins) else "more"


def _begins_again(head: bytes, begins: bytes) -> bool:
    """Whether a chunk is how this file began, perhaps made or cut differently since."""
    head, begins = head.removeprefix(_BOM), begins.removeprefix(_BOM)
    if head.startswith(_ZIP) and begins.startswith(_ZIP):  # its other entries begin so, too
        end = _ZIP_NAME + int.from_bytes(head[26:28], "little")
        return head[26:28] == begins[26:28] and head[_ZIP_NAME:end] == begins[_ZIP_NAME:end]
    return any(head.startswith(one) and begins.startswith(one) for one in _XML)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _open_row(session: Session, owner: ExchangeSession, kind: str, name: str) -> ExchangeFile:
    """The row of the newest attempt at a file, locked; made when there is none."""
    values = {"id": clock.new_id(), "session_id": owner.id, "round": owner.round, "name": name, "type": kind,
              "attempt": 0, "size": 0, "chunks": [], "dropped": False, "at": clock.now()}  # fmt: skip
    newest = (
        select(ExchangeFile)
        .where(
            ExchangeFile.session_id == owner.id,
            ExchangeFile.round == owner.round,
            ExchangeFile.name == name,
        )
        .order_by(ExchangeFile.attempt.desc())
        .limit(1)
        .with_for_update()
    )
    found = session.scalars(newest).first()
    if found is None:
        session.execute(insert(ExchangeFile).values(values).on_conflict_do_nothing())
        found = session.scalars(newest).one()
        owner.files += 1
    return found


def _start_over(session: Session, file: ExchangeFile) -> ExchangeFile:
    """An empty row for a file that is sent anew; what is being imported stays as it came."""
    if not _imported(session, file):
        file.size, file.chunks = 0, []
        return file
    fresh = ExchangeFile(
        session_id=file.session_id, round=file.round, name=file.name, attempt=file.attempt + 1,
        type=file.type, size=0, chunks=[],
    )  # fmt: skip
    session.add(fresh)
    session.flush()
    return fresh


def _imported(session: Session, file: ExchangeFile) -> bool:
    query = select(ExchangeImport.id).where(ExchangeImport.file_id == file.id).limit(1)
    return session.scalar(query) is not None


def _check_room(owner: ExchangeSession, more: int) -> None:
    if owner.received + more > LARGEST or owner.files > MOST:
        raise Refused(_("This exchange has brought more than a session may hold; begin a new one."))
    owner.received += more


def _write(target: Path, size: int, body: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file, body.open("rb") as source:
        file.truncate(size)
        file.seek(size)
        shutil.copyfileobj(source, file, _COPY)
        file.flush()
        os.fsync(file.fileno())


def whole(path: Path) -> bool:
    """Whether a file ends as it should: more chunks may be under way otherwise."""
    if archives.is_zip(path):
        try:
            return bool(archives.members(path))
        except BadInput:
            return False
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4_096))
        end = file.read()
    return any(tail in end for tail in _TAILS)


def drop(settings: Settings, session_id: UUID) -> None:
    """Forget the bytes of a session's files."""
    shutil.rmtree(folder(settings, session_id), ignore_errors=True)
