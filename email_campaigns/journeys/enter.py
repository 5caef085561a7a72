"""Who comes in: occurrences of the trigger that were never seen become runs, or the reason why not.

An occurrence is named by the trigger; each brings a person in at most once, however often it is looked at.
Nobody unidentified comes in: an hourly look finds them when they have become known within the day.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from email_campaigns.journeys import conditions
from email_campaigns.journeys.course import Course
from email_campaigns.journeys.steps.branches import percent
from email_campaigns.triggers.base import Window
from foundation.clock import new_ids, now

TOGETHER = 500
REFUSED = ("again", "already", "audience", "excluded")  # these never were in
_NEW = """
SELECT e.profile_id, e.key, e.at, e.context, e.cause, c.id AS card FROM ({entries}) e
JOIN profiles p ON p.id = e.profile_id JOIN customers c ON c.id = p.customer_id AND c.live AND c.identified
WHERE NOT EXISTS (SELECT FROM journey_runs r JOIN profiles q ON q.id = r.profile_id
  WHERE r.journey_id = :j_journey AND r.trigger_key = e.key AND q.customer_id = c.id)
ORDER BY e.at, e.key, e.profile_id LIMIT :j_limit
"""
_BEFORE = text(
    "SELECT p.customer_id AS card, max(r.entered_at) AS last, bool_or(r.state = 'going') AS going"
    " FROM profiles p JOIN journey_runs r ON r.profile_id = p.id AND r.journey_id = :journey"
    " WHERE p.customer_id = ANY(:cards) AND NOT (r.state = 'left' AND r.reason = ANY(:refused)) GROUP BY 1"
)
_INSERT = text("""
INSERT INTO journey_runs (id, journey_id, version, trigger_key, profile_id, customer_id, entered_at, cause,
  context, at_step, waiting, due_at, state, reason, ended_at, attempts, letters, created_at)
SELECT w.id, :journey, :version, w.key, w.profile, w.card, w.at, w.cause, w.context, '', false, w.at,
  CASE WHEN w.reason = '' THEN 'going' ELSE 'left' END, w.reason,
  CASE WHEN w.reason <> '' THEN CAST(:now AS timestamptz) END, 0, '{}', :now
FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[]), CAST(:profiles AS uuid[]), CAST(:cards AS uuid[]),
  CAST(:ats AS timestamptz[]), CAST(:causes AS jsonb[]), CAST(:contexts AS jsonb[]), CAST(:reasons AS text[]))
  AS w (id, key, profile, card, at, cause, context, reason)
ON CONFLICT DO NOTHING""")
_LOG = text("""
INSERT INTO journey_acts (run_id, step, what, detail, at)
SELECT w.id, '', CASE WHEN w.reason = '' THEN 'entered' ELSE 'refused' END,
  jsonb_build_object('reason', w.reason), CASE WHEN w.reason = '' THEN w.at ELSE CAST(:now AS timestamptz) END
FROM unnest(CAST(:ids AS uuid[]), CAST(:ats AS timestamptz[]), CAST(:reasons AS text[])) AS w (id, at, reason)
ON CONFLICT DO NOTHING""")


@dataclass
class _Past:
    """When a card was in this journey last, and whether it still is."""

    last: datetime
    going: bool


def bring(session: Session, course: Course, since: datetime, arrived_since: datetime | None) -> int:
    """Look at the trigger once; how many were new. As many as `TOGETHER`: there may be more."""
    at = now()
    window = Window(course.spec["trigger"]["settings"], since, at, arrived_since)
    entries, params = course.trigger.entries(window)
    query = text(_NEW.format(entries=entries))
    rows = session.execute(query, {**params, "j_journey": course.journey_id, "j_limit": TOGETHER}).all()
    if rows:
        _write(session, course, rows, _verdicts(session, course, rows, at), at)
    return len(rows)


def _verdicts(session: Session, course: Course, rows: Sequence[Row[Any]], at: datetime) -> list[str]:
    """For each occurrence the reason why it lets nobody in, or nothing."""
    spec = course.spec
    cards = {row.card for row in rows}
    audience = spec["audience"]
    inside = _members(session, audience["include"], cards, at) if audience["include"] else cards
    outside = _members(session, audience["exclude"], cards, at)
    values = {"journey": course.journey_id, "cards": sorted(cards), "refused": list(REFUSED)}
    past = {row.card: _Past(row.last, row.going) for row in session.execute(_BEFORE, values)}
    found = []
    for row in rows:
        if row.card not in inside:
            reason = "audience"
        elif row.card in outside:
            reason = "excluded"
        else:
            reason = _reentry(spec["reentry"], past.get(row.card), row.at)
        if not reason:
            if percent(str(course.journey_id), "holdout", str(row.card)) < spec["holdout"]:
                reason = "holdout"
            past[row.card] = _Past(row.at, not reason)
        found.append(reason)
    return found


def _members(session: Session, ids: Iterable[str], cards: set[UUID], at: datetime) -> set[UUID]:
    return conditions.members(session, [UUID(one) for one in ids], cards, at)


def _reentry(rule: Mapping[str, Any], past: _Past | None, at: datetime) -> str:
    if past is None:
        return ""
    if past.going:
        return "already"
    if rule["kind"] == "never":
        return "again"
    if rule["kind"] == "after" and (at - past.last).total_seconds() < rule["days"] * 86_400:
        return "again"
    return ""


def _write(
    session: Session, course: Course, rows: Sequence[Row[Any]], reasons: list[str], at: datetime
) -> None:
    ids, ats = list(new_ids(len(rows))), [row.at for row in rows]
    values = {
        "journey": course.journey_id, "version": course.version, "now": at, "ids": ids, "ats": ats,
        "keys": [row.key for row in rows], "profiles": [row.profile_id for row in rows],
        "cards": [row.card for row in rows], "causes": [_json(row.cause) for row in rows],
        "contexts": [_json(row.context) for row in rows], "reasons": reasons,
    }  # fmt: skip
    session.execute(_INSERT, values)
    session.execute(_LOG, {"ids": ids, "ats": ats, "reasons": reasons, "now": at})


def _json(value: Any) -> str:
    return msgspec.json.encode(value if value is not None else {}).decode()
