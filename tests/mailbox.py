"""An IMAP server of ours inside the tests: it holds letters, and breaks off, lies, drips or hangs as told."""

import base64
import contextlib
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ARRIVED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def letter(
    sender: str = "Anna Petrova <anna@example.org>", subject: str = "A question", body: str = "Where is it?",
    **headers: str,
) -> bytes:  # fmt: skip
    """A plain letter; header names are written with _ for -."""
    lines = [f"From: {sender}", "To: shop@example.org", f"Subject: {subject}",
             "Date: Sun, 01 Mar 2026 11:59:00 +0000"]  # fmt: skip
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if "Message_ID" not in headers:
        lines.append(f"Message-ID: <{abs(hash((sender, subject, body)))}@example.org>")
    return "\r\n".join([*lines, "", body, ""]).encode()


@dataclass
class Folder:
    """Letters by UID, and what the UIDs are worth."""

    validity: int = 1
    letters: dict[int, tuple[bytes, datetime]] = field(default_factory=dict)
    next_uid: int = 1

    def put(self, raw: bytes, at: datetime = ARRIVED, uid: int | None = None) -> int:
        """A letter arrives; answers its UID."""
        uid = uid or self.next_uid
        self.letters[uid] = (raw, at)
        self.next_uid = max(self.next_uid, uid + 1)
        return uid


class Mailbox:
    """The server. `faults` are what it does wrong, each by name; `said` is every command it got."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, start: ssl.SSLContext | None = None) -> None:
        self.folders = {"INBOX": Folder()}
        self.faults: dict[str, Any] = {}
        self.said: list[str] = []
        self.password, self.token = "secret", "token-1"
        self._tls, self._start = tls, start
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def inbox(self) -> Folder:
        """Where letters come in."""
        return self.folders["INBOX"]

    def close(self) -> None:
        """End the server and every line to it."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # else whoever waits in accept() waits for ever
        self._server.close()
        for line in self._open:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _address = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        talk: _Talk | None = None
        try:
            if self._tls is not None:
                line = self._tls.wrap_socket(line, server_side=True)
            self._open.append(line)
            talk = _Talk(self, line, secure=self._tls is not None)
            talk.run()
        except (OSError, ssl.SSLError, ValueError):
            return
        finally:
            line.close()
            if talk is not None:
                talk.close()


