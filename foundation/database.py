"""Engine, sessions and the two helpers every set-based step needs: staging by COPY and advisory locks."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine, MetaData, create_engine, text
from sqlalchemy.orm import DeclarativeBase, Session

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Parent of every table; one metadata for one database."""

    metadata = MetaData(naming_convention=NAMING)


def make_engine(url: str, *, pool_size: int = 5, application: str = "kartoteka") -> Engine:
    """An engine whose sessions speak UTC and never hang for ever on a frozen peer.

    A process that freezes inside a transaction is cut off by the server after 60 s, so that its locks go.
    """
    # a plan kept from when a table was empty reads all of it when it has grown: plan for what is there now
    options = "-c timezone=UTC -c idle_in_transaction_session_timeout=60000 -c jit=off"
    options += " -c plan_cache_mode=force_custom_plan"
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1).replace(
            "postgres://", "postgresql+psycopg://", 1
        ),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args={"options": options, "application_name": application, "connect_timeout": 10},
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """A session that commits when the block ends and rolls back when it raises."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


def driver(session: Session) -> psycopg.Connection[Any]:
    """The psycopg connection under a session, for COPY; it shares the session's transaction."""
    raw = session.connection().connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw


def copy_rows(session: Session, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows into a table by COPY; answers how many. Names come from code, never from outside."""
    count = 0
    with (
        driver(session).cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


@contextmanager
def staged(session: Session, name: str, definition: str, rows: Iterable[Sequence[Any]]) -> Iterator[int]:
    """A temporary table filled by COPY, gone when the block ends; yields its row count.

    `definition` is the column list of `CREATE TEMP TABLE`; the first word of each entry is the column's name.
    """
    columns = [part.strip().split()[0] for part in definition.split(",")]
    session.execute(text(f"CREATE TEMP TABLE {name} ({definition}) ON COMMIT DROP"))
    count = copy_rows(session, name, columns, rows)
    if count > 500:  # the planner guesses 1,000 rows otherwise and picks nested loops
        session.execute(text(f"ANALYZE {name}"))
    yield count
    session.execute(text(f"DROP TABLE {name}"))


def lock(session: Session, key: int) -> None:
    """Wait for an advisory lock that ends with the transaction. Keys are listed in `LOCKS`."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


GRAPH_LOCK = 7_001  # who belongs to which card: one writer at a time (docs/decisions/0003)
MIGRATION_LOCK = 7_002
