"""A real mail server for tests: it records every letter it took, and refuses, hangs and dies as told."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

Answer = Callable[[str], str | None]  # an address -> a reply instead of the usual one


@dataclass
class Taken:
    """A letter the server said 250 to."""

    sender: str
    recipients: list[str]
    data: bytes
    encrypted: bool = False


@dataclass
class Behaviour:
    """What the server does; change it while it runs."""

    taken: list[Taken] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)  # recipients whose text was received, taken or not
    rcpt: Answer = lambda address: None
    dot: Answer = lambda address: None  # "hang", "die" and "die after" are acts, not replies
    mail: Answer = lambda address: None
    piped: bool = True
    close_every: int = 0
    connections: int = 0
    delay: float = 0.0  # seconds before it answers to a text
    users: dict[str, str] = field(default_factory=dict)

    @property
    def addresses(self) -> list[str]:
        """Who got letters, in order."""
        return [address for one in self.taken for address in one.recipients]

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        self.connections += 1
        return [*responses[:-1], "250-PIPELINING", responses[-1]] if self.piped else responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        if said := self.mail(address):
            return said
        envelope.mail_from = address
        return "250 2.1.0 fine"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if said := self.rcpt(address):
            return said
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server, session, envelope):
        address = envelope.rcpt_tos[0]
        self.begun.append(address)
        said = self.dot(address)
        if self.delay:
            await asyncio.sleep(self.delay)
        if said == "die":
            return self._die(server)
        if said == "hang":
            await asyncio.sleep(30)
        if said and said[0].isdigit():
            return said
        taken = Taken(envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content,
                      server.transport.get_extra_info("sslcontext") is not None)  # fmt: skip
        self.taken.append(taken)
        if said == "die after":
            return self._die(server)
        if self.close_every and len(self.taken) % self.close_every == 0:
            await server.push("250 2.0.0 taken")
            server.transport.close()
        return "250 2.0.0 taken"

    def _die(self, server: Any) -> str:
        server.transport.abort()
        return "421 never arrives"

    def check(self, server, session, envelope, mechanism, data):
        ok = isinstance(data, LoginPassword) and self.users.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=ok, handled=False)


class _Server(Controller):
    def factory(self) -> SMTP:
        return SMTP(self.handler, **self.SMTP_kwargs)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None, implicit: bool = False, wide: bool = True, **told: Any
) -> Iterator[tuple[Behaviour, int]]:
    """A server on a port of its own until the block ends."""
    behaviour = Behaviour(**told)
    port = free_port()
    options: dict[str, Any] = {"server_hostname": "mx.example.org", "enable_SMTPUTF8": wide}
    if tls is not None and not implicit:
        options |= {"tls_context": tls}
    if behaviour.users:
        options |= {"authenticator": behaviour.check, "auth_require_tls": False}
    server = _Server(
        behaviour, hostname="127.0.0.1", port=port, ssl_context=tls if implicit else None, **options
    )
    server.start()
    try:
        yield behaviour, port
    finally:
        server.stop()
