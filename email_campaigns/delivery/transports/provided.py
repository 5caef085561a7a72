"""Letters through a provider's HTTP interface: one call a letter, the same promises as over SMTP.

A provider that asks us to wait, or whose answer is lost, is left alone for a while: the letters after that
one are given back, for not a byte of them has left.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from email_campaigns.delivery.transports import outside
from email_campaigns.delivery.transports.base import (
    ACCEPTED,
    DEFERRED,
    FAILED,
    UNKNOWN,
    UNSENT,
    Envelope,
    Outcome,
)
from email_campaigns.delivery.transports.outside import Said
from foundation import log
from foundation.clock import monotonic
from foundation.errors import BadInput, KartotekaError, Misconfigured, Temporary
from foundation.text import _

REST = 5.0  # seconds after trouble, unless the provider names a longer time
LONGEST_REST = 3600.0
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}", re.I)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOKEN = re.compile(r"[\x21-\x7e]{4,500}")


def read(kind: str, values: Mapping[str, str]) -> dict[str, str]:
    """What a person typed for a provider; BadInput names the first wrong one."""
    said = {name: value.strip() for name, value in values.items()}
    words = {
        "region": (_REGION, _("Give the region, such as eu-central-1.")),
        "domain": (_DOMAIN, _("Give the domain as the provider knows it, such as mg.example.org.")),
        "access_key": (_NAME, _("Give the access key id.")),
        "secret_key": (_TOKEN, _("Give the secret access key.")),
        "key": (_TOKEN, _("Give the key that the provider made for you.")),
        "stream": (_NAME, _("Give the id of a message stream, such as broadcast.")),
    }
    needed = {"ses": ("region", "access_key", "secret_key"), "mailgun": ("domain", "key"),
              "postmark": ("key", "stream"), "sendgrid": ("key",), "brevo": ("key",)}[kind]  # fmt: skip
    for name in needed:
        pattern, sentence = words[name]
        if not pattern.fullmatch(said.get(name, "")):
            raise BadInput(sentence, name)
    if kind in ("mailgun", "sendgrid") and said.get("region", "") not in ("", "eu"):
        raise BadInput(_("Choose the region of your account."), "region")
    if (chosen := said.get("configuration_set")) and not _NAME.fullmatch(chosen):
        raise BadInput(_("Give the name of the configuration set."), "configuration_set")
    return said


class Provided:
    """A provider's account."""

    def __init__(self, kind: str, values: Mapping[str, str]) -> None:
        self.kind, self.values = kind, values
        self.is_open = False
        self.renewed: dict[str, str] = {}
        self._client: outside.Client | None = None
        self._wrong: Misconfigured | None = None
        self._resting, self._why = 0.0, ""  # until when, and the provider's words

    def open(self) -> None:
        """Nothing is asked before the first letter; a wrong setting and a rest are told here."""
        if self._wrong is not None:
            wrong, self._wrong = self._wrong, None
            raise wrong
        left = self._resting - monotonic()
        if left > 0:
            raise Temporary(self._why, left)
        self._client = self._client or outside.client(self.kind, self.values)
        self.is_open = True

    def check(self) -> str:
        """Ask whether the key is taken; sends nothing."""
        assert self._client is not None
        return self._client.check()

    def send(self, letters: Sequence[Envelope]) -> Iterator[Outcome]:
        """One call after another; after one that closed the way the rest is unsent."""
        for letter in letters:
            if not self.is_open or self._client is None:
                yield Outcome(UNSENT, "", self._why)
                continue
            try:
                said = self._client.send(
                    letter.id.replace("-", ""), letter.sender, letter.recipient, letter.data
                )
            except KartotekaError as error:
                self._stop(Misconfigured(str(error), getattr(error, "setting", "")))
                yield Outcome(UNSENT, "", str(error))
            except Exception as error:  # noqa: BLE001 (a client's edge: the letter may have left)
                log.get(__name__).exception("client_broke", kind=self.kind)
                self._rest(0.0, type(error).__name__)
                yield Outcome(UNKNOWN, "no_reply", type(error).__name__)
            else:
                yield self._outcome(said)

    def _outcome(self, said: Said) -> Outcome:
        if said.state == "accepted":
            return Outcome(ACCEPTED, "", f"{said.words} {said.reference}".strip())
        if said.state == "refused":
            return Outcome(FAILED, said.about, said.words)
        if said.state == "stopped":
            self._stop(Misconfigured(_("%s refuses us: %s") % (self.kind, said.words), "key"))
            return Outcome(UNSENT, "", said.words)
        self._rest(said.wait or 0.0, said.words)
        if said.state == "busy":
            return Outcome(DEFERRED, "busy", said.words, wait=min(said.wait or 0.0, LONGEST_REST))
        return Outcome(UNSENT if said.state == "unsent" else UNKNOWN, "no_reply", said.words)

    def _rest(self, wait: float, words: str) -> None:
        self.is_open = False
        self._resting = monotonic() + min(max(wait, REST), LONGEST_REST)
        self._why = _("%s can't be used at the moment: %s") % (self.kind, words)

    def _stop(self, wrong: Misconfigured) -> None:
        self.is_open, self._wrong = False, wrong

    def close(self) -> None:
        """Let go of the connections."""
        self.is_open = False
        if self._client is not None:
            self._client.close()
            self._client = None

    def cut(self) -> None:
        """End a call under way."""
        if (client := self._client) is not None:
            client.cut()
