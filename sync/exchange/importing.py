"""The job behind mode=import: reads a spooled file and lands what it holds, portion by portion.

One file of a connection at a time, in the order they were asked for. While one portion is landed, the
next is read; only one is on its way at a time. A worker may die at any statement: the next one reads the file
again and goes on behind the last portion that was committed.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from pathlib import PurePosixPath
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.accounting.commerceml.parts import Head, Names, Piece, Same
from connectors.accounting.commerceml.parts import merged as merge
from connectors.accounting.commerceml.reading import Item, read
from connectors.accounting.commerceml.skimming import Cut
from connectors.base import Bad, Raw
from foundation import clock, problems
from foundation.database import transaction
from foundation.errors import BadInput, KartotekaError, Temporary
from foundation.jobs import LostLease, Stopped, Work, job
from sync import context, heads, runs
from sync.exchange import archives, queueing, seen, spool
from sync.exchange.behind import Behind
from sync.exchange.tables import ExchangeFile, ExchangeImport, Partner
from sync.heads import hold_stream, read_heads
from sync.landing import Landed, land, storable
from sync.pull import report_bad
from sync.runs import Cancelled
from sync.tables import Connection

PORTION = 2_000  # pieces landed in one transaction,
TEXT = 2 << 20  # or so many characters of them

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class _Portion(NamedTuple):
    """What is landed in one transaction, and how things stood when the last of it had been read."""

    items: Sequence[Item]
    place: int
    percent: int
    names: Names


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
    """One attempt at a file. `opened` is what is being read of it, `writing` the ids on their way."""

    opened: archives.Opened
    percent = 0
    writing: Collection[str] = ()

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
            self.first = not heads.any_of(session, one.connection_id)
        self.names = msgspec.msgpack.decode(kept, type=Names) if kept else Names()
        self.kept = self.frozen = deepcopy(self.names)
        self.portion: list[Item] = []  # read, but not on its way yet

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
        behind = Behind(f"landing of import {self.one.id}")
        try:
            for items in self._portions(pieces):
                self.work.checkpoint()
                place += sum(map(_weight, items))
                behind.do(partial(self._land, _Portion(items, place, self.percent, self._names())))
                self.writing = _ids(items)
                del items  # the next ones are read while it's let go of there
        finally:
            behind.wait()

    def _names(self) -> Names:
        """The names by now, for another thread: those being read go on changing."""
        if self.names != self.frozen:
            self.frozen = deepcopy(self.names)
        return self.frozen

    def _all(self, members: Iterable[str]) -> Iterator[Item]:
        path = spool.path_of(context.current().settings, self.file)
        for member in members:
            with archives.opened(path, member) as opened:
                self.opened = opened
                yield from read(opened.file, self.names, self._known)

    def _known(self, cuts: Sequence[Cut]) -> dict[bytes, int]:
        """Cuts that would change nothing, by what was noted when their bytes last came."""
        self.percent = 100 * self.opened.position() // max(1, self.opened.size)
        if self.first:
            return {}
        unlanded = _ids(self.portion).union(self.writing)
        with transaction(self.work.engine) as session:
            return seen.known(session, self.one.connection_id, cuts, seen.begin(self.names), unlanded)

    def _portions(self, pieces: Iterator[Item]) -> Iterator[Sequence[Item]]:
        """Portions; of a file that breaks off, what came before it is the last one."""
        size = 0
        try:
            for one in pieces:
                self.portion.append(one)
                size += len(one.fragment) if isinstance(one, Piece) else 0
                if len(self.portion) == PORTION or size >= TEXT:
                    yield self.portion
                    self.portion, size = [], 0
        except BadInput:
            if self.portion:
                yield self.portion
            raise
        if self.portion:
            yield self.portion

    def _land(self, portion: _Portion) -> None:
        """Land one portion; its place, the counts and the names that it needs are saved with it."""
        with transaction(self.work.engine) as session:
            self.work.progressed(session)
            run = runs.hold(session, self.run_id)
            _still_there(session, self.one.connection_id)
            same = len({(one.stream, one.external_id) for one in portion.items if isinstance(one, Same)})
            landed = Landed(read=same, same=same)
            for stream, pieces in _by_stream(portion.items):
                landed += self._land_stream(session, stream, pieces, portion.names)
            bad = [one for one in portion.items if isinstance(one, Bad)]
            report_bad(session, self.one.connection_id, self.file.name, bad)
            runs.count(run, landed, len(bad))
            said = [msgspec.to_builtins(one) for one in portion.items if isinstance(one, Head)]
            run.detail = {**run.detail, "percent": min(99, portion.percent)}
            if said:
                run.detail = {**run.detail, "said": [*run.detail.get("said", []), *said]}
            session.get_one(ExchangeImport, self.one.id).place = portion.place
            if portion.names is not self.kept:
                partner = session.get_one(Partner, self.one.connection_id, with_for_update=True)
                partner.names = msgspec.msgpack.encode(portion.names)
        self.kept = portion.names

    def _land_stream(self, session: Session, stream: str, pieces: Sequence[Piece], names: Names) -> Landed:
        connection_id, begin = self.one.connection_id, seen.begin(names)
        hold_stream(session, connection_id, stream)
        grouped: dict[str, list[Piece]] = {}
        for piece in pieces:
            grouped.setdefault(piece.external_id, []).append(piece)
        there = read_heads(session, connection_id, stream, [storable(one) for one in grouped])
        before = payloads(session, there)
        raws = [merge(before.get(key), parts, names) for key, parts in grouped.items()]
        marks = {key: begin + last for key, parts in grouped.items() if (last := parts[-1].seen)}
        same = [raw.external_id for raw in raws if isinstance(raw, Raw)]
        seen.note(session, connection_id, stream, {key: marks[key] for key in same if key in marks}, begin)
        read_at = clock.now()
        return land(session, connection_id, stream, raws, "import", read_at=read_at, marks=marks, heads=there)


def _ids(portion: Sequence[Item]) -> set[str]:
    """The objects whose parts are among these."""
    return {one.external_id for one in portion if isinstance(one, Piece)}


def _weight(one: Item) -> int:
    """How many places it takes, whether its bytes were known or not."""
    return one.pieces if isinstance(one, Same) else 1


def _skip(pieces: Iterator[Item], count: int) -> None:
    """What an earlier attempt has landed is read again, for the names in it, and no more."""
    while count > 0 and (one := next(pieces, None)) is not None:
        count -= _weight(one)


def _by_stream(portion: Sequence[Item]) -> Iterator[tuple[str, list[Piece]]]:
    """The pieces of each stream, always in one order, so that two writers never wait crosswise."""
    found: dict[str, list[Piece]] = {}
    for one in portion:
        if isinstance(one, Piece):
            found.setdefault(one.stream, []).append(one)
    yield from sorted(found.items())


def payloads(session: Session, there: Mapping[str, heads.Head]) -> dict[str, str]:
    """The payloads in force of some objects, by their heads."""
    if not there:
        return {}
    query = text("SELECT id, payload FROM landed_records WHERE id = ANY(:ids) AND payload <> ''")
    found = {row[0]: row[1] for row in session.execute(query, {"ids": [h.landed_id for h in there.values()]})}
    return {one: found[head.landed_id] for one, head in there.items() if head.landed_id in found}


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
