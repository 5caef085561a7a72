"""Who is in a segment, kept up to date: for those something happened to, when time is up, and all anew.

Whoever writes members holds `alone`, so that nobody overwrites a later look by an earlier one. Every enter
and leave is written with its time, its reason and what each condition was then.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.segments import due, sql, tree
from customers.segments.sql import Query
from customers.segments.tables import Segment
from customers.segments.tree import And, Condition, Node, Not, Or
from customers.touched import JOURNEYS
from foundation.database import lock
from foundation.wake import wake_after_commit

SEGMENTS_LOCK = 7_005

# reasons of enters and leaves
CHANGE, TIME, VERSION, EVERYBODY, ARCHIVED, CHECK = (
    "change",
    "time",
    "version",
    "everybody",
    "archived",
    "check",
)

_TAKE_OVER = """
entered AS (
  INSERT INTO segment_members (segment_id, customer_id, since)
  SELECT :segment, id, :at FROM judged WHERE inside ON CONFLICT DO NOTHING RETURNING customer_id
), gone AS (
  DELETE FROM segment_members m USING judged j
  WHERE m.segment_id = :segment AND m.customer_id = j.id AND NOT j.inside RETURNING m.customer_id
), moved AS (
  SELECT customer_id, 'enter' AS kind FROM entered UNION ALL SELECT customer_id, 'leave' FROM gone
), told AS (
  INSERT INTO segment_events (segment_id, customer_id, kind, at, reason, version, truth)
  SELECT :segment, m.customer_id, m.kind, :at, :reason, :version, j.truth
  FROM moved m JOIN judged j ON j.id = m.customer_id
), counted AS (
  UPDATE segments SET members = members + (SELECT count(*) FROM entered) - (SELECT count(*) FROM gone)
  WHERE id = :segment AND EXISTS (SELECT FROM moved)
)"""
_JUDGE = f"""
WITH judged AS MATERIALIZED ({{judged}}), {_TAKE_OVER}, undue AS (
  DELETE FROM segment_due d USING judged j
  WHERE d.segment_id = :segment AND d.customer_id = j.id AND j.due_at IS NULL
), dues AS (
  INSERT INTO segment_due AS d (segment_id, customer_id, due_at)
  SELECT :segment, id, due_at FROM judged WHERE due_at IS NOT NULL
  ON CONFLICT (segment_id, customer_id) DO UPDATE SET due_at = excluded.due_at
  WHERE d.due_at <> excluded.due_at
)
SELECT customer_id, kind FROM moved
"""
_RECOMPUTE = f"""
WITH inside AS MATERIALIZED ({{inside}}), judged AS MATERIALIZED (
  SELECT coalesce(i.customer_id, m.customer_id) AS id, i.customer_id IS NOT NULL AS inside, '' AS truth
  FROM inside i FULL JOIN (SELECT customer_id FROM segment_members WHERE segment_id = :segment) m
  ON m.customer_id = i.customer_id WHERE i.customer_id IS NULL OR m.customer_id IS NULL
), {_TAKE_OVER}
SELECT count(*) FILTER (WHERE kind = 'enter'), count(*) FILTER (WHERE kind = 'leave') FROM moved
"""


class Moved(NamedTuple):
    """How many entered and how many left."""

    entered: int
    left: int


def alone(session: Session, *, wait: bool = False) -> bool:
    """Be the only one who writes members until the transaction ends; without `wait`, whether that worked."""
    if wait:
        lock(session, SEGMENTS_LOCK)
        return True
    return bool(session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": SEGMENTS_LOCK}))


def judge(
    session: Session, segment: Segment, node: Node, customers: Collection[UUID], at: datetime, reason: str
) -> list[tuple[UUID, str]]:
    """Look at some customers for one segment: who entered and who left. One statement."""
    query = Query(at, single=True)
    statement = _JUDGE.format(judged=judged(query, node))
    values = {
        **query.params, "ids": sorted(customers), "segment": segment.id, "at": at, "reason": reason,
        "version": segment.version,
    }  # fmt: skip
    moved = [(row[0], row[1]) for row in session.execute(text(statement), values)]
    if moved:
        wake_after_commit(session, JOURNEYS)
    return moved


def judged(query: Query, node: Node) -> str:
    """A SELECT about the customers `:ids`: whether each is in, what its conditions are, when to look anew."""
    conditions = tree.conditions(node)
    columns = [f"({sql.where(query, one)}) AS l{number}" for number, one in enumerate(conditions)]
    instants = [instant for one in conditions if (instant := due.single(query, one))]
    when = (
        f"CASE WHEN {sql.LIVE} THEN LEAST({', '.join(instants)}) END"
        if instants
        else "CAST(NULL AS timestamptz)"
    )
    truth = " || ".join(
        f"CASE WHEN l{number} THEN 't' WHEN NOT l{number} THEN 'f' ELSE '?' END"
        for number in range(len(columns))
    )
    names = iter(f"l{number}" for number in range(len(columns)))
    return (
        f"SELECT id, (live AND ({_combined(node, names)})) IS TRUE AS inside, {truth} AS truth, due_at FROM ("
        f"SELECT w.id, coalesce({sql.LIVE}, false) AS live, {', '.join(columns)}, {when} AS due_at"
        " FROM unnest(CAST(:ids AS uuid[])) AS w (id) LEFT JOIN customers c ON c.id = w.id"
        " LEFT JOIN customer_stats s ON s.customer_id = c.id) looked"
    )


def _combined(node: Node, names: Any) -> str:
    """The tree over columns that hold what its conditions are."""
    if isinstance(node, Not):
        return f"NOT ({_combined(node.part, names)})"
    if isinstance(node, And | Or):
        word = " AND " if isinstance(node, And) else " OR "
        return word.join(f"({_combined(part, names)})" for part in node.parts)
    return str(next(names))


def recompute(session: Session, segment: Segment, node: Node, at: datetime, reason: str) -> Moved:
    """Look at everybody for one segment. Two statements, whatever the number of customers."""
    inside, params = sql.select(node, at)
    values = {**params, "segment": segment.id, "at": at, "reason": reason, "version": segment.version}
    moved = session.execute(text(_RECOMPUTE.format(inside=inside)), values).one()
    _set_due(session, segment, tree.conditions(node), at)
    wake_after_commit(session, JOURNEYS)
    return Moved(*moved)


def _set_due(session: Session, segment: Segment, conditions: Sequence[Condition], at: datetime) -> None:
    session.execute(text("DELETE FROM segment_due WHERE segment_id = :id"), {"id": segment.id})
    query = Query(at)
    parts = [part for one in conditions if (part := due.everybody(query, one))]
    if not parts:
        return
    statement = (
        "INSERT INTO segment_due (segment_id, customer_id, due_at) SELECT :segment, d.id, min(d.due_at)"
        f" FROM ({' UNION ALL '.join(parts)}) AS d (id, due_at) JOIN customers c ON c.id = d.id"
        f" WHERE {sql.LIVE} AND d.due_at IS NOT NULL GROUP BY d.id"
    )
    session.execute(text(statement), {**query.params, "segment": segment.id})


_FORGET = text(
    "WITH gone AS (DELETE FROM segment_members WHERE segment_id = :segment RETURNING customer_id), told AS ("
    " INSERT INTO segment_events (segment_id, customer_id, kind, at, reason, version, truth)"
    " SELECT :segment, customer_id, 'leave', :at, :reason, :version, '' FROM gone)"
    " SELECT count(*) FROM gone"
)


def forget(session: Session, segment: Segment, at: datetime) -> int:
    """Nobody is in a segment that is archived; how many left."""
    values = {"segment": segment.id, "at": at, "reason": ARCHIVED, "version": segment.version}
    left = session.execute(_FORGET, values).scalar_one()
    session.execute(text("DELETE FROM segment_due WHERE segment_id = :segment"), values)
    segment.members = 0
    session.flush()
    return int(left)


def differences(session: Session, node: Node, segment: Segment, at: datetime) -> list[UUID]:
    """Whose kept membership isn't what a look at everybody says, without those still to be looked at."""
    inside, params = sql.select(node, at)
    return list(
        session.scalars(
            text(
                f"WITH inside AS MATERIALIZED ({inside}), waiting AS ("
                " SELECT unnest(customers) AS id FROM segment_touched UNION"
                " SELECT customer_id FROM segment_due WHERE segment_id = :segment AND due_at <= :at)"
                " SELECT coalesce(i.customer_id, m.customer_id) FROM inside i FULL JOIN"
                " (SELECT customer_id FROM segment_members WHERE segment_id = :segment) m"
                " ON m.customer_id = i.customer_id WHERE (i.customer_id IS NULL OR m.customer_id IS NULL)"
                " AND coalesce(i.customer_id, m.customer_id) NOT IN (SELECT id FROM waiting)"
            ),
            {**params, "segment": segment.id, "at": at},
        )
    )
