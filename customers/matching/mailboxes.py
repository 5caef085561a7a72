"""E-mail addresses as matching sees them: the key, its parts, and the names written in it. Pure."""

import re
from functools import lru_cache
from typing import NamedTuple

from customers import emails
from customers.latin import fold

_DOTS = re.compile(r"\.{2,}")
_LETTERS = re.compile(r"[a-z]+")
_YEAR = re.compile(r"(?<!\d)(19[3-9]\d|20[012]\d)(?!\d)")


class Mailbox(NamedTuple):
    """An address: `key` is the mailbox behind it, `words` and `letters` what its local part says, folded."""

    key: str
    local: str
    domain: str
    nobody: str  # role, relay: it names no person
    year: str
    words: tuple[str, ...]
    letters: str


@lru_cache(maxsize=1 << 15)
def read(text: str) -> Mailbox | None:
    """The mailbox of an address; None when it is none, or what people type to fill a field."""
    email = emails.parse(text)
    if not email.key:
        email = emails.parse(_DOTS.sub(".", text.strip()).replace(".@", "@"))
    if not email.key or email.names_nobody == "placeholder":
        return None
    local, _, domain = email.key.partition("@")
    if email.names_nobody:
        return Mailbox(email.key, local, domain, email.names_nobody, "", (), "")
    year = _YEAR.search(local)
    words = _LETTERS.findall(email.shown.rpartition("@")[0].split("+")[0].lower())
    folded = tuple(fold(word) for word in words)
    return Mailbox(email.key, local, domain, "", year[1] if year else "", folded, "".join(folded))
