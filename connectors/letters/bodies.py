"""A letter's parts: its text in plain words, its attachments by name, kind and size. Bounded throughout."""

import html
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import PurePosixPath
from typing import NamedTuple

from connectors.letters.headers import decoded, in_charset, plain, values

LONGEST_TEXT = 100_000  # characters of a letter's text that are kept
MOST_HTML = 1_000_000  # characters of HTML that are looked at
MOST_CONTAINERS, MOST_MARKS, MOST_PARTS = 60, 5_000, 500
MOST_HEADERS, HEAD = 2_000, 262_144  # lines and bytes of the letter's head
MOST_ATTACHMENTS = 100
_CONTAINER = re.compile(rb"boundary\s*\*?\d?\*?\s*=|content-type:\s*message/", re.I)
_MARK = re.compile(rb"^--", re.M)
_RUNS = """
exe scr com pif bat cmd js jse vbs vbe wsf wsh ws ps1 psm1 msi msp mst jar hta cpl lnk reg scf inf
url html htm xhtml mht mhtml svg svgz xml xsl xht swf dll sys iso img vhd vhdx docm dotm xlsm xltm
xlam pptm potm ppam sldm one chm desktop sh bash command app dmg pkg deb rpm apk py pl php library-
ms search-ms settingcontent-ms appref-ms application gadget theme themepack ade adp mde
"""
_RISKY = frozenset(_RUNS.split())
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)")
_BREAK = "\0"  # taken out of the page first
_BREAKS = "p div br tr li h1 h2 h3 h4 h5 h6 table ul ol blockquote hr section article"
_BREAKING = frozenset(_BREAKS.split())
_UNSEEN = frozenset(["script", "style", "head", "title", "noscript", "template", "svg", "math"])
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.I)


class Attached(NamedTuple):
    """An attachment: its number, a name that is safe to save it under, its kind and size."""

    number: int
    name: str
    type: str
    size: int
    risky: bool  # opening it may run it


class Bodies(NamedTuple):
    """What a letter holds. `whole` is false where it was too tangled to be taken apart."""

    text: str
    attachments: tuple[Attached, ...]
    whole: bool


def parsed(raw: bytes) -> tuple[Message, bool]:
    """The letter taken apart, or only its head where that would cost too much; and whether it is whole."""
    raw, headed = _bounded_head(raw)
    tangled = len(_CONTAINER.findall(raw)) > MOST_CONTAINERS or (
        b"oundary" in raw[:HEAD] and sum(1 for _ in _MARK.finditer(raw)) > MOST_MARKS
    )
    if not tangled:
        try:
            return message_from_bytes(raw), headed
        except Exception:  # noqa: BLE001 - a stranger's letter may break the parser in any way
            tangled = True
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    keep = [line for line in _unfolded(head) if not line.lower().startswith(b"content-")]
    try:
        message = message_from_bytes(b"\n".join(keep) + b"\n\n")
    except Exception:  # noqa: BLE001 - see above
        message = Message()
    message.set_payload(in_charset(body[:LONGEST_TEXT], "utf-8"))
    return message, False


def _unfolded(head: bytes) -> list[bytes]:
    return re.sub(rb"\n[ \t]+", b" ", head).split(b"\n")


def _bounded_head(raw: bytes) -> tuple[bytes, bool]:
    """The letter with no more of its head than anybody needs; whether that is all of it."""
    end = re.search(rb"\r?\n\r?\n", raw)
    head, rest = (raw[: end.start()], raw[end.start() :]) if end else (raw, b"")
    if len(head) <= HEAD and head.count(b"\n") <= MOST_HEADERS:
        return raw, True
    lines = head[:HEAD].split(b"\n")[:MOST_HEADERS]
    return b"\n".join(lines) + (rest or b"\n\n"), False


def bodies(message: Message, whole: bool) -> Bodies:
    """The letter's text, HTML as words where there is no other, and what is attached."""
    plains: list[str] = []
    htmls: list[str] = []
    attached: list[Attached] = []
    for number, part in parts(message):
        kind = _kind(part)
        if _is_text(part, kind, bool(plains or htmls)):
            (plains if kind != "text/html" else htmls).append(_text(part))
        elif len(attached) < MOST_ATTACHMENTS:
            attached.append(_attached(number, part, kind))
    text = "\n\n".join(filter(None, (one.strip() for one in plains)))
    if not text and htmls:
        text = "\n\n".join(words(one) for one in htmls)
    return Bodies(_kept(text), tuple(attached), whole)


