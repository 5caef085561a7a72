"""The job behind mode=import: reads a spooled file and lands what it holds, portion by portion.

One file of a connection at a time, in the order they were asked for. A worker may die at any statement: the
next one reads the file again and goes on behind the last portion that was committed.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import PurePosixPath
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.accounting.commerceml.parts import Head, Names, Piece, merge
from connectors.accounting.commerceml.reading import read
from connectors.base import Bad
from foundation import clock, problems
from foundation.database import transaction
from foundation.errors import BadInput, KartotekaError, Temporary
from foundation.jobs import LostLease, Stopped, Work, job
from sync import context, runs
from sync.exchange import archives, queueing, spool
from sync.exchange.tables import ExchangeFile, ExchangeImport, Partner
from sync.heads import hold_stream
from sync.landing import Landed, land, storable
from sync.pull import report_bad
from sync.runs import Cancelled
from sync.tables import Connection

PORTION = 1_000  # pieces landed in one transaction

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

Portion = Sequence[Piece | Bad | Head]


@job(queueing.JOB)
def import_files(work: Work) -> None:
    """Import what waits of a connection, the oldest first."""
    connection_id = UUID(work.args["connection"])
    while (one := _next(work, connection_id)) is not None:
        work.checkpoint()
        try:
            _Import(work, one).run()
        except (Temporary, Stopped, LostLease):
            raise
        except KartotekaError as error:
            _close(work, one.id, "failed", str(error))
        else:
            _close(work, one.id, "done")


def _next(work: Work, connection_id: UUID) -> ExchangeImport | None:
    """The oldest import that isn't finished; one whose run was stopped or given up is over."""
    with transaction(work.engine) as session:
        work.guard(session)
        query = (
            select(ExchangeImport)
            .where(
                ExchangeImport.connection_id == connection_id,
                ExchangeImport.state.in_(queueing.UNFINISHED),
            )
            .order_by(ExchangeImport.at, ExchangeImport.id)
            .with_for_update()
        )
        for one in session.scalars(query):
            state = queueing.read(session, one)
            if state.state != "failed":
                one.state = "running"
                return one
            one.state, one.error = "failed", state.error
    return None


class _Import:
    """One attempt at a file."""

    def __init__(self, work: Work, one: ExchangeImport) -> None:
        self.work, self.one = work, one
        assert one.run_id is not None
        self.run_id: UUID = one.run_id
        with transaction(work.engine) as session:
            work.guard(session)
            runs.hold(session, self.run_id)
            self.file = session.get_one(ExchangeFile, one.file_id)
            partner = session.get(Partner, one.connection_id)
            kept = partner.names if partner else None
        self.names = msgspec.msgpack.decode(kept, type=Names) if kept else Names()
        self.kept = kept or b""

    def run(self) -> None:
        """The whole file, or each document of a zip that was asked for by its own name."""
        path = spool.path_of(context.current().settings, self.file)
        if not path.exists():
            raise BadInput("the file is no longer here; 1C has to send it again", self.file.name)
        members = [self.one.member]
        if not self.one.member and archives.is_zip(path):
            members = [m for m in archives.members(path) if PurePosixPath(m).suffix.lower() == ".xml"]
        pieces = self._all(members)
        place = self.one.place
        _skip(pieces, place)
        for portion in _portions(pieces):
            self.work.checkpoint()
            place += len(portion)
            self._land(portion, place)

    def _all(self, members: Iterable[str]) -> Iterator[Piece | Bad | Head]:
        path = spool.path_of(context.current().settings, self.file)
        for member in members:
            with archives.opened(path, member) as opened:
                for found in read(opened.file, self.names):
                    yield found
                    self.percent = 100 * opened.position() // max(1, opened.size)

    percent = 0

    def _land(self, portion: Portion, place: int) -> None:
        """Land one portion; its place, the counts and the names that it needs are saved with it."""
        with transaction(self.work.engine) as session:
            self.work.progressed(session)
            run = runs.hold(session, self.run_id)
            _still_there(session, self.one.connection_id)
            landed = Landed()
            for stream, pieces in _by_stream(portion):
                landed += self._land_stream(session, stream, pieces)
            bad = [one for one in portion if isinstance(one, Bad)]
            report_bad(session, self.one.connection_id, self.file.name, bad)
            runs.count(run, landed, len(bad))
            heads = [msgspec.to_builtins(one) for one in portion if isinstance(one, Head)]
            run.detail = {**run.detail, "percent": min(99, self.percent)}
            if heads:
                run.detail = {**run.detail, "said": [*run.detail.get("said", []), *heads]}
            session.get_one(ExchangeImport, self.one.id).place = place
            self._keep_names(session)

    def _land_stream(self, session: Session, stream: str, pieces: Sequence[Piece]) -> Landed:
        hold_stream(session, self.one.connection_id, stream)
        before = payloads(session, self.one.connection_id, stream, {piece.external_id for piece in pieces})
        grouped: dict[str, list[Piece]] = {}
        for piece in pieces:
            grouped.setdefault(piece.external_id, []).append(piece)
        raws = [merge(before.get(key), parts, self.names) for key, parts in grouped.items()]
        read_at = clock.now()
        return land(session, self.one.connection_id, stream, raws, "import", read_at=read_at)

    def _keep_names(self, session: Session) -> None:
        now = msgspec.msgpack.encode(self.names)
        if now != self.kept:
            session.get_one(Partner, self.one.connection_id, with_for_update=True).names = self.kept = now


