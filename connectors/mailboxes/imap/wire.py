"""A line to an IMAP server that keeps what the library alone does not: a judged address, one deadline for
each question, and a bound on what an answer may weigh. The library is loaded at its first use.
"""

import imaplib
import importlib
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from connectors import guard
from connectors.http import Http
from foundation import clock
from foundation.errors import KartotekaError, Misconfigured, Temporary

CONNECT, QUIET = 20.0, 30.0  # seconds to connect, and that a server may be silent
LINE = 16_000_000  # bytes of an answer beside letters: a search over a million of them weighs 8 MB
_PIECE = 65_536
TOO_LARGE = "the answer is larger than what was asked for"
REFUSED, BROKEN = imaplib.IMAP4.error, imaplib.IMAP4.abort
_LATER = ("[unavailable]", "[limit]", "[inuse]", "try again", "temporar", "too many")


class Network(Http):
    """The installation's network rules, for a connector that speaks no HTTP."""

    def __init__(self, host: str, **options: Any) -> None:
        name = f"[{host}]" if ":" in host else host
        super().__init__(f"https://{name}", **options)
        self.allow_private, self.resolver = self._door.allow_private, self._door.resolver


class Wire(imaplib.IMAP4):
    """What the library reads and writes through."""

    def __init__(self, network: Network, host: str, port: int, security: str) -> None:
        self._network, self._security = network, security
        self._ahead = bytearray()
        self._until, self._budget = clock.monotonic() + CONNECT, _PIECE * 4
        super().__init__(host, port)

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        """Connect to a judged address; with TLS from the start where that was chosen."""
        self.host, self.port = host, port
        addresses = guard.resolve(host, port, self._network.resolver, self._left())
        encrypted = self._security != "none"
        if not encrypted and not all(address.is_loopback for address in addresses):
            raise Misconfigured(
                "Without encryption only a mailbox on this very machine is read; choose TLS or STARTTLS.",
                "security",
            )
        guard.judge(host, addresses, allow_private=self._network.allow_private, encrypted=True)
        self.sock = self._reach([str(address) for address in addresses], port)
        if self._security == "tls":
            self._encrypt(trusted())

    def _encrypt(self, context: ssl.SSLContext) -> None:
        """TLS from here on; a handshake that drips is cut when its time is up."""
        left = self._left()
        self.sock.settimeout(left)
        handle = self.sock.dup()  # TLS takes the socket over; this one stays ours
        cutter = threading.Timer(left, handle.shutdown, (socket.SHUT_RDWR,))
        cutter.daemon = True
        cutter.start()
        try:
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)
        finally:
            cutter.cancel()
            handle.close()

    def _reach(self, addresses: list[str], port: int) -> socket.socket:
        failure: OSError | None = None
        for address in addresses:
            try:
                return socket.create_connection((address, port), timeout=self._left())
            except OSError as error:
                failure = error
        raise Temporary(f"{self.host} can't be reached at port {port}: {failure}.")

    @contextmanager
    def within(self, seconds: float, most: int = LINE) -> Iterator[None]:
        """Until the end of this block no more than so long and so many bytes."""
        self._until, self._budget = clock.monotonic() + seconds, most
        yield

    def _left(self) -> float:
        left = self._until - clock.monotonic()
        if left <= 0:
            raise TimeoutError("took too long")
        return min(left, QUIET)

    def _more(self) -> None:
        """Take in what the server says next; EOFError at its end."""
        self.sock.settimeout(self._left())
        piece = self.sock.recv(_PIECE)
        if not piece:
            raise EOFError("the line was dropped")
        self._budget -= len(piece)
        if self._budget < 0:
            raise self.abort(TOO_LARGE)  # whatever comes next is the rest of it
        self._ahead += piece

    def read(self, size: int) -> bytes:
        """So many bytes."""
        if size - len(self._ahead) > self._budget:
            raise self.abort(TOO_LARGE)  # whatever comes next is the rest of it
        while len(self._ahead) < size:
            self._more()
        return self._taken(size)

    def readline(self) -> bytes:
        """A line."""
        seen = 0
        while (end := self._ahead.find(b"\n", seen)) < 0:
            seen = len(self._ahead)
            self._more()
        return self._taken(end + 1)

    def _taken(self, size: int) -> bytes:
        found = bytes(self._ahead[:size])
        del self._ahead[:size]
        return found

    def send(self, data: Any) -> None:
        """Say something."""
        self.sock.settimeout(self._left())
        self.sock.sendall(data)

    def shutdown(self) -> None:
        """Hang up; never raises."""
        try:
            self.sock.close()
        except (OSError, AttributeError):
            return

    def starttls(self, ssl_context: Any = None) -> Any:
        """Encrypt from here on; what was said ahead of that is no part of it."""
        typ, data = self._simple_command("STARTTLS")
        if typ != "OK":
            raise self.error("STARTTLS was refused")
        if self._ahead:
            raise self.error("the server said more before the encryption began")
        self.untagged_responses: dict[str, Any] = {}
        self._encrypt(ssl_context)
        self._tls_established = True
        self._get_capabilities()
        return typ, data


