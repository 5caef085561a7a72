"""What a file is and which encoding its text has, decided over the whole file: the first letters that aren't
ASCII may stand anywhere."""

import codecs
import re
from pathlib import Path
from typing import IO

import msgspec
from charset_normalizer import from_bytes

from foundation.errors import BadInput

# windows-1254 also reads what windows-1252 writes in German and French
CANDIDATES = ["cp1251", "cp1254", "cp949", "cp866", "koi8_r"]
NAMES = {"cp1251": "windows-1251", "cp1254": "windows-1254", "koi8_r": "koi8-r"}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_STRANGERS = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"RIFF", "a picture or sound"),
    (b"BM\x36", "a picture (BMP)"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"SQLite format 3", "a database"),
    (b"{\\rtf", "a text document (RTF)"),
)
_STATEFUL = ("iso2022", "utf-7", "hz", "idna", "punycode", "raw", "unicode")
_BLOCK = 1 << 20
_LINE = 65_536
_ENOUGH = 200_000  # bytes of lines with other than ASCII letters: plenty to tell languages apart
_UNTEXTLIKE = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")


class Encoding(msgspec.Struct, frozen=True):
    """An encoding's codec name, the bytes of its mark at the file's start, and why it was chosen."""

    name: str
    mark: int = 0
    reason: str = ""


def refuse_strangers(start: bytes, name: str) -> None:
    """BadInput in plain words for what is neither text nor a workbook, by the file's first bytes."""
    if not start.strip(b"\0\xef\xbb\xbf \t\r\n"):
        raise BadInput("the file is empty", name)
    for magic, what in _STRANGERS:
        if start.startswith(magic):
            raise BadInput(f"this is {what}, not a table", name)
    if re.match(rb"\s*<(!doctype|html|\?xml)", start, re.IGNORECASE):
        raise BadInput("this is a web page or XML, not a table; save it as CSV or XLSX", name)


def detect(path: Path) -> Encoding:
    """The encoding of a text file; reads all of it once in constant memory."""
    with path.open("rb") as file:
        start = file.read(65_536)
        for mark, name in _BOMS:
            if start.startswith(mark):
                return Encoding(name, len(mark), "the file says so in its first bytes")
        if wide := _wide(start):
            return Encoding(wide, 0, "its line ends are two bytes wide")
        if len(_UNTEXTLIKE.findall(start)) > len(start) // 50:
            raise BadInput("this is no text file", path.name)
        file.seek(0)
        return _narrow(file)


def named(name: str, found: Encoding) -> Encoding:
    """The encoding a person named, with the mark that was found for it; BadInput when it can't be used."""
    try:
        info = codecs.lookup(name.strip())
    except LookupError as error:
        raise BadInput(f"there is no encoding “{name[:40]}”", "encoding") from error
    plain = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(info.name, info.name)
    if found.name == plain or (found.mark and info.name in ("utf-16", "utf-32")):
        return found
    if not info._is_text_encoding or plain.startswith(_STATEFUL):
        raise BadInput(f"tables in “{name[:40]}” can't be read", "encoding")
    return Encoding(plain, 0, "as told")


def _wide(start: bytes) -> str:
    """UTF-16 without a mark: read the right way round, it has nearly all the line ends the bytes show."""
    if start.count(0) < len(start) // 40 or b"\0" not in start:
        return ""
    ends = max(start.count(b"\n"), start.count(b"\r"))
    for name in ("utf-16-le", "utf-16-be"):
        text = start[: len(start) // 2 * 2].decode(name, "replace")
        if ends and max(text.count("\n"), text.count("\r")) >= 0.8 * ends:
            return name
    return ""


def _narrow(file: IO[bytes]) -> Encoding:
    """UTF-8 where most of what isn't ASCII reads as UTF-8, otherwise the likeliest of the candidates."""
    good = 0
    strange: list[bytes] = []
    size = 0
    while block := file.read(_BLOCK):
        block += file.readline(_LINE)
        if block.isascii():
            continue
        if _is_utf8(block, cut=len(block) >= _BLOCK and block[-1:] not in b"\r\n"):
            good += 1
            continue
        for line in block.splitlines():
            if line.isascii():
                continue
            if _is_utf8(line):
                good += 1
            elif size < _ENOUGH:
                strange.append(line[:_LINE])
                size += len(strange[-1])
        if size >= _ENOUGH and good < len(strange) // 10:
            break
    if good > len(strange) or not strange:
        why = "most lines read as UTF-8; those that don't are reported" if strange else "it reads as UTF-8"
        return Encoding("utf-8", 0, why)
    best = from_bytes(b"\n".join(strange), cp_isolation=CANDIDATES).best()
    name = best.encoding if best else "cp1251"
    return Encoding(name, 0, f"the letters make words as {NAMES.get(name, name)}")


def _is_utf8(piece: bytes, *, cut: bool = False) -> bool:
    """True for UTF-8; `cut` excuses half a letter at the end."""
    try:
        piece.decode()
    except UnicodeDecodeError as error:
        return cut and error.end == len(piece)
    return True
