"""Amazon SES, API v2: the letter's own bytes, each call signed (AWS Signature Version 4)."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.mail import sigv4
from connectors.mail.calls import Calls, Said, accepted, said_of, usual, words_of
from connectors.replies import Reply
from foundation.errors import Misconfigured

_SEND, _ACCOUNT = "v2/email/outbound-emails", "v2/email/account"
_OURS = frozenset({
    "AccountSuspendedException", "SendingPausedException", "MailFromDomainNotVerifiedException",
    "NotFoundException", "ConflictException",
})  # fmt: skip
_BUSY = frozenset({"LimitExceededException", "TooManyRequestsException", "ThrottlingException"})


def make(values: Mapping[str, str], *, allow_private: bool = False, address: str = "") -> "Ses":
    """The client of these settings."""
    region = values["region"]
    home = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    keys = sigv4.Keys(values["access_key"], values["secret_key"], region, "ses")
    return Ses(keys, values.get("configuration_set", ""), address or f"https://email.{region}.{home}",
               allow_private)  # fmt: skip


class Ses(Calls):
    """SES of one account in one region."""

    def __init__(self, keys: sigv4.Keys, configuration: str, address: str, allow_private: bool) -> None:
        super().__init__(address, "secret_key", allow_private=allow_private)
        self.keys, self.configuration = keys, configuration

    def _signed(self, method: str, path: str, body: bytes = b"") -> dict[str, str]:
        return sigv4.headers(self.keys, method, self.http.base_url + path, body)

    def check(self) -> str:
        """Ask what the account may do; a key that may only send can't ask, and is right all the same."""
        reply = self.get(_ACCOUNT, headers=self._signed("GET", _ACCOUNT), allow=(403,))
        said = said_of(reply)
        if reply.status == 403:
            if _kind(reply, said).startswith("AccessDenied"):
                return "SES knows the key; it may not tell what the account may do."
            words = words_of(said.get("message") or said.get("Message"))
            raise Misconfigured(f"SES refuses the key: {words} Check both keys and the region.", "secret_key")
        if not said.get("SendingEnabled", True):
            raise Misconfigured("SES takes the key, but sending is paused for the account.", "access_key")
        if not said.get("ProductionAccessEnabled", True):
            return "SES takes the key. The account is in the sandbox: only verified addresses get letters."
        return "SES takes the key, and the account may send."

    def send(self, letter: str, sender: str, recipient: str, raw: bytes) -> Said:
        """One message as it is; our id comes back as a tag of its events."""
        said: dict[str, Any] = {
            "Content": {"Raw": {"Data": b64encode(raw).decode()}},
            "Destination": {"ToAddresses": [recipient]},
            "EmailTags": [{"Name": "delivery", "Value": letter}],
        }
        if self.configuration:
            said["ConfigurationSetName"] = self.configuration
        body = msgspec.json.encode(said)
        reply = self.post(_SEND, data=body, headers=self._signed("POST", _SEND, body))
        return reply if isinstance(reply, Said) else _outcome(reply)


def _kind(reply: Reply, said: Mapping[str, Any]) -> str:
    """The name of an error: in a header, or in the body, with a namespace or an address around it."""
    named = str(reply.headers.get("x-amzn-errortype") or said.get("__type") or said.get("code") or "")
    return named.partition(":")[0].rpartition("#")[2]


def _outcome(reply: Reply) -> Said:
    said = said_of(reply)
    if 200 <= reply.status < 300:
        return accepted(reply, said.get("MessageId"))
    kind = _kind(reply, said)
    words = words_of(kind, said.get("message") or said.get("Message"))
    if kind in _BUSY:
        return usual(reply, words) if reply.status == 429 else Said("busy", words)  # type: ignore[return-value]
    if (found := usual(reply, words)) is not None:
        return found
    if kind in _OURS or "not verified" in words:
        return Said("stopped", words)
    return Said("refused", words, about="content" if kind == "MessageRejected" else "refused")
