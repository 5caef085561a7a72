"""How each connection is doing: lag, last success, error rate, open problems, silent webhooks."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from customers.tables import Source
from foundation import clock, problems
from foundation.problems import OPEN
from foundation.tables import Problem
from sync import webhooks
from sync.tables import Connection

SILENT_GAPS = 20.0  # "no webhook for twenty times the usual gap" …
SILENT_AT_LEAST = timedelta(hours=1)  # … and never before an hour


class Health(msgspec.Struct, frozen=True):
    """One connection at a glance. `lag` is in seconds since the last pull that ended well."""

    connection_id: UUID
    name: str
    kind: str
    role: str
    state: str  # active paused removing
    light: str  # green yellow red grey
    words: str
    lag: float | None
    last_success_at: datetime | None
    last_hook_at: datetime | None
    last_error: str | None
    error_rate: float | None  # failed runs of the last day, 0 to 1
    waiting: int  # landed, not on cards yet
    problems: int
    running: UUID | None  # the run that is going on


def read(session: Session, at: datetime | None = None) -> list[Health]:
    """All connections that are not removed, by name; one query whatever their number."""
    at = at or clock.now()
    rows = session.execute(
        text(
            "SELECT c.id, s.name, s.kind, s.role, r.failed, r.ended, r.running,"
            " (SELECT count(*) FROM landed_heads h WHERE h.connection_id = c.id AND h.pending) AS waiting,"
            " (SELECT count(*) FROM problems p WHERE p.source_id = c.id AND p.state = 'open') AS problems"
            " FROM connections c JOIN sources s ON s.id = c.id LEFT JOIN LATERAL ("
            "  SELECT count(*) FILTER (WHERE state = 'failed') AS failed,"
            "   count(*) FILTER (WHERE state IN ('done', 'failed')) AS ended,"
            "   (array_agg(id ORDER BY started_at DESC)"
            "    FILTER (WHERE state IN ('waiting', 'running')))[1] AS running"
            "  FROM sync_runs WHERE connection_id = c.id AND started_at > :since) r ON true"
            " WHERE s.removed_at IS NULL ORDER BY s.name"
        ),
        {"since": at - timedelta(days=1)},
    ).all()
    connections = {c.id: c for c in session.scalars(select(Connection))}
    return [_health(row, connections[row.id], at) for row in rows]


def _health(row: object, connection: Connection, at: datetime) -> Health:
    found = row._asdict()  # type: ignore[attr-defined]
    success = connection.last_success_at
    light, words = _light(connection, found, at)
    return Health(
        connection_id=connection.id,
        name=found["name"],
        kind=found["kind"],
        role=found["role"],
        state=connection.state,
        light=light,
        words=words,
        lag=(at - success).total_seconds() if success else None,
        last_success_at=success,
        last_hook_at=connection.last_hook_at,
        last_error=connection.last_error,
        error_rate=found["failed"] / found["ended"] if found["ended"] else None,
        waiting=found["waiting"],
        problems=found["problems"],
        running=found["running"],
    )


def _light(connection: Connection, found: dict[str, object], at: datetime) -> tuple[str, str]:
    if connection.state == "removing":
        return "grey", "being removed"
    if connection.state == "paused":
        return "grey", connection.paused_why or "paused"
    if connection.failures:
        color = "red" if connection.failures >= 3 else "yellow"
        return color, connection.last_error or "the last pull failed"
    if connection.next_pull_at is not None and late(connection, at):
        return "yellow", "no pull has ended well for more than three times its usual wait"
    if is_silent(connection, at):
        return "yellow", "no webhook for much longer than usual"
    if found["problems"]:
        return "yellow", "some records could not be used"
    return "green", "in order"


def late(connection: Connection, at: datetime) -> bool:
    """Whether the last good pull is more than three usual waits ago."""
    success = connection.last_success_at
    return success is not None and at - success > 3 * timedelta(seconds=connection.every_seconds)


def is_silent(connection: Connection, at: datetime) -> bool:
    """Whether webhooks have stopped coming: twenty usual gaps, an hour at least."""
    gaps = webhooks.silence(connection, at)
    last = connection.last_hook_at
    return gaps is not None and gaps > SILENT_GAPS and last is not None and at - last > SILENT_AT_LEAST


def watch_silence(session: Session) -> None:
    """Open a problem for each connection whose webhooks have stopped, and close it when they come again."""
    at = clock.now()
    told = set(
        session.scalars(select(Problem.key).where(Problem.key.like("silent:%"), Problem.state.in_(OPEN)))
    )
    for connection in session.scalars(
        select(Connection).where(Connection.state == "active", Connection.last_hook_at.is_not(None))
    ):
        key = f"silent:{connection.id}"
        silent = is_silent(connection, at)
        if silent == (key in told):
            continue
        if not silent:
            problems.settle(session, key)
            continue
        name = session.get_one(Source, connection.id).name
        problems.report(
            session,
            area="webhook",
            subject=f"webhooks of {name} have stopped",
            message=f"The last one came at {connection.last_hook_at:%Y-%m-%d %H:%M} UTC; usual is one every "
            f"{connection.hook_gap or 0:.0f} s. Pulls go on. Look whether the shop has switched them off.",
            source_id=connection.id,
            key=key,
        )