class _Talk:
    """One connection."""

    def __init__(self, box: Mailbox, line: socket.socket, *, secure: bool) -> None:
        self.box, self.line, self.secure = box, line, secure
        self.file = line.makefile("rb")
        self.folder: Folder | None = None

    def close(self) -> None:
        """Let go of the line, which is another one after STARTTLS."""
        self.file.close()
        self.line.close()

    def send(self, data: bytes) -> None:
        drip = self.box.faults.get("drip")
        if drip:
            for at in range(0, len(data), 16):
                self.line.sendall(data[at : at + 16])
                time.sleep(drip)
            return
        self.line.sendall(data)

    def run(self) -> None:
        if "hang" in self.box.faults and self.box.faults["hang"] == "greeting":
            time.sleep(60)
        self.send(self.box.faults.get("greeting", b"* OK ready\r\n"))
        while line := self.file.readline():
            said = line.decode("utf-8", "replace").rstrip("\r\n")
            self.box.said.append(said)
            tag, _, rest = said.partition(" ")
            verb = rest.split(" ")[0].upper()
            if verb == "UID":
                verb = "UID " + rest.split(" ")[1].upper()
            if self.box.faults.get("hang") == verb:
                time.sleep(60)
            if self.box.faults.get("drop") == verb:
                with contextlib.suppress(OSError):
                    self.line.shutdown(socket.SHUT_RDWR)
                return
            if verb in self.box.faults:
                self.send(self.box.faults[verb].replace(b"TAG", tag.encode()))
                continue
            answer = getattr(self, "on_" + verb.lower().replace(" ", "_"), None)
            if answer is None:
                self.send(f"{tag} BAD what\r\n".encode())
            elif answer(tag, rest) is False:
                return

    def ok(self, tag: str, words: str = "done") -> None:
        self.send(f"{tag} OK {words}\r\n".encode())

    def on_capability(self, tag: str, rest: str) -> None:
        more = " STARTTLS" if self.box._start is not None and not self.secure else ""
        plain = "" if self.box.faults.get("no plain") else " AUTH=PLAIN AUTH=XOAUTH2"
        self.send(f"* CAPABILITY IMAP4rev1{plain}{more}\r\n".encode())
        self.ok(tag)

    def on_starttls(self, tag: str, rest: str) -> None:
        extra = self.box.faults.get("injected", b"")
        self.line.sendall(f"{tag} OK go\r\n".encode() + extra)
        assert self.box._start is not None
        self.file.close()
        self.line = self.box._start.wrap_socket(self.line, server_side=True)
        self.box._open.append(self.line)
        self.file, self.secure = self.line.makefile("rb"), True

    def on_authenticate(self, tag: str, rest: str) -> None:
        self.send(b"+ \r\n")
        said = base64.b64decode(self.file.readline().strip())
        good = (self.box.password.encode(), self.box.token.encode())
        if rest.upper().endswith("PLAIN"):
            passed = said.split(b"\0")[-1] == good[0]
        else:
            passed = b"auth=Bearer " + good[1] in said
        self._signed(tag, passed)

    def on_login(self, tag: str, rest: str) -> None:
        self._signed(tag, rest.endswith(f'"{self.box.password}"'))

    def _signed(self, tag: str, passed: bool) -> None:
        if passed:
            self.ok(tag)
        else:
            self.send(f"{tag} NO [AUTHENTICATIONFAILED] wrong\r\n".encode())

    def on_examine(self, tag: str, rest: str) -> None:
        name = rest.partition(" ")[2]
        name = name[1:-1] if name.startswith('"') else name
        self.folder = self.box.folders.get(name)
        if self.folder is None:
            self.send(f"{tag} NO no such folder\r\n".encode())
            return
        self.send(
            f"* {len(self.folder.letters)} EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n"
            f"* OK [UIDVALIDITY {self.folder.validity}] valid\r\n"
            f"* OK [UIDNEXT {self.folder.next_uid}] next\r\n".encode()
        )
        self.ok(tag, "[READ-ONLY] done")

    def on_uid_search(self, tag: str, rest: str) -> None:
        assert self.folder is not None
        uids = sorted(self.folder.letters)
        if match := re.search(r"UID (\d+):\*", rest):
            first = int(match[1])
            found = [uid for uid in uids if uid >= first] or uids[-1:]  # as Dovecot does
        else:
            day = datetime.strptime(rest.split(" ")[-1], "%d-%b-%Y").replace(tzinfo=UTC)
            found = [uid for uid in uids if self.folder.letters[uid][1] >= day]
        self.send(f"* SEARCH {' '.join(map(str, found))}".rstrip().encode() + b"\r\n")
        self.ok(tag)

    def on_uid_fetch(self, tag: str, rest: str) -> None:
        assert self.folder is not None
        asked, _, items = rest.split(" ", 2)[2].partition(" ")
        uids = [int(one) for one in asked.split(",") if one.isdecimal()]
        if "BODY" in items and self.box.faults.get("broken letter") in uids:
            self.send(f"{tag} NO can't give it\r\n".encode())
            return
        for at, uid in enumerate(sorted(self.folder.letters), start=1):
            if uid in uids:
                self.send(self._fetched(at, uid, items))
        self.ok(tag)

    def _fetched(self, at: int, uid: int, items: str) -> bytes:
        assert self.folder is not None
        raw, arrived = self.folder.letters[uid]
        head = f"* {at} FETCH (UID {uid} ".encode()
        if "RFC822.SIZE" in items:
            size = self.box.faults.get("size", len(raw))
            date = self.box.faults.get("internaldate", f"{arrived:%d-%b-%Y %H:%M:%S} +0000")
            return head + f'RFC822.SIZE {size} INTERNALDATE "{date}")\r\n'.encode()
        part = re.search(r"BODY\.PEEK\[\]<0\.(\d+)>", items)
        body, name = (raw[: int(part[1])], b"BODY[]<0>") if part else (raw, b"BODY[]")
        return head + name + f" {{{len(body)}}}\r\n".encode() + body + b")\r\n"

    def on_logout(self, tag: str, rest: str) -> bool:
        self.send(b"* BYE\r\n")
        self.ok(tag)
        return False


def certificate(folder: Path, name: str = "localhost") -> tuple[ssl.SSLContext, Path]:
    """A server's TLS, and the file of the authority that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    own, secret = folder / "own.pem", folder / "key.pem"
    own.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, secret)
    return context, own
