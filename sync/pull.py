"""One pull: pages land with their cursor and the run's counts in one guarded transaction.

A worker may die at any statement: the next one goes on at the last committed page.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connectors.base import Bad, Connector, Page, Stream
from customers.facts import Order
from customers.tables import Source
from foundation import clock, jobs, problems
from foundation.database import transaction
from foundation.errors import BadInput, Misconfigured, Permanent, Temporary
from foundation.jobs import Work, job
from sync import connections, context, runs, sweep
from sync.landing import land, storable
from sync.runs import Cancelled
from sync.tables import Connection, Cursor, Run

FETCH = 100  # objects asked for at once when single ones are read again


def start(session: Session, connection_id: UUID, full: bool = False, accept_loss: bool = False) -> Run:
    """Ask for a pull now; the one that is going on already is answered instead of a second one.

    `full` reads everything and marks as gone what isn't there any more; when that is more than a fifth of a
    stream it stops and asks, unless `accept_loss`.
    """
    connection = session.get_one(Connection, connection_id, with_for_update=True)
    if connection.state == "removing":
        raise BadInput("This connection is being removed.", "connection")
    if session.get_one(Source, connection_id).role == "file":
        raise BadInput("Files are imported, not pulled.", "connection")
    if connections.connector_class(session, connection_id).called:
        raise BadInput("This one calls us; start the exchange there.", "connection")
    if connection.state == "paused":
        raise BadInput(f"This connection is paused ({connection.paused_why or 'by hand'}); resume it first.")
    runs.close_abandoned(session, connection_id)
    running = runs.unfinished(session, connection_id, "pull")
    if running is not None:
        return running
    run = runs.begin(session, connection_id, "pull", detail={"full": full, "accept_loss": accept_loss})
    args = {"connection": str(connection_id)}
    run.job_id = jobs.enqueue(session, "sync.pull", args, key=f"pull:{connection_id}")
    return run


@job("sync.pull")
def pull(work: Work) -> None:
    """Pull all streams of a connection, then re-read what its source changes silently."""
    connection_id = UUID(work.args["connection"])
    run_id = runs.waiting_for(work, connection_id, "pull")
    if run_id is None:
        return
    try:
        _Puller(work, connection_id, run_id).run()
        _succeeded(work, connection_id, run_id)
    except Cancelled:
        _close(work, run_id, "cancelled", None)
    except Temporary as error:
        _failed(work, connection_id, str(error))
        raise
    except Misconfigured as error:
        _ask_person(work, connection_id, run_id, error)
    except Permanent as error:
        _failed(work, connection_id, str(error))
        _close(work, run_id, "failed", str(error))


@job("sync.fetch")
def fetch(work: Work) -> None:
    """Read single objects again that a webhook named."""
    with transaction(work.engine) as session:
        connection = session.get(Connection, UUID(work.args["connection"]))
        if connection is None or connection.state == "removing":
            return
        here = context.current()
        connector = connections.open_connector(session, here.sealer, here.settings, connection)
    read_at = clock.now()
    raws = list(connector.fetch(work.args["stream"], work.args["ids"]))
    with transaction(work.engine) as session:
        work.guard(session)
        there = session.get(Connection, connection.id, with_for_update={"read": True})
        if there is not None and there.state != "removing":  # it may have been taken away meanwhile
            land(session, connection.id, work.args["stream"], raws, "webhook", read_at=read_at)


class _Puller:
    """What one attempt at a pull holds: its connector and the run it reports to."""

    def __init__(self, work: Work, connection_id: UUID, run_id: UUID) -> None:
        self.work, self.engine = work, work.engine
        self.connection_id, self.run_id = connection_id, run_id
        here = context.current()
        with transaction(self.engine) as session:
            work.guard(session)
            run = runs.hold(session, run_id)
            self.detail: dict[str, Any] = dict(run.detail)
            self.started_at = run.started_at
            connection = session.get_one(Connection, connection_id)
            self.connector: Connector = connections.open_connector(
                session, here.sealer, here.settings, connection
            )

    def run(self) -> None:
        """All streams, in the order the connector names them."""
        for stream in self.connector.streams:
            if stream.name not in self.detail.get("done", []):
                self._stream(stream)
        for stream in self.connector.streams:
            if stream.revisit:
                self._revisit(stream)
        if self.connector.renewed:
            with transaction(self.engine) as session:
                self.work.guard(session)
                connections.renewed(session, context.current().sealer, self.connection_id, self.connector)

    def _stream(self, stream: Stream) -> None:
        whole = stream.full or bool(self.detail.get("full"))
        cursor = self._cursor(stream.name, whole)
        pages = iter(self.connector.pull(stream.name, cursor))
        before = b""
        while True:
            read_at = clock.now()
            page = next(pages, None)
            if page is None:
                break
            seen = _fingerprint(page)
            if seen == before and page.records:
                raise Temporary(
                    f"{stream.title}: the source keeps sending the same page; nothing was skipped."
                )
            before = seen
            self.work.checkpoint()
            self._land(stream, page, read_at, whole)
        if whole and not stream.lasting:
            sweep.settle(
                self.work, self.connector, stream, self.connection_id, self.run_id, self.started_at,
                accept_loss=bool(self.detail.get("accept_loss")),
            )  # fmt: skip
        self._mark_done(stream.name)

    def _cursor(self, stream: str, whole: bool) -> str | None:
        """Where to go on: a sweep keeps its own place in the run, so that it begins anew with each run."""
        if whole:
            place = self.detail.get("sweep", {}).get(stream)
            return str(place) if place is not None else None
        with transaction(self.engine) as session:
            return session.scalar(
                select(Cursor.value).where(
                    Cursor.connection_id == self.connection_id, Cursor.stream == stream
                )
            )

    def _land(self, stream: Stream, page: Page, read_at: datetime, whole: bool) -> None:
        with transaction(self.engine) as session:
            self.work.guard(session)
            run = runs.hold(session, self.run_id)
            landed = land(session, self.connection_id, stream.name, page.records, "pull", read_at=read_at)
            report_bad(session, self.connection_id, stream.name, page.bad)
            runs.count(run, landed, len(page.bad))
            run.stream, run.total = stream.name, page.total if page.total is not None else run.total
            moves = bool(landed.new or landed.changed)  # what a cursor's overlap repeats is no progress
            if whole:
                moves = bool(sweep.first_seen(session, self.run_id, stream.name, page.records))
                run.detail = {
                    **run.detail,
                    "sweep": {**run.detail.get("sweep", {}), stream.name: page.cursor},
                }
            save_cursor(session, self.connection_id, stream.name, page.cursor)
            if moves:
                self.work.progressed(session)

    def _revisit(self, stream: Stream) -> None:
        """Orders that the source changes without moving their change time are read again, each pull."""
        with transaction(self.engine) as session:
            unsettled = session.scalars(
                select(Order.external_id)
                .where(
                    Order.source_id == self.connection_id,
                    Order.state.in_(stream.revisit),
                    Order.gone_at.is_(None),
                )
                .order_by(Order.external_id)
            ).all()
        for begin in range(0, len(unsettled), FETCH):
            self.work.checkpoint()
            ids = unsettled[begin : begin + FETCH]
            read_at = clock.now()
            raws = list(self.connector.fetch(stream.name, ids))
            with transaction(self.engine) as session:
                self.work.guard(session)
                run = runs.hold(session, self.run_id)
                landed = land(session, self.connection_id, stream.name, raws, "pull", read_at=read_at)
                runs.count(run, landed)

    def _mark_done(self, stream: str) -> None:
        """A stream that is through isn't begun again when the worker dies in a later one."""
        with transaction(self.engine) as session:
            self.work.progressed(session)
            run = runs.hold(session, self.run_id)
            run.detail = self.detail = {**run.detail, "done": [*run.detail.get("done", []), stream]}


