"""Wake-ups go out when, and only when, the transaction has committed."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from foundation import wake


@pytest.fixture
def heard() -> Iterator[list[str]]:
    names: list[str] = []
    wake.hear(names.append)
    yield names
    wake.unhear(names.append)


def test_wake_reaches_hearer_and_carrier(heard: list[str]) -> None:
    carried: list[str] = []
    wake.carry_by(carried.append)
    wake.wake("resolve")
    wake.carry_by(None)
    wake.wake("jobs")
    assert (heard, carried) == (["resolve", "jobs"], ["resolve"])


def test_commit_wakes_once_per_name(session: Session, heard: list[str]) -> None:
    for name in ("resolve", "jobs", "resolve"):
        wake.wake_after_commit(session, name)
    session.execute(text("SELECT 1"))
    assert heard == []
    session.commit()
    assert heard == ["jobs", "resolve"]
    session.execute(text("SELECT 1"))
    session.commit()
    assert heard == ["jobs", "resolve"]


def test_rollback_wakes_nobody(session: Session, heard: list[str]) -> None:
    session.execute(text("SELECT 1"))
    wake.wake_after_commit(session, "resolve")
    session.rollback()
    session.execute(text("SELECT 1"))
    session.commit()
    assert heard == []


def test_rolled_back_savepoint_keeps_outer_wake(session: Session, heard: list[str]) -> None:
    session.execute(text("SELECT 1"))
    wake.wake_after_commit(session, "resolve")
    with session.begin_nested() as inner:
        session.execute(text("SELECT 1"))
        inner.rollback()
    session.commit()
    assert heard == ["resolve"]


def test_savepoint_does_not_wake_yet(session: Session, heard: list[str]) -> None:
    session.execute(text("SELECT 1"))
    with session.begin_nested():
        wake.wake_after_commit(session, "resolve")
        session.execute(text("SELECT 1"))
    assert heard == []
    session.commit()
    assert heard == ["resolve"]
