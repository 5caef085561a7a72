"""Letters over a kept-open SMTP connection, pipelined where the server offers it.

The handshake (TLS, AUTH) is the standard library's; the sending is ours, because what was sent and what was
answered must be known exactly: once the first byte of a letter's text may have left, only the server's reply
says what became of it, and without one the outcome is `unknown`.
"""

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from email_campaigns.delivery.transports import oauth, trouble
from email_campaigns.delivery.transports.base import FAILED, UNKNOWN, UNSENT, Envelope, Outcome
from email_campaigns.delivery.transports.replies import CLOSES, Reply, outcome
from foundation.errors import BadInput, KartotekaError, Misconfigured
from foundation.text import _

SECURITY = ("tls", "starttls", "opportunistic", "none")
WAIT = 300.0  # seconds for any reply, as RFC 5321 asks; setting it anew per step costs two calls a letter
LINE = 8192
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,253}")


@dataclass(frozen=True)
class Settings:
    """How to reach a server; `security`: tls (from the first byte), starttls (required), opportunistic,
    none."""

    host: str
    port: int
    security: str = "starttls"
    user: str = ""
    password: str = ""
    hello: str = ""
    timeout: float = 30.0
    account: oauth.Account | None = None  # signs in with a token instead of the password


def read(values: Mapping[str, str]) -> Settings:
    """The settings of what a person typed; BadInput names the first wrong one."""
    host, security = values.get("host", "").strip(), values.get("security") or "starttls"
    if not _HOST.fullmatch(host):
        raise BadInput(_("Give the server's name, such as smtp.example.org."), "host")
    if security not in SECURITY:
        raise BadInput(_("Security is one of %s.") % ", ".join(SECURITY), "security")
    usual = {"tls": "465", "starttls": "587"}.get(security, "25")
    port = values.get("port") or usual
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadInput(_("A port is a number from 1 to 65535."), "port")
    user, password = values.get("user", ""), values.get("password", "")
    account = oauth.read(values)
    if account is None and bool(user) != bool(password):
        raise BadInput(_("Give both the account and its password, or neither."), "password")
    hello = values.get("hello", "").strip()
    if hello and not _HOST.fullmatch(hello):
        raise BadInput(_("Give a host name, such as crm.example.org."), "hello")
    return Settings(host, int(port), security, user, password, hello, account=account)


