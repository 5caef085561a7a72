"""Who resolves which landed versions: leases with a fencing token, and crashes that are counted.

The versions of a batch are written into its claim before the work begins. A claim that runs out tells of a
crash: its versions are taken again in ever smaller batches, until the one that kills the process stands
alone. Five crashes alone, and it is set aside: those in company, and a worker killed from outside now and
then, prove nothing against a record.
"""

from datetime import timedelta
from itertools import takewhile
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Engine, select, text, update
from sqlalchemy.orm import Session

from foundation import clock, problems
from foundation.database import transaction
from foundation.errors import KartotekaError
from sync.tables import LandedHead, LandedRecord, ResolveClaim

LEASE = timedelta(seconds=30)
BATCH = 2_000
SLOTS = 4  # workers that resolve one connection at the same time
AFTER_CRASHES = {0: BATCH, 1: 200, 2: 20}  # then one by one
ALONE = 5  # crashes in a batch of its own
MOST_CRASHES = len(AFTER_CRASHES) + ALONE
# The connection comes in as a column: told as a value, a connection that the statistics don't know yet looks
# empty to the planner, and it reads all heads of it for each batch.
CLAIMED = (
    "(SELECT CAST(:connection AS uuid) AS connection_id, unnest(CAST(:ids AS bigint[])) AS landed_id) AS w"
)


# From the front of the index. A connection that the statistics don't know yet looks empty to the planner, and
# it sorts all that waits for each batch.
_IN_ORDER = "SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)"


class LostClaim(KartotekaError):
    """Another worker has taken over; nothing of this one may be written any more."""


class Claim(msgspec.Struct, frozen=True):
    """The right to resolve some landed versions of one connection."""

    connection_id: UUID
    slot: int
    token: int
    landed_ids: tuple[int, ...]


def take(engine: Engine) -> Claim | None:
    """Claim a batch of a connection with something pending that nobody has yet; None when there is none."""
    with transaction(engine) as session:
        waiting = _waiting(session)
    for connection_id in waiting:
        with transaction(engine) as session:
            claim = _take(session, connection_id)
        if claim is not None:
            return claim
    return None


def hold(session: Session, claim: Claim) -> None:
    """Make sure, until the transaction ends, that the claim is still ours; raises LostClaim."""
    token = session.scalar(select(ResolveClaim.token).where(*_row(claim)).with_for_update())
    if token != claim.token:
        raise LostClaim("another worker is resolving these records")


def renew(session: Session, claim: Claim) -> None:
    """Another lease's length from now; for work record by record."""
    session.execute(
        update(ResolveClaim)
        .where(*_row(claim), ResolveClaim.token == claim.token)
        .values(lease_until=clock.now() + LEASE)
    )


def release(session: Session, claim: Claim) -> None:
    """Give it back; nothing is known of its versions but what their heads say."""
    session.execute(
        update(ResolveClaim)
        .where(*_row(claim), ResolveClaim.token == claim.token)
        .values(lease_until=None, landed_ids=[])
    )


def fence(session: Session, connection_id: UUID) -> None:
    """Wait for the batches of a connection that are being written; what is claimed can't be any more."""
    _choose_alone(session, connection_id)
    session.execute(
        text("UPDATE resolve_claims SET token = token + 1, landed_ids = '{}' WHERE connection_id = :id"),
        {"id": connection_id},
    )


def _row(claim: Claim) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ResolveClaim.connection_id == claim.connection_id, ResolveClaim.slot == claim.slot


def _waiting(session: Session) -> list[UUID]:
    """Connections with pending versions, those first that had the fewest turns."""
    rows = session.scalars(
        text(
            "SELECT c.id FROM connections c WHERE EXISTS"
            " (SELECT FROM landed_heads h WHERE h.connection_id = c.id AND h.pending) ORDER BY"
            " (SELECT coalesce(sum(token), 0) FROM resolve_claims r WHERE r.connection_id = c.id)"
        )
    )
    return list(rows)


