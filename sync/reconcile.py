"""Reconciliation: what is there and what is here, counted per day, with a list of gaps and their repair.

Webhooks are hints, cursors are truth, this is the evidence.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.base import Connector, Entry, Stream
from customers.tables import Source
from foundation import clock, jobs
from foundation.database import transaction
from foundation.errors import BadInput, Misconfigured, Permanent
from foundation.jobs import Work, job
from sync import connections, context, runs, sweep
from sync.landing import Landed, land
from sync.runs import Cancelled
from sync.tables import Connection, Run

CHUNK = 1_000  # entries of a listing written at once
SHOWN = 100  # gaps named in the result, per stream and kind
KINDS = ("missing", "stale", "extra")

# what the other side lists and we lack, what we have in an older version, what we have and it doesn't list;
# objects that moved here while the listing ran are left to the next time
GAPS = """
    SELECT s.external_id, CASE WHEN h.external_id IS NULL OR h.gone THEN 'missing' ELSE 'stale' END AS kind,
           coalesce(s.day_at, h.version_at) AS day_at
    FROM sightings s
    LEFT JOIN landed_heads h ON h.connection_id = :connection AND h.stream = s.stream
        AND h.external_id = s.external_id
    WHERE s.run_id = :run AND s.stream = :stream
        AND (h.external_id IS NULL OR (h.moved_at < :began AND (h.gone OR h.version_at < s.version_at)))
    UNION ALL
    SELECT h.external_id, 'extra', h.version_at
    FROM landed_heads h
    WHERE h.connection_id = :connection AND h.stream = :stream AND NOT h.gone AND h.moved_at < :began
        AND NOT EXISTS (SELECT FROM sightings s WHERE s.run_id = :run AND s.stream = h.stream
            AND s.external_id = h.external_id)
