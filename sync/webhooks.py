"""The webhook door: genuine deliveries land before they are answered, everything after is the resolver's."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connectors import registry
from connectors.base import Connector, Delivery, HookRefused
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


Answer = tuple[int, str]  # an HTTP status and a few words


class Hook(msgspec.Struct, frozen=True):
    """One request at the door: header names in lower case, the body as it came."""

    headers: Mapping[str, str]
    body: bytes


def receive(
    engine: Engine, sealer: Sealer, connection_id: UUID, headers: Mapping[str, str], body: bytes
) -> Answer:
    """Verify and land one delivery; answers an HTTP status and a few words. 200 means: it is kept.

    Header names are lower case. A repeat changes nothing. A paused connection still lands.
    """
    return receive_many(engine, sealer, connection_id, [Hook(headers, body)])[0]


def receive_many(engine: Engine, sealer: Sealer, connection_id: UUID, hooks: Sequence[Hook]) -> list[Answer]:
    """The same for deliveries to one connection, in their order and in one transaction: all are kept or none.

    They end in the same state as one by one.
    """
    with transaction(engine) as session:
        found = session.execute(
            select(Connection, Source.kind)
            .join(Source, Source.id == Connection.id)
            .where(Connection.id == connection_id, Connection.state != "removing")
        ).one_or_none()
        if found is None:
            return [(404, "no such connection")] * len(hooks)
        connection, cls = found[0], registry.find(found[1])
        secrets = connections.hook_secrets(sealer, connection)
        read = [_read(cls, hook, secrets) for hook in hooks]
        # always streams first, by name, then problems: two processes never wait for each other crosswise
        kept = _keep_all(session, connection, hooks, read)
        answers = [
            kept[place] if isinstance(one, Delivery) else _refuse(session, connection_id, hooks[place], one)
            for place, one in enumerate(read)
        ]
        if kept:
            _note(connection)
        return answers


def _read(
    cls: type[Connector], hook: Hook, secrets: Sequence[str]
) -> Delivery | HookRefused | BadInput | None:
    """What a delivery says, or what is wrong with it; None: it is too large to be looked at."""
    if len(hook.body) > LARGEST:
        return None
    try:
        return cls.read_hook(hook.headers, hook.body, secrets)
    except (HookRefused, BadInput) as error:
        return error


def _refuse(
    session: Session, connection_id: UUID, hook: Hook, error: HookRefused | BadInput | None
) -> Answer:  # fmt: skip
    if error is None:
        return 413, f"a webhook may have at most {LARGEST} bytes"
    if isinstance(error, HookRefused):
        _count_refusal(session, connection_id, error)
        return 401, "the signature doesn't match"
    _report_unreadable(session, connection_id, hook.body, error)
    return 200, "kept as a problem"


def _keep_all(
    session: Session, connection: Connection, hooks: Sequence[Hook], read: Sequence[object]
) -> dict[int, Answer]:
    """Keep the genuine deliveries; answers by their place in the group."""
    genuine = {place: one for place, one in enumerate(read) if isinstance(one, Delivery)}
    known: dict[int, bool] = {}
    for stream, places in _rounds(genuine):
        records = [record for place in places for record in genuine[place].records]
        landed = land(session, connection.id, stream, records, "webhook")
        known.update(dict.fromkeys(places, landed.same == landed.read))
    return {
        place: (200, _keep(session, connection.id, one, hooks[place].body, known.get(place)))
        for place, one in genuine.items()
    }


def _rounds(genuine: Mapping[int, Delivery]) -> list[tuple[str, list[int]]]:
    """Which deliveries land together: by stream, and of each object only one version at a time."""
    rounds: dict[tuple[str, int], list[int]] = {}
    after: dict[tuple[str, str], int] = {}
    for place, one in genuine.items():
        objects = {(one.stream, record.external_id) for record in one.records}
        if objects:
            turn = max(after.get(thing, 0) for thing in objects)
            after.update(dict.fromkeys(objects, turn + 1))
            rounds.setdefault((one.stream, turn), []).append(place)
    return [(stream, rounds[stream, turn]) for stream, turn in sorted(rounds)]


def _keep(
    session: Session, connection_id: UUID, delivery: Delivery, body: bytes, known: bool | None
) -> str:  # fmt: skip
    """What is to be done beside landing the records; `known`: whether those said anything new."""
    if delivery.fetch:
        # no key: a job that runs already may have read the object before this change
        args = {"connection": str(connection_id), "stream": delivery.stream, "ids": sorted(delivery.fetch)}
        jobs.enqueue(session, "sync.fetch", args)
        return "to be fetched"
    if known is not None:
        return "known already" if known else "kept"
    if delivery.topic in PINGS:
        return "pong"
    _store_unknown(session, connection_id, delivery.topic, body)
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