class Smtp:
    """One connection to a mail server."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.is_open = False
        self.renewed: dict[str, str] = {}
        self._smtp: smtplib.SMTP | None = None
        self._piped = False
        self._features: frozenset[str] = frozenset()
        self._most = 0  # bytes a letter may have, as the server says

    def open(self) -> None:
        """Connect, encrypt, sign in."""
        self.close()
        try:
            try:
                self._smtp = self._reach()
            except smtplib.SMTPAuthenticationError:
                if self.settings.account is None:
                    raise
                self._smtp = self._reach()  # the token that we had was withdrawn: once more with a fresh one
        except KartotekaError:
            self.close()
            raise
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise trouble.told(self.settings.host, self.settings.port, error) from error
        found = self._smtp.esmtp_features
        self._features = frozenset(found)
        self._piped = "pipelining" in found
        self._most = int(found["size"]) if found.get("size", "").isdigit() else 0
        assert self._smtp.sock is not None
        self._smtp.sock.settimeout(WAIT)
        with contextlib.suppress(OSError):
            self._smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_open = True

    def _reach(self) -> smtplib.SMTP:
        smtp = self._connect()
        try:
            self._secure(smtp)
            self._sign_in(smtp)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def check(self) -> str:
        """It greeted us and let us sign in, or `open` had raised."""
        return _("It answers, and takes letters from us.")

    def _connect(self) -> smtplib.SMTP:
        s = self.settings
        host, name = s.host.strip("[]"), s.hello or None
        if s.security == "tls":
            return smtplib.SMTP_SSL(
                host, s.port, name, timeout=s.timeout, context=ssl.create_default_context()
            )
        return smtplib.SMTP(host, s.port, name, timeout=s.timeout)

    def _secure(self, smtp: smtplib.SMTP) -> None:
        s = self.settings
        smtp.ehlo_or_helo_if_needed()
        if s.security in ("tls", "none"):
            return
        if smtp.has_extn("starttls"):
            context = ssl.create_default_context()
            if s.security == "opportunistic":
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
        elif s.security == "starttls":
            raise Misconfigured(
                _("%s offers no encryption (STARTTLS) on port %s, and it is required.") % (s.host, s.port),
                "security",
            )
        elif s.user:
            raise Misconfigured(
                _("%s offers no encryption: the password isn't sent in the clear.") % s.host, "security"
            )

    def _sign_in(self, smtp: smtplib.SMTP) -> None:
        if self.settings.account is not None:
            if fresh := oauth.sign_in(smtp, self.settings.account):
                self.renewed = {"refresh_token": fresh}
        elif self.settings.user:
            smtp.login(self.settings.user, self.settings.password)

    def send(self, letters: Sequence[Envelope]) -> Iterator[Outcome]:
        """One conversation for all; where the server takes pipelines, one round trip a letter."""
        begun = False  # the commands before the next letter's text are on their way already
        for at, letter in enumerate(letters):
            if not self.is_open:
                yield Outcome(UNSENT)
                continue
            problem = self._unfit(letter)
            if problem is not None:
                yield problem
                continue
            following = letters[at + 1] if at + 1 < len(letters) else None
            ahead = following if self._piped and following and self._unfit(following) is None else None
            result, begun = self._one(letter, begun, ahead)
            yield result

    def _unfit(self, letter: Envelope) -> Outcome | None:
        """Why this server can't take a letter at all."""
        if not letter.recipient.isascii() and "smtputf8" not in self._features:
            said = _("the address has letters beyond ASCII, and the server takes none (SMTPUTF8)")
            return Outcome(FAILED, "needs_utf8", said)
        if self._most and len(letter.data) > self._most:
            said = _("the letter has %s bytes, the server takes %s") % (len(letter.data), self._most)
            return Outcome(FAILED, "too_big", said)
        return None

    def _one(self, letter: Envelope, begun: bool, ahead: Envelope | None) -> tuple[Outcome, bool]:
        try:
            refusal = self._begin(letter, begun)
        except (OSError, smtplib.SMTPException) as error:  # nothing of the letter itself has left
            self._drop()
            return Outcome(UNSENT, "", trouble.say(error)), False
        if refusal is not None:
            return refusal, False
        data = letter.data if letter.data.endswith(b"\r\n") else letter.data + b"\r\n"
        data = data.replace(b"\n.", b"\n..")
        text = (b"." if data.startswith(b".") else b"") + data + b".\r\n"
        try:
            self._write(text + self._commands(ahead) if ahead else text)
            reply = self._read()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Outcome(UNKNOWN, "no_reply", trouble.say(error)), False
        if reply.code in CLOSES:
            self._drop()
        return outcome("dot", reply), ahead is not None and self.is_open

    def _begin(self, letter: Envelope, begun: bool) -> Outcome | None:
        """Up to the server's go-ahead for the text; an outcome when it refuses."""
        if self._piped:
            if not begun:
                self._write(self._commands(letter))
            replies = [self._read(), self._read(), self._read()]
        else:
            replies = []
            for line in self._commands(letter).splitlines(keepends=True):
                self._write(line)
                replies.append(self._read())
                if replies[-1].code >= 400:
                    break
        for stage, reply in zip(("mail", "rcpt", "data"), replies, strict=False):
            if reply.code >= 400:
                return self._refused(stage, reply, replies)
        return None

    def _refused(self, stage: str, reply: Reply, replies: Sequence[Reply]) -> Outcome:
        """Leave the server ready for the next letter, or not at all."""
        if any(one.code in CLOSES for one in replies):
            self._drop()
            if stage == "mail":
                return Outcome(UNSENT, "", reply.said)
        elif reply.code in (530, 535, 538):  # it wants us to sign in: about us, not about this letter
            self._drop()
            return Outcome(UNSENT, "sign_in", reply.said)
        else:
            try:
                if len(replies) == 3 and replies[2].code == 354:  # nobody to send to: an empty text ends it
                    self._write(b".\r\n")
                    self._read()
                self._write(b"RSET\r\n")
                self._read()
            except (OSError, smtplib.SMTPException):
                self._drop()
        return outcome(stage, reply)

    def _commands(self, letter: Envelope) -> bytes:
        wide = b" SMTPUTF8" if not letter.recipient.isascii() else b""
        return b"MAIL FROM:<%b>%b\r\nRCPT TO:<%b>\r\nDATA\r\n" % (
            letter.sender.encode(), wide, letter.recipient.encode()
        )  # fmt: skip

    def _write(self, data: bytes) -> None:
        if self._smtp is None or self._smtp.sock is None:  # cut from another thread
            raise smtplib.SMTPServerDisconnected(_("the connection was cut"))
        self._smtp.sock.sendall(data)

    def _read(self) -> Reply:
        if self._smtp is None or self._smtp.file is None:
            raise smtplib.SMTPServerDisconnected(_("the connection was cut"))
        lines: list[bytes] = []
        while True:
            line = self._smtp.file.readline(LINE)
            if not line:
                raise smtplib.SMTPServerDisconnected(_("the server closed the connection"))
            lines.append(line[4:].strip())
            if line[3:4] != b"-" or len(lines) > 100:
                code = int(line[:3]) if line[:3].isdigit() else -1
                if code < 200:
                    raise smtplib.SMTPServerDisconnected(_("the server answered what is no reply"))
                return Reply(code, b" ".join(lines).decode("utf-8", "replace"))

    def _drop(self) -> None:
        """The connection is of no use any more."""
        self.is_open = False
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def close(self) -> None:
        """Say goodbye, briefly."""
        smtp = self._smtp
        if smtp is not None and smtp.sock is not None and self.is_open:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.sock.settimeout(2)
                smtp.sock.sendall(b"QUIT\r\n")
                smtp.sock.recv(LINE)
        self._drop()

    def cut(self) -> None:
        """Wake whoever waits for this server."""
        smtp = self._smtp
        if smtp is not None and smtp.sock is not None:
            with contextlib.suppress(OSError):
                smtp.sock.shutdown(socket.SHUT_RDWR)