"""


def start(session: Session, connection_id: UUID, repair: bool = True, accept_loss: bool = False) -> Run:
    """Ask for a reconciliation; the one that is going on already is answered instead of a second one.

    When more than a fifth of a stream is no longer there, that part of the repair waits for a person, unless
    `accept_loss`.
    """
    connection = session.get_one(Connection, connection_id, with_for_update=True)
    if connection.state == "removing" or session.get_one(Source, connection_id).role == "file":
        raise BadInput("Files and connections being removed can't be reconciled.", "connection")
    if connections.connector_class(session, connection_id).called:
        raise BadInput("This one calls us and can't be asked for what it has.", "connection")
    runs.close_abandoned(session, connection_id)
    running = runs.unfinished(session, connection_id, "reconcile")
    if running is not None:
        return running
    run = runs.begin(
        session, connection_id, "reconcile", detail={"repair": repair, "accept_loss": accept_loss}
    )
    args = {"connection": str(connection_id)}
    run.job_id = jobs.enqueue(session, "sync.reconcile", args, key=f"reconcile:{connection_id}")
    return run


@job("sync.reconcile")
def reconcile(work: Work) -> None:
    """Compare every listable stream and mend what differs."""
    connection_id = UUID(work.args["connection"])
    run_id = runs.waiting_for(work, connection_id, "reconcile")
    if run_id is None:
        return
    state, error = "done", None
    try:
        _compare_all(work, connection_id, run_id)
    except Cancelled:
        state = "cancelled"
    except (Misconfigured, Permanent) as failure:
        state, error = "failed", str(failure)
    with transaction(work.engine) as session:
        work.guard(session)
        runs.finish(session, run_id, state, error)
    sweep.forget(work.engine, run_id)


def _compare_all(work: Work, connection_id: UUID, run_id: UUID) -> None:
    here = context.current()
    with transaction(work.engine) as session:
        work.guard(session)
        run = runs.hold(session, run_id)
        done: dict[str, Any] = dict(run.detail.get("streams", {}))
        repair, accept_loss = bool(run.detail["repair"]), bool(run.detail["accept_loss"])
        connection = session.get_one(Connection, connection_id)
        connector = connections.open_connector(session, here.sealer, here.settings, connection)
    for stream in connector.streams:
        if not stream.listable or stream.name in done:
            continue
        began_at = clock.now()
        sweep.forget(work.engine, run_id, stream.name)  # of an attempt that died half-way
        _list(work, connector, stream, run_id)
        result, gaps = _compare(work, connection_id, run_id, stream, began_at)
        if repair:
            with transaction(work.engine) as session:
                if not sweep.allowed(
                    session, connection_id, stream, result["extra"], result["here"], accept_loss=accept_loss
                ):
                    result["held_back"] = result["extra"]
                    gaps = [gap for gap in gaps if gap[1] != "extra"]
            result["repaired"] = _mend(work, connector, stream, connection_id, run_id, gaps)
        with transaction(work.engine) as session:
            work.progressed(session)
            run = runs.hold(session, run_id)
            run.detail = {**run.detail, "streams": {**run.detail.get("streams", {}), stream.name: result}}


def _list(work: Work, connector: Connector, stream: Stream, run_id: UUID) -> None:
    """Write down everything the other side has, in chunks."""
    for chunk in _chunks(connector.listing(stream.name)):
        work.checkpoint()
        with transaction(work.engine) as session:
            work.guard(session)
            run = runs.hold(session, run_id)
            run.stream = stream.name
            run.read += len(chunk)
            entries = {entry.external_id: entry for entry in chunk}.values()
            session.execute(
                text(
                    "INSERT INTO sightings (run_id, stream, external_id, day_at, version_at)"
                    " SELECT :run, :stream, s.* FROM unnest(CAST(:ids AS text[]),"
                    " CAST(:days AS timestamptz[]), CAST(:versions AS timestamptz[]))"
                    " AS s(external_id, day_at, version_at) ON CONFLICT (run_id, stream, external_id)"
                    " DO UPDATE SET day_at = excluded.day_at, version_at = excluded.version_at"
                ),
                {"run": run_id, "stream": stream.name, "ids": [e.external_id for e in entries],
                 "days": [e.day_at for e in entries], "versions": [e.version_at for e in entries]},
            )  # fmt: skip


def _compare(
    work: Work, connection_id: UUID, run_id: UUID, stream: Stream, began_at: datetime
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The figures of a stream, per day and in all, and its gaps as (external id, kind)."""
    here = {"connection": connection_id, "run": run_id, "stream": stream.name, "began": began_at}
    with transaction(work.engine) as session:
        gaps = session.execute(text(GAPS + " ORDER BY external_id"), here).all()
        there = session.execute(
            text(
                "SELECT (day_at AT TIME ZONE 'UTC')::date AS day, count(*) FROM sightings"
                " WHERE run_id = :run AND stream = :stream GROUP BY day"
            ),
            here,
        ).all()
        errors = _errors(session, connection_id, stream.name)
    days = {str(day or ""): {"there": n, "here": n, **dict.fromkeys(KINDS, 0)} for day, n in there}
    for _, kind, day_at in gaps:
        day = str(day_at.date()) if day_at else ""
        figures = days.setdefault(day, {"there": 0, "here": 0, **dict.fromkeys(KINDS, 0)})
        figures[kind] += 1
        figures["here"] += {"missing": -1, "stale": 0, "extra": 1}[kind]
    by_kind = {kind: [row.external_id for row in gaps if row.kind == kind] for kind in KINDS}
    result = {
        "there": sum(figures["there"] for figures in days.values()),
        "here": sum(figures["here"] for figures in days.values()),
        **{kind: len(ids) for kind, ids in by_kind.items()},
        "gaps": {kind: ids[:SHOWN] for kind, ids in by_kind.items()},
        "days": [{"day": day, **figures} for day, figures in sorted(days.items())],
        "unusable": errors,
    }
    return result, [(row.external_id, row.kind) for row in gaps]


def _errors(session: Session, connection_id: UUID, stream: str) -> list[dict[str, str]]:
    """Objects that are here but could not be brought onto a card, with their last error."""
    rows = session.execute(
        text(
            "SELECT h.external_id, p.message FROM problems p JOIN landed_records r ON r.id = p.landed_id"
            " JOIN landed_heads h ON h.connection_id = r.connection_id AND h.stream = r.stream"
            " AND h.external_id = r.external_id"
            " WHERE p.source_id = :connection AND p.state IN ('open', 'retrying') AND r.stream = :stream"
            " ORDER BY p.last_at DESC LIMIT :shown"
        ),
        {"connection": connection_id, "stream": stream, "shown": SHOWN},
    )
    return [{"id": row[0], "error": row[1]} for row in rows]


def _mend(
    work: Work, connector: Connector, stream: Stream, connection_id: UUID, run_id: UUID,
    gaps: list[tuple[str, str]],
) -> int:  # fmt: skip
    """Read each gap again and land what comes; answers how many objects changed here by it."""
    total = Landed()
    for begin in range(0, len(gaps), sweep.CHUNK):
        ids = [external_id for external_id, _ in gaps[begin : begin + sweep.CHUNK]]
        read_at = clock.now()
        raws = sweep.look_again(connector, stream.name, ids)
        with transaction(work.engine) as session:
            work.guard(session)
            run = runs.hold(session, run_id)
            landed = land(session, connection_id, stream.name, raws, "reconcile", read_at=read_at)
            run.new, run.changed = run.new + landed.new, run.changed + landed.changed
            total = total + landed
    return total.new + total.changed


def _chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    remaining = iter(entries)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk
