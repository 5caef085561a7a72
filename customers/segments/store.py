"""Segments as they are kept: make, change (a new version), rename, archive, list; and the doors to them."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from customers.segments import checks, printing, sql, tree
from customers.segments.tables import Segment, SegmentVersion
from customers.segments.tree import Field, Node
from foundation.clock import now
from foundation.errors import BadInput
from foundation.wake import wake_after_commit

FOLLOW = "segments.follow"
LONGEST_NAME = 80


class First(NamedTuple):
    """How many are in, and the newest cards of them."""

    number: int
    ids: list[UUID]


def make(session: Session, name: str, node: Node, actor: str) -> Segment:
    """A new segment by conditions; its members are found in the background."""
    checks.check(node)
    known_lists(session, node)
    segment = _new(session, name, "rule", actor)
    session.add(SegmentVersion(segment_id=segment.id, number=1, tree=tree.to_data(node), created_by=actor))
    session.flush()
    wake_after_commit(session, FOLLOW)
    return segment


def make_list(session: Session, name: str, actor: str) -> Segment:
    """A new list without anybody on it."""
    segment = _new(session, name, "list", actor)
    node = Field(field="lists", op="has", value=segment.name)
    session.add(SegmentVersion(segment_id=segment.id, number=1, tree=tree.to_data(node), created_by=actor))
    session.flush()
    return segment


def _new(session: Session, name: str, kind: str, actor: str) -> Segment:
    segment = Segment(name=_free(session, name), kind=kind, created_by=actor)
    session.add(segment)
    session.flush()
    return segment


def _free(session: Session, name: str, but: UUID | None = None) -> str:
    """The name as it is kept; `BadInput` for none, and for one that another segment has."""
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadInput(f"a segment needs a name of 1 to {LONGEST_NAME} characters", at="name")
    query = select(Segment.id).where(Segment.name == name, Segment.archived_at.is_(None))
    if session.scalar(query) not in (None, but):
        raise BadInput(f"another segment is called “{name}”", at="name")
    return name


def known_lists(session: Session, node: Node) -> None:
    """`BadInput` when the tree names a list that there isn't."""
    named = lists_of(node)
    if not named:
        return
    query = select(Segment.name).where(Segment.kind == "list", Segment.archived_at.is_(None))
    known = set(session.scalars(query))
    for name in sorted(named - known):
        raise BadInput(f"there is no list “{name}”{checks.near(name, known)}", at="lists")


def lists_of(node: Node) -> set[str]:
    """The names of the lists that conditions ask for."""
    found = [one for one in tree.conditions(node) if isinstance(one, Field)]
    return {str(one.value) for one in found if one.field == "lists" and one.op == "has"}


def change(session: Session, segment: Segment, node: Node, actor: str) -> int:
    """Save other conditions as a new version; the same ones are no change. Answers the version."""
    if segment.kind == "list":
        raise BadInput("a list has no conditions; add customers to it or take them off", at="tree")
    if segment.archived_at is not None:
        raise BadInput(f"“{segment.name}” is archived; make a new segment of its conditions", at="segment")
    checks.check(node)
    known_lists(session, node)
    session.refresh(segment, with_for_update=True)
    if version(session, segment, segment.version) == node:
        return segment.version
    segment.version += 1
    segment.changed_at, segment.stale_at = now(), None
    row = SegmentVersion(
        segment_id=segment.id, number=segment.version, tree=tree.to_data(node), created_by=actor
    )
    session.add(row)
    session.flush()
    wake_after_commit(session, FOLLOW)
    return segment.version


def rename(session: Session, segment: Segment, name: str) -> None:
    """Call it something else; `BadInput` while other segments name this list in their conditions."""
    name = _free(session, name, segment.id)
    if name == segment.name:
        return
    if segment.kind == "list":
        _unnamed(session, segment)
        row = session.get_one(SegmentVersion, (segment.id, segment.version))
        row.tree = tree.to_data(Field(field="lists", op="has", value=name))
    segment.name, segment.changed_at = name, now()
    session.flush()


def archive(session: Session, segment: Segment) -> None:
    """Keep it for what was done with it, and show and follow it no more."""
    if segment.kind == "list":
        _unnamed(session, segment)
    segment.archived_at = segment.archived_at or now()
    session.flush()
    wake_after_commit(session, FOLLOW)


def _unnamed(session: Session, segment: Segment) -> None:
    for other in everything(session):
        asks = other.kind == "rule" and segment.name in lists_of(current(session, other))
        if asks:
            raise BadInput(f"the segment “{other.name}” asks for this list; change that first", at="name")


def find(session: Session, said: str | UUID) -> Segment:
    """A segment by its id or name; `BadInput` with near names when there is none."""
    row: Segment | None = None
    if isinstance(said, UUID):
        row = session.get(Segment, said)
    else:
        row = session.scalar(select(Segment).where(Segment.name == said, Segment.archived_at.is_(None)))
        if row is None and (as_id := _id(said)):
            row = session.get(Segment, as_id)
    if row is None:
        known = session.scalars(select(Segment.name).where(Segment.archived_at.is_(None)))
        raise BadInput(f"there is no segment {said}{checks.near(str(said), known)}", at="segment")
    return row


