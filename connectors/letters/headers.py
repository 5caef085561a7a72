"""What headers say, made safe: one line, no controls, bounded, in whatever charset they claim."""

import re
from datetime import UTC, datetime, timedelta
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import NamedTuple

LONGEST = 8_000  # characters of a header that are looked at
MANY = 60_000  # of one with addresses
LONGEST_ADDRESS, LONGEST_NAME = 320, 200
MOST_IDS = 30
EARLY = timedelta(days=30)  # a letter's own date may be so much before the day it came
_TRICKS = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")  # they turn and hide what is shown
_ID = re.compile(r"<([^<>\s]{3,500})>")
_ADDRESS = re.compile(r"[^\s@<>\"(),:;\\\[\]]{1,200}@[^\s@<>\"(),:;\\\[\]]{1,255}")


class Mailbox(NamedTuple):
    """An address, in lower case, with the name beside it."""

    address: str
    name: str = ""


def plain(value: str, longest: int = LONGEST) -> str:
    """Text on one line that nothing in it can break out of."""
    value = _TRICKS.sub("", value[: longest * 2])
    shown = "".join(c if c.isprintable() else " " for c in value)
    return " ".join(shown.split())[:longest].encode("utf-8", "replace").decode().strip()


def values(message: Message, name: str, most: int = 20) -> list[str]:
    """What headers of this name say, as they came; bytes beyond ASCII in the charset they can be in."""
    try:
        found = [str(value) for key, value in message.raw_items() if key.lower() == name]
    except Exception:  # noqa: BLE001 - a stranger's header may break the parser in any way
        return []
    return [
        one if one.isascii() else in_charset(one[:MANY].encode("utf-8", "surrogateescape"), None)
        for one in found[:most]
    ]


def decoded(value: str, longest: int = LONGEST) -> str:
    """A header's text, its encoded words read; what can't be read is shown as it stands."""
    said = value[: longest * 4].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        parts = decode_header(said)
    except Exception:  # noqa: BLE001 - a stranger's header may break the parser in any way
        return plain(said, longest)
    words = [text if isinstance(text, str) else in_charset(text, charset) for text, charset in parts]
    return plain("".join(words), longest)


def in_charset(data: bytes, charset: str | None) -> str:
    """Bytes as text: in the charset named, else UTF-8, else the one that never fails."""
    for one in (charset, "utf-8"):
        try:
            if one and one.isascii() and len(one) < 40:
                return data.decode(_ALIASES.get(one.lower(), one))
        except (LookupError, UnicodeError, ValueError):
            continue
    try:
        return data.decode(charset or "cp1251", "replace")
    except (LookupError, UnicodeError, ValueError):
        return data.decode("latin-1")


_ALIASES = {"ks_c_5601-1987": "cp949", "iso-8859-8-i": "iso-8859-8", "unicode-1-1-utf-7": "utf-7",
            "x-unknown": "utf-8", "unknown-8bit": "utf-8", "gb2312": "gb18030"}  # fmt: skip


def text(message: Message, name: str, longest: int = LONGEST) -> str:
    """A header of a message; empty when there is none."""
    return decoded(next(iter(values(message, name, 1)), ""), longest)


def mailboxes(message: Message, *names: str) -> list[Mailbox]:
    """The addresses in these headers, each once, in their order."""
    found: dict[str, Mailbox] = {}
    for name in names:
        try:
            pairs = getaddresses([" ".join(said[:MANY].split()) for said in values(message, name)])
        except Exception:  # noqa: BLE001 - see `decoded`
            pairs = []
        for shown, address in pairs:
            one = plain(address, LONGEST_ADDRESS).lower()
            if _ADDRESS.fullmatch(one):
                found.setdefault(one, Mailbox(one, decoded(shown, LONGEST_NAME)))
    return list(found.values())


def ids(message: Message, *names: str) -> tuple[str, ...]:
    """The Message-IDs in these headers, without brackets; of too many the last, which are the nearest."""
    found: dict[str, None] = {}
    for name in names:
        said = next(iter(values(message, name, 1)), "")[-MANY:]
        for one in _ID.findall(said)[-MOST_IDS:]:
            found.setdefault(plain(one, 500))
    return tuple(one for one in found if one)


def sent_at(message: Message, arrived: datetime | None) -> datetime | None:
    """When the letter was written, if its own word for it can be true beside the day it came."""
    try:
        said = parsedate_to_datetime(text(message, "date", 200))
        said = said.astimezone(UTC) if said.tzinfo else said.replace(tzinfo=UTC)
    except Exception:  # noqa: BLE001 - see `decoded`
        return arrived
    if arrived is None:
        return said if datetime(1990, 1, 1, tzinfo=UTC) < said < datetime(2100, 1, 1, tzinfo=UTC) else None
    return said if arrived - EARLY <= said <= arrived + timedelta(minutes=10) else arrived
