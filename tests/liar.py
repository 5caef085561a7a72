"""A web server on loopback that lies: it drips, swells, breaks off, redirects, repeats and changes its mind.

`Liar` serves one behaviour per path. Behaviours are functions of the request handler; those with memory count
their calls in `liar.calls`. A script for another path is set with `liar.on(path, *answers)`.
"""

import contextlib
import gzip
import io
import json
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Behaviour = Callable[["_Handler"], None]
GOOD = {"good": True}


class Liar:
    """The running server. `url` is its base; `calls` counts requests by path."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.leave = threading.Event()  # set when the server stops, so that dripping handlers end
        self._scripts: dict[str, list[Behaviour]] = {}
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.liar = self  # type: ignore[attr-defined]
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.port = self._server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def on(self, path: str, *behaviours: Behaviour) -> None:
        """Answer a path with these behaviours in turn, the last one for ever."""
        self._scripts[path] = list(behaviours)

    def behaviour(self, path: str) -> Behaviour:
        script = self._scripts.get(path)
        if script:
            return script.pop(0) if len(script) > 1 else script[0]
        return BEHAVIOURS.get(path, good)

    def stop(self) -> None:
        self.leave.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@contextlib.contextmanager
def liar(certificate: Path | None = None) -> Iterator[Liar]:
    """A lying server for the length of a test."""
    server = Liar(certificate)
    try:
        yield server
    finally:
        server.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Torn connections are what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    @property
    def liar(self) -> Liar:
        found: Liar = self.server.liar  # type: ignore[attr-defined]
        return found

    def handle_any(self) -> None:
        path = self.path.partition("?")[0]
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.liar.calls[path] += 1
        heads = {name.lower(): value for name, value in self.headers.items()}
        self.liar.requests.append((self.command, self.path, heads, body))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.liar.behaviour(path)(self)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        given = {name.replace("_", "-").title(): value for name, value in headers.items()}
        for name, value in {"Content-Type": "application/json", **given}.items():
            self.send_header(name, value)
        if "Content-Length" not in given:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def answer(thing: Any, status: int = 200, **headers: str) -> Behaviour:
    """A well-formed JSON answer."""
    return lambda handler: handler.reply(status, json.dumps(thing).encode(), **headers)


def raw(body: bytes, status: int = 200, **headers: str) -> Behaviour:
    """These very bytes."""
    return lambda handler: handler.reply(status, body, **headers)


def good(handler: _Handler) -> None:
    """What an honest server says."""
    handler.reply(200, json.dumps(GOOD).encode())


def drip(handler: _Handler) -> None:
    """A body that comes a byte at a time and would take minutes."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "10000")
    handler.end_headers()
    while not handler.liar.leave.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def drip_headers(handler: _Handler) -> None:
    """Headers that come a byte at a time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.liar.leave.wait(0.05):
        handler.wfile.write(b"a")
        handler.wfile.flush()


def silent(handler: _Handler) -> None:
    """Nothing at all."""
    handler.liar.leave.wait(60)
    handler.close_connection = True


def bomb(handler: _Handler) -> None:
    """A few hundred kilobytes that unpack to 300 megabytes."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as zipped:
        block = b"0" * 1_000_000
        for _ in range(300):
            zipped.write(block)
    handler.reply(200, packed.getvalue(), content_encoding="gzip")


def endless(handler: _Handler) -> None:
    """Chunks without end."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    while not handler.liar.leave.is_set():
        handler.wfile.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


def short(handler: _Handler) -> None:
    """Fewer bytes than announced."""
    handler.reply(200, b'{"good": ', content_length="5000")
    handler.close_connection = True


def reset(handler: _Handler) -> None:
    """The connection is torn down in the middle."""
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    handler.close_connection = True


def many_headers(handler: _Handler) -> None:
    """Five thousand headers."""
    handler.reply(200, b"{}", **{f"x_h{n}": "v" for n in range(5000)})


def not_gzip(handler: _Handler) -> None:
    """Says gzip, is not."""
    handler.reply(200, b"no gzip at all", content_encoding="gzip")


BEHAVIOURS: dict[str, Behaviour] = {
    "/good": good,
    "/drip": drip,
    "/drip-headers": drip_headers,
    "/silent": silent,
    "/bomb": bomb,
    "/endless": endless,
    "/short": short,
    "/reset": reset,
    "/many-headers": many_headers,
    "/not-gzip": not_gzip,
    "/page": raw(b"<!doctype html><h1>Maintenance</h1>", content_type="text/html"),
    "/page-as-json": raw(b"\xef\xbb\xbf\r\n<html>oops</html>"),
    "/wrong-charset": raw(
        '{"name": "Müller"}'.encode("latin-1"), content_type="application/json; charset=latin-1"
    ),
    "/bom": raw(b'\xef\xbb\xbf{"good": true}'),
    "/half-surrogate": raw(b'{"name": "a\\ud800b"}'),
    "/nan": raw(b'{"total": NaN}'),
    "/deep": raw(b"[" * 200_000),
    "/cut": raw(b'{"good": tr'),
    "/empty": raw(b""),
    "/inside": raw(b"", 302, location="http://127.0.0.1:1/secret"),
    "/outside": raw(b"", 302, location="https://shop.example/"),
    "/circle": raw(b"", 302, location="/circle"),
    "/moved": raw(b"", 301, location="/good"),
    "/401": answer({"message": "Bad key"}, 401),
    "/403": answer({"error": "not yours"}, 403),
    "/404": answer({"message": "No such order"}, 404),
    "/500": raw(b"boom", 500, content_type="text/plain"),
    "/503": answer({}, 503),
    "/busy-for-ever": answer({}, 429, retry_after="999999999"),
}
