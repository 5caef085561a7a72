"""Who is held out and who gets which variant: a draw by keyed hash, the same each time for the same mailing.

Nobody outside can work out a draw without the installation's secret, and nobody's luck lasts from one mailing
to the next: the key is the mailing's own.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from sqlalchemy.orm import Session

from email_campaigns import secret

SQL = "sha256(:m_key || uuid_send(a.customer_id))"  # the draw of a customer, 32 bytes
_ALL = b"\xff" * 33  # above every draw


def key(session: Session, mailing_id: UUID) -> bytes:
    """The key of a mailing's draws."""
    return hmac.digest(secret.token_key(session), b"draw " + mailing_id.bytes, "sha256")


def bound(percent: float) -> bytes:
    """Draws below this are so many percent of all; compared byte by byte, as PostgreSQL does."""
    value = round(percent / 100 * 2**32)
    return value.to_bytes(4, "big") if value < 2**32 else _ALL


def bounds(shares: Sequence[float]) -> list[bytes]:
    """Where each share ends, one after the other."""
    total, found = 0.0, []
    for share in shares:
        total += share
        found.append(bound(total))
    return found


def drawn(own: bytes, customer_id: UUID) -> bytes:
    """The draw of a customer, as `SQL` makes it."""
    return sha256(own + customer_id.bytes).digest()


def is_held_out(own: bytes, customer_id: UUID, percent: float) -> bool:
    """Whether this person gets no letter of this mailing, to measure what it does."""
    return drawn(own, customer_id) < bound(percent)


def variant_of(own: bytes, customer_id: UUID, names: Sequence[str], shares: Sequence[float]) -> str:
    """The variant of a person; empty for the rest that waits for the winner."""
    luck = drawn(own, customer_id)[8:]
    for name, end in zip(names, bounds(shares), strict=True):
        if luck < end:
            return name
    return ""
