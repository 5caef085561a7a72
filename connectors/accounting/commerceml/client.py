"""The exchange as 1C drives it: sign in, agree on zip and size, send files, let them be read, fetch orders.

Every answer is read as 1C reads it: the first line is the verdict, and what is neither success nor progress
is a failure, whatever its HTTP status says. The network is somebody else's: a `Send` makes each call.
"""

import base64
import io
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Literal
from urllib.parse import urlencode, urlsplit

import msgspec

from connectors.http import Http
from foundation import clock
from foundation.errors import Misconfigured, Temporary

Kind = Literal["catalog", "sale"]
USUAL_LIMIT = 204_800  # bytes a site takes at once when it doesn't say
PATIENCE = 3600.0  # seconds to wait for one import
_ROOT = re.compile(r"<(?:\w+:)?КоммерческаяИнформация[\s/>]")
_DECLARED = re.compile(rb"encoding=[\"']([A-Za-z0-9._-]+)[\"']")
_CHARSET = re.compile(r"charset=[\"']?([A-Za-z0-9._-]+)", re.IGNORECASE)


class Answer(msgspec.Struct, frozen=True):
    """What a site answered; header names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}

    @property
    def text(self) -> str:
        """The body in the encoding that it, its XML declaration or its header names; else whichever fits."""
        named = _DECLARED.search(self.body[:200])
        said = _CHARSET.search(self.headers.get("content-type", ""))
        guesses = (named.group(1).decode() if named else "", said.group(1) if said else "", "utf-8")
        if self.body.startswith((b"\xff\xfe", b"\xfe\xff")):
            guesses = ("utf-16", *guesses[1:])
        for guess in ("utf-8-sig" if self.body.startswith(b"\xef\xbb\xbf") else "", *guesses, "cp1251"):
            try:
                return self.body.decode(guess or "utf-8")
            except (UnicodeDecodeError, LookupError):
                continue
        return self.body.decode("utf-8", "replace")

    @property
    def lines(self) -> list[str]:
        """The lines of a plain answer."""
        return [line.strip() for line in self.text.strip().splitlines()] or [""]

    @property
    def verdict(self) -> str:
        """success, progress or failure."""
        word = re.match(r"[a-z]*", self.lines[0])
        return word.group() if word and word.group() in ("success", "progress") else "failure"


Send = Callable[[str, str, bytes | None, Mapping[str, str]], Answer]  # method, query string, body, headers


class Refused(Temporary):
    """The site answered a step with something else than success."""

    def __init__(self, step: str, said: str) -> None:
        super().__init__(f"The site refuses mode={step}: “{said}”." if said else f"mode={step}: no answer.")
        self.step = step
        self.said = said


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How one 1C behaves where configurations differ."""

    post: bool = False  # POST where others GET
    basic_only: bool = False  # no cookie: name and password with each request
    zip: bool = True  # pack files when the site takes archives
    chunk: int = 0  # bytes of a file sent at once; 0: what the site names
    pause: float = 1.0  # seconds between two asks whether an import is done, sooner at first


