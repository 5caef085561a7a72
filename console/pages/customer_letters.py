"""The card's tab of letters: conversations, and every letter of ours that was meant for this person."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from console.pages.mail_words import states
from console.templating import link
from console.web import Call, as_id
from customers.mail import reading
from email_campaigns.delivery import listing
from email_campaigns.delivery.listing import Row

PAGE = 20
_COLUMNS = ", ".join(f"d.{name}" for name in Row._fields)
_MEANT = text(
    f"SELECT {_COLUMNS} FROM deliveries d"
    " WHERE d.profile_id IN (SELECT id FROM profiles WHERE customer_id = :card)"
    " AND NOT starts_with(d.step, 'answer:') AND (CAST(:before AS uuid) IS NULL OR d.id < :before)"
    " ORDER BY d.id DESC LIMIT :limit"
)


def meant(session: Session, card: UUID, before: UUID | None = None, limit: int = PAGE) -> list[Row]:
    """The ledger's rows of a card, the newest first: letters that left and letters that didn't. One query."""
    return [Row(*row) for row in session.execute(_MEANT, {"card": card, "before": before, "limit": limit})]


def tab(call: Call, card: UUID) -> dict[str, Any]:
    """What the tab shows."""
    before, sent = call.query("before", 400) or None, call.query("sent", 40)
    talks = reading.threads(call.db, before=before, card=card)
    rows = meant(call.db, card, as_id(sent) if sent else None, PAGE + 1)
    here = f"/customers/{card}"
    return {
        "threads": talks.rows,
        "older": link(here, tab="letters", before=talks.next) if talks.next else "",
        "newer": link(here, tab="letters") if before else "",
        "sent": rows[:PAGE],
        "names": listing.named(call.db, rows) if rows else {},
        "states": states(),
        "sent_older": link(here, tab="letters", sent=rows[PAGE - 1].id) if len(rows) > PAGE else "",
        "sent_newer": link(here, tab="letters") if sent else "",
    }
