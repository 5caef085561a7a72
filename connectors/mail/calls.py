"""One call a letter, never repeated: what a provider's answer, or the lack of one, says about the letter.

Until a byte has left, nothing happened (`unsent`). After that only an answer tells: without one, or where a
gateway answers for a server that may have taken the letter, its fate is `lost`, and nobody may send it again.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from connectors.http import Http
from connectors.replies import Reply, read_retry_after
from foundation.errors import KartotekaError, Misconfigured, Temporary

DEADLINE = 60.0
_EVERY = frozenset(range(200, 600))
_GATEWAYS = frozenset({502, 504, 520, 524})  # somebody in between lost the answer of whoever took the call
_LATER = frozenset({408, 425, 429})


class Said(NamedTuple):
    """What became of a letter.

    state: accepted; busy (later, `wait` in seconds where it was named); refused (this letter, `about`: what);
    stopped (us: a person must act); lost (nobody knows); unsent (nothing has left).
    """

    state: str
    words: str = ""
    reference: str = ""  # the provider's id of an accepted letter
    about: str = "refused"  # inactive, too_big, content, policy, refused
    wait: float | None = None


class Client(Protocol):
    """A provider, for one thread."""

    def check(self) -> str:
        """Whether our key is taken, sending nothing; in a sentence. Raises Misconfigured or Temporary."""

    def send(self, letter: str, sender: str, recipient: str, raw: bytes) -> Said:
        """Hand over one letter; `letter` is our id of it. Raises Misconfigured before anything left."""

    def close(self) -> None:
        """Let go of the connections."""

    def cut(self) -> None:
        """End a call under way, from another thread."""


class Calls:
    """The calls of one client to one provider."""

    def __init__(
        self, base_url: str, credential: str, *, allow_private: bool = False,
        headers: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None,
        deadline: float = DEADLINE,
    ) -> None:  # fmt: skip
        self.http = Http(
            base_url, headers=headers, auth=auth, allow_private=allow_private, deadline=deadline,
            max_bytes=1_000_000, attempts=1, credential=credential,
        )  # fmt: skip
        self.credential = credential

    def post(self, path: str, **options: Any) -> Reply | Said:
        """The answer, whatever it says; what became of the letter where there is none."""
        try:
            return self.http.request("POST", path, repeatable=False, allow=_EVERY, **options)
        except KartotekaError as error:
            if self.http.spoken:
                return Said("lost", str(error))
            if isinstance(error, Misconfigured):
                raise
            return Said(
                "unsent", str(error), wait=error.retry_after if isinstance(error, Temporary) else None
            )

    def get(self, path: str, **options: Any) -> Reply:
        """A call that only looks."""
        return self.http.request("GET", path, **options)

    def close(self) -> None:
        """Let go of the connections."""
        self.http.close()

    def cut(self) -> None:
        """End a call under way, from another thread."""
        self.http.cut()


def usual(reply: Reply, words: str) -> Said | None:
    """What a status means with every provider alike; None where the provider's own words decide."""
    said = f"{reply.status} {words}".strip()
    if reply.status in _GATEWAYS:
        return Said("lost", said)
    if reply.status in _LATER or reply.status >= 500:
        return Said("busy", said, wait=read_retry_after(reply.headers.get("retry-after")))
    if 300 <= reply.status < 400 or reply.status in (401, 402, 403, 404, 405, 407):
        return Said("stopped", said)
    if reply.status == 413:
        return Said("refused", said, about="too_big")
    return None


def said_of(reply: Reply) -> Mapping[str, Any]:
    """The JSON object of an answer; empty where it is none."""
    try:
        found = reply.json()
    except KartotekaError:
        return {}
    return found if isinstance(found, dict) else {}


def words_of(*values: object) -> str:
    """Somebody's words on one line, cut."""
    return " ".join(" ".join(str(value).split()) for value in values if value)[:300]


def accepted(reply: Reply, reference: object) -> Said:
    """A 2xx: the provider has it, even where its words can't be read."""
    return Said("accepted", str(reply.status), words_of(reference)[:200])
