"""Answers to “would you recommend us” as the door writes them, of as many people as a test wants."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from email_campaigns.journeys import store
from foundation import clock
from foundation.database import transaction
from tests.email_campaigns.mailings.world import Desk

PUT = """
INSERT INTO timeline (source_id, source_key, profile_id, customer_id, kind, occurred_at, received_at, data)
SELECT source_id, :key, id, customer_id, 'letter.answered', :at, :at, CAST(:data AS jsonb) FROM profiles
WHERE external_id = :person"""


def journey(desk: Desk, name: str = "How was it") -> UUID:
    """A journey with a letter as its step n1."""
    letter = {"id": "n1", "type": "letter", "letter_id": str(desk.letter), "sender_id": str(desk.sender)}
    with transaction(desk.engine) as session:
        row = store.create(session, name, "olga@example.org")
        said = {"trigger": {"kind": "nps"}, "reentry": {"kind": "each"}, "steps": [letter]}
        store.save(session, row, said, "olga@example.org")
        return row.id


def answer(
    desk: Desk, person: int, score: Any, step: str, comment: str = "", at: datetime | None = None
) -> None:
    """Person so-and-so answers a letter."""
    data = {"step": step, "delivery": str(clock.new_id()), "letter": str(desk.letter), "subject": "Well?",
            "score": score} | ({"comment": comment} if comment else {})  # fmt: skip
    desk.do(PUT, key=str(clock.new_id()), person=f"p{person}", at=at or clock.now(),
            data=msgspec.json.encode(data).decode())  # fmt: skip


def step(journey_id: UUID, place: str = "n1") -> str:
    """How the ledger calls a run's letter of a journey."""
    return f"journey:{journey_id}:1:{place}:{clock.new_id().hex}"
