"""Wake-ups: "look at the rows". They carry nothing, may be lost or doubled, and are never waited for."""

from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

Hearer = Callable[[str], None]

_hearers: set[Hearer] = set()  # workers of this very process
_carrier: list[Hearer] = []  # takes wake-ups to other processes; at most one


def wake(name: str) -> None:
    """Ask whoever serves `name` to look now. Best effort, at most 250 ms, never raises."""
    for hear in (*_hearers, *_carrier):
        hear(name)


def wake_after_commit(session: Session, name: str) -> None:
    """Wake when, and only when, the session's transaction has committed."""
    names: set[str] | None = session.info.get("wakes")
    if names is None:
        names = session.info["wakes"] = set()
        event.listen(session, "after_commit", _wake_all)
        event.listen(session, "after_transaction_end", _forget)
    names.add(name)


def hear(hearer: Hearer) -> None:
    """Tell a worker of this process about every wake-up."""
    _hearers.add(hearer)


def unhear(hearer: Hearer) -> None:
    """Stop telling it."""
    _hearers.discard(hearer)


def carry_by(carrier: Hearer | None) -> None:
    """Set, or with `None` remove, what takes wake-ups to other processes."""
    _carrier[:] = [carrier] if carrier is not None else []


def _wake_all(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint; nobody else can see its rows yet
    names, session.info["wakes"] = session.info["wakes"], set()
    for name in sorted(names):
        wake(name)


def _forget(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:  # rolled back: after a commit there is nothing left to forget
        session.info["wakes"] = set()
