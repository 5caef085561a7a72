"""Removing a connection: without its data (what it brought stays on the cards) or with all of it."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from customers import graph, orders, stats
from customers.tables import Profile, Source
from customers.touched import touch_profiles
from foundation import clock, jobs, operations
from foundation.database import GRAPH_LOCK, lock, transaction
from foundation.errors import BadInput
from foundation.jobs import Work, job
from foundation.tables import Operation
from sync import claims, resolve, runs
from sync.directories import keeping
from sync.tables import Connection, Run

PROFILES = 500  # taken off their cards in one transaction
ROWS = 5_000  # of other tables
KIND = "connection.remove"

_HANGS_ON_PROFILES = (
    "timeline", "invoices", "payments", "consents", "journey_runs", "journey_tasks", "journey_calls",
    "profile_keys", "profile_links",
)  # fmt: skip
_HANGS_ON_IT = (
    *((table, "source_id") for table in ("order_lines", "orders", "timeline", "products")),
    *((table, "source_id") for table in ("invoice_lines", "invoice_moves", "invoices", "payments")),
    *((table, "connection_id") for table in ("landed_heads", "landed_records", "head_moves")),
    *((table, "source_id") for table in ("mail_messages", "mail_threads", "problems")),
)
# files and imports go with their sessions, bytes with the next tidying
_EXCHANGE = (
    "exchange_requests", "exchange_orders", "exchange_news", "exchange_sessions", "exchange_partners",
)  # fmt: skip
# they know their source by what they are lines of only
_LINES = {"order_lines": ("orders", "order_id"), "invoice_lines": ("invoices", "invoice_id"),
          "invoice_moves": ("invoices", "invoice_id")}  # fmt: skip


def start(session: Session, connection_id: UUID, actor: str, *, with_data: bool) -> Operation:
    """Begin to remove a connection; credentials go at once, the rest in the background. Can't be undone."""
    connection = session.get_one(Connection, connection_id, with_for_update=True)
    if connection.state == "removing":
        raise BadInput("This connection is being removed already.", "connection")
    source = session.get_one(Source, connection_id)
    extent = "with its data" if with_data else "keeping its data"
    operation = operations.begin(
        session, KIND, f"Remove the connection {source.name}, {extent}", actor,
        {"connection": str(connection_id), "name": source.name, "with_data": with_data},
    )  # fmt: skip
    connection.state, connection.next_pull_at = "removing", None
    connection.secrets = connection.hook_secret = connection.old_hook_secret = None
    session.execute(
        update(Run)
        .where(Run.connection_id == connection_id, Run.state.in_(runs.UNFINISHED))
        .values(state="cancelled", finished_at=clock.now(), error="the connection was removed")
    )
    total = session.query(Profile).filter_by(source_id=connection_id).count() if with_data else None
    run = runs.begin(session, connection_id, "remove", operation_id=operation.id, total=total)
    args = {"connection": str(connection_id), "run": str(run.id), "operation": str(operation.id)}
    run.job_id = jobs.enqueue(session, "sync.remove", args, key=f"remove:{connection_id}")
    return operation


@job("sync.remove")
def remove(work: Work) -> None:
    """Take the data off in bounded batches, then the connection itself; safe to run twice."""
    connection_id, run_id = UUID(work.args["connection"]), UUID(work.args["run"])
    operation_id = UUID(work.args["operation"])
    with transaction(work.engine) as session:
        with_data = bool(operations.find(session, operation_id).args["with_data"])
        waiting = 0 if with_data else resolve.waiting(session, connection_id)
    if waiting:  # what has landed still goes to its cards
        with transaction(work.engine) as session:
            later = clock.now() + timedelta(seconds=5)
            jobs.enqueue(session, "sync.remove", work.args, key=work.key, run_at=later)
        return
    if with_data:
        _fence_resolver(work, connection_id)
        _remove_all(work, connection_id, run_id)
    _finish(work, connection_id, run_id, operation_id)


def _fence_resolver(work: Work, connection_id: UUID) -> None:
    """Wait for the batch that is being resolved and let nobody go on with it."""
    with transaction(work.engine) as session:
        work.guard(session)
        claims.fence(session, connection_id)
        session.execute(
            text("UPDATE landed_heads SET pending = false WHERE connection_id = :id AND pending"),
            {"id": connection_id},
        )


def _remove_all(work: Work, connection_id: UUID, run_id: UUID) -> None:
    while _remove_profiles(work, connection_id, run_id):
        work.checkpoint()
    for table, column in _HANGS_ON_IT:
        while _remove_rows(work, table, column, connection_id):
            work.checkpoint()
    while _release_copies(work):
        work.checkpoint()


