"""From landed versions to customer cards: normalise (pure), apply in one transaction, isolate what is bad."""

import traceback
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from connectors import registry
from connectors.base import Connector, Raw
from customers import store
from customers.store import Resolved
from customers.tables import Source
from foundation import log, problems
from foundation.database import transaction
from foundation.errors import KartotekaError
from foundation.jobs import duty
from foundation.records import Gone
from sync import claims, connections
from sync.claims import Claim, LostClaim
from sync.heads import hold_stream
from sync.problems import settle_all
from sync.tables import Connection

_log = log.get("sync.resolve")


class Item(msgspec.Struct, frozen=True):
    """One landed version to be resolved."""

    landed_id: int
    stream: str
    raw: Raw
    received_at: datetime
    operation_id: UUID | None


@duty("sync.resolve", every=5)
def resolve(engine: Engine) -> bool:
    """Resolve one batch of one connection; True when there may be more."""
    claim = claims.take(engine)
    if claim is None:
        return False
    try:
        _work(engine, claim)
    except LostClaim:
        _log.warning("resolve_claim_lost", connection=str(claim.connection_id))
    return True


def _work(engine: Engine, claim: Claim) -> None:
    with transaction(engine) as session:
        connection = session.get_one(Connection, claim.connection_id)
        cls = registry.find(session.get_one(Source, claim.connection_id).kind)
        settings = connections.public_settings(cls, connection)
        items = _read(session, claim)
    released = False
    try:
        ready = _normalise_all(engine, claim, cls, settings, items)
        released = _apply_parts(engine, claim, ready, last=True)
    finally:
        if not released:
            with transaction(engine) as session:
                claims.release(session, claim)


def _read(session: Session, claim: Claim) -> list[Item]:
    """The claimed versions that are still in force, in the order they landed."""
    rows = session.execute(
        text(
            "SELECT r.id, h.stream, h.external_id, r.payload, r.version_at, r.gone, r.received_at,"
            f" r.operation_id FROM {claims.CLAIMED} JOIN landed_heads h ON h.landed_id = w.landed_id"
            " AND h.connection_id = w.connection_id JOIN landed_records r ON r.id = h.landed_id"
            " WHERE h.pending ORDER BY r.id"
        ),
        {"connection": claim.connection_id, "ids": list(claim.landed_ids)},
    )
    return [Item(r[0], r[1], Raw(r[2], r[3], r[4], r[5]), r[6], r[7]) for r in rows]


def _normalise_all(
    engine: Engine, claim: Claim, cls: type[Connector], settings: object, items: Sequence[Item]
) -> list[tuple[Item, Resolved]]:
    """The records of each version; one that can't be read gets its problem, the rest goes on."""
    good: list[tuple[Item, Resolved]] = []
    for item in items:
        try:
            good.append((item, _normalised(cls, settings, item)))
        except Exception as error:  # noqa: BLE001 - a stranger's record may break a connector anyhow
            _set_aside(engine, claim, item, error)
    return good


def _normalised(cls: type[Connector], settings: object, item: Item) -> Resolved:
    raw = item.raw
    if raw.gone:
        what = next(stream.what for stream in cls.streams if stream.name == item.stream)
        at = raw.version_at or item.received_at
        gone = Gone(external_id=raw.external_id, what=what, at=at)
        return Resolved(item.landed_id, item.received_at, (gone,))
    return Resolved(item.landed_id, item.received_at, tuple(cls.normalise(item.stream, raw, settings)))


def _apply_parts(
    engine: Engine, claim: Claim, batch: Sequence[tuple[Item, Resolved]], *, last: bool
) -> bool:  # fmt: skip
    """Apply a batch; when it fails, by halves, until the bad ones stand alone and are set aside.

    Answers whether the claim has been given back together with the last part.
    """
    if not batch:
        return False
    try:
        _apply(engine, claim, batch, last)
        return last
    except LostClaim:
        raise
    except Exception as error:
        if isinstance(error, DBAPIError) and _database_away(error):
            raise
        if len(batch) == 1:
            _set_aside(engine, claim, batch[0][0], error)
            return False
        _log.info("resolve_batch_halved", connection=str(claim.connection_id), size=len(batch))
        middle = len(batch) // 2
        _apply_parts(engine, claim, batch[:middle], last=False)
        return _apply_parts(engine, claim, batch[middle:], last=last)


def _apply(engine: Engine, claim: Claim, batch: Sequence[tuple[Item, Resolved]], last: bool) -> None:
    """Write the records and clear their heads: both or neither, and only while the claim is ours."""
    with transaction(engine) as session:
        claims.hold(session, claim)
        store.apply(session, claim.connection_id, [resolved for _, resolved in batch])
        _done(session, claim, [item for item, _ in batch])
        (claims.release if last else claims.renew)(session, claim)


def _done(session: Session, claim: Claim, items: Sequence[Item]) -> None:
    """These versions wait no longer, unless their heads have moved on; old problems of theirs are solved."""
    for stream in sorted({item.stream for item in items}):
        hold_stream(session, claim.connection_id, stream)
    claims.set_aside(session, claim.connection_id, [item.landed_id for item in items])
    keys = [claims.problem_key(claim.connection_id, item.stream, item.raw.external_id) for item in items]
    settle_all(session, keys)


def _set_aside(engine: Engine, claim: Claim, item: Item, error: Exception) -> None:
    if not isinstance(error, KartotekaError):
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{last.filename}:{last.lineno}"
        _log.error("record_failed", landed=item.landed_id, kind=type(error).__name__, place=place)
    with transaction(engine) as session:
        claims.hold(session, claim)
        hold_stream(session, claim.connection_id, item.stream)
        problems.report(
            session,
            area="record",
            subject=f"{item.stream} {item.raw.external_id}",
            message=explain(error),
            payload=item.raw.payload,
            source_id=claim.connection_id,
            operation_id=item.operation_id,
            landed_id=item.landed_id,
            key=claims.problem_key(claim.connection_id, item.stream, item.raw.external_id),
        )
        claims.set_aside(session, claim.connection_id, [item.landed_id])
        claims.renew(session, claim)


def explain(error: Exception) -> str:
    """What happened to a record, in words for a person."""
    if isinstance(error, KartotekaError):
        return str(error)
    said = f"{type(error).__name__}: {str(error)[:300]}"
    return f"The record could not be worked on ({said}). Retry it after an upgrade."


def _database_away(error: DBAPIError) -> bool:
    """Whether the fault is the database's or the moment's (restart, deadlock), not the record's."""
    return isinstance(error, OperationalError) or error.connection_invalidated


def waiting(session: Session, connection_id: UUID) -> int:
    """How many landed versions are not on their cards yet."""
    statement = text("SELECT count(*) FROM landed_heads WHERE connection_id = :connection AND pending")
    return int(session.scalar(statement, {"connection": connection_id}) or 0)