def parts(message: Message) -> Iterator[tuple[int, Message]]:
    """Parts that hold something, numbered in the order of the letter; a letter within it is one of them."""
    stack, number = [message], 0
    while stack and number < MOST_PARTS:
        part = stack.pop()
        if part.is_multipart() and not _kind(part).startswith("message/"):
            stack.extend(one for one in reversed(inner_of(part)) if isinstance(one, Message))
            continue
        yield number, part
        number += 1


def inner_of(part: Message) -> list[object]:
    """The parts of a part; none of one that isn't made of parts."""
    inner = part.get_payload() if part.is_multipart() else []
    return list(inner) if isinstance(inner, list) else []


def _kind(part: Message) -> str:
    try:
        return plain(part.get_content_type(), 100).lower()
    except Exception:  # noqa: BLE001 - see `parsed`
        return "application/octet-stream"


def _is_text(part: Message, kind: str, begun: bool) -> bool:
    try:
        said = str(part.get_content_disposition() or "")
        named = part.get_filename() is not None
    except Exception:  # noqa: BLE001 - see `parsed`
        return False
    readable = kind in ("text/plain", "text/html", "text/enriched")
    return readable and said != "attachment" and not (named and begun)


def content(part: Message) -> bytes:
    """What a part holds, decoded; a letter within a letter as its own text."""
    try:
        if part.is_multipart():
            return b"".join(one.as_bytes() for one in inner_of(part)[:20] if isinstance(one, Message))
        held = part.get_payload(decode=True)
        return held if isinstance(held, bytes) else b""
    except Exception:  # noqa: BLE001 - see `parsed`
        return b""


def _text(part: Message) -> str:
    try:
        charset = part.get_content_charset()
    except Exception:  # noqa: BLE001 - see `parsed`
        charset = None
    return in_charset(content(part)[: MOST_HTML * 4], charset)[:MOST_HTML]


def _attached(number: int, part: Message, kind: str) -> Attached:
    said = decoded(_named(part), 300)
    name = file_name(said, f"letter-{number}.eml" if kind.startswith("message/") else f"part-{number}")
    return Attached(number, name, kind, len(content(part)), risky(name))


def _named(part: Message) -> str:
    """The name a part gives itself, its bytes beyond ASCII read."""
    read = Message()
    for header in ("content-disposition", "content-type"):
        for said in values(part, header, 1):
            read[header] = said
    try:
        return str(read.get_filename() or "")
    except Exception:  # noqa: BLE001 - see `parsed`
        return ""


def file_name(said: str, otherwise: str = "file") -> str:
    """A name that is safe to save a stranger's file under: no path, no tricks, not endless."""
    name = PurePosixPath(plain(said, 300).replace("\\", "/")).name
    name = re.sub(r'[<>:"/|?*%]', "_", name).strip(" .")
    if not name or _RESERVED.fullmatch(name):
        name = f"{otherwise}{name and '-'}{name}"
    if len(name) > 120:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: 118 - len(ending)]}.{ending}" if dot and len(ending) <= 10 else name[:120]
    return name


def risky(name: str) -> bool:
    """Whether a file of this name may run when it is opened."""
    return name.rpartition(".")[2].lower() in _RISKY


def _kept(text: str) -> str:
    """Text with its line breaks and without what can't be shown or stored."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")[:LONGEST_TEXT]
    shown = "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)
    shown = re.sub(r"[ \t\xa0]+\n", "\n", shown)
    return re.sub(r"\n{4,}", "\n\n\n", shown).encode("utf-8", "replace").decode().strip()


def words(page: str) -> str:
    """HTML as the words it shows; never HTML. Reads each character once, whatever the page is made of."""
    page = page[:MOST_HTML].replace(_BREAK, " ")
    lower, found, at = page.lower(), list[str](), 0
    while at < len(page):
        begin = page.find("<", at)
        if begin < 0:
            found.append(page[at:])
            break
        found.append(page[at:begin])
        comment = page.startswith("<!--", begin)
        end = page.find("-->" if comment else ">", begin)
        if end < 0:
            break
        at = end + (3 if comment else 1)
        name = _TAG.match(lower, begin)
        if name is None or comment:
            continue
        if name[2] in _UNSEEN and not name[1] and lower[at - 2] != "/":
            at = lower.find(f"</{name[2]}", at)
            if at < 0:
                break
        else:
            found.append(_BREAK if name[2] in _BREAKING else " " if name[2] in ("td", "th") else "")
    lines = " ".join("".join(found).split()).split(_BREAK)
    shown = "\n".join(" ".join(html.unescape(line).split()) for line in lines)
    return re.sub(r"\n{3,}", "\n\n", shown).strip()
