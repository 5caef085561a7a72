"""Calls to an address that a person typed: one POST each, never repeated by itself, its answer in a word."""

import ipaddress
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from connectors import guard
from connectors.http import Http
from connectors.replies import Reply, complaint, read_retry_after
from foundation.errors import KartotekaError, Misconfigured, Temporary

DEADLINE = 10.0  # seconds
LONGEST = 2_000  # characters of an address
_EVERY = frozenset(range(200, 600))
_LATER = frozenset({408, 425, 429})


class Told(NamedTuple):
    """What became of a call: taken, later (it said so), silent (no answer), refused (nothing will help)."""

    state: str
    words: str = ""
    wait: float | None = None  # seconds it asked for


def check(address: str, *, allow_private: bool = False) -> None:
    """Misconfigured says why an address may not be called, as far as one sees it."""
    if len(address) > LONGEST or not address.isprintable():
        raise Misconfigured(f"An address has at most {LONGEST:,} characters, all of them visible.", "address")
    parts = guard.read_address(address, allow_private=allow_private)
    if parts.fragment:
        raise Misconfigured("What stands behind # is never sent; leave it out.", "address")
    host = parts.hostname or ""
    if literal := _literal(host.strip("[]")):
        guard.judge(host, [literal], allow_private=allow_private, encrypted=parts.scheme == "https")


def _literal(host: str) -> guard.Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


class Callee:
    """One host, for one thread."""

    def __init__(
        self, origin: str, *, allow_private: bool = False, deadline: float = DEADLINE,
        resolver: guard.Resolver = guard.system_resolver,
    ) -> None:  # fmt: skip
        self._http = Http(
            origin, allow_private=allow_private, deadline=deadline, max_bytes=1_000_000, attempts=1,
            resolver=resolver, secret_paths=True,
        )  # fmt: skip

    def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> Told:
        """One call. Redirects aren't followed: what was signed for one address is sent to no other."""
        given = {"Content-Type": "application/json", **headers}
        try:
            reply = self._http.request(
                "POST", address, data=body, headers=given, repeatable=False, allow=_EVERY
            )
        except Temporary as error:
            return Told("silent", str(error), error.retry_after)
        except KartotekaError as error:
            return Told("refused", str(error))
        return _told(reply, urlsplit(address).hostname or "")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()


def _told(reply: Reply, host: str) -> Told:
    words = f"{host} answers {reply.status}. {complaint(reply)}".strip()
    if 200 <= reply.status < 300:
        return Told("taken", f"{host} answers {reply.status}.")
    if reply.status in _LATER or reply.status >= 500:
        return Told("later", words, read_retry_after(reply.headers.get("retry-after")))
    return Told("refused", words)
