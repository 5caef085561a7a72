"""The line to the site, which breaks and stutters when told to: each request with its time and its verdict.

It is no `connectors.http.Http` on purpose: that repeats, follows and hides what a shop that debugs its
exchange has to see, and can't break off in the middle of a request.
"""

import codecs
import http.client
import random
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import SplitResult, parse_qs, urlsplit

import msgspec

from connectors.accounting.commerceml.client import Answer
from foundation.clock import monotonic
from foundation.errors import BadInput, Temporary

AGENT = "1C+Enterprise/8.3"
LARGEST = 256_000_000  # bytes of one answer
TIMEOUT = 120.0
_DECLARED = re.compile(rb"encoding=[\"']([A-Za-z0-9._-]+)")
_CHARSET = re.compile(r"charset=[\"']?([A-Za-z0-9._-]+)", re.IGNORECASE)


class Broken(Temporary):
    """We broke the line off: 1C tries the step again, or the run starts over."""


class Dead(Temporary):
    """The line broke by itself: the site doesn't answer."""


class Step(msgspec.Struct, kw_only=True):
    """One request, and what became of it."""

    kind: str
    mode: str
    file: str = ""
    sent: int = 0
    status: int = 0
    seconds: float = 0.0
    verdict: str = ""
    remark: str = ""
    fault: str = ""  # what we did to it: cut lost left repeated


class Line:
    """Where requests go out. `cut` and `repeat` are the shares of requests broken off and made twice."""

    def __init__(
        self, address: str, *, cut: float = 0, repeat: float = 0, seed: int = 0,
        shown: Callable[[Step], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._address = _read(address)
        self._cut, self._repeat, self._shown = cut, repeat, shown
        self._random = random.Random(seed)  # noqa: S311 - chance that can be repeated, no secret
        self.steps: list[Step] = []
        self.stubborn = False  # each broken request is tried again, instead of every other one
        self._quiet = False

    @property
    def breaks(self) -> bool:
        """Whether it was told to."""
        return self._cut > 0

    @contextmanager
    def sound(self) -> Iterator[None]:
        """Nothing breaks inside: what is judged by its answer must get one."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def send(self, method: str, query: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """One request of 1C; Broken or Dead when its answer never comes."""
        asks_for_orders = "mode=query" in query  # a second one is for the next page: never just repeated
        while True:
            try:
                answer = self._once(method, query, body, headers, self._fault(query))
            except Broken:
                if asks_for_orders or (not self.stubborn and self._random.random() < 0.5):
                    raise
                continue  # 1C tries this step again; the other half of the time its run is over
            if asks_for_orders or self._quiet or self._random.random() >= self._repeat:
                return answer
            return self._once(method, query, body, headers, "repeated")

    def _fault(self, query: str) -> str:
        """What to do to a request: only an import goes on for long when nobody waits for its answer."""
        if self._quiet or self._random.random() >= self._cut:
            return ""
        return self._random.choice(("cut", "lost", "left") if "mode=import" in query else ("cut", "lost"))

    def _once(
        self, method: str, query: str, body: bytes | None, headers: Mapping[str, str], fault: str
    ) -> Answer:
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        step = Step(
            kind=asked.get("type", ""), mode=asked.get("mode", ""), file=asked.get("filename", ""),
            sent=len(body or b""), fault=fault,
        )  # fmt: skip
        began = monotonic()
        try:
            answer = self._exchange(method, query, body, headers, fault)
        except (OSError, http.client.HTTPException) as error:
            step.remark = f"{error}" or type(error).__name__
            raise (Broken if fault in ("cut", "left") else Dead)(
                f"mode={step.mode}: {step.remark}"
            ) from error
        else:
            step.status, step.verdict = answer.status, _verdict(step.mode, answer)
            step.remark = _odd(answer) if step.verdict == "document" else _remark(step, answer)
            if fault == "lost":
                raise Broken(f"mode={step.mode}: the answer is lost")
            return answer
        finally:
            step.seconds = monotonic() - began
            self.steps.append(step)
            self._shown(step)

    def _exchange(
        self, method: str, query: str, body: bytes | None, headers: Mapping[str, str], fault: str
    ) -> Answer:
        where = self._address
        kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        connection = kind(where.hostname or "", where.port, timeout=TIMEOUT)
        try:
            target = f"{where.path or '/'}?{_glued(where.query, query)}"
            if fault == "cut" and not body:
                connection.connect()
                connection.sock.sendall(f"{method} {target}".encode())
                raise ConnectionAbortedError("broken off")
            connection.putrequest(method, target)
            for name, value in {"User-Agent": AGENT, "Accept": "*/*", **headers}.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
                connection.putheader("Content-Type", "application/octet-stream")
            half = len(body or b"") // 2
            connection.endheaders((body or b"")[:half] if fault == "cut" else body)
            if fault in ("cut", "left"):
                if connection.sock is not None:
                    connection.sock.shutdown(socket.SHUT_RDWR)
                raise ConnectionAbortedError("broken off")
            reply = connection.getresponse()
            said = reply.read(LARGEST)
            return Answer(reply.status, said, {name.lower(): value for name, value in reply.getheaders()})
        finally:
            connection.close()


def _read(address: str) -> SplitResult:
    parts = urlsplit(address)
    try:
        sound = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        sound = False
    if not sound:
        raise BadInput(f"“{address}” is no address of an exchange: http(s)://host/path.", "--base")
    return parts


def _glued(base: str, query: str) -> str:
    return f"{base}&{query}" if base else query


def _verdict(mode: str, answer: Answer) -> str:
    """success, progress, failure, or what else this answer is."""
    if 300 <= answer.status < 400:
        return "redirect"
    text = answer.text[:4000]
    if mode in ("query", "info"):
        return "document" if "<КоммерческаяИнформация" in text or "<Справочник" in text else "failure"
    if mode == "init" and ("zip=" in text or "file_limit=" in text):
        return "terms"
    return answer.verdict


def _remark(step: Step, answer: Answer) -> str:
    """What stands behind the first line, for people; who may see this may not sign in with it."""
    if step.verdict == "success" and step.mode == "checkauth":
        return ""
    lines = (line for line in answer.lines[1:4] if not line.startswith("sessid="))
    return " ".join(" ".join(lines).split())[:120]


def _odd(answer: Answer) -> str:
    """What 1C would stumble over in a document's wrapping."""
    said = _CHARSET.search(answer.headers.get("content-type", ""))
    named = _DECLARED.search(answer.body[:200])
    marked = answer.body.startswith(codecs.BOM_UTF8)
    own = "utf-8" if marked else named.group(1).decode().lower() if named else "utf-8"
    if said and said.group(1).lower() != own:
        return f"the header says {said.group(1)}, the XML is {own}"
    return ""
