"""The ledger to look at: pages of it by state, reason, step or address, and one row with its story."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, text, union_all
from sqlalchemy.orm import Session

from email_campaigns.delivery import guards
from email_campaigns.delivery.ledger import message_id
from email_campaigns.journeys.tables import Journey
from email_campaigns.tables import Delivery, Letter, LetterVersion, Mailing, Sender, Transport
from foundation.context import Context

STATES = ("planned", "claimed", "handed_over", "accepted", "deferred", "failed", "unknown", "skipped",
          "cancelled", "holdout")  # fmt: skip

_COLUMNS = (
    "id, step, customer_id, address, purpose, state, reason, detail, due_at, handed_at, finished_at, subject"
)
_PAGE = "SELECT {columns} FROM deliveries WHERE {where} ORDER BY id DESC LIMIT :limit"
_OF_STEP = """
SELECT {columns} FROM unnest(CAST(:states AS text[])) AS s (one) CROSS JOIN LATERAL (
    SELECT {columns} FROM deliveries WHERE step = :step AND state = s.one {more} ORDER BY id DESC LIMIT
        :limit) d
ORDER BY id DESC LIMIT :limit"""


class Row(NamedTuple):
    """A delivery in a list."""

    id: UUID
    step: str
    customer_id: UUID | None
    address: str
    purpose: str
    state: str
    reason: str
    detail: dict[str, Any]
    due_at: datetime
    handed_at: datetime | None
    finished_at: datetime | None
    subject: str

    @property
    def why(self) -> str:
        """The reason in words."""
        return guards.sentence(self.reason, self.detail)


def page(
    session: Session, *, state: str = "", reason: str = "", step: str = "", address: str = "",
    before: UUID | None = None, limit: int = 50,
) -> list[Row]:  # fmt: skip
    """Rows that match, the newest first. One query that reads an index in its order."""
    values = {"limit": limit, "state": state, "reason": reason, "step": step,
              "address": address.strip().lower(), "before": before,
              "states": [state] if state else list(STATES)}  # fmt: skip
    more = "".join(
        f" AND {condition}"
        for given, condition in (
            (reason, "reason = :reason"), (address, "address = :address"), (before, "id < :before")
        ) if given
    )  # fmt: skip
    if step:
        query = _OF_STEP.format(columns=_COLUMNS, more=more)
    else:
        query = _PAGE.format(columns=_COLUMNS, where=("state = :state" if state else "true") + more)
    return [Row(*row) for row in session.execute(text(query), values)]


def named(session: Session, rows: Sequence[Row]) -> dict[str, str]:
    """The names of the mailings and journeys that rows belong to, by step. One query."""
    kinds = ("mailing:", "journey:")
    ids = {row.step: UUID(row.step.split(":")[1]) for row in rows if row.step.startswith(kinds)}
    queries = [select(one.id, one.name).where(one.id.in_(set(ids.values()))) for one in (Mailing, Journey)]
    known = {row.id: row.name for row in session.execute(union_all(*queries))}
    return {step: known[one] for step, one in ids.items() if one in known}


class Story(NamedTuple):
    """One delivery with what it refers to and what came of it."""

    row: Delivery
    sender: Sender | None
    transport: Transport | None
    letter: Letter | None
    version: LetterVersion | None
    mailing: Mailing | None
    why: str
    waits: str  # what holds it although it is due
    message_id: str
    happened: Sequence[Any]  # kind, occurred_at, data of its timeline rows


_HAPPENED = text(
    "SELECT kind, occurred_at, data FROM timeline WHERE profile_id = :profile AND kind LIKE 'letter.%'"
    " AND data ->> 'delivery' = :id ORDER BY occurred_at, id LIMIT 200"
)


def story(session: Session, delivery_id: UUID, context: Context | None = None) -> Story | None:
    """Everything known about a delivery; None when there is none."""
    row = session.get(Delivery, delivery_id)
    if row is None:
        return None
    sender, transport = session.get(Sender, row.sender_id), session.get(Transport, row.transport_id)
    version = session.get(LetterVersion, row.letter_version_id)
    letter = session.get(Letter, version.letter_id) if version else None
    mailing = session.get(Mailing, UUID(row.step[8:])) if row.step.startswith("mailing:") else None
    happened = session.execute(_HAPPENED, {"profile": row.profile_id, "id": str(row.id)}).all()
    return Story(
        row, sender, transport, letter, version, mailing, guards.sentence(row.reason, row.detail),
        _waits(session, row, transport, mailing, context),
        message_id(row.id, sender.address) if sender else "", happened,
    )  # fmt: skip


def _waits(
    session: Session,
    row: Delivery,
    transport: Transport | None,
    mailing: Mailing | None,
    context: Context | None,
) -> str:
    """Why a row that could go doesn't: something holds many of them."""
    if row.state not in ("planned", "deferred"):
        return ""
    if held := guards.held(session, context=context):
        return guards.sentence(held)
    if mailing is not None and mailing.state != "sending":
        return guards.sentence("paused")
    return guards.sentence("transport") if transport is not None and transport.state != "on" else ""
