"""The webhook door: genuine deliveries land before they are answered, everything after is the resolver's."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connectors import registry
from connectors.base import Delivery, HookRefused
from customers.tables import Source
from foundation import clock, jobs, problems
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.sealing import Sealer
from sync import connections
from sync.landing import land, storable
from sync.tables import Connection, LandedRecord

LARGEST = 5_000_000  # bytes
PINGS = ("", "ping")
NOTED_EVERY = timedelta(seconds=10)  # how often a connection's "last webhook" is written


def receive(
    engine: Engine, sealer: Sealer, connection_id: UUID, headers: Mapping[str, str], body: bytes
) -> tuple[int, str]:
    """Verify and land one delivery; answers an HTTP status and a few words. 200 means: it is kept.

    Header names are lower case. A repeat changes nothing. A paused connection still lands.
    """
    if len(body) > LARGEST:
        return 413, f"a webhook may have at most {LARGEST} bytes"
    with transaction(engine) as session:
        found = session.execute(
            select(Connection, Source.kind)
            .join(Source, Source.id == Connection.id)
            .where(Connection.id == connection_id, Connection.state != "removing")
        ).one_or_none()
        if found is None:
            return 404, "no such connection"
        connection, cls = found[0], registry.find(found[1])
        secrets = connections.hook_secrets(sealer, connection)
        try:
            delivery = cls.read_hook(headers, body, secrets)
        except HookRefused as refused:
            _count_refusal(session, connection_id, refused)
            return 401, "the signature doesn't match"
        except BadInput as error:
            _report_unreadable(session, connection_id, body, error)
            return 200, "kept as a problem"
        said = _keep(session, connection, delivery, body)
        _note(connection)
        return 200, said


def _keep(session: Session, connection: Connection, delivery: Delivery, body: bytes) -> str:
    if delivery.records:
        landed = land(session, connection.id, delivery.stream, delivery.records, "webhook")
        if not delivery.fetch:
            return "known already" if landed.same == landed.read else "kept"
    if delivery.fetch:
        # no key: a job that runs already may have read the object before this change
        args = {"connection": str(connection.id), "stream": delivery.stream, "ids": sorted(delivery.fetch)}
        jobs.enqueue(session, "sync.fetch", args)
        return "to be fetched"
    if delivery.records or delivery.topic in PINGS:
        return "pong"
    _store_unknown(session, connection.id, delivery.topic, body)
    return "kept, though nothing here reads this topic"


def _store_unknown(session: Session, connection_id: UUID, topic: str, body: bytes) -> None:
    """Keep the body of a topic we don't read; it has no head, so nothing resolves it."""
    digest = hashlib.blake2b(body, digest_size=16).digest()
    session.execute(
        insert(LandedRecord)
        .values(
            connection_id=connection_id,
            stream=storable(f"hook:{topic[:100]}"),
            external_id=digest.hex(),
            version_hash=digest,
            payload=storable(body.decode("utf-8", "replace")),
            via="webhook",
            received_at=clock.now(),
        )
        .on_conflict_do_nothing()
    )


def _note(connection: Connection) -> None:
    """When the last webhook came and how long is usual between two; not at each one, for that is one row."""
    at, last = clock.now(), connection.last_hook_at
    if last is not None and at - last < NOTED_EVERY:
        return
    if last is not None:
        gap = (at - last).total_seconds()
        before = connection.hook_gap
        connection.hook_gap = gap if before is None else 0.9 * before + 0.1 * gap
    connection.last_hook_at = at


def silence(connection: Connection, at: datetime) -> float | None:
    """How many usual gaps long the webhooks have been silent; None when nothing is usual yet."""
    if connection.last_hook_at is None or not connection.hook_gap:
        return None
    return (at - connection.last_hook_at).total_seconds() / connection.hook_gap


def _count_refusal(session: Session, connection_id: UUID, refused: HookRefused) -> None:
    problems.report(
        session,
        area="webhook",
        subject="webhooks with a wrong signature",
        message=f"Deliveries were refused ({refused}). If the shop sends them, give it this connection's "
        "webhook secret again; otherwise a stranger knows the address. Nothing of them was kept.",
        source_id=connection_id,
        key=f"hook-refused:{connection_id}",
    )


def _report_unreadable(session: Session, connection_id: UUID, body: bytes, error: BadInput) -> None:
    digest = hashlib.blake2b(body, digest_size=12).hexdigest()
    problems.report(
        session,
        area="webhook",
        subject="a webhook that can't be read",
        message=f"It is genuine but can't be read: {error}. Its object comes with the next pull or "
        "reconciliation.",
        payload=storable(body.decode("utf-8", "replace")),
        source_id=connection_id,
        key=f"hook:{connection_id}:{digest}",
    )
