"""What is on its way into an outside system: claimed in a row before each call, so a repeat is the same call.

state: waiting -> sent -> done | failed | overtaken. A worker that dies after the call leaves "sent"; the next
one says the same again under the same key.
"""

import re
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.base import Change, Connector, Overtaken, Raw
from customers.golden import Claim
from customers.tables import Source
from foundation import clock, jobs, problems
from foundation.database import transaction
from foundation.errors import Misconfigured, Permanent
from foundation.jobs import Work, job
from foundation.records import Invoice, Person, Product
from foundation.tables import Problem
from sync import connections, context
from sync.directories import fields, invoicing, making
from sync.directories.apply import agree
from sync.directories.pairs import stream_of
from sync.directories.tables import Directory, Link, Push
from sync.landing import land
from sync.tables import Connection

ORDER = ("person", "product", "order", "invoice", "payment", "message")  # who must be there before whom
_NEXT = text("""
SELECT id FROM pushes WHERE connection_id = :connection AND state IN ('waiting', 'sent')
ORDER BY array_position(CAST(:streams AS text[]), stream), place LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_PERSON = text(
    "SELECT CAST(record AS text) FROM profiles WHERE source_id = :source AND external_id = :id"
    " AND kind <> 'guest'"
)
_PRODUCT = text("SELECT CAST(record AS text) FROM products WHERE source_id = :source AND external_id = :id")


def enqueue(session: Session, connection_id: UUID) -> None:
    """Send what waits for a connection, once this transaction commits."""
    jobs.enqueue(session, "sync.push", {"connection": str(connection_id)}, key=f"push:{connection_id}")


@job("sync.push")
def push_all(work: Work) -> None:
    """Send everything that waits for a connection, in the order in which one needs the other."""
    connection_id = UUID(work.args["connection"])
    here = context.current()
    with transaction(work.engine) as session:
        connection = session.get(Connection, connection_id)
        if connection is None or connection.state != "active":
            return
        connector = connections.open_connector(session, here.sealer, here.settings, connection)
    while True:
        work.checkpoint()
        claimed = _claim(work, connection_id, connector)
        if claimed is None:
            return
        if not _send(work, connector, *claimed):
            return


def _claim(work: Work, connection_id: UUID, connector: Connector) -> tuple[UUID, str, Change] | None:
    """The next one, marked as sent before anything is; its record is kept, so that a repeat is the same."""
    streams = [one.name for one in sorted(connector.streams, key=lambda one: ORDER.index(one.what))]
    with transaction(work.engine) as session:
        work.guard(session)
        row = _next(session, {"connection": connection_id, "streams": streams})
        if row is None:
            return None
        row.state, row.attempts, row.sent_at = "sent", row.attempts + 1, clock.now()
        writes = stream_of(connector, row.stream).writes
        if _what(session, row) == "invoices":
            return row.id, row.stream, invoicing.change(row, writes)
        before, after = _records(session, row)
        if row.record is None:
            row.record = msgspec.to_builtins(after)
        else:
            after = msgspec.convert(row.record, type(after))
        named = fields.differing(before, after, writes) if row.external_id else ()
        change = Change(
            key=str(row.id), record=after, external_id=row.external_id, fields=named, version=row.version
        )
        return row.id, row.stream, change


def _next(session: Session, values: dict[str, Any]) -> Push | None:
    """The next one whose time has come. What is not to be made any more is left to the next run."""
    while found := session.scalar(_NEXT, values):
        row, why = session.get_one(Push, found), ""
        no_answer_was_lost = row.state == "waiting" and row.attempts < 2
        if _what(session, row) == "invoices":
            if row.record is None or no_answer_was_lost:
                record, why = invoicing.record(session, row)
                row.record = msgspec.to_builtins(record) if record is not None else None
        elif row.link_id is None and no_answer_was_lost:
            why = making.overtaken(session, row)
        if not why:
            return row
        row.state, row.done_at, row.error = "overtaken", clock.now(), why
        problems.settle(session, f"push:{row.id}")
        session.flush()
    return None


def _what(session: Session, row: Push) -> str:
    return session.get_one(Directory, row.directory_id).what


def _records(session: Session, row: Push) -> tuple[Person | Product, Person | Product]:
    """The object as it stands there and as it should."""
    person = _what(session, row) == "counterparties"
    if not row.external_id:
        said = dict(row.fields)
        if person:
            fresh = Person(
                external_id="", kind="company" if said.pop("kind", None) == "company" else "person"
            )
            return fresh, fields.into_person(fresh, said)
        empty = Product(external_id="", name="")
        return empty, fields.into_product(empty, said)
    values = {"source": row.connection_id, "id": row.external_id}
    stored = session.scalar(_PERSON if person else _PRODUCT, values)
    if person:
        known = msgspec.json.decode(stored, type=Person) if stored else Person(external_id=row.external_id)
        return known, fields.into_person(known, row.fields)
    item = (
        msgspec.json.decode(stored, type=Product) if stored else Product(external_id=row.external_id, name="")
    )
    return item, fields.into_product(item, row.fields)


def _send(work: Work, connector: Connector, push_id: UUID, stream: str, change: Change) -> bool:
    """Whether the next one may follow."""
    read_at = clock.now()
    try:
        raw = connector.push(stream, change)
    except Overtaken as error:
        _overtaken(work, connector, push_id, stream, change, str(error))
    except Permanent as error:
        _failed(work, push_id, str(error))
    except Misconfigured as error:
        _ask_person(work, push_id, error)
        return False
    else:
        _arrived(work, connector, push_id, raw, read_at)
    return True


def _arrived(work: Work, connector: Connector, push_id: UUID, raw: Raw, read_at: Any) -> None:
    with transaction(work.engine) as session:
        work.progressed(session)
        row = session.get_one(Push, push_id, with_for_update=True)
        if row.state != "sent":
            return
        land(session, row.connection_id, row.stream, [raw], "pull", read_at=read_at)
        row.state, row.done_at, row.error = "done", clock.now(), None
        problems.settle(session, f"push:{row.id}")
        _move_base(session, row, connector, raw)


def _move_base(session: Session, row: Push, connector: Connector, raw: Raw) -> None:
    """Both sides have agreed on what arrived, in whatever form the other side keeps it."""
    stream = stream_of(connector, row.stream)
    names = fields.OF[_what(session, row)]
    able = names if stream.what == "invoice" else fields.written(names, stream.writes)
    said = {name: value for name, value in row.fields.items() if name in able}  # the rest helped to make it
    kept = _read(connector, row, raw)
    there = row.link_id is None or row.connection_id != _home(session, row)
    if row.link_id is None:
        row.external_id = raw.external_id
        link = session.scalar(
            select(Link).where(Link.directory_id == row.directory_id, Link.external_id == raw.external_id)
        )
        if link is None:
            link = Link(
                directory_id=row.directory_id, local_id=row.local_id, external_id=raw.external_id,
                state="made", reason="made", operation_id=row.operation_id, base={}, here={}, there={},
            )  # fmt: skip
            session.add(link)
        elif link.state == "waiting":  # it had been read before we heard that we made it
            link.local_id, link.state, link.reason = row.local_id, "made", "made"
    else:
        link = session.get_one(Link, row.link_id, with_for_update=True)
    for name, value in said.items():
        other = kept.get(name) if kept is not None else value
        if _what(session, row) == "invoices":
            other = invoicing.form(row, name, value, other)
        elif row.attempts > 1 and not _is_form(value, other):
            other = value  # somebody may have changed it since the first attempt arrived: that is a change
        agree(link, name, value, {"there" if there else "here": other} if other != value else None)


def _is_form(value: str | None, other: str | None) -> bool:
    """Whether a value may be what the other side made of another: cut short, or with other signs in it."""
    one, two = (re.sub(r"\W+", "", (said or "").casefold()) for said in (value, other))
    return bool(two) and (one == two or one.startswith(two))


def _home(session: Session, row: Push) -> UUID | None:
    return session.get_one(Directory, row.directory_id).home_id


def _read(connector: Connector, row: Push, raw: Raw) -> dict[str, str] | None:
    """The fields of the object as it came back; None when its answer can't be read."""
    try:
        records = connector.normalise(row.stream, raw, connector.settings)
    except Permanent:
        return None
    for record in records:
        if isinstance(record, Person) and not record.guest:
            claim = Claim(fields.NOBODY, row.connection_id, "", clock.now(), record)
            return {name: one.value for name, one in fields.of_person(claim).items()}
        if isinstance(record, Invoice):
            said = fields.of_bill(record.total, record.currency, record.state, None)
            return {name: one.value for name, one in said.items()}
        if isinstance(record, Product):
            return {name: one.value for name, one in fields.of_product(record, None).items()}
    return None


def _overtaken(
    work: Work, connector: Connector, push_id: UUID, stream: str, change: Change, words: str
) -> None:  # fmt: skip
    """Somebody was faster there: read the object again; the next run decides anew."""
    read_at = clock.now()
    raws = list(connector.fetch(stream, [change.external_id])) if change.external_id else []
    with transaction(work.engine) as session:
        work.guard(session)
        row = session.get_one(Push, push_id, with_for_update=True)
        if row.state == "sent":
            land(session, row.connection_id, stream, raws, "pull", read_at=read_at)
            row.state, row.done_at, row.error = "overtaken", clock.now(), words
            problems.settle(session, f"push:{row.id}")


def _ask_person(work: Work, push_id: UUID, error: Misconfigured) -> None:
    """The other side refuses us, not this change: it waits with the connection until somebody acts."""
    where = f" Setting: {error.setting}." if error.setting else ""
    with transaction(work.engine) as session:
        work.guard(session)
        row = session.get_one(Push, push_id, with_for_update=True)
        row.error = f"{error}{where} The connection is paused; mend it and resume."
        connection = session.get_one(Connection, row.connection_id, with_for_update=True)
        connections.pause(session, connection, row.error)
        connection.last_error, connection.last_error_at = row.error, clock.now()
        problems.report(
            session,
            area="push",
            subject=f"changes for {session.get_one(Source, row.connection_id).name}",
            message=row.error,
            source_id=row.connection_id,
            key=f"pull:{row.connection_id}",
        )


def _failed(work: Work, push_id: UUID, words: str) -> None:
    with transaction(work.engine) as session:
        work.guard(session)
        row = session.get_one(Push, push_id, with_for_update=True)
        if row.state != "sent":
            return
        row.state, row.error, row.done_at = "failed", words, clock.now()
        problems.report(
            session,
            area="push",
            subject=f"{row.stream} {row.external_id or 'new'}",
            message=f"It was not taken: {words}",
            payload=msgspec.json.encode(row.fields).decode(),
            source_id=row.connection_id,
            operation_id=row.operation_id,
            key=f"push:{row.id}",
        )


@problems.retrier("push")
def retry(session: Session, problem: Problem) -> None:
    """Send it once more, under the same key."""
    row = session.get(Push, UUID((problem.key or "").removeprefix("push:")), with_for_update=True)
    if row is not None and row.state == "failed":
        row.state = "waiting"
        enqueue(session, row.connection_id)
