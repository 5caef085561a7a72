"""Where others leave what journeys need of them: calls to other hosts, coupon codes (docs/decisions/0016)."""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from foundation.errors import Misconfigured
from foundation.text import _


class Told(Protocol):
    """What became of a call; `connectors/outgoing.py` has one."""

    @property
    def state(self) -> str:
        """taken; later (it answered: not now); silent (no answer); refused (trying again can't help)."""

    @property
    def words(self) -> str:
        """What it said, in a line."""

    @property
    def wait(self) -> float | None:
        """Seconds until it wants to hear from us again."""


class Callee(Protocol):
    """A host that can be called, for one thread."""

    def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> Told:
        """One call, never repeated by itself."""

    def close(self) -> None:
        """Let go of the connections."""


class Caller(Protocol):
    """Who may call other hosts."""

    def check(self, address: str) -> None:
        """Misconfigured says why an address may not be called, as far as one sees it."""

    def callee(self, origin: str) -> Callee:
        """A host to call; Misconfigured where it may not be."""


_offered: list[Callable[[], Caller]] = []


def offer(caller: Callable[[], Caller]) -> None:
    """Calls are made by this."""
    _offered[:] = [caller]


def caller() -> Caller:
    """Who makes the calls; Misconfigured where this process has nobody."""
    if not _offered:
        raise Misconfigured(_("This program was put together without calls to other hosts."), "url")
    return _offered[0]()


class Coupons(Protocol):
    """Lists of codes, each handed out once; `web_capture/forms/handing.py` has them."""

    def pools(self) -> ColumnElement[list[tuple[str, str]]]:
        """The lists, and their names, to be asked along with something else."""

    def draw(self, session: Session, pool: UUID, keys: Collection[str]) -> dict[str, str]:
        """A code for each key, the same however often it is asked; none where none are left."""

    def give_back(self, session: Session, pool: UUID, keys: Collection[str]) -> None:
        """What was drawn for these keys and never got out may be drawn again."""


_coupons: list[Callable[[], Coupons]] = []


def offer_coupons(coupons: Callable[[], Coupons]) -> None:
    """Codes come from here."""
    _coupons[:] = [coupons]


def coupons() -> Coupons:
    """Who has the codes; Misconfigured where this process has nobody."""
    if not _coupons:
        raise Misconfigured(_("This program was put together without coupons."), "coupon_id")
    return _coupons[0]()
