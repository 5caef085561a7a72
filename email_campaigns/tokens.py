"""What public links in letters carry: which delivery, which number, and a seal that nobody else can make."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import sha256
from uuid import UUID

KINDS = {
    "click": b"c", "open": b"o", "view": b"v", "unsubscribe": b"u", "preferences": b"p", "return": b"r",
    "confirm": b"d", "answer": b"n",
}  # fmt: skip
_SEAL = 16  # bytes: 128 bits


def write(key: bytes, kind: str, delivery: UUID, number: int = 0) -> str:
    """A token of 43 to 54 URL-safe letters; `number` is a link's, at most 2**63 - 1."""
    said = KINDS[kind] + delivery.bytes + (number.to_bytes(8, "big") if number else b"")
    return urlsafe_b64encode(said[1:] + _seal(key, said)).decode().rstrip("=")


def read(key: bytes, kind: str, token: str) -> tuple[UUID, int] | None:
    """The delivery and the number; None for whatever we have not written for that kind."""
    if len(token) > 60:
        return None
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (Error, ValueError):
        return None
    if len(raw) not in (16 + _SEAL, 24 + _SEAL):
        return None
    said, seal = KINDS[kind] + raw[:-_SEAL], raw[-_SEAL:]
    if not hmac.compare_digest(seal, _seal(key, said)):
        return None
    return UUID(bytes=said[1:17]), int.from_bytes(said[17:], "big")


def _seal(key: bytes, said: bytes) -> bytes:
    return hmac.new(key, said, sha256).digest()[:_SEAL]
