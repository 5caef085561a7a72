"""The collector, `/v1/…`: Segment's HTTP tracking API. An event is answered 200 when it is on disk.

A bare ASGI application: Starlette's Request and Response cost as much as keeping the event does. Nothing here
logs or raises for a bad event; refusals are counted and kept as samples for the debugger of the console.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from urllib.parse import parse_qs

import msgspec
from sqlalchemy import Engine
from starlette.types import Message, Receive, Scope, Send

from foundation import clock
from web_capture import bundle, limits, payload
from web_capture.gate import Door, Gate
from web_capture.group import Full, Group
from web_capture.limits import Limit
from web_capture.patience import Asking, Lost, impatient
from web_capture.payload import Event, Refused
from web_capture.refusals import Refusals

# Segment's browser library calls each by its first letter
_KINDS = {f"/v1/{name}": kind for kind in payload.KINDS for name in (kind, kind[0])}
# the last is where beacons of RudderStack's go
_BATCHES = frozenset({"/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"})
_METRICS = "/v1/m"  # that library's figures about itself: answered, not kept
PATHS = frozenset({*_KINDS, *_BATCHES, _METRICS})
_encode = msgspec.json.encode
_OK = b'{"success":true}'
_TOO_MANY = "Too many events at once; send this again later."
Headers = dict[bytes, bytes]


@dataclass(frozen=True)
class Answer:
    """What a caller gets."""

    status: int = 200
    body: bytes = _OK
    wait: float = 0.0  # seconds to come again after


class Collector:
    """Takes the calls of one installation, in this process."""

    def __init__(self, engine: Engine, trusted_proxies: int) -> None:
        self._engine = impatient(engine)
        self.asking = Asking(self._engine)
        self.gate, self.group = Gate(Asking(self._engine, 1)), Group(engine.url)
        self.refusals = Refusals(Asking(self._engine, 1))
        self._proxies = trusted_proxies
        self._per_key, self._per_address = Limit(limits.PER_KEY), Limit(limits.PER_ADDRESS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call."""
        headers: Headers = dict(scope["headers"])
        if scope["method"] == "OPTIONS":
            answer = await self._preflight()
        elif scope["method"] != "POST":
            answer = _said("The collector takes POST.", 405)
        else:
            answer = await self._take(scope, headers, receive)
        await send(self._start(answer, headers))
        await send({"type": "http.response.body", "body": answer.body})

    def _start(self, answer: Answer, headers: Headers) -> Message:
        lines = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer.body))]
        origin = headers.get(b"origin")
        if origin is not None and self.gate.known(origin.decode("latin-1")):
            lines += _cors(origin, headers)
        if answer.wait:
            lines.append((b"retry-after", b"%d" % ceil(answer.wait)))
        return {"type": "http.response.start", "status": answer.status, "headers": lines}

    async def _preflight(self) -> Answer:
        try:
            await self.gate.fresh()
        except Lost:
            return Answer(503, _problem("The collector is busy; send this again.", 503), 1.0)
        return Answer(204, b"")

    async def stop(self) -> None:
        """Keep what waits, then let go of the database."""
        await self.group.stop()
        await self.refusals.flush()
        await self.gate.stop()
        self._engine.dispose()

    async def _take(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        door, body = None, b""
        try:
            if scope["path"] == _METRICS:
                await _body(receive, headers)
                return Answer()
            await self.gate.fresh()
            door = self.gate.by_header(headers[b"authorization"]) if b"authorization" in headers else None
            body = await _body(receive, headers)
            return await self._keep(scope, headers, body, door)
        except Refused as refused:
            door = door or self.gate.by_key(payload.key_in(body) or _key_of(scope))
            if door is not None:
                self.refusals.add(door.site_id, refused.message, headers.get(b"origin", b""), body)
            return _said(refused.message, refused.status, refused.at)
        except (Full, Lost):
            return Answer(503, _problem("The collector is busy; send this again.", 503), 1.0)

    async def _keep(self, scope: Scope, headers: Headers, body: bytes, door: Door | None) -> Answer:
        payload.check_text(body)
        path = scope["path"]
        refused: list[tuple[int, Refused, bytes]] = []
        if path in _KINDS:
            call, event = payload.one(body, _KINDS[path])
            key, sent, context, events = call.write_key, call.sent_at, b"null", [event]
        else:
            calls = payload.many(body)
            key, sent, context = calls.write_key, calls.sent_at, bytes(calls.context)
            events = list(_events(calls.batch, refused))
        if door is None:
            named = key if key is not None else _key_of(scope)
            door = await self.gate.door(named, headers.get(b"authorization", b""))
        if door is None:
            raise Refused("The write key is missing or not in force.", 401)
        self._check(door, headers)
        address = self.address(scope)
        wait = self._wait(door, address, len(events) or 1)
        if wait:
            self.refusals.add(door.site_id, _TOO_MANY, headers.get(b"origin", b""), body)
            return Answer(429, _problem(_TOO_MANY, 429), wait)
        for _, why, raw in refused:
            self.refusals.add(door.site_id, why.message, headers.get(b"origin", b""), raw)
        if not events:
            return _all_refused(refused)
        agent = headers.get(b"user-agent", b"")[:1_000].decode("latin-1")
        sent = sent if isinstance(sent, str | int | float) else None
        at = clock.now().isoformat()
        packed = bundle.pack(at, sent, address, agent, door.secret, context, events)
        await self.group.put(door.site_id, packed, len(events))
        if not refused:
            return Answer()
        return Answer(body=_encode({"success": True, "refused": [_at(at, why) for at, why, _ in refused]}))

    def _check(self, door: Door, headers: Headers) -> None:
        origin = headers.get(b"origin")
        if origin is None or door.secret or origin == b"null":
            return
        name = origin.decode("latin-1")
        if not self.gate.allows(door, name):
            raise Refused(f"{name[:200]} is none of this site's hosts; add it in the site's settings.", 403)

    def _wait(self, door: Door, address: str, events: int) -> float:
        """Seconds to wait before these may come. A secret key is our customer's own server: no limit."""
        if door.secret:
            return 0.0
        name = limits.counted_as(address)
        wait = self._per_address.wait(name, events) if name else 0.0
        if wait:
            return wait
        return self._per_key.wait(door.site_id.hex, events)

    def address(self, scope: Scope) -> str:
        """Where the call came from."""
        return limits.caller(scope, self._proxies)


def _events(batch: Iterable[msgspec.Raw], refused: list[tuple[int, Refused, bytes]]) -> Iterable[Event]:
    """The usable messages of a batch; the others are put into `refused` with their place."""
    for place, raw in enumerate(batch):
        try:
            call = payload.read(raw)
            kind = call.type if isinstance(call.type, str) else ""
            yield payload.event(call, kind, raw)
        except Refused as why:
            refused.append((place, why, bytes(raw)))


async def _body(receive: Receive, headers: Headers) -> bytes:
    """The whole body, unpacked; Refused when it is too large."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body") and message["type"] == "http.request":
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > payload.LARGEST_BODY:
                break
        body = b"".join(parts)
    if len(body) > payload.LARGEST_BODY:
        raise Refused(f"The body is larger than {payload.LARGEST_BODY:,} bytes.", 413)
    if b"content-encoding" in headers and headers[b"content-encoding"].lower() in (b"gzip", b"deflate"):
        return payload.unzip(body)
    return body


def _cors(origin: bytes, headers: Headers) -> list[tuple[bytes, bytes]]:
    """What lets a page of ours read the answer."""
    lines = [(b"access-control-allow-origin", origin), (b"vary", b"origin")]
    lines.append((b"access-control-allow-credentials", b"true"))
    lines.append((b"access-control-expose-headers", b"retry-after"))  # unread, pages come again at once
    wanted = headers.get(b"access-control-request-headers")
    if b"access-control-request-method" in headers:
        lines.append((b"access-control-allow-methods", b"POST"))
        lines.append((b"access-control-max-age", b"86400"))
        if wanted and wanted.replace(b"-", b"").replace(b",", b"").replace(b" ", b"").isalnum():
            lines.append((b"access-control-allow-headers", wanted))
    return lines


def _key_of(scope: Scope) -> str | None:
    """The write key in the address, as beacons of some libraries have it."""
    if b"riteKey=" not in scope["query_string"]:
        return None
    found: list[str] = parse_qs(scope["query_string"].decode("latin-1")).get("writeKey", [])
    return found[0] if found else None


def _said(message: str, status: int, at: str = "") -> Answer:
    return Answer(status, _problem(message, status, at))


def _problem(message: str, status: int, at: str = "") -> bytes:
    body: dict[str, object] = {"success": False, "status": status, "detail": message}
    if at:
        body["errors"] = [{"at": f"/{at}", "message": message}]
    encoded: bytes = _encode(body)
    return encoded


def _at(place: int, why: Refused) -> dict[str, str]:
    return {"at": f"/batch/{place}", "message": why.message}


def _all_refused(refused: list[tuple[int, Refused, bytes]]) -> Answer:
    errors = [_at(place, why) for place, why, _ in refused]
    said = "None of the events can be taken." if errors else "The batch holds no events."
    return Answer(400, _encode({"success": False, "status": 400, "detail": said, "errors": errors[:100]}))
