"""The recipients of a mailing, page by page: who, what became of it, and why."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from email_campaigns.tables import Mailing
from foundation.clock import now

PAGE = 1_000
# ids begin with their time: a mailing's rows lie side by side, between its start and its being written down
_ROWS = text("""
SELECT d.id, coalesce(p.customer_id, d.customer_id) AS customer_id,
  CASE WHEN position('@' IN d.address) > 0 THEN d.address ELSE '' END AS address, d.state, d.reason, d.detail,
  d.variant, d.language, d.subject, d.planned_at, d.handed_at, d.finished_at, d.reply
FROM deliveries d LEFT JOIN profiles p ON p.id = d.profile_id
WHERE d.step = :step AND d.id > :after AND d.id < :until ORDER BY d.id LIMIT :most
""")


def page(session: Session, mailing: Mailing, after: UUID | None) -> Sequence[Any]:
    """The rows behind `after`, the first ones without; at most `PAGE`."""
    if mailing.started_at is None:
        return []
    filled = mailing.frozen.get("filled_at")
    until = datetime.fromisoformat(filled) + timedelta(minutes=1) if filled else now() + timedelta(minutes=1)
    values = {
        "step": f"mailing:{mailing.id}", "after": after or _at(mailing.started_at), "until": _at(until),
        "most": PAGE,
    }  # fmt: skip
    return session.execute(_ROWS, values).all()


def _at(at: datetime) -> UUID:
    """An id below all that are made at an instant."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
