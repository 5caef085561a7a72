"""Visitors who came by a letter: for whom it was written, a hint beside the device and never a link."""

from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import passes
from web_capture.happened import Happened

_KEEP = text(
    "INSERT INTO soft_visitors AS s (site_id, device, profile_id, first_at, last_at)"
    " SELECT DISTINCT ON (device, profile_id) :site, device, profile_id, at, at FROM unnest("
    " CAST(:devices AS text[]), CAST(:profiles AS uuid[]), CAST(:ats AS timestamptz[]))"
    " AS w (device, profile_id, at) ON CONFLICT (site_id, device, profile_id) DO UPDATE"
    " SET last_at = greatest(s.last_at, excluded.last_at)"
)


def record(session: Session, site: UUID, rows: Sequence[Happened]) -> None:
    """Keep for whom the letters were that visitors come by. Pages without a pass cost nothing."""
    shown = [(code, row) for row in rows if (code := _code(row))]
    if not shown:
        return
    known = passes.take(session, {code for code, _row in shown})
    kept = {code: row for code, row in reversed(shown) if code in known}  # who showed it first
    if kept:
        values = {
            "site": site,
            "devices": [row.message.device for row in kept.values()],
            "profiles": [known[code] for code in kept],
            "ats": [row.message.occurred_at for row in kept.values()],
        }
        session.execute(_KEEP, values)


def _code(row: Happened) -> str:
    """The pass in a page's address; empty where there is none, or no visitor who could have it."""
    message = row.message
    if f"{passes.PARAMETER}=" not in message.url or not message.device or row.bot or message.secret:
        return ""
    try:
        return parse_qs(urlsplit(message.url).query).get(passes.PARAMETER, [""])[0][:40]
    except ValueError:
        return ""