def save_cursor(session: Session, connection_id: UUID, stream: str, value: str | None) -> None:
    """How far this stream has come; a page without a cursor leaves it where it is."""
    if value is None:
        return
    row = {"connection_id": connection_id, "stream": stream, "value": value, "moved_at": clock.now()}
    statement = insert(Cursor).values(row)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["connection_id", "stream"],
            set_={"value": statement.excluded.value, "moved_at": statement.excluded.moved_at},
        )
    )


def report_bad(session: Session, connection_id: UUID, stream: str, bad: Iterable[Bad]) -> None:
    """Each record that can't be used becomes a problem; the same one again is counted, not doubled."""
    for one in bad:
        digest = hashlib.blake2b(f"{one.at}\0{one.reason}".encode(), digest_size=12).hexdigest()
        problems.report(
            session,
            area="record",
            subject=f"{stream} {storable(one.at)}",
            message=storable(one.reason),
            payload=storable(one.payload),
            source_id=connection_id,
            key=f"bad:{connection_id}:{stream}:{digest}",
        )


def _fingerprint(page: Page) -> bytes:
    digest = hashlib.blake2b((page.cursor or "").encode(), digest_size=16)
    for raw in page.records:
        digest.update(raw.external_id.encode("utf-8", "surrogatepass") + raw.version_hash)
    return digest.digest()


def _succeeded(work: Work, connection_id: UUID, run_id: UUID) -> None:
    with transaction(work.engine) as session:
        work.guard(session)
        run = runs.finish(session, run_id)
        run.detail = {key: value for key, value in run.detail.items() if key != "sweep"}
        connection = session.get_one(Connection, connection_id, with_for_update=True)
        connection.last_success_at, connection.failures, connection.last_error = clock.now(), 0, None
        problems.settle(session, f"pull:{connection_id}")


def _failed(work: Work, connection_id: UUID, words: str) -> None:
    """Show what went wrong; a fault that lasts becomes a problem."""
    with transaction(work.engine) as session:
        work.guard(session)
        connection = session.get_one(Connection, connection_id, with_for_update=True)
        connection.failures += 1
        connection.last_error, connection.last_error_at = words, clock.now()
        problems.report(
            session,
            area="pull",
            subject=f"pull of {session.get_one(Source, connection_id).name}",
            message=words,
            source_id=connection_id,
            key=f"pull:{connection_id}",
        )


def _ask_person(work: Work, connection_id: UUID, run_id: UUID, error: Misconfigured) -> None:
    """The source refuses us until somebody acts: no more knocking until then."""
    where = f" Setting: {error.setting}." if error.setting else ""
    words = f"{error}{where} The connection is paused; mend it and resume."
    _failed(work, connection_id, words)
    with transaction(work.engine) as session:
        work.guard(session)
        connections.pause(session, session.get_one(Connection, connection_id, with_for_update=True), words)
    _close(work, run_id, "failed", words)


def _close(work: Work, run_id: UUID, state: str, error: str | None) -> None:
    with transaction(work.engine) as session:
        work.guard(session)
        runs.finish(session, run_id, state, error)
    sweep.forget(work.engine, run_id)
