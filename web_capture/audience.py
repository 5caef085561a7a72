"""Who visits a captured site: its visitors by their newest event, what each did, and where they came from.

Like `reading`, each question is one query that reads a bounded number of rows.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from web_capture.reading import COUNTED, LAST, PROVED, ROW, EventRow

STRETCH = 20_000  # events that one page of visitors looks through
SAMPLED = 100_000  # visits that their sources are told from

_OF_PROFILE = ROW.format(rows="timeline") + (
    "WHERE t.profile_id = :profile AND t.source_id = :site AND (t.occurred_at, t.id) < (:at, :before)"
    " ORDER BY t.occurred_at DESC, t.id DESC LIMIT :limit"
)
_PROFILE = f"""
SELECT p.id, p.kind, p.external_id, p.created_at, p.customer_id,
  coalesce(nullif(c.name, ''), c.email, c.phone) AS customer, {PROVED}, l.rule, l.evidence,
  ARRAY(SELECT jsonb_build_object('card', q.customer_id, 'at', s.last_at,
      'name', coalesce(nullif(d.name, ''), d.email, d.phone))
    FROM soft_visitors s JOIN profiles q ON q.id = s.profile_id JOIN customers d ON d.id = q.customer_id
    WHERE p.kind = 'visitor' AND s.site_id = p.source_id AND s.device = p.external_id
    ORDER BY s.last_at DESC LIMIT 5) AS letters
FROM profiles p LEFT JOIN customers c ON c.id = p.customer_id
LEFT JOIN LATERAL (SELECT rule, evidence FROM profile_links WHERE profile_id = p.id AND until IS NULL
  ORDER BY id LIMIT 1) l ON true
WHERE p.id = :id AND p.source_id = :site
"""
_VISITORS = f"""
WITH stretch AS MATERIALIZED (
  SELECT id, profile_id FROM timeline
  WHERE source_id = :site AND kind LIKE 'web.%' AND id < :before ORDER BY id DESC LIMIT :stretch
), newest AS (
  SELECT profile_id, max(id) AS id FROM stretch WHERE profile_id IS NOT NULL GROUP BY profile_id
), listed AS (
  SELECT * FROM newest n WHERE NOT EXISTS (SELECT FROM timeline t WHERE t.profile_id = n.profile_id
    AND t.source_id = :site AND t.kind LIKE 'web.%' AND t.id >= :before)
  ORDER BY id DESC LIMIT :limit
), ends AS (SELECT min(id) AS id, count(*) AS size FROM stretch)
SELECT n.id, p.id AS profile_id, p.kind, p.external_id, p.customer_id,
  coalesce(nullif(c.name, ''), c.email, c.phone) AS customer, {PROVED},
  coalesce(t.data->>'device', '') AS device, t.occurred_at, e.events, v.channel, v.source,
  ends.id AS floor, ends.size
FROM ends LEFT JOIN listed n ON true LEFT JOIN timeline t ON t.id = n.id
LEFT JOIN profiles p ON p.id = n.profile_id LEFT JOIN customers c ON c.id = p.customer_id
LEFT JOIN LATERAL (SELECT count(*) AS events FROM
  (SELECT FROM timeline WHERE profile_id = n.profile_id LIMIT :counted) few) e ON true
LEFT JOIN LATERAL (SELECT channel, source FROM visits
  WHERE site_id = :site AND device = t.data->>'device' ORDER BY started_at LIMIT 1) v ON true
ORDER BY n.id DESC
"""
# first each device's visits: to sort them all for the count of devices would cost as much again, and more
_SOURCES = """
SELECT channel, source, medium, campaign, sum(visits)::bigint AS visits, count(*) AS visitors,
  sum(pages)::bigint AS pages, sum(orders)::bigint AS orders
FROM (
  SELECT channel, source, medium, campaign, count(*) AS visits, sum(pages) AS pages,
    sum(jsonb_array_length(orders)) AS orders
  FROM (SELECT channel, source, medium, campaign, device, pages, orders FROM visits
    WHERE site_id = :site AND started_at >= :since ORDER BY started_at DESC LIMIT :sampled) newest
  GROUP BY 1, 2, 3, 4, device) devices
GROUP BY 1, 2, 3, 4 ORDER BY visits DESC, 1, 2, 3, 4 LIMIT :limit
"""


class Visitor(NamedTuple):
    """A profile of a site by its newest event; `events` stops at COUNTED."""

    last_id: int
    id: UUID
    kind: str
    external_id: str
    customer_id: UUID | None
    customer: str | None
    proved: bool  # its card holds somebody known
    device: str  # that it used last; empty when nothing told
    seen_at: datetime
    events: int
    channel: str | None  # of the device's first visit, like the source
    source: str | None


class Known(NamedTuple):
    """A visitor and the card it is on, with the link that brought it there."""

    id: UUID
    kind: str
    external_id: str
    created_at: datetime
    customer_id: UUID | None
    customer: str | None
    proved: bool  # its card holds somebody known
    rule: str | None
    evidence: dict[str, Any] | None
    letters: list[dict[str, Any]]  # "card", "name", "at": for whom the letters were that it came by


class Origin(NamedTuple):
    """Where visits came from, and what they did."""

    channel: str  # see web_capture.origins
    source: str
    medium: str
    campaign: str
    visits: int
    visitors: int
    pages: int
    orders: int


def visitors(
    session: Session, site: UUID, before: int | None = None, limit: int = 50
) -> tuple[list[Visitor], int | None]:
    """Visitors by their newest event, and the place of those before them; None at the beginning.

    A page looks through a stretch of events, so where one visitor did much it may hold few or none.
    """
    values = {"site": site, "before": before or LAST, "stretch": STRETCH, "limit": limit, "counted": COUNTED}
    rows = session.execute(text(_VISITORS), values).all()
    found = [Visitor(*row[:12]) for row in rows if row.id is not None]
    if len(found) == limit:
        return found, found[-1].last_id
    return found, rows[0].floor if rows[0].size == STRETCH else None


def visitor(session: Session, site: UUID, profile: UUID) -> Known | None:
    """One visitor of a site."""
    row = session.execute(text(_PROFILE), {"site": site, "id": profile}).one_or_none()
    return Known(*row) if row else None


def events_of(
    session: Session, site: UUID, profile: UUID, before: tuple[datetime, int] | None, limit: int = 50
) -> list[EventRow]:
    """What a visitor did, the latest first; `before` is the time and id of the last one shown."""
    at, row_id = before or (datetime.max.replace(tzinfo=UTC), LAST)
    values = {"site": site, "profile": profile, "at": at, "before": row_id, "limit": limit}
    return [EventRow(*row) for row in session.execute(text(_OF_PROFILE), values)]


def sources(session: Session, site: UUID, since: datetime, limit: int = 100) -> list[Origin]:
    """Where visits came from since then, the most first, as far as the newest SAMPLED of them tell."""
    values = {"site": site, "since": since, "sampled": SAMPLED, "limit": limit}
    return [Origin(*row) for row in session.execute(text(_SOURCES), values)]
