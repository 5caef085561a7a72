"""A file's objects as they stand in its bytes: one that is known to change nothing needs no parsing.

What is cut out here is only a guess until the parser has agreed: `reading` trusts bytes that it has seen come
out as one object, in a place where nothing but white space stands between it and an object before.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

WINDOW = 2 << 20  # bytes that are looked at together
LONGEST = 1 << 20  # of an object that is cut out
_STREAMS = {
    "Товар": "products",
    "Предложение": "products",
    "Контрагент": "counterparties",
    "Документ": "documents",
}
_BY_NAME = {name.encode(): (name, stream) for name, stream in _STREAMS.items()}
_CLOSED = {name: b"</" + name + b">" for name in _BY_NAME}
_TAG = b"<(" + b"|".join(_BY_NAME) + b")>"
_OPEN, _NEXT = re.compile(_TAG), re.compile(rb"\s*+" + _TAG)
_ID = re.compile(rb"\s*+<" + "Ид".encode() + rb">([^<&]{1,400}+)<")
_DIGEST = 15  # bytes
_TAIL = max(map(len, _CLOSED.values()))  # bytes in which a tag may be cut through


class Cut(msgspec.Struct, gc=False):
    """A stretch of a file: `gap`, and behind it the bytes of what may be an object.

    `digest` names these bytes; it's empty where they can't be trusted, as with comments inside.
    """

    gap: bytes
    blank: bool = False  # nothing but white space in the gap
    own: bytes = b""
    name: str = ""
    stream: str = ""
    external_id: str = ""
    digest: bytes = b""


Known = Callable[[Sequence[Cut]], Mapping[bytes, int]]
"""Of some cuts those that would change nothing: their digests, and how many pieces each would give."""


def windows(chunks: Iterator[bytes], cutting: bool) -> Iterator[Sequence[Cut]]:
    """The whole of a text in cuts, window by window; just as it comes when it isn't to be cut."""
    rest, held, size = b"", [], 0
    for chunk in chunks:
        if not cutting:
            yield (Cut(chunk),)
            continue
        held.append(chunk)
        size += len(chunk)
        if size >= WINDOW:
            cuts, rest = _cut(b"".join([rest, *held]))
            held, size = [], 0
            yield cuts
    if rest or held:
        cuts, rest = _cut(b"".join([rest, *held]))
        yield [*cuts, Cut(rest)]


def _cut(text: bytes) -> tuple[list[Cut], bytes]:
    """The cuts of a text, and its end: what more must be known of."""
    cuts, at = [], 0
    strange = is_strange(text)
    while True:
        opened = _NEXT.match(text, at)
        blank = opened is not None
        opened = opened or _OPEN.search(text, at)
        if opened is None:
            most = max(at, len(text) - _TAIL)
            break
        tag = opened[1]
        start = opened.end() - len(tag) - 2
        end = text.find(_CLOSED[tag], opened.end())
        if end < 0:
            most = start if len(text) - start < LONGEST else len(text)
            break
        end += len(tag) + 3
        own = text[start:end]
        name, stream = _BY_NAME[tag]
        found = _ID.match(text, opened.end(), end)
        digest = b""
        if found and not (strange and is_strange(own)):
            digest = hashlib.sha256(own).digest()[:_DIGEST]  # processors have instructions for it
        external_id = found[1].decode("utf-8", "replace").strip() if found else ""
        cuts.append(Cut(text[at:start], blank, own, name, stream, external_id, digest))
        at = end
    if most > at:
        cuts.append(Cut(text[at:most], text[at:most].isspace()))
    return cuts, text[most:]


def is_strange(text: bytes) -> bool:
    """Whether there are comments, instructions or the like; their second sign is rarer than their first."""
    for mark in (b"!", b"?"):
        at = text.find(mark)
        while at >= 0:
            if text[at - 1 : at] == b"<":
                return True
            at = text.find(mark, at + 1)
    return False