def _take(session: Session, connection_id: UUID) -> Claim | None:
    """Claim what nobody has, in a slot that nobody holds; None without either."""
    _choose_alone(session, connection_id)
    slots = (
        select(ResolveClaim).where(ResolveClaim.connection_id == connection_id).order_by(ResolveClaim.slot)
    )
    unlocked = session.scalars(slots.with_for_update(skip_locked=True)).all()  # the others are being written
    free = [row for row in unlocked if row.lease_until is None or row.lease_until <= clock.now()]
    everyone = session.execute(slots.with_only_columns(ResolveClaim.slot, ResolveClaim.landed_ids)).all()
    if not everyone:
        free = _make_slots(session, connection_id)
    for row in free:
        if row.landed_ids:
            _count_crash(session, connection_id, row.landed_ids)
            row.landed_ids, row.token, row.lease_until = [], row.token + 1, None
    session.flush()
    open_slots = {row.slot for row in free}
    busy = {one for slot, ids in everyone if slot not in open_slots for one in ids}
    ids = _next_batch(session, connection_id, busy, len(free) == (len(everyone) or SLOTS)) if free else []
    if not ids:
        return None
    mine = free[0]
    mine.token += 1
    mine.landed_ids = ids
    mine.lease_until = clock.now() + LEASE
    return Claim(connection_id, mine.slot, mine.token, tuple(ids))


def _choose_alone(session: Session, connection_id: UUID) -> None:
    """One at a time takes of a connection, for some milliseconds."""
    query = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 8))")
    session.execute(query, {"name": str(connection_id)})


def _make_slots(session: Session, connection_id: UUID) -> list[ResolveClaim]:
    rows = [
        ResolveClaim(connection_id=connection_id, slot=slot, token=0, landed_ids=[]) for slot in range(SLOTS)
    ]
    session.add_all(rows)
    return rows


def _next_batch(session: Session, connection_id: UUID, busy: set[int], alone: bool) -> list[int]:
    """Pending versions that nobody has, oldest first.

    One whose forerunner was pending too when it landed may be taken only by somebody who works alone: the
    forerunner may be in another's hands, and must not be written after it.
    """
    session.execute(text(_IN_ORDER))
    query = text(
        "SELECT landed_id, crashes, overtook FROM landed_heads WHERE connection_id = :connection AND pending"
        " ORDER BY landed_id LIMIT :limit"
    )
    values = {"connection": connection_id, "limit": BATCH + len(busy)}
    rows = [row for row in session.execute(query, values) if row.landed_id not in busy][:BATCH]
    if not alone:
        rows = list(takewhile(lambda row: not row.overtook, rows))
    worst = max((row.crashes for row in rows), default=0)
    return [row.landed_id for row in rows if row.crashes == worst][: AFTER_CRASHES.get(worst, 1)]


def _count_crash(session: Session, connection_id: UUID, landed_ids: list[int]) -> None:
    """A worker died with these in its hands; the one that killed five of them is set aside."""
    here = (LandedHead.connection_id == connection_id, LandedHead.landed_id.in_(landed_ids))
    mine = select(LandedHead.landed_id).where(*here, LandedHead.pending).order_by(LandedHead.landed_id)
    free = session.scalars(
        mine.with_for_update(skip_locked=True)
    ).all()  # those being moved have a new version
    session.execute(
        update(LandedHead)
        .where(LandedHead.connection_id == connection_id, LandedHead.landed_id.in_(free), LandedHead.pending)
        .values(crashes=LandedHead.crashes + 1)
    )
    killers = session.execute(
        select(LandedHead.stream, LandedHead.external_id, LandedRecord.id, LandedRecord.payload,
               LandedRecord.operation_id)
        .join(LandedRecord, LandedRecord.id == LandedHead.landed_id)
        .where(*here, LandedHead.pending, LandedHead.crashes >= MOST_CRASHES)
    ).all()  # fmt: skip
    for stream, external_id, landed_id, payload, operation_id in killers:
        problems.report(
            session,
            area="record",
            subject=f"{stream} {external_id}",
            message=f"The worker died {ALONE} times while reading this record alone, so it was set aside. "
            "Other records went on. Retry it after an upgrade, and report it with its payload.",
            payload=payload,
            source_id=connection_id,
            operation_id=operation_id,
            landed_id=landed_id,
            key=problem_key(connection_id, stream, external_id),
        )
    set_aside(session, connection_id, [row[2] for row in killers])


def set_aside(session: Session, connection_id: UUID, landed_ids: list[int]) -> None:
    """These versions wait no longer; a retry makes them pending again."""
    if landed_ids:
        session.execute(
            text(
                f"UPDATE landed_heads h SET pending = false, crashes = 0 FROM {CLAIMED}"
                " WHERE h.connection_id = w.connection_id AND h.landed_id = w.landed_id AND h.pending"
            ),
            {"connection": connection_id, "ids": landed_ids},
        )


def problem_key(connection_id: UUID, stream: str, external_id: str) -> str:
    """One open problem per record."""
    return f"record:{connection_id}:{stream}:{external_id}"
