"""How calls of the collector land: as they came, with what was known when they came. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from web_capture.payload import KINDS, Event

_encode = msgspec.json.Encoder().encode
_KINDS = {kind: kind.encode() for kind in KINDS}


class _Event(msgspec.Struct):
    id: str
    kind: str
    said: msgspec.Raw


class _Call(msgspec.Struct):
    at: str
    sent: Any
    ip: str
    ua: str
    secret: bool
    context: msgspec.Raw
    events: list[_Event]
    ours: bool = False


class Landed(NamedTuple):
    """One event of a bundle: what it is known by, and its payload for `messages.read`."""

    message_id: str
    payload: str


_calls = msgspec.json.Decoder(list[_Call])


def pack(
    at: str, sent: Any, ip: str, agent: str, secret: bool, context: bytes, events: Sequence[Event], *,
    ours: bool = False,
) -> str:  # fmt: skip
    """A call, a part of a bundle. `at` is when it was received; `ours` is what our own forms' door took."""
    head = _encode({"at": at, "sent": sent, "ip": ip, "ua": agent, "secret": secret, "ours": ours})
    parts = [
        b'{"id":%b,"kind":"%b","said":%b}' % (_encode(one.message_id), _KINDS[one.kind], one.raw)
        for one in events
    ]
    return (b'%b,"context":%b,"events":[%b]}' % (head[:-1], context, b",".join(parts))).decode()


def unpack(payload: str) -> Iterator[Landed]:
    """The events of a landed bundle, in the order they came."""
    for call in _calls.decode(payload):
        head = _encode(
            {
                "at": call.at,
                "sent": call.sent,
                "ip": call.ip,
                "ua": call.ua,
                "secret": call.secret,
                "ours": call.ours,
            }
        )[:-1]
        start = b'%b,"context":%b,' % (head, bytes(call.context))
        for one in call.events:
            whole = b'%b"kind":"%b","said":%b}' % (start, one.kind.encode(), bytes(one.said))
            yield Landed(one.id, whole.decode())
