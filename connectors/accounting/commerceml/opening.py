"""A file's bytes as UTF-8, whatever its declaration claims, and nothing but CommerceML.

The name of the root is not ASCII, so its bytes tell the encoding for certain. What stands before it may be a
declaration, instructions and comments: a document type, and with it every entity, is refused before the
parser sees a byte.
"""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from foundation.errors import BadInput

ROOT = "КоммерческаяИнформация"
PACKAGES = (
    "Классификатор", "Каталог", "ПакетПредложений", "ИзмененияПакетаПредложений", "Контрагенты",
)  # fmt: skip
_ROOTS = (ROOT, *PACKAGES)  # some save a package by itself
CHUNK = 262_144
_FARTHEST = 65_536  # where the root must have begun
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ENCODINGS = ("utf-8", "cp1251", "utf-16-le", "utf-16-be", "cp866", "koi8-r", "mac-cyrillic", "iso8859-5")
_BEFORE = re.compile(r"(?:\s+|<\?(?:[^?]|\?(?!>))*\?>|<!--(?:[^-]|-(?!-))*-->)*+")
_START = re.compile(rf"<(?:[\w.-]+:)?(?:{'|'.join(_ROOTS)})[\s/>]")
_ROOT_TAG = re.compile(rb"<[^\s<>/:]+(?:\s+[^\s<>=]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*\s*/?>")
_DECLARED = re.compile(rb"\sxmlns(?::[^\s<>=]+)?\s*=\s*(?:\"[^\"<]*\"|'[^'<]*')")
_UNPRINTED = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF]
)  # XML knows no such characters


def text_of(file: BinaryIO) -> Iterator[bytes]:
    """The file's XML in UTF-8 from its root on, piece by piece; BadInput when it's another thing.

    Line ends before the root are kept, so that lines count as in the file.
    """
    head = b""
    while len(head) < _FARTHEST and (piece := file.read(_FARTHEST - len(head))):
        head += piece
    if not head.strip(b"\0\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise BadInput("the file is empty", "line 1")
    encoding, mark = _encoding(head)
    text = head[mark:].decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
    start = _check(text)
    lines = b"\n" * text.count("\n", 0, start)
    if encoding == "utf-8":
        yield lines + _bare(head[mark + len(text[:start].encode("utf-8", "surrogateescape")) :])
        while piece := file.read(CHUNK):
            yield piece
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    start_bytes = mark + len(text[:start].encode(encoding, "replace"))
    first = decoder.decode(head[start_bytes:]).translate(_UNPRINTED).encode("utf-8", "replace")
    yield lines + _bare(first)
    while piece := file.read(CHUNK):
        yield decoder.decode(piece).translate(_UNPRINTED).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _bare(start: bytes) -> bytes:
    """The same without the namespaces a root without prefix declares: nothing below needs to name them."""
    found = _ROOT_TAG.match(start)
    return _DECLARED.sub(b"", found[0]) + start[found.end() :] if found else start


def _encoding(head: bytes) -> tuple[str, int]:
    """The encoding of the first bytes and the length of their mark."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    for name in _ENCODINGS:
        if any(root.encode(name) in head for root in _ROOTS):
            return name, 0
    return "utf-8", 0


def _check(text: str) -> int:
    """Where the root begins; BadInput for a document type and for whatever isn't CommerceML."""
    before = _BEFORE.match(text)
    start = before.end() if before else 0
    line = f"line {text.count(chr(10), 0, start) + 1}"
    if text.startswith("<!", start):
        raise BadInput("a document type isn't allowed: it can hold entities", line)
    if not _START.match(text, start):
        said = " ".join(text[start : start + 40].encode("utf-8", "replace").decode().split())
        raise BadInput(f"this is no CommerceML: <{ROOT}> was expected, not “{said}”", line)
    return start