def _remove_profiles(work: Work, connection_id: UUID, run_id: UUID) -> bool:
    """A batch of profiles with all that hangs on them; their cards are drawn anew. Whether there are more."""
    with transaction(work.engine) as session:
        work.progressed(session)
        lock(session, GRAPH_LOCK)
        ids = session.scalars(
            select(Profile.id).where(Profile.source_id == connection_id).order_by(Profile.id).limit(PROFILES)
        ).all()
        if not ids:
            return False
        values = {"ids": list(ids)}
        cards = _cards(session, values)
        _keep_merges(session, values)
        for table, (whole, column) in _LINES.items():
            of_them = f"SELECT id FROM {whole} WHERE profile_id = ANY(:ids)"
            session.execute(text(f"DELETE FROM {table} WHERE {column} IN ({of_them})"), values)
        for table in ("orders", *_HANGS_ON_PROFILES):
            session.execute(text(f"DELETE FROM {table} WHERE profile_id = ANY(:ids)"), values)
        session.execute(text("DELETE FROM profiles WHERE id = ANY(:ids)"), values)
        touch_profiles(session, cards)
        stats.refresh(session, cards | graph.redraw(session, cards).cards)
        runs.hold(session, run_id).read += len(ids)
        return True


def _cards(session: Session, values: dict[str, list[UUID]]) -> set[UUID]:
    """Cards that these profiles are on or have links to."""
    rows = session.scalars(
        text(
            "SELECT customer_id FROM profiles WHERE id = ANY(:ids) AND customer_id IS NOT NULL"
            " UNION SELECT customer_id FROM profile_links WHERE profile_id = ANY(:ids)"
        ),
        values,
    )
    return set(rows)


def _keep_merges(session: Session, values: dict[str, list[UUID]]) -> None:
    """A merge ties two cards: it is written on another profile of either card when its own profile goes."""
    session.execute(
        text(
            "UPDATE profile_links l SET profile_id = o.profile_id FROM ("
            " SELECT DISTINCT ON (m.id) m.id, other.profile_id FROM profile_links m"
            " JOIN profile_links other ON other.rule NOT IN ('manual', 'model') AND other.customer_id"
            "  IN (m.customer_id, CAST(m.evidence ->> 'card' AS uuid)) AND NOT other.profile_id = ANY(:ids)"
            " WHERE m.rule IN ('manual', 'model') AND m.profile_id = ANY(:ids) ORDER BY m.id, other.id) o"
            " WHERE l.id = o.id"
        ),
        values,
    )


def _remove_rows(work: Work, table: str, column: str, connection_id: UUID) -> bool:
    """A batch of rows of one table; whether there may be more."""
    with transaction(work.engine) as session:
        work.progressed(session)
        of_it = f"SELECT ctid FROM {table} WHERE {column} = :connection LIMIT :rows"
        if table in _LINES:
            whole, key = _LINES[table]
            of_it = (
                f"SELECT l.ctid FROM {table} l JOIN {whole} o ON o.id = l.{key}"
                " WHERE o.source_id = :connection LIMIT :rows"
            )
        found = session.execute(
            text(f"DELETE FROM {table} WHERE ctid = ANY(ARRAY({of_it})) RETURNING 1"),
            {"connection": connection_id, "rows": ROWS},
        ).all()
        return len(found) == ROWS


def _release_copies(work: Work) -> bool:
    """What ledgers sent back of orders that went counts from now on; whether there may be more."""
    with transaction(work.engine) as session:
        work.progressed(session)
        lock(session, GRAPH_LOCK)
        cards = orders.orphans(session, PROFILES)
        stats.refresh(session, {card for card in cards if card})
        return len(cards) == PROFILES


def _finish(work: Work, connection_id: UUID, run_id: UUID, operation_id: UUID) -> None:
    with transaction(work.engine) as session:
        work.guard(session)
        run = runs.finish(session, run_id)
        for table in ("cursors", "resolve_claims", *_EXCHANGE):
            session.execute(
                text(f"DELETE FROM {table} WHERE connection_id = :connection"), {"connection": connection_id}
            )
        keeping.drop(session, connection_id)
        session.execute(text("DELETE FROM connections WHERE id = :id"), {"id": connection_id})
        source = session.get_one(Source, connection_id)
        source.removed_at = clock.now()
        source.name = (
            f"{source.name} (removed {source.removed_at:%Y-%m-%d %H:%M:%S})"  # the name is free again
        )
        operations.finish(session, operations.find(session, operation_id), {"profiles": run.read})
