"""Lists of what goes on: problems, connections, runs, operations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from console.api.asking import Ask, pack
from console.api.shapes import Connection, List, Operation, Problem, Run, copied
from customers.tables import Source
from foundation import tables as floor
from sync import tables as sync

At = InstrumentedAttribute[datetime]


def latest_first(
    ask: Ask,
    query: Select[Any],
    at: At,
    id_: InstrumentedAttribute[UUID],
    *conditions: ColumnElement[bool],
) -> tuple[list[Any], str | None]:
    """A page of rows by an instant, the latest first, and the cursor of the next."""
    query = query.where(*conditions)
    if edge := ask.cursor(datetime.fromisoformat, UUID):
        query = query.where(tuple_(at, id_) < tuple_(*edge))
    rows: list[Any] = list(ask.db.scalars(query.order_by(at.desc(), id_.desc()).limit(ask.limit + 1)))
    if len(rows) <= ask.limit:
        return rows, None
    last = rows[ask.limit - 1]
    return rows[: ask.limit], pack(getattr(last, at.key).isoformat(), str(last.id))


def problems(ask: Ask) -> List[Problem]:
    """What could not be done: open problems, or those in another state, the latest first."""
    row = floor.Problem
    conditions = [row.state == (ask.query.get("state") or "open")]
    if connection := ask.query.get("connection"):
        conditions.append(row.source_id == connection)
    rows, following = latest_first(ask, select(row), row.last_at, row.id, *conditions)
    return List([copied(Problem, one, connection_id=one.source_id) for one in rows], following)


def runs(ask: Ask) -> List[Run]:
    """Pulls, imports and reconciliations, the latest first."""
    row = sync.Run
    conditions = []
    if connection := ask.query.get("connection"):
        conditions.append(row.connection_id == connection)
    rows, following = latest_first(ask, select(row), row.started_at, row.id, *conditions)
    return List([run_of(one) for one in rows], following)


def run(ask: Ask) -> Run:
    """One run: its state and counts now."""
    row = ask.row(sync.Run)
    return run_of(row)


def run_of(row: sync.Run) -> Run:
    """A run as the API shows it."""
    return copied(Run, row, operation=row.operation_id)


def operations(ask: Ask) -> List[Operation]:
    """Bulk acts, the latest first."""
    row = floor.Operation
    rows, following = latest_first(ask, select(row), row.started_at, row.id)
    return List([copied(Operation, one) for one in rows], following)


def operation(ask: Ask) -> Operation:
    """One operation."""
    row = ask.row(floor.Operation)
    return copied(Operation, row)


def connections(ask: Ask) -> List[Connection]:
    """All connections by name; there are few, so this is one page."""
    rows = ask.db.execute(
        select(sync.Connection, Source).join(Source, Source.id == sync.Connection.id).order_by(Source.name)
    ).all()
    return List([connection_of(row, source) for row, source in rows])


def connection(ask: Ask) -> Connection:
    """One connection and how it is."""
    found = ask.row(sync.Connection)
    return connection_of(found, ask.db.get_one(Source, found.id))


def connection_of(row: sync.Connection, source: Source) -> Connection:
    """A connection without its settings: those are for administrators, in the console."""
    return copied(Connection, row, name=source.name, kind=source.kind, role=source.role)