class Client:
    """One conversation of a kind. Use: `sign_in`, `init`, then the steps of that kind."""

    def __init__(
        self, send: Send, kind: Kind, user: str, password: str, manner: Manner = Manner(),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._send, self._kind, self._manner, self._sleep = send, kind, manner, sleep
        self._basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.cookie = ""
        self.token = ""  # the fourth line, glued to later addresses as it is
        self.timestamp = ""
        self.version = ""  # of the site, when it was told ours
        self.zip, self.limit = False, USUAL_LIMIT

    def sign_in(self) -> None:
        """mode=checkauth: a cookie for the rest of the conversation, in the body."""
        self.cookie = self.token = ""
        answer = self._ask("checkauth")
        if answer.verdict != "success":
            raise Misconfigured(f"The site refuses the sign-in: “{_said(answer)}”.", "password")
        lines = answer.lines[1:]
        values = dict(pair for line in lines[2:] if len(pair := line.split("=", 1)) == 2)
        self.cookie = "=".join(lines[:2]) if len(lines) > 1 else ""
        self.token = next((line for line in lines[2:3] if "=" in line and "timestamp" not in line), "")
        self.timestamp = values.get("timestamp", "")

    def init(self, version: str = "") -> None:
        """mode=init: whether archives are taken, and how much at once."""
        answer = self._ask("init", version=version)
        values = dict(pair for line in answer.lines if len(pair := line.split("=", 1)) == 2)
        if "zip" not in values and "file_limit" not in values:
            raise Refused("init", _said(answer))
        self.zip = values.get("zip", "").lower() == "yes" and self._manner.zip
        limit = values.get("file_limit", "")
        self.limit = int(limit) if limit.isdigit() and int(limit) else USUAL_LIMIT
        if "sessid" in values:
            self.token = f"sessid={values['sessid']}"
        self.version = values.get("version", "")

    def upload(self, files: Mapping[str, bytes], archive: str = "v8_0001.zip") -> None:
        """mode=file: the files, cut to the size agreed on; packed into one archive where that was agreed."""
        if self.zip:
            files = {archive: packed(files)}
        for name, content in files.items():
            for piece in pieces(content, self._manner.chunk or self.limit):
                self._put(name, piece)

    def upload_whole(self, name: str, content: bytes) -> None:
        """mode=file: one file in one piece, to a site that was told no version and reads while it comes."""
        self._put(name, content)

    def load(self, name: str, patience: float = PATIENCE) -> str:
        """mode=import until it is done; answers what the site remarks."""
        until, pause = clock.monotonic() + patience, min(0.05, self._manner.pause)
        while True:
            answer = self._ask("import", filename=name)
            if answer.verdict == "success":
                return " ".join(answer.lines[1:])
            if answer.verdict == "failure":
                raise Refused("import", _said(answer))
            if clock.monotonic() > until:
                raise Refused("import", f"{name} is still in progress: {_said(answer)}")
            self._sleep(pause)
            pause = min(2 * pause, self._manner.pause)

    def query(self) -> bytes:
        """mode=query: a document of orders, perhaps without any."""
        answer = self._ask("query")
        if not _ROOT.search(answer.text[:4000]):
            raise Refused("query", _said(answer))
        return answer.body

    def info(self) -> bytes:
        """mode=info: states, ways of payment and of delivery."""
        return self._ask("info").body

    def acknowledge(self) -> None:
        """mode=success: what was fetched is written."""
        self._plain("success")

    def deactivate(self) -> None:
        """mode=deactivate: what this whole upload didn't hold is gone."""
        self._plain("deactivate", timestamp=self.timestamp)

    def complete(self) -> None:
        """mode=complete: the upload is over."""
        self._plain("complete")

    def _put(self, name: str, content: bytes) -> None:
        answer = self._ask("file", content, filename=name)
        if answer.verdict != "success":
            raise Refused("file", _said(answer))

    def _plain(self, mode: str, timestamp: str = "") -> None:
        answer = self._ask(mode, timestamp=timestamp)
        if answer.verdict != "success":
            raise Refused(mode, _said(answer))

    def _ask(self, mode: str, body: bytes | None = None, **more: str) -> Answer:
        headers = {}
        if mode == "checkauth" or self._manner.basic_only or not self.cookie:
            headers["Authorization"] = self._basic
        if self.cookie and not self._manner.basic_only:
            headers["Cookie"] = self.cookie
        query = urlencode({"type": self._kind, "mode": mode})
        if self.token and mode != "checkauth":
            query += "&" + self.token
        if told := {name: value for name, value in more.items() if value}:
            query += "&" + urlencode(told)
        if body is None and self._manner.post:
            body = b""
        return self._send("GET" if body is None else "POST", query, body, headers)


def over_http(http: Http, address: str) -> Send:
    """Calls through `Http` to an exchange address, which may hold a query already."""
    parts = urlsplit(address)
    path = (parts.path or "/") + (f"?{parts.query}&" if parts.query else "?")

    def send(method: str, query: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        # a query asked twice moves a site on to its next page, and the first is lost
        again = method == "GET" and "mode=query" not in query
        reply = http.request(method, path + query, data=body, headers=headers, repeatable=again, allow=(200,))
        return Answer(reply.status, reply.body, reply.headers)

    return send


def packed(files: Mapping[str, bytes]) -> bytes:
    """The files in one archive, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    """A file cut for sending; an empty one is sent too."""
    yield from (content[at : at + size] for at in range(0, max(len(content), 1), size))


def _said(answer: Answer) -> str:
    """What a site says, without markup, short enough for one line."""
    text = re.sub(r"<[^>]*>", " ", answer.text[:2000])
    words = " ".join(text.split()).removeprefix("failure").strip()[:200]
    return words or (f"HTTP {answer.status}" if answer.body else "an empty answer")
