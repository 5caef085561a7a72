"""What is due: pulls, daily reconciliations, looking after webhooks. The beat asks, jobs do."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from connectors import registry
from customers.tables import Source
from foundation import clock, jobs, problems
from foundation.database import transaction
from foundation.jobs import Work, beat, job
from sync import connections, context, health, pull, reconcile, runs
from sync.tables import Connection

DAY = timedelta(days=1)


@beat("sync.schedule", every=5)
def schedule(engine: Engine) -> None:
    """Start what is due, close what was given up, raise the alarm about silent webhooks."""
    with transaction(engine) as session:
        runs.close_abandoned(session)
        health.watch_silence(session)
        due = [(start, one.id) for column, start in _STARTS for one in _due(session, column)]
    for start, connection_id in due:
        with transaction(engine) as session:
            connection = session.get(Connection, connection_id, with_for_update=True)
            if connection is not None and connection.state == "active":
                start(session, connection)


def _pull(session: Session, connection: Connection) -> None:
    connection.next_pull_at = clock.now() + jittered(timedelta(seconds=connection.every_seconds))
    pull.start(session, connection.id)


def _reconcile(session: Session, connection: Connection) -> None:
    connection.next_reconcile_at = clock.now() + jittered(DAY)
    reconcile.start(session, connection.id)


def _tend(session: Session, connection: Connection) -> None:
    connection.next_tend_at = clock.now() + jittered(DAY)
    jobs.enqueue(session, "sync.tend", {"connection": str(connection.id)}, key=f"tend:{connection.id}")


_STARTS = (
    (Connection.next_pull_at, _pull),
    (Connection.next_reconcile_at, _reconcile),
    (Connection.next_tend_at, _tend),
)


@job("sync.tend")
def tend(work: Work) -> None:
    """Look after a connection's webhooks: switch those on again that the shop has switched off."""
    here = context.current()
    with transaction(work.engine) as session:
        connection = session.get_one(Connection, UUID(work.args["connection"]))
        connector = connections.open_connector(session, here.sealer, here.settings, connection)
        secret = connections.hook_secrets(here.sealer, connection)[0]
        address = connections.hook_address(here.settings, connection.id)
    mended = connector.tend_hooks(address, secret)
    with transaction(work.engine) as session:
        work.guard(session)
        if mended:
            problems.report(
                session,
                area="webhook",
                subject="webhooks mended",
                message="The shop had switched webhooks off; they are on again: " + "; ".join(mended)
                + ". What was missed comes with the next pull.",
                source_id=connection.id,
                key=f"tended:{connection.id}",
            )  # fmt: skip
        else:
            problems.settle(session, f"tended:{connection.id}")


def set_schedule(session: Session, connection: Connection, every_seconds: int) -> None:
    """How often to pull; between a minute and a week."""
    connection.every_seconds = min(max(every_seconds, 60), 7 * 86_400)
    if connections.is_pulled(registry.find(session.get_one(Source, connection.id).kind)):
        connection.next_pull_at = clock.now() + jittered(timedelta(seconds=connection.every_seconds))


def jittered(wait: timedelta) -> timedelta:
    """A wait between 90 and 110 % of the given one, so that connections don't march in step."""
    return wait * (0.9 + secrets.randbelow(2_001) / 10_000)


def _due(session: Session, column: InstrumentedAttribute[datetime | None]) -> list[Connection]:
    return list(
        session.scalars(
            select(Connection)
            .where(Connection.state == "active", column <= clock.now())
            .order_by(column)
            .limit(100)
        )
    )
