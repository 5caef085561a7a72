"""Sessions, COPY and staging."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from foundation.clock import new_ids
from foundation.database import (
    copy_binary,
    copy_rows,
    instant,
    lock,
    make_engine,
    packed,
    staged,
    transaction,
)


def _insert_and_raise(engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(text("INSERT INTO scratch VALUES (1 + 1)"))
        raise ZeroDivisionError


def test_block_commits_or_rolls_back(engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(text("CREATE TABLE scratch (n int)"))
        session.execute(text("INSERT INTO scratch VALUES (1)"))
    with pytest.raises(ZeroDivisionError):
        _insert_and_raise(engine)
    with transaction(engine) as session:
        assert list(session.scalars(text("SELECT n FROM scratch"))) == [1]
        session.execute(text("DROP TABLE scratch"))


def test_staged_rows_are_there_for_the_block(session: Session) -> None:
    rows = [(n, f"name {n}", None) for n in range(1000)]
    with staged(session, "stage_test", "n bigint, name text, at timestamptz", rows) as count:
        assert count == 1000
        assert session.scalar(text("SELECT sum(n) FROM stage_test")) == 499_500
    assert session.scalar(text("SELECT to_regclass('stage_test')")) is None


def test_copy_keeps_awkward_values(session: Session) -> None:
    awkward = "tab\t newline\n backslash \\N quote ' ünï 김"
    with staged(session, "stage_test", "value text, at timestamptz", []):
        at = datetime(2026, 3, 2, 9, tzinfo=UTC)
        assert copy_rows(session, "stage_test", ["value", "at"], [(awkward, at), (None, None)]) == 2
        found = session.execute(text("SELECT value, at FROM stage_test ORDER BY value NULLS LAST")).all()
    assert [tuple(row) for row in found] == [(awkward, at), (None, None)]


AWKWARD = ["", "NULL", 'quo"te', "back\\slash", "a,b", "{}", "\u2003", "tab\t\n", "Ünï 김", "'"]


@pytest.mark.parametrize("values", [AWKWARD, *([one] for one in AWKWARD), [1, -(2**62)], [], [None, "a"]])
def test_arrays_come_back_as_they_went(session: Session, values: list[object]) -> None:
    kind = "bigint" if values and isinstance(values[0], int) else "text"
    assert session.scalar(text(f"SELECT CAST(:values AS {kind}[])"), {"values": values}) == values


def test_array_of_ids_comes_back_as_it_went(session: Session) -> None:
    ids = list(new_ids(3))
    assert session.scalar(text("SELECT CAST(:ids AS uuid[])"), {"ids": ids}) == ids


def test_binary_copy_keeps_awkward_values(session: Session) -> None:
    text_, at = "a\tb\\n\nö\U0001f600\\N", datetime(1969, 7, 20, 20, 17, 40, 123457, tzinfo=UTC)
    session.execute(text("CREATE TEMP TABLE binary_test (value text, at timestamptz, big bigint)"))
    rows = [
        (packed(text_.encode(), instant(at)), packed(number.to_bytes(8, "big"))) for number in range(1500)
    ]
    copy_binary(session, "binary_test", ["value", "at", "big"], [*rows, (packed(None, instant(None), None),)])
    found = session.execute(text("SELECT value, at, big FROM binary_test ORDER BY big NULLS LAST")).all()
    assert [tuple(row) for row in found] == [(text_, at, n) for n in range(1500)] + [(None, None, None)]
    copy_binary(session, "binary_test", ["value"], [])
    assert session.execute(text("SELECT count(*) FROM binary_test")).scalar_one() == 1501


def test_lock_lets_one_through(engine: Engine, session: Session) -> None:
    lock(session, 1)
    with engine.connect() as other:
        assert other.scalar(text("SELECT pg_try_advisory_xact_lock(1)")) is False
    session.rollback()
    with engine.connect() as other:
        assert other.scalar(text("SELECT pg_try_advisory_xact_lock(1)")) is True


@pytest.mark.parametrize("scheme", ["postgresql://", "postgres://", "postgresql+psycopg://"])
def test_every_spelling_of_the_url_connects(database_url: str, scheme: str) -> None:
    engine = make_engine(scheme + database_url.partition("://")[2])
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT current_setting('TimeZone')")) == "UTC"
    engine.dispose()
