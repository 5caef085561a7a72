"""What the console asks of captured sites: how each does, its events, visitors, sources and refusals.

Each question is one query that reads a bounded number of rows, however much a site has captured.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from web_capture import bundle

COUNTED = 10_000  # events that are counted; beyond it the page says "more than"
LAST = 2**63 - 1

# a claim never enters the card of somebody known, so a lead beside one is proved (docs/decisions/0013)
PROVED = """EXISTS (SELECT FROM profiles known WHERE known.customer_id = p.customer_id
  AND known.kind NOT IN ('lead', 'visitor') AND known.gone_at IS NULL) AS proved"""
_FIELDS = f"""t.id, t.kind, t.occurred_at, t.received_at, t.data, p.kind AS profile_kind, p.external_id,
  coalesce(nullif(c.name, ''), c.email, c.phone) AS customer, {PROVED}"""
ROW = f"""
SELECT {_FIELDS}
FROM {{rows}} t LEFT JOIN profiles p ON p.id = t.profile_id LEFT JOIN customers c ON c.id = t.customer_id
"""
_RECENT = (
    ROW.format(
        rows="(SELECT * FROM timeline WHERE source_id = :site AND kind LIKE 'web.%' {chosen}"
        " ORDER BY id DESC LIMIT :limit)"
    )
    + "ORDER BY t.id DESC"
)
_LANDED = (
    "LEFT JOIN landed_records r ON r.id = CASE jsonb_typeof(t.data->'landed')"
    " WHEN 'number' THEN (t.data->>'landed')::bigint END AND r.connection_id = t.source_id"
)
_ONE = f"""
SELECT {_FIELDS}, t.profile_id, t.customer_id, substr(t.source_key, 3) AS message_id, r.payload, l.rule,
  l.evidence
FROM timeline t {_LANDED}
LEFT JOIN profiles p ON p.id = t.profile_id LEFT JOIN customers c ON c.id = t.customer_id
LEFT JOIN LATERAL (SELECT rule, evidence FROM profile_links WHERE profile_id = t.profile_id AND until IS NULL
  ORDER BY id LIMIT 1) l ON true
WHERE t.id = :id AND t.source_id = :site AND t.kind LIKE 'web.%'
"""
_LATEST = f"""
SELECT substr(t.source_key, 3) AS message_id, r.payload
FROM (SELECT * FROM timeline WHERE source_id = :site AND kind LIKE 'web.%' ORDER BY id DESC LIMIT 1) t
{_LANDED}
"""
_SITES = """
SELECT s.id, s.domain, s.consent, s.last_event_at, e.today, l.id AS event, l.data, l.received_at,
  r.refused, r.refused_at, EXISTS (SELECT FROM captured w WHERE w.site_id = s.id) AS waiting
FROM sites s
LEFT JOIN LATERAL (SELECT id, data, received_at FROM timeline
  WHERE source_id = s.id AND kind LIKE 'web.%' ORDER BY id DESC LIMIT 1) l ON true
LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE received_at >= :since) AS today FROM
  (SELECT received_at FROM timeline WHERE source_id = s.id AND kind LIKE 'web.%'
   ORDER BY id DESC LIMIT :counted) newest) e ON true
LEFT JOIN LATERAL (SELECT coalesce(sum(times), 0)::bigint AS refused, max(last_at) AS refused_at
  FROM refusals WHERE site_id = s.id) r ON true
{chosen} ORDER BY s.domain
"""
_REFUSALS = """
SELECT reason, origin, times, sample, first_at, last_at FROM refusals WHERE site_id = :site
ORDER BY last_at DESC, reason, origin LIMIT :limit
"""


class SiteView(NamedTuple):
    """A site and how it does; `today` stops at COUNTED."""

    id: UUID
    domain: str
    consent: str
    last_event_at: datetime | None
    today: int
    event: int | None  # the newest one
    data: dict[str, Any] | None
    received_at: datetime | None
    refused: int  # since the site began
    refused_at: datetime | None
    waiting: bool  # events are taken in and not yet read


@dataclass(frozen=True)
class EventRow:
    """A captured event in a list."""

    id: int
    kind: str
    occurred_at: datetime
    received_at: datetime
    data: dict[str, Any]
    profile_kind: str | None
    external_id: str | None
    customer: str | None
    proved: bool  # its card holds somebody known


@dataclass(frozen=True)
class Traced(EventRow):
    """A captured event with what came and why it belongs where it does."""

    profile_id: UUID | None
    customer_id: UUID | None
    message_id: str
    payload: str | None
    rule: str | None
    evidence: dict[str, Any] | None


class Refused(NamedTuple):
    """Calls that were sent back for one reason to one origin."""

    reason: str
    origin: str
    times: int
    sample: str
    first_at: datetime
    last_at: datetime


def overview(session: Session, since: datetime, site: UUID | None = None) -> list[SiteView]:
    """All sites by their domain, or one; events are counted from `since` on."""
    query = _SITES.format(chosen="WHERE s.id = :site" if site else "")
    values = {"since": since, "counted": COUNTED, "site": site}
    return [SiteView(*row) for row in session.execute(text(query), values)]


def latest(session: Session, site: UUID) -> str | None:
    """The event that was read last, as it landed."""
    row = session.execute(text(_LATEST), {"site": site}).one_or_none()
    return landed(row.message_id, row.payload) if row else None


def events(
    session: Session, site: UUID, *, kind: str = "", before: int | None = None, limit: int = 50
) -> list[EventRow]:
    """Events as they were read, the newest first; `before` is the id of the last one of the page before."""
    return _recent(session, site, "AND id < :before", {"before": before or LAST}, kind, limit)


def news(
    session: Session, site: UUID, after: int, seen: Sequence[int], *, kind: str = "", limit: int = 100
) -> list[EventRow]:
    """The newest events beyond an id that aren't among `seen`: workers commit side by side, so a lower id
    may appear after a higher one."""
    values = {"after": after, "seen": list(seen)}
    return _recent(session, site, "AND id > :after AND NOT id = ANY(:seen)", values, kind, limit)


def _recent(
    session: Session, site: UUID, place: str, values: dict[str, Any], kind: str, limit: int
) -> list[EventRow]:
    chosen = f"{place} AND kind = :kind" if kind else place
    asked = {**values, "site": site, "kind": kind, "limit": limit}
    return [EventRow(*row) for row in session.execute(text(_RECENT.format(chosen=chosen)), asked)]


def event(session: Session, site: UUID, row_id: int) -> Traced | None:
    """One event of a site with everything known of it."""
    row = session.execute(text(_ONE), {"site": site, "id": row_id}).one_or_none()
    return replace(Traced(*row), payload=landed(row.message_id, row.payload)) if row else None


def landed(message_id: str, payload: str | None) -> str | None:
    """One event of a landed bundle, as it came; None where it isn't."""
    try:
        found = bundle.unpack(payload or "[]")
        return next((one.payload for one in found if one.message_id == message_id), None)
    except (msgspec.DecodeError, UnicodeError):
        return None


def refusals(session: Session, site: UUID, limit: int = 50) -> list[Refused]:
    """What was sent back, the latest first."""
    return [Refused(*row) for row in session.execute(text(_REFUSALS), {"site": site, "limit": limit})]


def opened(payload: str | None) -> dict[str, Any]:
    """A landed event as an object; empty when it is none or no strict JSON."""
    try:
        found = msgspec.json.decode(payload or "null")
    except (msgspec.DecodeError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}
