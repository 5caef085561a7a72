"""What 1C asks, read from a query string and headers as tolerantly as its many versions write them."""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import msgspec

TYPES = ("catalog", "sale")
MODES = ("checkauth", "init", "file", "import", "query", "success", "info", "deactivate", "complete")
_LONGEST = 500  # characters of a parameter that are looked at


class Asked(msgspec.Struct, frozen=True):
    """One request. `user` is None when it came without credentials that can be read."""

    method: str = "GET"
    type: str = ""
    mode: str = ""
    filename: str = ""
    sessid: str = ""
    version: str = ""
    timestamp: str = ""
    cookies: tuple[str, ...] = ()  # values, whatever the cookies are called
    user: str | None = None
    password: str = ""


def read(method: str, query: bytes, headers: Mapping[str, str]) -> Asked:
    """A request as it is meant; header names are lower case. Never raises.

    The address that was typed into 1C may have a query of its own, and `?type=` be glued onto it.
    """
    told: dict[str, str] = {}
    for pair in query.replace(b"?", b"&").split(b"&"):
        name, _sign, value = pair.partition(b"=")
        told.setdefault(_decoded(name).lower(), _decoded(value.replace(b"+", b" ")).strip()[:_LONGEST])
    user, password = _credentials(headers)
    return Asked(
        method=method,
        type=_known(told.get("type", ""), TYPES),
        mode=_known(told.get("mode", ""), MODES),
        filename=told.get("filename", ""),
        sessid=told.get("sessid", ""),
        version=told.get("version", "")[:20],
        timestamp=told.get("timestamp", "")[:20],
        cookies=_cookies(headers.get("cookie", "")),
        user=user,
        password=password,
    )


def _known(value: str, all_of_them: tuple[str, ...]) -> str:
    """A word of the protocol; one that isn't is shown as it came, but short."""
    plain = value.strip().lower()
    return plain if plain in all_of_them else value.replace("\0", "�")[:40]


def _decoded(value: bytes) -> str:
    """Percent signs are decoded; the bytes are UTF-8, or what old Windows programs send."""
    found = unquote_to_bytes(value)
    try:
        return found.decode("utf-8")
    except UnicodeDecodeError:
        return found.decode("cp1251", "replace")


def _cookies(header: str) -> tuple[str, ...]:
    pairs = (one.partition("=") for one in header[:4_000].split(";"))
    return tuple(value.strip().strip('"') for _name, sign, value in pairs if sign)


def _credentials(headers: Mapping[str, str]) -> tuple[str | None, str]:
    """User and password of the first header that has some: hosts strip one and leave the other."""
    for name in ("authorization", "x-authorization"):
        scheme, _blank, rest = headers.get(name, "").strip()[:1_000].partition(" ")
        if scheme.lower() != "basic":
            continue
        try:
            pair = base64.b64decode(rest.strip(), validate=True)
        except (binascii.Error, ValueError):
            continue
        try:
            user, sign, password = pair.decode("utf-8").partition(":")
        except UnicodeDecodeError:
            user, sign, password = pair.decode("cp1251", "replace").partition(":")
        if sign:
            return user, password
    return None, ""
