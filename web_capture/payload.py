"""What a caller of the collector sent: checked as far as an event must be to become one, and no further."""

import re
import uuid
import zlib
from hashlib import blake2b
from typing import Any

import msgspec

KINDS = frozenset({"identify", "track", "page", "screen", "group", "alias"})
LARGEST_EVENT = 32 * 1024
LARGEST_BODY = 500 * 1024
MOST_EVENTS = 2_500
LONGEST_ID = 100
DEEPEST = 100
_SECRET = re.compile(rb"sk_[A-Za-z0-9_-]{20,}")
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)


class Refused(Exception):
    """The call or the event can't be taken, and why, for the person who wrote the caller."""

    def __init__(self, message: str, status: int = 400, at: str = "") -> None:
        super().__init__(message)
        self.message, self.status, self.at = message, status, at


class Call(msgspec.Struct, frozen=True):
    """The few members of a message that decide whether it is one; all else stays as it came."""

    type: Any = None
    message_id: Any = msgspec.field(default=None, name="messageId")
    anonymous_id: Any = msgspec.field(default=None, name="anonymousId")
    user_id: Any = msgspec.field(default=None, name="userId")
    previous_id: Any = msgspec.field(default=None, name="previousId")
    group_id: Any = msgspec.field(default=None, name="groupId")
    event: Any = None
    write_key: Any = msgspec.field(default=None, name="writeKey")
    sent_at: Any = msgspec.field(default=None, name="sentAt")


class Calls(msgspec.Struct, frozen=True):
    """A batch: its messages as they came, and what holds for all of them."""

    batch: list[msgspec.Raw]
    context: msgspec.Raw = msgspec.Raw(b"null")
    write_key: Any = msgspec.field(default=None, name="writeKey")
    sent_at: Any = msgspec.field(default=None, name="sentAt")


class _Keyed(msgspec.Struct, frozen=True):
    write_key: Any = msgspec.field(default=None, name="writeKey")


class Event(msgspec.Struct, frozen=True):
    """An event to be kept."""

    message_id: str
    kind: str
    raw: bytes


_call = msgspec.json.Decoder(Call)
_calls = msgspec.json.Decoder(Calls)
_keyed = msgspec.json.Decoder(_Keyed)


def unzip(body: bytes) -> bytes:
    """The plain body of a gzip one; Refused when it is broken or grows beyond the limit."""
    try:
        inflate = zlib.decompressobj(wbits=47)  # gzip or zlib
        plain = inflate.decompress(body, LARGEST_BODY + 1)
        if not inflate.eof and len(plain) <= LARGEST_BODY:
            raise zlib.error
    except zlib.error:
        raise Refused("The body says it is gzip and can't be unpacked.") from None
    if len(plain) > LARGEST_BODY:
        raise Refused(f"The body is larger than {LARGEST_BODY:,} bytes.", 413)
    return plain


def key_in(body: bytes) -> Any:
    """The write key in the body of a refused call; None where it can't be read."""
    try:
        return _keyed.decode(body).write_key
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def check_text(body: bytes) -> None:
    """Refuse what no JSON text is: bytes that aren't UTF-8, and NUL."""
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("The body is not UTF-8.") from None
    if b"\0" in body:
        raise Refused("The body holds a NUL character.")


def one(body: bytes, kind: str) -> tuple[Call, Event]:
    """A single call as an event."""
    call = read(body)
    return call, event(call, kind, body)


def without_secrets(raw: bytes) -> bytes:
    """The same without secret keys in it: they are sealed where we keep them, and nowhere else."""
    return _SECRET.sub(b"sk_hidden", raw) if b"sk_" in raw else raw


def _check_depth(text: bytes) -> None:
    """Refuse what nests too deep for whoever reads it later; most have too few brackets to look."""
    if text.count(b"[") + text.count(b"{") <= DEEPEST:
        return
    depth = 0
    for bracket in _BRACKETS.findall(text):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(bracket, 0)
        if depth > DEEPEST:
            raise Refused(f"The event nests deeper than {DEEPEST} levels.")


def many(body: bytes) -> Calls:
    """A batch; its messages are read one by one with `read`."""
    try:
        calls = _calls.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(f"The body is no batch: {error}.") from None
    if len(calls.batch) > MOST_EVENTS:
        raise Refused(f"A batch holds at most {MOST_EVENTS:,} events; this one has {len(calls.batch):,}.")
    return calls


def read(raw: bytes | msgspec.Raw) -> Call:
    """The members of a message that matter here."""
    if memoryview(raw).nbytes > LARGEST_EVENT:
        raise Refused(f"The event is larger than {LARGEST_EVENT:,} bytes.")
    try:
        return _call.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(f"This is no message: {error}.") from None


def event(call: Call, kind: str, raw: bytes | msgspec.Raw) -> Event:
    """The event a message is; Refused with the reason when it is none."""
    if kind not in KINDS:
        raise Refused(f"The type is one of {', '.join(sorted(KINDS))}.", at="type")
    if not named(call.anonymous_id) and not named(call.user_id):
        raise Refused("An event needs a userId or an anonymousId.", at="userId")
    if kind == "track" and not (isinstance(call.event, str) and call.event.strip()):
        raise Refused("A track call needs an event name.", at="event")
    if kind == "alias" and not named(call.previous_id):
        raise Refused("An alias call needs a previousId.", at="previousId")
    if kind == "group" and not named(call.group_id):
        raise Refused("A group call needs a groupId.", at="groupId")
    text = bytes(raw)
    _check_depth(text)
    return Event(message_id(call.message_id), kind, without_secrets(text))


def named(value: Any) -> bool:
    """Whether a value can name somebody: a text with something in it, or a number."""
    if type(value) is str:
        return value != "" and not value.isspace()
    return isinstance(value, int | float) and not isinstance(value, bool)


def message_id(value: Any) -> str:
    """What the event is known by: its messageId, a digest of one too long or odd, or a new one."""
    if isinstance(value, str) and value:
        if len(value) <= LONGEST_ID and value.isprintable():
            return value
        return f"digest-{blake2b(value.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"
    return f"given-{uuid.uuid4().hex}"
