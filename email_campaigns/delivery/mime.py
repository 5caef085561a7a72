"""A letter's bytes: our own MIME, so that what is the same for all recipients is made once.

7-bit throughout, lines of at most 76 characters where encoded and 998 where not, CRLF line ends. Tests hold
it equal to what a strict parser reads.
"""

import binascii
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

LINE = 998  # RFC 5322, without the CRLF
FOLD = 76
_PLAIN = re.compile(r"[\x20-\x7e]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_LINE_ENDS = re.compile(r"\r\n?|\n")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
Header = tuple[str, str]  # name and value as it stands after the colon, folded with CRLF


def one_line(value: str) -> str:
    """A text without line breaks and other controls: nothing in it can begin a header of its own."""
    return _CONTROLS.sub(" ", value).strip() if not value.isprintable() else value.strip()


def unstructured(value: str, name_length: int = 20) -> str:
    """A header's text: plain where it is short ASCII, else as RFC 2047 words of at most 75 characters."""
    value = one_line(value)
    if _PLAIN.fullmatch(value) and "=?" not in value:
        if len(value) + name_length + 2 <= FOLD:
            return value
        if (folded := _fold(value.split(" "), name_length)) is not None:
            return folded
    return _words(value, name_length)


def _fold(parts: Sequence[str], name_length: int) -> str | None:
    """Words on lines of at most 76 characters; None where one is longer, or a line would be blank."""
    lines, room = [""], FOLD - name_length - 2
    for part in parts:
        if not part or len(part) >= FOLD or (not lines[-1] and len(part) > room):
            return None
        grown = f"{lines[-1]} {part}" if lines[-1] else part
        if len(grown) > room and lines[-1]:
            lines.append(part)
            room = FOLD - 1
        else:
            lines[-1] = grown
    return "\r\n ".join(lines)


def _words(value: str, name_length: int) -> str:
    """RFC 2047 in base64, never splitting a character; folded."""
    pieces, room = [], 75 - len("=?utf-8?b??=") - max(0, name_length + 2 - 1)
    piece = b""
    for character in value:
        encoded = character.encode("utf-8", "replace")
        if (len(piece) + len(encoded) + 2) // 3 * 4 > max(room, 12):
            pieces.append(piece)
            piece, room = b"", 75 - len("=?utf-8?b??=")
        piece += encoded
    pieces.append(piece)
    return "\r\n ".join(f"=?utf-8?b?{binascii.b2a_base64(one, newline=False).decode()}?=" for one in pieces)


@lru_cache(maxsize=1024)
def mailbox(name: str, address: str) -> str:
    """`Name <address>` for From and Reply-To; the name quoted or encoded as it needs."""
    name = one_line(name)
    if not name:
        return address
    if _PLAIN.fullmatch(name) and "=?" not in name and len(name) <= 60:
        quoted = name if _ATOMS.fullmatch(name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
        if len(quoted) + len(address) < 60:
            return f"{quoted} <{address}>"
        return f"{quoted}\r\n <{address}>"
    return f"{_words(name, 10)}\r\n <{address}>"


def instant(at: datetime) -> str:
    """A Date header's value; `at` is in UTC."""
    return (
        f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year}"
        f" {at.hour:02}:{at.minute:02}:{at.second:02} +0000"
    )


def block(headers: Iterable[Header]) -> bytes:
    """Headers as bytes, without the empty line."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers]).encode()


def _quoted(data: bytes) -> bytes:
    """Quoted-printable of text whose lines end in LF; lines end in CRLF after it."""
    encoded = binascii.b2a_qp(data, quotetabs=False, istext=True, header=False)
    return encoded.replace(b"\n", b"\r\n")


def _base64(data: bytes) -> bytes:
    encoded = binascii.b2a_base64(data, newline=False)
    return b"\r\n".join([encoded[at : at + FOLD] for at in range(0, len(encoded), FOLD)])


def encoded(text: str, *, html: bool = False) -> tuple[str, bytes]:
    """A text part's transfer encoding and bytes, ending in CRLF: as it is, or the shorter of the two
    encodings."""
    if "\r" in text:
        text = _LINE_ENDS.sub("\n", text)
    if not text.endswith("\n"):
        text += "\n"
    data = seven_bit(text) if html else text.encode() if text.isascii() else None
    if data is not None and b"\0" not in data and max(map(len, data.split(b"\n"))) <= LINE:
        return "7bit", data.replace(b"\n", b"\r\n")
    data = text.encode("utf-8", "replace")
    if len(data) - len(text) > len(text) // 6:  # much beyond ASCII: quoting would take three for one
        return "base64", _base64(data.replace(b"\n", b"\r\n")) + b"\r\n"
    return "quoted-printable", _quoted(data)


def seven_bit(html: str) -> bytes | None:
    """The same HTML in ASCII and in lines that fit; None where it would grow much, or a style isn't ASCII.

    A character beyond ASCII becomes its number, a blank before an attribute a line break: both mean the same
    to whoever reads HTML, and cost a tenth of what encoding the whole does.
    """
    data = html.encode("ascii", "xmlcharrefreplace")
    if len(data) != len(html):
        at = html.find("<style")
        while at >= 0:
            end = html.find("</style", at)
            if not html[at:end].isascii():
                return None
            at = html.find("<style", end) if end > 0 else -1
        if len(data) > len(html) + len(html) // 16:
            return None
    return data.replace(b' style="', b'\nstyle="')


def alternative(plain: str, html: str, boundary: str) -> bytes:
    """The body of multipart/alternative, text first as the standard wants it."""
    parts = []
    for kind, content in (("plain", plain), ("html", html)):
        encoding, data = encoded(content, html=kind == "html")
        head = f"--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
        parts += [f"{head}Content-Transfer-Encoding: {encoding}\r\n\r\n".encode(), data, b"\r\n"]
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


def boundary_of(seed: bytes) -> str:
    """A boundary that no encoded part can hold: quoted-printable never writes "=_"; base64 has no underscore.

    Parts that go out as they are could, so it is not to be guessed.
    """
    return f"=_{seed.hex()[:40]}"
