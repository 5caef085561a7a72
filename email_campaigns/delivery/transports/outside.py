"""Where those who may call other hosts leave what letters need of them; we call nobody by ourselves.

The process's assembly offers clients (`kartoteka/posting.py`); what nobody offered can't be used there, and
says so. What passes through here has the shape that `connectors/mail` gives it.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from foundation.errors import Misconfigured
from foundation.text import _


class Said(Protocol):
    """What a provider's client says became of a letter; the words are `connectors/mail/calls.py`'s."""

    @property
    def state(self) -> str:
        """accepted busy refused stopped lost unsent."""

    @property
    def words(self) -> str:
        """The provider's."""

    @property
    def reference(self) -> str:
        """Its id of a letter it took."""

    @property
    def about(self) -> str:
        """Of a refused letter: inactive too_big content policy refused."""

    @property
    def wait(self) -> float | None:
        """Seconds until it wants to hear from us again."""


class Client(Protocol):
    """A provider that takes letters, for one thread."""

    def check(self) -> str:
        """Whether it takes our key, in a sentence; sends nothing. Raises Misconfigured or Temporary."""

    def send(self, letter: str, sender: str, recipient: str, raw: bytes) -> Said:
        """Hand over one letter. Raises Misconfigured before any byte left."""

    def close(self) -> None:
        """Let go of the connections."""

    def cut(self) -> None:
        """End a call under way, from another thread."""


Maker = Callable[[Mapping[str, str]], Client]
_makers: dict[str, Maker] = {}


def offer(kind: str, maker: Maker) -> None:
    """Clients of a kind of transport come from here."""
    _makers[kind] = maker


def client(kind: str, values: Mapping[str, str]) -> Client:
    """A fresh client; Misconfigured where this process has none."""
    maker = _makers.get(kind)
    if maker is None:
        raise Misconfigured(_("This program was put together without %s.") % kind, "kind")
    return maker(values)


class Account(Protocol):
    """Whose mailbox a token is for; `oauth.Account` is one."""

    @property
    def provider(self) -> str:
        """google or microsoft."""

    @property
    def client_id(self) -> str:
        """Of the application."""

    @property
    def client_secret(self) -> str:
        """Of the application."""

    @property
    def refresh_token(self) -> str:
        """Of the mailbox."""

    @property
    def tenant(self) -> str:
        """Of Microsoft's accounts."""


class Access(Protocol):
    """What a refresh token was exchanged for."""

    @property
    def token(self) -> str:
        """The access token."""

    @property
    def seconds(self) -> float:
        """How long it holds."""

    @property
    def refresh_token(self) -> str:
        """The refresh token from now on."""


class Fetch(Protocol):
    """Reads an address of Amazon's notifications: a certificate, or a confirmation."""

    def __call__(self, url: str) -> bytes:
        """The bytes there. Raises Misconfigured, Permanent or Temporary."""


_exchange: list[Callable[[Account], Access]] = []
_fetch: list[Fetch] = []


def offer_tokens(exchange: Callable[[Account], Access]) -> None:
    """Access tokens come from here."""
    _exchange[:] = [exchange]


def access(account: Account) -> Access:
    """An access token; Misconfigured says what a person must do."""
    if not _exchange:
        raise Misconfigured(_("This program was put together without OAuth2."), "sign_in")
    return _exchange[0](account)


def offer_fetch(fetch: Fetch) -> None:
    """What Amazon's notifications point to is read by this."""
    _fetch[:] = [fetch]


def fetched(url: str) -> bytes:
    """The bytes at an address of Amazon's notifications."""
    if not _fetch:
        raise Misconfigured(_("This program was put together without Amazon's notifications."), "events")
    return _fetch[0](url)
