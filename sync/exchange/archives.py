"""Files inside zips, read without ever being unpacked to disk; archives that would burst are let go of."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

import msgspec

from foundation.errors import BadInput

FREE = 64_000_000  # bytes that a member may always have
RATIO = 300  # beyond that, so many times what it has packed; XML of 1C packs to a thirtieth
MOST = 200_000  # entries
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


def is_zip(path: Path) -> bool:
    """Whether a file begins as a zip does, be it whole or not."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def members(path: Path) -> list[str]:
    """The names of the files in a zip; BadInput when it isn't whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except _BROKEN as error:
        raise BadInput(f"the archive is not whole ({error})") from error
    if sum(one.compress_size for one in entries) > path.stat().st_size:
        raise BadInput("the files in the archive overlap, so it would unpack without an end")
    found = [one.filename for one in entries if not one.is_dir()]
    if len(found) > MOST:
        raise BadInput(f"the archive has more than {MOST} files")
    return found


class Opened(msgspec.Struct, frozen=True):
    """A file that is being read, its whole length, and how far it has been read."""

    file: BinaryIO
    size: int
    position: Callable[[], int]


@contextmanager
def opened(path: Path, member: str) -> Iterator[Opened]:
    """A file, or one inside of a zip; BadInput when the archive is broken, locked or a bomb."""
    with ExitStack() as stack:
        if not member:
            file = stack.enter_context(path.open("rb"))
            found = Opened(file, path.stat().st_size, file.tell)
        else:
            found = _inside(stack, path, member)
        yield found


def _inside(stack: ExitStack, path: Path, member: str) -> Opened:
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
        info = archive.getinfo(member)
        bounded = _Bounded(stack.enter_context(archive.open(info)), info.compress_size)
    except KeyError as error:
        raise BadInput(f"the archive has no file {member}") from error
    except _BROKEN as error:
        raise BadInput(f"the archive can't be read ({error})") from error
    file = cast(BinaryIO, io.BufferedReader(bounded, 1 << 16))
    return Opened(file, info.file_size, lambda: bounded.count)


class _Bounded(io.RawIOBase):
    """Counts what comes out of a packed file, whatever the archive says of its size."""

    def __init__(self, inside: IO[bytes], packed: int) -> None:
        self._inside, self._most = inside, FREE + RATIO * packed
        self.count = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: object) -> int:
        """The next bytes."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        try:
            got = self._inside.read(len(view))
        except _BROKEN as error:
            raise BadInput(f"the archive is broken ({error}); nothing behind this place was read") from error
        self.count += len(got)
        if self.count > self._most:
            raise BadInput("the archive unpacks to far more than it holds; it was not read on")
        view[: len(got)] = got
        return len(got)
