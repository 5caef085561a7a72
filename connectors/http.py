"""The one way out: every call of every connector goes through `Http`.

A call has one total deadline (retries and dripping bodies included) and a cap on decompressed bytes; it is
repeated only when repeating is safe, never reaches private addresses by surprise, follows redirects only to
the same host, and is logged without secrets. Failures are Temporary, Permanent or Misconfigured in plain
words. One `Http` belongs to one thread.
"""

import http.cookiejar
import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from connectors import guard
from connectors.breaker import Breaker
from connectors.replies import Reply, complaint, read_body, read_retry_after
from connectors.transport import Door, GuardedAdapter
from foundation import clock, log
from foundation.errors import KartotekaError, Misconfigured, Permanent, Temporary

_log = log.get("connectors.http")

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
_REFUSED_UNTRIED = frozenset({429})  # the other side did nothing: safe to repeat even a write
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_AGENT = "Kartoteka"


class Http:
    """Calls to one outside system.

    `deadline` is in seconds per call, all attempts together; `max_bytes` counts after decompression;
    `per_second` spaces calls out; `credential` is the setting to name when the sign-in is refused; paths that
    are secrets themselves (`secret_paths`) are kept out of the log.
    """

    def __init__(
        self, base_url: str, *, headers: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None,
        allow_private: bool = False, deadline: float = 30.0, max_bytes: int = 32_000_000,
        per_second: float | None = None, attempts: int = 4, credential: str = "", verify: bool | str = True,
        secret_paths: bool = False,
        resolver: guard.Resolver = guard.system_resolver, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        parts = guard.read_address(base_url, allow_private=allow_private)
        self.base_url = parts.geturl().rstrip("/") + "/"
        self.host = parts.hostname or ""
        self._deadline, self._max_bytes, self._attempts = deadline, max_bytes, attempts
        self._spacing = 1 / per_second if per_second else 0.0
        self._credential, self._sleep, self._secret_paths = credential, sleep, secret_paths
        self._next_call = 0.0
        self._breaker = Breaker(self.host)
        self._door = Door(allow_private=allow_private, resolver=resolver)
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no .netrc: they would go round the guard
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._session.verify = verify
        self._session.auth = auth
        self._session.headers.update({"User-Agent": _AGENT, "Accept": "application/json", **(headers or {})})
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, GuardedAdapter(self._door))

    @property
    def headers(self) -> Any:
        """Headers sent with every call; a connector adds its token here after signing in."""
        return self._session.headers

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Reply:
        """GET; see `request`."""
        return self.request("GET", path, params=params, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Reply:
        """POST a JSON body; `repeatable=True` for calls that only read (GraphQL queries). See `request`."""
        return self.request("POST", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> Reply:
        """PUT a JSON body; see `request`."""
        return self.request("PUT", path, json=json, **options)

    def delete(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Reply:
        """DELETE; see `request`."""
        return self.request("DELETE", path, params=params, **options)

    def request(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: Any = None,
        data: Mapping[str, str] | bytes | None = None, headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None, allow: Iterable[int] = (),
    ) -> Reply:  # fmt: skip
        """One call. `allow` names error statuses that come back as a Reply instead of an exception."""
        if repeatable is None:
            repeatable = method in ("GET", "HEAD", "PUT", "DELETE")
        self._wait_turn()
        target = urljoin(self.base_url, path)
        if urlsplit(target)[:2] != urlsplit(self.base_url)[:2]:
            raise Permanent(f"{self.host} names a page on another host; its sign-in is not sent there.")
        call = requests.Request(method, target, params=params, json=json, data=data, headers=headers)
        try:
            prepared = self._session.prepare_request(call)
        except (requests.RequestException, ValueError) as error:
            raise Misconfigured(f"The address {path} can't be called: {error}.", "address") from error
        until = clock.monotonic() + self._deadline
        with self._door.closing_at(until):
            return self._attempt_all(prepared, until, repeatable, frozenset(allow))

    def _attempt_all(
        self, call: requests.PreparedRequest, until: float, repeatable: bool, allow: frozenset[int]
    ) -> Reply:
        attempt = 0
        while True:
            attempt += 1
            self._breaker.check()
            try:
                reply = self._exchange(call, until, allow)
            except Temporary as failure:
                self._breaker.failed()
                again = repeatable or isinstance(failure, _NotTried)
                pause = failure.retry_after or random.uniform(0.25, 0.5) * 2**attempt  # noqa: S311
                if not again or attempt >= self._attempts or clock.monotonic() + pause >= until:
                    raise Temporary(str(failure), failure.retry_after) from failure
                self._sleep(pause)
            else:
                self._breaker.succeeded()
                return reply

    def _exchange(self, call: requests.PreparedRequest, until: float, allow: frozenset[int]) -> Reply:
        """One attempt, its redirects followed; the reply, or the error it amounts to."""
        for _ in range(4):
            reply = self._send(call, until)
            if reply.status not in _REDIRECTS or reply.status in allow:
                return self._judge(reply, allow)
            call = self._redirected(call, reply)
        raise Misconfigured(f"{self.host} redirects in a circle.", "address")

    def _send(self, call: requests.PreparedRequest, until: float) -> Reply:
        began = clock.monotonic()
        status, size, problem = 0, 0, ""
        try:
            answer = self._session.send(call, stream=True, allow_redirects=False, timeout=self._door.left)
            with answer:
                status = answer.status_code
                body = read_body(answer.raw, self._max_bytes, self.host)
                size = len(body)
        except KartotekaError as error:
            problem = type(error).__name__
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            problem = type(error).__name__
            raise self._failure(error, until) from error
        finally:
            self._note(call, began, status, size, problem)
        if clock.monotonic() >= until:
            raise self._late()
        return Reply(status, {name.lower(): value for name, value in answer.headers.items()}, body, self.host)

    def _note(
        self, call: requests.PreparedRequest, began: float, status: int, size: int, problem: str
    ) -> None:
        write = _log.debug if 200 <= status < 400 and not problem else _log.warning
        path = "" if self._secret_paths else urlsplit(call.url or "").path
        write(
            "call", method=call.method, host=self.host, path=path,
            status=status, bytes=size, ms=round((clock.monotonic() - began) * 1000), problem=problem,
        )  # fmt: skip

    def _failure(self, error: Exception, until: float) -> KartotekaError:
        """A network error in plain words."""
        if clock.monotonic() >= until - 0.01:
            return self._late()
        if isinstance(error, requests.exceptions.SSLError):
            return Misconfigured(
                f"The certificate of {self.host} can't be trusted: {_root(error)}. Renew it on the server.",
                "address",
            )
        if isinstance(error, requests.exceptions.InvalidURL):
            return Misconfigured(f"The address of {self.host} can't be called: {error}.", "address")
        if isinstance(error, requests.ConnectionError) and "NewConnectionError" in repr(error):
            return _NotTried(f"{self.host} can't be reached ({_root(error)}).")
        return Temporary(f"The connection to {self.host} broke ({_root(error)}).")

    def _late(self) -> Temporary:
        return Temporary(f"{self.host} didn't finish its answer within {self._deadline:g} s.")

    def _redirected(self, call: requests.PreparedRequest, reply: Reply) -> requests.PreparedRequest:
        here = urlsplit(call.url or "")
        target = urljoin(call.url or "", reply.headers.get("location", ""))
        there = urlsplit(target)
        same = (there.scheme, there.netloc) == (here.scheme, here.netloc) or (
            there.scheme == "https" and there.netloc == here.hostname
        )
        keeps = call.method in ("GET", "HEAD") or reply.status in (307, 308)
        if not same or not keeps:
            raise Misconfigured(
                f"{self.host} answers with a redirect to {there.scheme}://{there.netloc}. "
                "If that is the right place, enter it as the address.",
                "address",
            )
        following = call.copy()
        following.prepare_url(target, None)
        return following

    def _judge(self, reply: Reply, allow: frozenset[int]) -> Reply:
        """The reply if it is a good one; the error it amounts to otherwise."""
        status = reply.status
        if status in allow:
            return reply
        if status in _REFUSED_UNTRIED:
            wait = self.asked_wait(reply)
            raise _NotTried(f"{self.host} asks to slow down (429).", wait)
        if status in BUSY or status >= 500:
            wait = self.asked_wait(reply)
            raise Temporary(f"{self.host} is in trouble ({status}). {complaint(reply)}".strip(), wait)
        if status in (401, 403):
            name = self._credential or "credentials"
            raise Misconfigured(
                f"{self.host} refuses the sign-in ({status}). {complaint(reply)} Check the setting “{name}”.",
                name,
            )
        if status >= 400:
            raise Permanent(f"{self.host} answers {status}. {complaint(reply)}".strip())
        if reply.is_page:
            raise Temporary(
                f"{self.host} answers with a web page instead of data, as shops under maintenance do."
            )
        return reply

    def asked_wait(self, reply: Reply) -> float | None:
        """Seconds a busy answer asks to wait; overridden for systems with a header of their own."""
        return read_retry_after(reply.headers.get("retry-after"))

    def _wait_turn(self) -> None:
        if not self._spacing:
            return
        wait = self._next_call - clock.monotonic()
        if wait > 0:
            self._sleep(wait)
        self._next_call = max(clock.monotonic(), self._next_call) + self._spacing

    @property
    def spoken(self) -> bool:
        """Whether any byte of the last call may have left: only then can it have done something there."""
        return self._door.spoken

    def cut(self) -> None:
        """End the call under way, from another thread."""
        self._door.cut()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _NotTried(Temporary):
    """The other side did nothing with the call, so that even a write may be repeated."""


def _root(error: BaseException) -> str:
    """The innermost reason of an error, without object addresses."""
    for inner in (getattr(error, "reason", None), error.__cause__, *error.args):
        if isinstance(inner, BaseException):
            return _root(inner)
    return str(error).rpartition(": ")[2].strip("')\" ") or type(error).__name__