def _portions(pieces: Iterator[Piece | Bad | Head]) -> Iterator[Portion]:
    """Portions; of a file that breaks off, what came before it is the last one."""
    portion: list[Piece | Bad | Head] = []
    try:
        for one in pieces:
            portion.append(one)
            if len(portion) == PORTION:
                yield portion
                portion = []
    except BadInput:
        if portion:
            yield portion
        raise
    if portion:
        yield portion


def _skip(pieces: Iterator[Piece | Bad | Head], count: int) -> None:
    """What an earlier attempt has landed is read again, for the names in it, and no more."""
    next(islice(pieces, count, count), None)


def _by_stream(portion: Portion) -> Iterator[tuple[str, list[Piece]]]:
    """The pieces of each stream, always in one order, so that two writers never wait crosswise."""
    found: dict[str, list[Piece]] = {}
    for one in portion:
        if isinstance(one, Piece):
            found.setdefault(one.stream, []).append(one)
    yield from sorted(found.items())


def payloads(
    session: Session, connection_id: UUID, stream: str, external_ids: Iterable[str]
) -> dict[str, str]:
    """The payloads in force of some objects."""
    rows = session.execute(
        text(
            "SELECT h.external_id, r.payload FROM landed_heads h JOIN landed_records r ON r.id = h.landed_id"
            " WHERE h.connection_id = :connection AND h.stream = :stream AND h.external_id = ANY(:ids)"
        ),
        {"connection": connection_id, "stream": stream, "ids": [storable(one) for one in external_ids]},
    )
    return {row[0]: row[1] for row in rows if row[1]}


def _still_there(session: Session, connection_id: UUID) -> None:
    connection = session.get(Connection, connection_id, with_for_update={"read": True})
    if connection is None or connection.state == "removing":
        raise Cancelled("The connection is being removed.")


def _close(work: Work, import_id: UUID, state: str, error: str = "") -> None:
    with transaction(work.engine) as session:
        work.guard(session)
        one = session.get_one(ExchangeImport, import_id, with_for_update=True)
        one.state, one.error = state, storable(error)
        assert one.run_id is not None
        run = runs.finish(session, one.run_id, state, storable(error) or None)
        run.detail = {**run.detail, "percent": 100} if state == "done" else run.detail
        _tell(session, one, error, run.state == "cancelled")


def _tell(session: Session, one: ExchangeImport, error: str, cancelled: bool) -> None:
    """A file that could not be read is a problem until one of its name goes through."""
    name = (
        (one.member or session.get_one(ExchangeFile, one.file_id).name).replace("\\", "/").rpartition("/")[2]
    )
    key = f"exchange:{one.connection_id}:{_GUID.sub('', name)}"  # some name each file anew
    if not error:
        problems.settle(session, key)
        connection = session.get_one(Connection, one.connection_id, with_for_update=True)
        connection.last_success_at, connection.failures, connection.last_error = clock.now(), 0, None
    elif not cancelled:
        problems.report(
            session,
            area="import",
            subject=f"{name} from 1C",
            message=storable(f"{error} What stood before this place was taken. Let 1C send the file again; "
            "the file as it came is on the page of the session."),
            source_id=one.connection_id,
            key=key,
        )  # fmt: skip
