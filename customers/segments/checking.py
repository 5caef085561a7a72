"""The daily proof that members kept step by step are those that a look at everybody finds."""

from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from customers.segments import follow, membership
from customers.segments.membership import CHECK
from customers.segments.tables import Segment
from foundation import clock, log, problems
from foundation.database import transaction

SHOWN = 5  # customers named in a problem


def check_all(engine: Engine) -> int:
    """Check every segment, each in a transaction of its own; how many customers were wrong."""
    with transaction(engine) as session:
        wanted = select(Segment.id).where(Segment.archived_at.is_(None), Segment.computed == Segment.version)
        segments = session.scalars(wanted).all()
    return sum(_check(engine, one) for one in segments)


def _check(engine: Engine, segment_id: UUID) -> int:
    wrong = 0
    with transaction(engine) as session:
        membership.alone(session, wait=True)
        segment = session.get_one(Segment, segment_id)
        with follow.guarded(session, segment, clock.now()):
            wrong = check(session, segment)
    return wrong


def check(session: Session, segment: Segment) -> int:
    """Compare and mend one segment; differences become a problem. How many customers were wrong."""
    at = clock.now()
    if segment.archived_at is not None or segment.computed != segment.version or segment.stale_at is not None:
        return 0
    node = follow.usable(session, segment)
    if node is None:
        return 0
    wrong = membership.differences(session, node, segment, at)
    key = f"segment.check:{segment.id}"
    if not wrong:
        problems.settle(session, key)
        return 0
    membership.judge(session, segment, node, wrong, at, CHECK)
    log.get(__name__).error("segment_differed", segment=str(segment.id), customers=len(wrong))
    some = ", ".join(str(one) for one in sorted(wrong)[:SHOWN])
    problems.report(
        session, area="segment", subject=f"segment {segment.name}", key=key,
        message=f"{len(wrong)} customers were kept in or out of it wrongly and have been put right: {some}. "
        "Letters, products or sources that were renamed do that; otherwise please report it.",
    )  # fmt: skip
    return len(wrong)
