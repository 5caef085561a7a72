"""Postmark: the letter's parts as JSON, one message a call."""

from collections.abc import Mapping

from connectors.mail.calls import Calls, Said, accepted, said_of, usual, words_of
from connectors.mail.letter import read
from connectors.replies import Reply

ADDRESS = "https://api.postmarkapp.com"
# of its error codes those that are about our account or our sender, not about one letter
_OURS = frozenset({10, 400, 401, 405, 412, 413, 1101, 1235})
_INACTIVE, _INVALID = 406, 300


def make(values: Mapping[str, str], *, allow_private: bool = False, address: str = ADDRESS) -> "Postmark":
    """The client of these settings."""
    return Postmark(values["key"], values.get("stream") or "broadcast", allow_private, address)


class Postmark(Calls):
    """One server of Postmark and one of its message streams."""

    def __init__(self, token: str, stream: str, allow_private: bool = False, address: str = ADDRESS) -> None:
        super().__init__(
            address, "key", allow_private=allow_private, headers={"X-Postmark-Server-Token": token}
        )
        self.stream = stream

    def check(self) -> str:
        """Ask for the server's own name."""
        self.get("message-streams/" + self.stream)
        return f"Postmark takes the token and knows the stream {self.stream}."

    def send(self, letter: str, sender: str, recipient: str, raw: bytes) -> Said:
        """One message; links and opens stay ours, our id comes back with every event."""
        parts = read(raw)
        headers = {**parts.headers, "X-PM-KeepID": "true"}
        said = {
            "From": parts.mailbox, "To": recipient, "Subject": parts.subject, "TextBody": parts.text,
            "HtmlBody": parts.html, "MessageStream": self.stream, "TrackOpens": False, "TrackLinks": "None",
            "Metadata": {"delivery": letter},
            "Headers": [{"Name": name, "Value": value} for name, value in headers.items()],
        }  # fmt: skip
        if parts.reply_to:
            said["ReplyTo"] = parts.reply_to
        reply = self.post("email", json=said)
        return reply if isinstance(reply, Said) else _outcome(reply)


def _outcome(reply: Reply) -> Said:
    said = said_of(reply)
    code, words = said.get("ErrorCode", 0), words_of(said.get("ErrorCode"), said.get("Message"))
    if 200 <= reply.status < 300 and not code:
        return accepted(reply, said.get("MessageID"))
    if (found := usual(reply, words)) is not None:
        return found
    if code in _OURS or (code == _INVALID and "'From'" in words):
        return Said("stopped", words)
    return Said("refused", words, about="inactive" if code == _INACTIVE else "refused")
