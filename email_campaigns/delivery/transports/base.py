"""What every way out promises: open once, send many, answer for each letter what became of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol


class Envelope(NamedTuple):
    """One letter as it is handed over; `data` has CRLF line ends and is not dot-stuffed."""

    id: str  # of its delivery: names a file, and the letter in logs
    sender: str  # the return path
    recipient: str
    data: bytes


class Outcome(NamedTuple):
    """What became of one letter.

    state: accepted; deferred (try again later); failed; unknown (the bytes left, no answer came); unsent
    (nothing of it left: hand it over again). `reason` is a code that `guards.py` has a sentence for.
    """

    state: str
    reason: str = ""
    reply: str = ""
    domain_busy: bool = False  # the recipient's servers ask for fewer letters
    wait: float = 0.0  # seconds before which a deferred letter isn't wanted again


ACCEPTED, DEFERRED, FAILED, UNKNOWN, UNSENT = "accepted", "deferred", "failed", "unknown", "unsent"


class Way(Protocol):
    """An open or closed way out; used by one thread at a time."""

    is_open: bool
    renewed: dict[str, str]  # settings that the other side has replaced, to be kept from now on

    def open(self) -> None:
        """Connect. Raises Temporary (try again later) or Misconfigured (a person must act), in words."""

    def check(self) -> str:
        """Of an open way: whether it would take letters from us, in a sentence; sends nothing."""

    def send(self, letters: Sequence[Envelope]) -> Iterator[Outcome]:
        """Hand over these letters in their order; one outcome each, as soon as it is known.

        After an outcome that closed the way, the rest is `unsent`. Never raises for what servers do.
        """

    def close(self) -> None:
        """Say goodbye; never raises."""

    def cut(self) -> None:
        """End whatever hangs, from another thread."""


@dataclass(frozen=True)
class Setting:
    """One thing a person fills in for a kind of transport; forms and the terminal are made from it."""

    name: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = False
    default: str = ""
    options: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True)
class Kind:
    """A kind of transport.

    `signed`: what of our DKIM signatures outlives the way: both, one (a second one is refused), none (the
    provider puts the letter together anew and signs it). `rewritten`: headers that it sets by itself, so that
    no signature of ours may cover them.
    """

    name: str
    label: str
    settings: tuple[Setting, ...]
    make: Any  # (values) -> Way; raises BadInput naming the setting that is wrong
    signed: str = "both"
    rewritten: frozenset[str] = frozenset()
