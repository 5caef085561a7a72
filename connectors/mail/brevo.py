"""Brevo: the letter's parts as JSON, one message a call, with a key that makes a repeated call harmless."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from connectors.mail.calls import Calls, Said, accepted, said_of, usual, words_of
from connectors.mail.letter import Parts, read
from connectors.replies import LONGEST_WAIT, Reply

ADDRESS = "https://api.brevo.com"
_OURS = frozenset({"unauthorized", "not_enough_credits", "account_under_validation", "permission_denied"})


def make(values: Mapping[str, str], *, allow_private: bool = False, address: str = ADDRESS) -> "Brevo":
    """The client of these settings."""
    return Brevo(values["key"], allow_private, address)


class Brevo(Calls):
    """One account of Brevo."""

    def __init__(self, key: str, allow_private: bool = False, address: str = ADDRESS) -> None:
        super().__init__(address, "key", allow_private=allow_private, headers={"api-key": key})

    def check(self) -> str:
        """Ask whose account it is."""
        said = said_of(self.get("v3/account"))
        return f"Brevo takes the key of {words_of(said.get('email') or 'the account')[:100]}."

    def send(self, letter: str, sender: str, recipient: str, raw: bytes) -> Said:
        """One message; our id comes back with every event."""
        reply = self.post("v3/smtp/email", json=_message(letter, recipient, read(raw)))
        return reply if isinstance(reply, Said) else _outcome(reply)


def _message(letter: str, recipient: str, parts: Parts) -> dict[str, Any]:
    sender = {"email": parts.sender, "name": parts.name} if parts.name else {"email": parts.sender}
    headers = {**parts.headers, "X-Mailin-custom": letter, "idempotencyKey": str(UUID(letter))}
    return {
        "sender": sender, "to": [{"email": recipient}], "subject": parts.subject, "textContent": parts.text,
        "htmlContent": parts.html, "headers": headers,
        **({"replyTo": {"email": parts.reply_to}} if parts.reply_to else {}),
    }  # fmt: skip


def _outcome(reply: Reply) -> Said:
    said = said_of(reply)
    code, words = said.get("code"), words_of(said.get("code"), said.get("message"))
    if 200 <= reply.status < 300:
        return accepted(reply, said.get("messageId"))
    if (found := usual(reply, words)) is not None:
        return found._replace(wait=found.wait or _reset(reply)) if found.state == "busy" else found
    if code in _OURS or "sender" in words.lower():
        return Said("stopped", words)
    return Said("refused", words)


def _reset(reply: Reply) -> float | None:
    """Seconds until its counter starts anew."""
    named = reply.headers.get("x-sib-ratelimit-reset", "")
    if not named.isascii() or not named.isdigit() or len(named) > 12:
        return None
    return min(float(named), LONGEST_WAIT) or None
