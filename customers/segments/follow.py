"""Members kept up to date, turn by turn: new versions first, then who was touched, then whose time is up."""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from customers.segments import checks, membership, tree
from customers.segments.membership import CHANGE, EVERYBODY, TIME, VERSION, Moved
from customers.segments.tables import Segment, SegmentVersion
from customers.segments.things import MEASURES, VERBS
from customers.segments.tree import Did, Field, Node
from foundation import clock, log, problems
from foundation.errors import BadInput

TOGETHER = 2_000  # customers of one turn
MANY = 100_000  # customers waiting: looking at everybody is cheaper
CALM = timedelta(seconds=60)  # what concerns everybody comes in bursts, such as an import of products
_ROWS = 1_000  # arrays of customers that are looked through for a turn
_TAKE = text(
    "DELETE FROM segment_touched WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER o AS place,"
    " sum(cardinality(customers)) OVER o AS many FROM"
    " (SELECT id, customers FROM segment_touched ORDER BY id LIMIT :rows) t WINDOW o AS (ORDER BY id)) q"
    " WHERE place = 1 OR many <= :limit) RETURNING customers, what"
)
_BACKLOG = text(
    "SELECT count(*), max(id), CASE WHEN count(*) > :few THEN sum(cardinality(customers)) ELSE 0 END"
    " FROM segment_touched"
)
_DUE = text(
    "SELECT segment_id, customer_id FROM segment_due WHERE due_at <= :at ORDER BY due_at LIMIT :limit"
)
_UNDUE = text("DELETE FROM segment_due WHERE segment_id = :id")

Followed = list[tuple[Segment, Node]]


def turn(session: Session) -> bool:
    """One turn, in the caller's transaction; whether there may be more. The caller is `alone`."""
    at = clock.now()
    if _all_anew(session, at) or _too_many(session, at):
        return True
    taken = session.execute(_TAKE, {"rows": _ROWS, "limit": TOGETHER}).all()
    overdue = session.execute(_DUE, {"at": at, "limit": TOGETHER}).all()
    if not taken and not overdue:
        return False
    followed = _followed(session)
    _concern_everybody(session, followed, {row.what for row in taken if not row.customers}, at)
    for segment, node in followed:
        known = asked(node)
        customers = {one for row in taken if not row.what or row.what in known for one in row.customers}
        late = {row.customer_id for row in overdue if row.segment_id == segment.id} - customers
        with guarded(session, segment, at):
            if customers:
                membership.judge(session, segment, node, customers, at, CHANGE)
            if late:
                membership.judge(session, segment, node, late, at, TIME)
    return True


@contextmanager
def guarded(session: Session, segment: Segment, at: datetime) -> Iterator[None]:
    """What breaks for one segment becomes its problem and stops no other; it is tried again soon."""
    key = f"segment.broken:{segment.id}"
    try:
        with session.begin_nested():
            yield
    except DBAPIError as error:
        if isinstance(error, OperationalError) or error.connection_invalidated:
            raise
        log.get(__name__).exception("segment_broke", segment=str(segment.id))
        problems.report(
            session, area="segment", subject=f"segment {segment.name}", key=key,
            message=f"Its members can't be found ({type(error.orig).__name__}). Change the conditions; it is"
            " tried again every minute.",
        )  # fmt: skip
        segment.stale_at = at
        session.execute(_UNDUE, {"id": segment.id})
        session.flush()


def _followed(session: Session) -> Followed:
    """Segments whose members are of the version in force, with its conditions, as far as they can be used."""
    rows = session.execute(
        select(Segment, SegmentVersion.tree)
        .join(SegmentVersion, SegmentVersion.segment_id == Segment.id)
        .where(Segment.archived_at.is_(None), Segment.computed == Segment.version)
        .where(SegmentVersion.number == Segment.version)
        .order_by(Segment.id)
    ).all()
    found = ((segment, _readable(session, segment, data)) for segment, data in rows)
    return [(segment, node) for segment, node in found if node is not None]


def usable(session: Session, segment: Segment) -> Node | None:
    """The conditions, or None and a problem when this version of the program can't read them."""
    version = session.get_one(SegmentVersion, (segment.id, segment.version))
    return _readable(session, segment, version.tree)


def _readable(session: Session, segment: Segment, data: Any) -> Node | None:
    key = f"segment:{segment.id}"
    try:
        return checks.check(tree.from_data(data))
    except BadInput as error:
        problems.report(
            session, area="segment", subject=f"segment {segment.name}", key=key,
            message=f"Its conditions can't be used: {error.message}. Open the segment and change them.",
        )  # fmt: skip
        session.execute(_UNDUE, {"id": segment.id})  # else its time would be up for ever
        return None


def _all_anew(session: Session, at: datetime) -> bool:
    """Look at everybody for a segment that needs it, or empty one that is archived; whether there was one."""
    left = select(Segment).where(Segment.archived_at.is_not(None), Segment.members > 0).limit(1)
    archived = session.scalar(left)
    if archived is not None:
        membership.forget(session, archived, at)
        return True
    wanted = or_(Segment.computed != Segment.version, Segment.stale_at <= at - CALM)
    waiting = select(Segment).where(Segment.archived_at.is_(None), wanted)
    for segment in session.scalars(waiting.order_by(Segment.computed, Segment.id)):
        node = usable(session, segment)
        if node is None or (segment.stale_at is not None and segment.stale_at > at - CALM):
            continue
        with guarded(session, segment, at):
            everybody(session, segment, node, at)
        return True
    return False


def everybody(session: Session, segment: Segment, node: Node, at: datetime) -> Moved:
    """Look at everybody for a segment, and remember that."""
    session.execute(text("SET LOCAL work_mem = '64MB'"))
    reason = EVERYBODY if segment.computed == segment.version else VERSION
    moved = membership.recompute(session, segment, node, at, reason)
    problems.settle(session, f"segment.broken:{segment.id}")
    session.refresh(segment, attribute_names=["members"])
    segment.computed, segment.computed_at, segment.stale_at = segment.version, at, None
    session.flush()
    return moved


def _too_many(session: Session, at: datetime) -> bool:
    """Whether more customers wait than are worth looking at one by one; then all segments are done anew."""
    rows, last, waiting = session.execute(_BACKLOG, {"few": MANY // TOGETHER}).one()
    if not rows or waiting < MANY:
        return False
    session.execute(text("DELETE FROM segment_touched WHERE id <= :last AND what = ''"), {"last": last})
    session.execute(update(Segment).where(Segment.archived_at.is_(None)).values(stale_at=at - CALM))
    return True


def _concern_everybody(session: Session, followed: Followed, concerned: Set[str], at: datetime) -> None:
    for segment, node in followed:
        if segment.stale_at is None and not concerned.isdisjoint(asked(node)):
            segment.stale_at = at
    session.flush()


def asked(node: Node) -> set[str]:
    """What its conditions are about (fields, and what happens by its verb) and narrowed down by."""
    found: set[str] = set()
    for one in tree.conditions(node):
        if isinstance(one, Field):
            found.add(one.field)
        else:
            thing = VERBS[one.did] if isinstance(one, Did) else MEASURES[one.measure][0]
            found |= {thing.verb} | {narrow.name for narrow in one.filters if not narrow.property}
    return found