def trusted() -> ssl.SSLContext:
    """Whom we believe: the authorities this machine knows."""
    return ssl.create_default_context()


@cache
def _library() -> Any:
    logging.getLogger("imapclient").setLevel(logging.WARNING)  # it would log whole letters
    return importlib.import_module("imapclient")


@cache
def _client() -> Any:
    class Client(_library().IMAPClient):  # type: ignore[misc]
        """The library's client on our wire."""

        def __init__(self, wire: Wire) -> None:
            self._wire = wire
            super().__init__(wire.host, wire.port, ssl=wire._security == "tls")
            self.normalise_times = False
            wire.debug = 0  # it would write out every line

        def _create_IMAP4(self) -> Wire:
            return self._wire

    return Client


def connect(network: Network, host: str, port: int, security: str) -> Any:
    """The library's client, connected and encrypted as asked; `client._imap` is its Wire."""
    with in_words(host):
        wire = Wire(network, host, port, security)
        try:
            client = _client()(wire)
            if security == "starttls":
                with wire.within(CONNECT):
                    if not client.has_capability("STARTTLS"):
                        raise Misconfigured(
                            f"{host} offers no STARTTLS at port {port}; choose TLS.", "security"
                        )
                    client.starttls(trusted())
                client._cached_capabilities = None  # what was said in the clear doesn't count
        except BaseException:
            wire.shutdown()
            raise
        return client


def sign_in(client: Any, host: str, user: str, password: str, token: str) -> None:
    """By token where there is one, else by password."""
    with in_words(host), client._imap.within(CONNECT):
        try:
            if token:
                client.oauth2_login(user, token)
            elif client.has_capability("AUTH=PLAIN"):
                client.plain_login(user, password)
            else:
                client.login(user, password)
        except _library().exceptions.LoginError as error:
            said = one_line(error)
            broken = isinstance(error.__context__, imaplib.IMAP4.abort)
            if broken or any(word in said.lower() for word in _LATER):
                raise Temporary(f"{host} doesn't let anybody in just now: {said}") from error
            setting = "refresh_token" if token else "password"
            raise Misconfigured(f"{host} refuses the sign-in of {user}: {said}", setting) from error


@contextmanager
def in_words(host: str) -> Iterator[None]:
    """Whatever goes wrong on the line, as something a person can act on."""
    try:
        yield
    except KartotekaError:
        raise
    except ssl.SSLCertVerificationError as error:
        raise Misconfigured(
            f"The certificate of {host} can't be trusted: {error.verify_message}.", "host"
        ) from error
    except TimeoutError as error:
        raise Temporary(f"{host} was silent for too long.") from error
    except (EOFError, imaplib.IMAP4.abort, OSError) as error:
        raise Temporary(f"The line to {host} broke: {one_line(error)}") from error
    except Exception as error:  # a stranger's server may break a parser in any way
        raise Temporary(
            f"{host} answered something that is no IMAP ({type(error).__name__}: {one_line(error)})."
        ) from error


def one_line(error: BaseException) -> str:
    """What went wrong, as one short line."""
    said = error.args[0] if error.args else ""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return (
        " ".join("".join(c if c.isprintable() else " " for c in words).split())[:200] or type(error).__name__
    )
