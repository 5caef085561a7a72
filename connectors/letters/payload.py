"""A letter as it lands: its bytes in JSON, named by what they are.

The same letter found again, in another folder or under another number, is the same record.
"""

import base64
import hashlib
from datetime import datetime

import msgspec

from connectors.base import Raw
from foundation.errors import BadInput


class Payload(msgspec.Struct, frozen=True, omit_defaults=True):
    """What lands. `raw` is the letter itself, in base64 where it isn't plain ASCII."""

    raw: str
    at: datetime | None = None  # when the server took it in
    size: int = 0
    sent: bool = False  # it lay in the folder of our own letters
    cut: bool = False  # only its beginning was read
    coded: bool = False

    @property
    def letter(self) -> bytes:
        """The letter's bytes."""
        return base64.b64decode(self.raw, validate=True) if self.coded else self.raw.encode("ascii")


def pack(letter: bytes, *, at: datetime | None, size: int, sent: bool, cut: bool) -> Raw:
    """A letter as a record."""
    coded = not letter.isascii() or b"\0" in letter
    raw = base64.b64encode(letter).decode() if coded else letter.decode("ascii")
    said = msgspec.json.encode(Payload(raw, at, size, sent, cut, coded), order="sorted").decode()
    return Raw(hashlib.blake2b(letter, digest_size=20).hexdigest(), said, at)


def unpack(payload: str) -> Payload:
    """The letter of a record; BadInput when it is none."""
    try:
        found = msgspec.json.decode(payload, type=Payload)
        found.letter  # noqa: B018 (whether it can be read)
    except (ValueError, RecursionError) as error:
        raise BadInput("the record is no letter") from error
    return found
