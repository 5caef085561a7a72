"""A letter's bytes taken apart again, for providers that want its parts and put it together by themselves."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parseaddr
from typing import NamedTuple

# given apart, made anew by the provider, or of the form that it had as bytes
_APART = frozenset({
    "from", "to", "subject", "reply-to", "date", "mime-version", "content-type", "content-transfer-encoding",
    "dkim-signature", "return-path",
})  # fmt: skip


class Parts(NamedTuple):
    """What a letter says and how it is headed; `headers` holds what isn't named apart."""

    name: str
    sender: str
    reply_to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]

    @property
    def mailbox(self) -> str:
        """Name and address as providers take them in one text."""
        quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{self.sender}>' if self.name else self.sender


def read(raw: bytes) -> Parts:
    """The parts of a letter as we make them: a text, and HTML."""
    message = BytesParser(policy=policy.default).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    name, sender = parseaddr(str(message["From"]))
    found = {"plain": "", "html": ""}
    for part in message.walk():
        if part.get_content_maintype() == "text":
            found[part.get_content_subtype()] = part.get_content()
    return Parts(
        name, sender, parseaddr(str(message["Reply-To"] or ""))[1], str(message["Subject"] or ""),
        found["plain"], found["html"],
        {name: str(value) for name, value in message.items() if name.lower() not in _APART},
    )  # fmt: skip
