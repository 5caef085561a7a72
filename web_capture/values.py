"""Single values of captured events. All are a stranger's: what is unusable becomes empty, nothing raises."""

import ipaddress
import re
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from math import isfinite
from typing import Any

from sync.landing import storable

LONGEST_TEXT, LONGEST_NAME, LONGEST_ID = 2_000, 200, 200
DEEPEST, MOST_ENTRIES = 8, 250
_WEB = re.compile(r"https?://[^\s/?#<>\"\x00-\x1f\x7f][^\s<>\"\x00-\x1f\x7f]*", re.IGNORECASE)
_APP = re.compile(r"android-app://[\w.]+(?:/[^\s<>\"\x00-\x1f\x7f]*)?", re.IGNORECASE | re.ASCII)
# what broken shop code sends for "nobody": as an identity it would make one person of all strangers
_NOBODY = frozenset(
    (
        "null", "undefined", "none", "nil", "nan", "true", "false", "0", "-1", "{}", "[]", "[object object]",
        "anonymous", "guest", "unknown", "deny", "n/a", "not_authenticated",
        "00000000-0000-0000-0000-000000000000",
    )
)  # fmt: skip


class Reading:
    """One message being read: hands out its values within bounds and remembers whether any was cut."""

    __slots__ = ("cut",)

    def __init__(self) -> None:
        self.cut = False

    def text(self, value: Any, limit: int = LONGEST_TEXT) -> str:
        """A text without the space around it; "" for anything that isn't one."""
        if value.__class__ is not str:
            return ""
        value = value.strip()
        usual = len(value) <= limit and value.isascii() and "\0" not in value
        return value if usual else self._bounded(value, limit)

    def tree(self, value: Any, depth: int = DEEPEST) -> dict[str, Any]:
        """An object with all that is in it, storable as JSON; {} for anything that isn't one."""
        return self._object(value, depth) if isinstance(value, dict) else {}

    def identifier(self, value: Any) -> str:
        """A name for somebody; numbers become text, and one too long keeps its beginning and a digest.

        Cut plainly, two people whose ids begin alike would become one.
        """
        if value is None:
            return ""
        if isinstance(value, str):
            name = storable(value.strip())
        elif isinstance(value, bool) or not isinstance(value, int | float):
            return ""
        else:
            name = digits(value)
        if name.lower() in _NOBODY:
            return ""
        if len(name) > LONGEST_ID:
            self.cut = True
            return f"{name[:160]}~{blake2b(name.encode(), digest_size=16).hexdigest()}"
        return name

    def _bounded(self, value: str, limit: int) -> str:
        if len(value) > limit:
            self.cut, value = True, value[:limit]
        return value if value.isascii() and "\0" not in value else storable(value)

    def _object(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        if len(value) > MOST_ENTRIES:
            self.cut, value = True, dict(islice(value.items(), MOST_ENTRIES))
        whole = {}
        for key, item in value.items():
            kind = item.__class__
            # every property of every event passes here: the usual ones without a call
            if len(key) > LONGEST_NAME or not key.isascii() or "\0" in key:
                key = self._bounded(key, LONGEST_NAME)
            if kind is str and len(item) <= LONGEST_TEXT and item.isascii() and "\0" not in item:
                whole[key] = item
            elif (kind is dict or kind is list) and depth <= 1:
                self.cut = True
            else:
                whole[key] = self._any(item, depth - 1)
        return whole

    def _any(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._bounded(value, LONGEST_TEXT)
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, list):
            if len(value) > MOST_ENTRIES:
                self.cut = True
            kept = [v for v in value[:MOST_ENTRIES] if depth > 1 or not isinstance(v, dict | list)]
            self.cut = self.cut or len(kept) < min(len(value), MOST_ENTRIES)
            return [self._any(item, depth - 1) for item in kept]
        if value is None or isinstance(value, bool):
            return value
        fits = isfinite(value) if isinstance(value, float) else -(2**63) <= value < 2**63
        return value if fits else digits(value)


def digits(number: float) -> str:
    """A JSON number as text: 7 for 7.0, as JavaScript writes it, and every digit of a long integer."""
    if isinstance(number, float):
        return str(int(number)) if isfinite(number) and number == int(number) < 2**53 else repr(number)
    return str(number)[:LONGEST_TEXT]


def web_address(value: str) -> str:
    """The address if it is a page's: http or https, and nothing that could break out of a link; else ""."""
    return value if _WEB.fullmatch(value) else ""


def referring_address(value: str) -> str:
    """A page, or the app (Android's mail) that a visitor came from; else ""."""
    return value if _WEB.fullmatch(value) or _APP.fullmatch(value) else ""


def internet_address(value: Any) -> str:
    """An IPv4 or IPv6 address in its usual form; "" for anything else."""
    return _address(value) if isinstance(value, str) and len(value) <= 45 else ""


@lru_cache(maxsize=4_096)
def _address(value: str) -> str:
    try:
        address = ipaddress.ip_address(value.strip())
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            return ""
        return str(address.ipv4_mapped or address)
    return str(address)
