"""From landed versions to customer cards: normalise (pure), apply in one transaction, isolate what is bad."""

import traceback
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from customers import stats, store
from customers.store import Ready, Resolved
from foundation import log, problems
from foundation.database import transaction
from foundation.errors import KartotekaError
from foundation.jobs import duty
from sync import claims, prepare
from sync.claims import Claim, LostClaim
from sync.exchange import news
from sync.heads import hold_stream
from sync.prepare import Item
from sync.problems import any_open, settle_all

_log = log.get("sync.resolve")


@duty("sync.resolve", every=5)
def resolve(engine: Engine) -> bool:
    """Resolve one batch of one connection; True when there may be more.

    When nothing waits, it counts the figures of cards that a load left for later, a portion a call.
    """
    claim = claims.take(engine)
    if claim is None:
        with transaction(engine) as session:
            return stats.catch_up(session)
    try:
        _work(engine, claim)
    except LostClaim:
        _log.warning("resolve_claim_lost", connection=str(claim.connection_id))
    return True


def _work(engine: Engine, claim: Claim) -> None:
    released = False
    try:
        portion = prepare.claimed(engine, claim)
        for item, error in portion.bad:
            _set_aside(engine, claim, item, error)
        released = _apply_parts(engine, claim, portion.good, portion.ready, last=True)
    finally:
        if not released:
            with transaction(engine) as session:
                claims.release(session, claim)


def _apply_parts(
    engine: Engine, claim: Claim, part: Sequence[tuple[Item, Resolved]], ready: Ready | None = None, *,
    last: bool,
) -> bool:  # fmt: skip
    """Apply a batch; when it fails, by halves, until the bad ones stand alone and are set aside.

    Answers whether the claim has been given back together with the last part.
    """
    if not part:
        return False
    try:
        _apply(engine, claim, part, ready, last)
        return last
    except LostClaim:
        raise
    except Exception as error:
        if isinstance(error, DBAPIError) and _database_away(error):
            raise
        if len(part) == 1:
            _set_aside(engine, claim, part[0][0], error)
            return False
        _log.info("resolve_batch_halved", connection=str(claim.connection_id), size=len(part))
        middle = len(part) // 2
        _apply_parts(engine, claim, part[:middle], last=False)
        return _apply_parts(engine, claim, part[middle:], last=last)


def _apply(
    engine: Engine, claim: Claim, part: Sequence[tuple[Item, Resolved]], ready: Ready | None, last: bool
) -> None:
    """Write the records and clear their heads: both or neither, and only while the claim is ours."""
    full = len(claim.landed_ids) == claims.BATCH
    with transaction(engine) as session:
        claims.hold(session, claim)
        said = [one for _, one in part]
        store.apply(session, claim.connection_id, said, ready=ready, bulk=full)
        news.tell(session, claim.connection_id, said)
        _done(session, claim, [item for item, _ in part])
        (claims.release if last else claims.renew)(session, claim)


def _done(session: Session, claim: Claim, items: Sequence[Item]) -> None:
    """These versions wait no longer, unless their heads have moved on; old problems of theirs are solved."""
    for stream in sorted({item.stream for item in items}):
        hold_stream(session, claim.connection_id, stream)
    claims.set_aside(session, claim.connection_id, [item.landed_id for item in items])
    if any_open(session, claim.connection_id):
        settle_all(session, [_key(claim, item) for item in items])


def _key(claim: Claim, item: Item) -> str:
    return claims.problem_key(claim.connection_id, item.stream, item.raw.external_id)


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
            key=_key(claim, item),
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
