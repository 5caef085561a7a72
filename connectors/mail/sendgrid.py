"""SendGrid: the letter's parts as JSON, one message a call."""

from collections.abc import Mapping
from typing import Any

from connectors.mail.calls import Calls, Said, accepted, said_of, usual, words_of
from connectors.mail.letter import Parts, read
from connectors.replies import LONGEST_WAIT, Reply
from foundation import clock
from foundation.errors import Misconfigured

ADDRESSES = {"": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}


def make(values: Mapping[str, str], *, allow_private: bool = False, address: str = "") -> "SendGrid":
    """The client of these settings."""
    return SendGrid(values["key"], address or ADDRESSES[values.get("region", "")], allow_private)


class SendGrid(Calls):
    """One key of SendGrid."""

    def __init__(self, key: str, address: str, allow_private: bool = False) -> None:
        super().__init__(
            address, "key", allow_private=allow_private, headers={"Authorization": f"Bearer {key}"}
        )

    def check(self) -> str:
        """Ask what the key may do."""
        scopes = said_of(self.get("v3/scopes")).get("scopes") or []
        if "mail.send" not in scopes:
            raise Misconfigured("SendGrid knows the key, but it may not send (mail.send).", "key")
        return "SendGrid takes the key, and it may send."

    def send(self, letter: str, sender: str, recipient: str, raw: bytes) -> Said:
        """One message; links, opens and unsubscribing stay ours, our id comes back with every event."""
        reply = self.post("v3/mail/send", json=_message(letter, recipient, read(raw)))
        return reply if isinstance(reply, Said) else _outcome(reply)


def _message(letter: str, recipient: str, parts: Parts) -> dict[str, Any]:
    off = {"enable": False}
    sender = {"email": parts.sender, "name": parts.name} if parts.name else {"email": parts.sender}
    return {
        "personalizations": [{"to": [{"email": recipient}]}], "from": sender, "subject": parts.subject,
        "content": [{"type": "text/plain", "value": parts.text}, {"type": "text/html", "value": parts.html}],
        "headers": parts.headers, "custom_args": {"delivery": letter},
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False}, "open_tracking": off,
            "subscription_tracking": off, "ganalytics": off,
        },
        **({"reply_to": {"email": parts.reply_to}} if parts.reply_to else {}),
    }  # fmt: skip


def _outcome(reply: Reply) -> Said:
    errors = said_of(reply).get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    field, words = str(first.get("field") or ""), words_of(first.get("message"), first.get("field"))
    if 200 <= reply.status < 300:
        return accepted(reply, reply.headers.get("x-message-id"))
    if (found := usual(reply, words)) is not None:
        return found._replace(wait=found.wait or _reset(reply)) if found.state == "busy" else found
    if field.startswith(("from", "reply_to")):
        return Said("stopped", words)
    return Said("refused", words, about="refused" if "email" in field else "content")


def _reset(reply: Reply) -> float | None:
    """Seconds until its counter starts anew; it names the instant."""
    named = reply.headers.get("x-ratelimit-reset", "")
    if not named.isascii() or not named.isdigit() or len(named) > 12:
        return None
    return min(max(int(named) - clock.now().timestamp(), 0.0), LONGEST_WAIT) or None
