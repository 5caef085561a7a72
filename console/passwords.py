"""Passwords: which ones we take, and argon2id with a bound on memory."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from console.guessable import guessable
from foundation.errors import BadInput
from foundation.text import _

SHORTEST, LONGEST = 8, 256

# OWASP's argon2id profile; two at once hold 38 MiB, the rest of a burst waits its turn.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_turns = threading.BoundedSemaphore(2)

# A hash of random bytes nobody kept: unknown users cost the same time as known ones.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$Qsyt8z0aGSaWXf/ZI38UYQ$STVABDCqFUYQXowBupPjm4bBYfXrJHYSUPCCNIjqkDE"


def check(password: str, email: str = "") -> None:
    """Refuse a password that is too short, too long or tried first by everybody; any script counts."""
    if len(password) < SHORTEST:
        raise BadInput(_("Use at least 8 characters; 15 or more is better."), "password")
    if len(password) > LONGEST:
        raise BadInput(_("Use at most 256 characters."), "password")
    if guessable(password, email):
        raise BadInput(_("This password is among the first that anybody tries. Choose another."), "password")


def make_hash(password: str) -> str:
    """The argon2id hash to keep."""
    with _turns:
        return _hasher.hash(password)


def verify(kept: str | None, password: str) -> bool:
    """Whether the password is the one of the kept hash; None (unknown user) takes as long, always false."""
    with _turns:
        try:
            return _hasher.verify(kept or _NOBODY, password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def outdated(kept: str) -> bool:
    """Whether the hash was made with older parameters and should be made again at this sign-in."""
    return _hasher.check_needs_rehash(kept)
