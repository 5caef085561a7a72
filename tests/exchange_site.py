"""A shop on loopback that offers the server side of 1C's exchange, and can be told to do it badly.

`faults` names what it does wrong: open (to everybody), forgets (orders it has shown), keeps (showing them),
doubles (a piece that comes twice), html (instead of orders), latin (a wrong charset in the header), moves
(files elsewhere). `paged` is right: a page of orders at a query. Goods land in `goods`, orders that 1C sends
back in `returned`.
"""

import base64
import io
import re
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lxml import etree

from connectors.accounting.commerceml.writing import Profile, info_document, orders_document
from foundation.records import Order

USER, PASSWORD = "1c", "п@роль"
AT = datetime(2026, 3, 1, tzinfo=UTC)


class Site:
    """What the shop holds; `address` is what is typed into 1C."""

    def __init__(
        self, orders: Sequence[Order] = (), faults: Sequence[str] = (), zips: bool = True, limit: int = 6000
    ) -> None:  # fmt: skip
        self.orders, self.faults, self.zips, self.limit = list(orders), set(faults), zips, limit
        self.profile = Profile(encoding="windows-1251")
        self.goods: dict[str, dict[str, str]] = {}
        self.returned: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []  # method and mode
        self.taken: set[str] = set()
        self.gone_before = ""
        self._lock = threading.Lock()
        self._sessions: dict[str, dict[str, Any]] = {}
        self._spool: dict[str, bytes] = {}
        self._last: dict[str, bytes] = {}
        self._polls: dict[str, int] = {}
        self.address = ""

    def answer(self, method: str, query: dict[str, str], headers: Any, body: bytes) -> tuple[int, bytes]:
        with self._lock:
            mode = query.get("mode", "")
            self.asked.append((method, mode))
            if mode == "checkauth":
                return self._checkauth(headers)
            session = self._session(headers)
            if session is None and "open" not in self.faults:
                return 401 if "html" in self.faults else 200, b"failure\nsign in first"
            if mode == "file" and "moves" in self.faults:
                return 301, b""
            step = getattr(self, f"_{mode}", None)
            if step is None:
                return 200, b"failure\nunknown mode"
            return 200, step(query, session if session is not None else {}, body)

    def _checkauth(self, headers: Any) -> tuple[int, bytes]:
        wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if headers.get("Authorization") != wanted and "open" not in self.faults:
            return 200, "failure\nневерный пароль".encode("cp1251")
        key = f"s{len(self._sessions)}"
        self._sessions[key] = {"shown": [], "query": 0}
        return 200, f"success\nsid\n{key}\nsessid=t{key}\ntimestamp=1700000000".encode()

    def _session(self, headers: Any) -> dict[str, Any] | None:
        cookie = (headers.get("Cookie") or "").removeprefix("sid=")
        if cookie in self._sessions:
            return self._sessions[cookie]
        known = (headers.get("Authorization") or "").startswith("Basic")
        return self._sessions.setdefault("basic", {"shown": [], "query": 0}) if known else None

    def _init(self, query: dict[str, str], session: dict[str, Any], body: bytes) -> bytes:
        self._spool.clear()
        self._last.clear()
        self._polls.clear()
        session["shown"] = []
        session["version"] = query.get("version", "")
        said = f"zip={'yes' if self.zips else 'no'}\nfile_limit={self.limit}\n"
        return (said + ("sessid=new\nversion=2.09\n" if query.get("version") else "")).encode()

    def _file(self, query: dict[str, str], session: dict[str, Any], body: bytes) -> bytes:
        name = query["filename"]
        if len(body) > self.limit:
            return b"failure\ntoo long"
        if self._last.get(name) != body or "doubles" in self.faults:
            self._spool[name] = self._spool.get(name, b"") + body
        self._last[name] = body
        if query["type"] == "sale" and not session.get("version"):
            return self._import(query, session, body)
        return b"success\n"

    def _import(self, query: dict[str, str], session: dict[str, Any], body: bytes) -> bytes:
        name = query["filename"]
        self._polls[name] = self._polls.get(name, 0) + 1
        if self._polls[name] == 1 and query["mode"] == "import":
            return b"progress\nunpacking"
        files = dict(self._spool)
        for key, content in self._spool.items():
            if content.startswith(b"PK"):
                try:
                    with zipfile.ZipFile(io.BytesIO(content)) as archive:
                        files |= {inner: archive.read(inner) for inner in archive.namelist()}
                except zipfile.BadZipFile:
                    return f"failure\n{key} is no archive".encode()
        if name not in files:
            return f"failure\nno file {name}".encode()
        try:
            self._read(files[name])
        except etree.XMLSyntaxError as error:
            return f"failure\n{error}".encode()
        return b"success\n"

    def _read(self, content: bytes) -> None:
        top = etree.fromstring(content)
        for good in top.iterfind("{*}Каталог/{*}Товары/{*}Товар"):
            self.goods.setdefault(good.findtext("{*}Ид"), {})["name"] = good.findtext("{*}Наименование")
        for offer in top.iter("{*}Предложение"):
            known = self.goods.setdefault(offer.findtext("{*}Ид"), {})
            told = {
                "price": offer.findtext(".//{*}ЦенаЗаЕдиницу"),
                "stock": offer.findtext(".//{*}Количество"),
            }
            known |= {name: value for name, value in told.items() if value is not None}
        for paper in top.iter("{*}Документ"):
            self.returned[paper.findtext("{*}Номер")] = etree.tostring(paper, encoding="unicode")

    def _query(self, query: dict[str, str], session: dict[str, Any], body: bytes) -> bytes:
        if "html" in self.faults:
            return b"<!DOCTYPE html><html>Fatal error</html>"
        open_ones = [o for o in self.orders if o.number not in self.taken]
        if "keeps" not in self.faults:
            open_ones = [o for o in open_ones if o.number not in session["shown"]]
        page = open_ones[:2] if "paged" in self.faults else open_ones
        session["shown"] += [o.number for o in page]
        if "forgets" in self.faults:
            self.taken |= {o.number for o in page}
        return orders_document(page, self.profile, AT)

    def _success(self, query: dict[str, str], session: dict[str, Any], body: bytes) -> bytes:
        if "keeps" not in self.faults:
            self.taken |= set(session["shown"])
        return b"success\n"

    def _info(self, query: dict[str, str], session: dict[str, Any], body: bytes) -> bytes:
        return info_document(self.profile)

    def _deactivate(self, query: dict[str, str], session: dict[str, Any], body: bytes) -> bytes:
        self.gone_before = query.get("timestamp", "")
        return b"success\n" if self.gone_before else b"failure\nno timestamp"

    def _complete(self, query: dict[str, str], session: dict[str, Any], body: bytes) -> bytes:
        return b"success\n"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_GET

    def _serve(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # broken off on the way
            self.close_connection = True
            return
        asked = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
        status, said = site.answer(self.command, asked, self.headers, body)
        declared = re.search(rb'encoding="([^"]+)"', said[:100])
        charset = (
            "utf-8" if "latin" in site.faults else declared.group(1).decode() if declared else "windows-1251"
        )
        self.send_response(status)
        self.send_header("Content-Type", f"text/html; charset={charset}")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Callers that break off are what this is for."""


@contextmanager
def exchange_site(orders: Sequence[Order] = (), **how: Any) -> Iterator[Site]:
    """The shop, open until the block ends."""
    site = Site(orders, **how)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.site = site  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_address[1]}/1c.php?shop=1"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