def _id(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None


def everything(session: Session, *, archived: bool = False) -> list[Segment]:
    """All segments by name; those that are archived only when asked for."""
    query = select(Segment).order_by(func.lower(Segment.name), Segment.id)
    return list(session.scalars(query if archived else query.where(Segment.archived_at.is_(None))))


def page(
    session: Session, before: tuple[datetime, UUID] | None = None, limit: int = 50, *, archived: bool = False
) -> list[Segment]:
    """Segments, the newest first; one more than `limit` when there are more."""
    query = select(Segment).order_by(Segment.created_at.desc(), Segment.id.desc()).limit(limit + 1)
    query = query.where(Segment.archived_at.is_not(None) if archived else Segment.archived_at.is_(None))
    if before:
        query = query.where(tuple_(Segment.created_at, Segment.id) < tuple_(*before))
    return list(session.scalars(query))


def version(session: Session, segment: Segment, number: int) -> Node:
    """The conditions of a version; `BadInput` when there is no such version."""
    row = session.get(SegmentVersion, (segment.id, number))
    if row is None:
        raise BadInput(f"“{segment.name}” has no version {number}", at="version")
    return tree.from_data(row.tree)


def read(said: str) -> Node:
    """The tree that JSON says, looked at closely; `BadInput` names the place."""
    return checks.check(tree.from_json(said))


def checked(data: Any) -> Node:
    """The same of JSON that is read already."""
    return checks.check(tree.from_data(data))


def nodes(session: Session, segments: Sequence[Segment]) -> dict[UUID, Node]:
    """The conditions in force of segments by conditions; those that can't be read are left out. One query."""
    wanted = [(segment.id, segment.version) for segment in segments if segment.kind == "rule"]
    if not wanted:
        return {}
    rows = session.execute(
        select(SegmentVersion.segment_id, SegmentVersion.tree).where(
            tuple_(SegmentVersion.segment_id, SegmentVersion.number).in_(wanted)
        )
    )
    found = {}
    for segment_id, data in rows:
        with suppress(BadInput):
            found[segment_id] = checked(data)
    return found


def texts(session: Session, segments: Sequence[Segment]) -> dict[UUID, str]:
    """The same as text."""
    return {segment_id: printing.text(node) for segment_id, node in nodes(session, segments).items()}


def current(session: Session, segment: Segment) -> Node:
    """The conditions in force."""
    return version(session, segment, segment.version)


# the doors


def audience(
    session: Session, include: Sequence[UUID], exclude: Sequence[UUID], at: datetime
) -> tuple[str, dict[str, Any]]:
    """SQL and parameters of a SELECT of `customer_id`: who is in any of these segments and in none of those.

    Live, identified cards, as the conditions are now. `BadInput` when nothing is included, or a segment isn't
    there, is archived or invalid: a mistake selects nobody, never everybody.
    """
    if not include:
        raise BadInput("choose at least one segment: without any, nobody is meant", at="include")
    params: dict[str, Any] = {}
    wanted = [_selected(session, one, at, params, "include") for one in dict.fromkeys(include)]
    unwanted = [_selected(session, one, at, params, "exclude") for one in dict.fromkeys(exclude)]
    query = wanted[0] if len(wanted) == 1 else " UNION ".join(wanted)
    if unwanted:
        without = " AND ".join(
            f"NOT EXISTS (SELECT FROM ({one}) x WHERE x.customer_id = i.customer_id)" for one in unwanted
        )
        query = f"SELECT i.customer_id FROM ({query}) i WHERE {without}"
    return query, params


def _selected(session: Session, segment_id: UUID, at: datetime, params: dict[str, Any], where: str) -> str:
    segment = session.get(Segment, segment_id)
    if segment is None:
        raise BadInput(f"there is no segment {segment_id}", at=where)
    if segment.archived_at is not None:
        raise BadInput(f"the segment “{segment.name}” is archived", at=where)
    node = current(session, segment)
    try:
        known_lists(session, node)
        query, values = sql.select(node, at, f"a{len(params)}_")
    except BadInput as error:
        raise BadInput(f"the segment “{segment.name}” can't be used: {error.message}", at=where) from None
    params.update(values)
    return query


def count(session: Session, node: Node, at: datetime) -> int:
    """How many are in at an instant. One query."""
    query, params = sql.select(node, at)
    return int(session.execute(text(f"SELECT count(*) FROM ({query}) q"), params).scalar_one())


def first(session: Session, node: Node, at: datetime, limit: int = 50) -> First:
    """How many are in, and the newest of them. One query."""
    query, params = sql.select(node, at)
    found = session.execute(
        text(
            f"WITH q AS MATERIALIZED ({query}) SELECT (SELECT count(*) FROM q),"
            " ARRAY(SELECT customer_id FROM q ORDER BY customer_id DESC LIMIT :most)"
        ),
        {**params, "most": limit},
    ).one()
    return First(*found)


def first_in_time(
    session: Session, node: Node, at: datetime, limit: int, *, milliseconds: int
) -> First | None:
    """The same, or None when it takes longer than that; the caller's transaction goes on."""
    try:
        with session.begin_nested():
            session.execute(text(f"SET LOCAL statement_timeout = {milliseconds:d}"))
            session.execute(text("SET LOCAL work_mem = '64MB'"))
            found = first(session, node, at, limit)
            session.execute(text("SET LOCAL statement_timeout = 0"))
    except OperationalError:  # the server cancelled it
        return None
    return found


def sample(session: Session, node: Node, at: datetime, limit: int = 10) -> list[UUID]:
    """The newest cards that are in."""
    return first(session, node, at, limit).ids
