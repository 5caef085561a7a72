"""DKIM (RFC 6376, RFC 8463): each letter signed with RSA and with Ed25519, headers relaxed, body simple.

Ours in place of a library's because a library canonicalises the whole letter again for each signature; here
the headers are known while the letter is being made. Tests have both signatures verified by a library we
don't use.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from email_campaigns.delivery.mime import Header
from foundation.errors import Misconfigured

# named once more than they stand in the letter: nobody can add another one on the way
OVERSIGNED = frozenset({"from", "to", "subject", "date", "message-id", "list-unsubscribe",
                        "list-unsubscribe-post", "reply-to"})  # fmt: skip
_UNSIGNED = frozenset({"return-path"})
FOLD = "\r\n "
_SPACES = re.compile(r"[ \t\r\n]+")
_PREHASHED = utils.Prehashed(hashes.SHA256())
_PADDING = padding.PKCS1v15()


@dataclass(frozen=True)
class Key:
    """One private key and the name its public half has in DNS."""

    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        """As the signature names it."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, digest: bytes) -> bytes:
        """The signature of a SHA-256 digest; Ed25519 signs the digest itself (RFC 8463)."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(digest, _PADDING, _PREHASHED)
        return self.private.sign(digest)


@dataclass(frozen=True)
class Signer:
    """Signs for one domain with all its keys; headers in `leaves` are left to whoever changes them on the
    way."""

    domain: str
    keys: tuple[Key, ...]
    leaves: frozenset[str] = _UNSIGNED

    def sign(self, headers: Sequence[Header], body: bytes, at: datetime) -> bytes:
        """The DKIM-Signature headers to put before the letter's own."""
        canonical = [(name.lower(), relaxed(name, value)) for name, value in headers]
        signed = [one for one in canonical if one[0] not in self.leaves]
        named = _named(tuple([name for name, _text in signed]))
        hashed = sha256("".join([text for _name, text in signed]).encode())
        body_hash = b64encode(sha256(simple(body)).digest()).decode()
        made = [self._one(key, named, hashed.copy(), body_hash, int(at.timestamp())) for key in self.keys]
        return "".join(made).encode()

    def _one(self, key: Key, named: str, hashed: Any, body_hash: str, at: int) -> str:
        """One header; what is hashed of it is what `relaxed` makes of it: each fold is one blank."""
        value = (
            f"v=1; a={key.algorithm}; c=relaxed/simple; d={self.domain};\r\n s={key.selector}; t={at};\r\n"
            f" h={named};\r\n bh={body_hash};\r\n b="
        )
        hashed.update(f"dkim-signature:{value.replace(FOLD, ' ')}".encode())
        signature = b64encode(key.sign(hashed.digest())).decode()
        lines = FOLD.join([signature[at : at + 72] for at in range(0, len(signature), 72)])
        return f"DKIM-Signature: {value}{lines}\r\n"


def relaxed(name: str, value: str) -> str:
    """A header as it is hashed (RFC 6376, 3.4.2)."""
    if "\r" in value or "  " in value or "\t" in value:
        value = _SPACES.sub(" ", value)
    return f"{name.lower()}:{value.strip()}\r\n"


def simple(body: bytes) -> bytes:
    """A body as it is hashed (RFC 6376, 3.4.3): exactly one line end at its end."""
    if body.endswith(b"\r\n") and not body.endswith(b"\r\n\r\n"):
        return body
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n"


@lru_cache(maxsize=256)
def _named(names: tuple[str, ...]) -> str:
    """The list of signed headers, folded; names twice what nobody may add, present or not."""
    known = set(names)
    absent = [name for name in ("reply-to", "cc") if name not in known]
    twice = [name for name in dict.fromkeys(names) if name in OVERSIGNED]
    lines, line = [], ""
    for name in [*names, *twice, *absent]:
        grown = f"{line}:{name}" if line else name
        if len(grown) > 66:
            lines.append(line + ":")
            line = name
        else:
            line = grown
    return FOLD.join([*lines, line])


def load(selector: str, pem: str) -> Key:
    """A key from its PEM text; Misconfigured when it is none of the two kinds."""
    try:
        private = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise Misconfigured(f"The DKIM key {selector} can't be read: {error}", "domain") from error
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise Misconfigured(f"The DKIM key {selector} is neither RSA nor Ed25519.", "domain")
    return Key(selector, private)
