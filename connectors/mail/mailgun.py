"""Mailgun: the letter's own bytes, in a form of several parts."""

from collections.abc import Mapping, Sequence
from secrets import token_hex
from urllib.parse import quote

from connectors.mail.calls import Calls, Said, accepted, said_of, usual, words_of
from connectors.replies import Reply
from foundation.errors import Misconfigured

ADDRESSES = {"": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}


def make(values: Mapping[str, str], *, allow_private: bool = False, address: str = "") -> "Mailgun":
    """The client of these settings."""
    address = address or ADDRESSES[values.get("region", "")]
    return Mailgun(values["key"], values["domain"], address, allow_private)


class Mailgun(Calls):
    """One sending domain of Mailgun."""

    def __init__(self, key: str, domain: str, address: str, allow_private: bool = False) -> None:
        super().__init__(address, "key", allow_private=allow_private, auth=("api", key))
        self.domain = domain

    def _path(self, name: str) -> str:
        return f"v3/{quote(self.domain, safe='')}/{name}"

    def check(self) -> str:
        """An empty message: refused for what it lacks where the key is right, and keys that only send do it
        too."""
        reply = self.http.request(
            "POST", self._path("messages"), data={"o:testmode": "yes"}, allow=(400, 404)
        )
        if reply.status == 404:
            raise Misconfigured(f"Mailgun doesn't know the domain {self.domain} in this region.", "domain")
        return f"Mailgun takes the key for {self.domain}."

    def send(self, letter: str, sender: str, recipient: str, raw: bytes) -> Said:
        """One message as it is; links and opens stay ours."""
        fields = [("to", recipient), ("o:tracking", "no"), ("o:tracking-clicks", "no"),
                  ("o:tracking-opens", "no"), ("v:delivery", letter)]  # fmt: skip
        kind, body = _form(fields, raw)
        reply = self.post(self._path("messages.mime"), data=body, headers={"Content-Type": kind})
        return reply if isinstance(reply, Said) else _outcome(reply)


def _form(fields: Sequence[tuple[str, str]], raw: bytes) -> tuple[str, bytes]:
    """The content type and the bytes of a form with the letter as its file."""
    mark = token_hex(16)
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="message"; filename="message.eml"\r\n'
        "Content-Type: message/rfc822\r\n\r\n"
    )
    body = b"".join([*parts, head.encode(), raw, f"\r\n--{mark}--\r\n".encode()])
    return f"multipart/form-data; boundary={mark}", body


def _outcome(reply: Reply) -> Said:
    said = said_of(reply)
    words = words_of(said.get("message") or ("" if reply.is_page else reply.text[:200]))
    if 200 <= reply.status < 300:
        return accepted(reply, said.get("id"))
    if (found := usual(reply, words)) is not None:
        return found
    if "from" in words.lower() and "'to'" not in words:
        return Said("stopped", words)
    return Said("refused", words)
