"""Letters that came back and complaints about them: what each means for its letter and its address."""

from datetime import timedelta

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from email_campaigns import suppression
from email_campaigns.delivery import results
from email_campaigns.delivery.transports.replies import SOFT
from email_campaigns.doors import preferences
from email_campaigns.doors.known import Known, arrived, tell
from foundation.clock import now
from foundation.text import _

_MARK = text(
    "UPDATE deliveries SET reason = :reason, reply = :reply,"
    " detail = detail || jsonb_build_object('came_back', CAST(:at AS text))"
    " WHERE id = :id AND state = 'accepted' AND NOT detail ? 'came_back'"
)
_SOFT = text(
    "SELECT count(*) FROM deliveries WHERE address = :address AND reason = ANY(:soft)"
    " AND state IN ('failed', 'accepted') AND finished_at > :since"
)


def bounced(session: Session, known: Known, reason: str, hard: bool, reply: str) -> None:
    """It came back. For good: the address gets nothing any more; else several in a row rest it."""
    arrived(session, known, "bounce", _said(known))
    reply = reply.replace("\0", "")[:500]
    session.execute(_MARK, {"id": known.id, "reason": reason, "reply": reply, "at": now().isoformat()})
    data = {**known.told, "reason": reason, "reply": reply, "hard": hard}
    tell(session, known, "letter.bounced", msgspec.json.encode(data).decode(), at=now())
    if hard:
        suppression.add(session, known.address, "bounce", detail=reply, delivery_id=known.id)
    elif reason in SOFT:
        _count(session, known, reply)


def _count(session: Session, known: Known, reply: str) -> None:
    since = now() - timedelta(days=results.SOFT_DAYS)
    count = session.scalar(_SOFT, {"address": known.address, "soft": list(SOFT), "since": since}) or 0
    if count >= results.SOFT_MOST:
        until = None if count >= results.SOFT_HARD else now() + timedelta(days=results.SOFT_REST)
        suppression.add(
            session, known.address, "soft_bounces", detail=reply, delivery_id=known.id, until=until
        )


def complained(session: Session, known: Known, why: str) -> None:
    """Somebody called it spam: the address gets nothing any more, at once and for good."""
    arrived(session, known, "complaint", _said(known))
    suppression.add(session, known.address, "complaint", detail=why, delivery_id=known.id)
    preferences.withdraw(session, known, _("I called a letter spam."), "complaint")
    tell(
        session,
        known,
        "letter.complained",
        msgspec.json.encode({**known.told, "type": why}).decode(),
        at=now(),
    )


def delivered(session: Session, known: Known) -> None:
    """It reached the mailbox's server: news only for a letter of unknown fate."""
    arrived(session, known, "delivery report", _said(known))


def _said(known: Known) -> str:
    return msgspec.json.encode(known.told).decode()
