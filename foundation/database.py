"""Engine, sessions and the two helpers every set-based step needs: staging by COPY and advisory locks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.array import ListDumper
from sqlalchemy import CursorResult, Engine, MetaData, TextClause, create_engine, text
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


class _Array(ListDumper):
    """Lists of ids and of plain text as arrays: what the driver's own loop gives, several times faster."""

    def dump(self, obj: list[Any]) -> Any:
        """The text form of an array; what isn't plain is left to the driver."""
        kinds = set(map(type, obj))
        if kinds == {UUID}:
            return f"{{{','.join([one.hex for one in obj])}}}".encode()
        if kinds == {int}:
            return f"{{{','.join(map(str, obj))}}}".encode()
        if kinds == {str}:
            joined = '","'.join(obj)
            if "\\" not in joined and joined.count('"') == 2 * (len(obj) - 1):
                return f'{{"{joined}"}}'.encode()
        return super().dump(obj)


psycopg.adapters.register_dumper(list, _Array)


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
        connect_args={
            "client_encoding": "utf8",
            "options": options,
            "application_name": application,
            "connect_timeout": 10,
        },
    )


def changed(session: Session, statement: TextClause, values: Mapping[str, Any]) -> int:
    """Run a statement that writes; answers how many rows it wrote."""
    done: CursorResult[Any] = session.execute(statement, values)  # type: ignore[assignment]
    return done.rowcount


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


_LINES = 200  # lines sent at once
_PIECES = 400  # of rows, sent at once in binary form
_NOTHING = (-1).to_bytes(4, "big", signed=True)
_SIGNATURE = b"PGCOPY\n\xff\r\n" + bytes(9)
_EPOCH, _MICROSECOND = datetime(2000, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
NULL = "\\N"  # no value, in COPY's text form
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_text(value: str) -> str:
    """A text as a line of COPY's text form holds it."""
    return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPES)


Rows = Iterable[Sequence[Any]] | Iterable[str]  # values, or lines of COPY's text form


def copy_rows(session: Session, table: str, columns: Sequence[str], rows: Rows) -> int:
    """Write rows into a table by COPY; answers how many. Names come from code, never from outside."""
    count = 0
    lines: list[str] = []
    with (
        driver(session).cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for row in rows:
            count += 1
            if isinstance(row, str):
                lines.append(row)
                if len(lines) == _LINES:
                    copy.write("\n".join(lines) + "\n")
                    lines.clear()
            else:
                copy.write_row(row)
        if lines:
            copy.write("\n".join(lines) + "\n")
    return count


def copy_binary(
    session: Session, table: str, columns: Sequence[str], rows: Iterable[Sequence[bytes]]
) -> None:
    """The same of values that are in PostgreSQL's binary form already: half the cost for both sides.

    A row is its values in `packed` pieces, so that what many rows have in common is packed once.
    """
    begin, held = len(columns).to_bytes(2, "big"), [_SIGNATURE]
    with (
        driver(session).cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        for row in rows:
            held.append(begin)
            held += row
            if len(held) > _PIECES:
                copy.write(b"".join(held))
                held.clear()
        copy.write(b"".join([*held, b"\xff\xff"]))


def packed(*values: bytes | None) -> bytes:
    """Values beside each other, each behind its length."""
    parts: list[bytes] = []
    for value in values:
        parts += (_NOTHING,) if value is None else (len(value).to_bytes(4, "big"), value)
    return b"".join(parts)


def instant(at: datetime | None) -> bytes | None:
    """A time in PostgreSQL's binary form."""
    return None if at is None else ((at - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True)


@contextmanager
def staged(session: Session, name: str, definition: str, rows: Rows) -> Iterator[int]:
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


def lock(session: Session, key: int, *, shared: bool = False) -> None:
    """Wait for an advisory lock that ends with the transaction; several may hold it `shared`."""
    kind = "_shared" if shared else ""
    session.execute(text(f"SELECT pg_advisory_xact_lock{kind}(:key)"), {"key": key})


GRAPH_LOCK = 7_001  # who belongs to which card: one writer at a time (docs/decisions/0003)
MIGRATION_LOCK = 7_002
