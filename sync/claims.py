"""Who resolves which landed versions: leases with a fencing token, and crashes that are counted.

The versions of a batch are written into its claim before the work begins. A claim that runs out tells of a
crash: its versions are taken again in ever smaller batches, until the one that kills the process stands
alone. Five crashes alone, and it is set aside: those in company, and a worker killed from outside now and
then, prove nothing against a record.
"""

from datetime import timedelta
from uuid import UUID

import msgspec
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from foundation import clock, problems
from foundation.database import transaction
from foundation.errors import KartotekaError
from sync.tables import Connection, LandedHead, LandedRecord, ResolveClaim

LEASE = timedelta(seconds=30)
BATCH = 2_000
AFTER_CRASHES = {0: BATCH, 1: 200, 2: 20}  # then one by one
ALONE = 5  # crashes in a batch of its own
MOST_CRASHES = len(AFTER_CRASHES) + ALONE
# The connection comes in as a column: told as a value, a connection that the statistics don't know yet looks
# empty to the planner, and it reads all heads of it for each batch.
CLAIMED = (
    "(SELECT CAST(:connection AS uuid) AS connection_id, unnest(CAST(:ids AS bigint[])) AS landed_id) AS w"
)


class LostClaim(KartotekaError):
    """Another worker has taken over; nothing of this one may be written any more."""


class Claim(msgspec.Struct, frozen=True):
    """The right to resolve some landed versions of one connection."""

    connection_id: UUID
    token: int
    landed_ids: tuple[int, ...]


def take(engine: Engine) -> Claim | None:
    """Claim a batch of the next connection that has something pending and nobody working on it."""
    with transaction(engine) as session:
        for connection_id in _waiting(session):
            row = session.scalars(
                select(ResolveClaim)
                .where(ResolveClaim.connection_id == connection_id)
                .with_for_update(skip_locked=True)
            ).one_or_none()
            if row is None or (row.lease_until is not None and row.lease_until > clock.now()):
                continue
            if row.landed_ids:
                _count_crash(session, connection_id, row.landed_ids)
            ids = _next_batch(session, connection_id)
            row.token += 1
            row.landed_ids = ids
            row.lease_until = clock.now() + LEASE if ids else None
            if ids:
                return Claim(connection_id, row.token, tuple(ids))
    return None


def hold(session: Session, claim: Claim) -> None:
    """Make sure, until the transaction ends, that the claim is still ours; raises LostClaim."""
    token = session.scalar(
        select(ResolveClaim.token).where(ResolveClaim.connection_id == claim.connection_id).with_for_update()
    )
    if token != claim.token:
        raise LostClaim("another worker is resolving these records")


def renew(session: Session, claim: Claim) -> None:
    """Another lease's length from now; for work record by record."""
    session.execute(
        update(ResolveClaim)
        .where(ResolveClaim.connection_id == claim.connection_id, ResolveClaim.token == claim.token)
        .values(lease_until=clock.now() + LEASE)
    )


def release(session: Session, claim: Claim) -> None:
    """Give the connection free for the next batch."""
    session.execute(
        update(ResolveClaim)
        .where(ResolveClaim.connection_id == claim.connection_id, ResolveClaim.token == claim.token)
        .values(lease_until=None, landed_ids=[])
    )


def _waiting(session: Session) -> list[UUID]:
    """Connections with pending versions and no claim in force; they get a claim row when they lack one."""
    pending = select(LandedHead.connection_id).where(
        LandedHead.connection_id == Connection.id, LandedHead.pending
    )
    rows = session.execute(
        select(Connection.id, ResolveClaim.connection_id)
        .join(ResolveClaim, ResolveClaim.connection_id == Connection.id, isouter=True)
        .where(pending.exists(), func.coalesce(ResolveClaim.lease_until, clock.now()) <= clock.now())
        .order_by(func.coalesce(ResolveClaim.token, 0))
    ).all()
    lacking = [row[0] for row in rows if row[1] is None]
    if lacking:
        session.execute(
            insert(ResolveClaim)
            .values([{"connection_id": i, "token": 0, "landed_ids": []} for i in sorted(lacking)])
            .on_conflict_do_nothing()
        )
    return [row[0] for row in rows]


def _next_batch(session: Session, connection_id: UUID) -> list[int]:
    rows = session.execute(
        select(LandedHead.landed_id, LandedHead.crashes)
        .where(LandedHead.connection_id == connection_id, LandedHead.pending)
        .order_by(LandedHead.landed_id)
        .limit(BATCH)
    ).all()
    worst = max((row.crashes for row in rows), default=0)
    return [row.landed_id for row in rows if row.crashes == worst][: AFTER_CRASHES.get(worst, 1)]


def _count_crash(session: Session, connection_id: UUID, landed_ids: list[int]) -> None:
    """A worker died with these in its hands; the one that killed five of them is set aside."""
    here = (LandedHead.connection_id == connection_id, LandedHead.landed_id.in_(landed_ids))
    session.execute(
        update(LandedHead).where(*here, LandedHead.pending).values(crashes=LandedHead.crashes + 1)
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
