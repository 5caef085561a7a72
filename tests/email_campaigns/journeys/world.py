"""A desk whose mailings are journeys: a trigger of a test's own, and what became of people."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from customers import merge
from email_campaigns.delivery import engine as sending
from email_campaigns.journeys import jobs, store
from email_campaigns.journeys.tables import Journey
from email_campaigns.triggers.base import Field, Select, Trigger, Window
from foundation import clock
from foundation.database import transaction
from tests.email_campaigns.mailings.world import Desk, person

__all__ = ["Street", "person"]

_ENTRIES = """
SELECT t.customer_id, t.profile_id, CAST(t.id AS text) AS key, t.occurred_at AS at,
  jsonb_build_object('said', t.data ->> 'said') AS context,
  jsonb_build_object('at', t.occurred_at, 'kind', t.kind, 'row', t.id) AS cause
FROM timeline t WHERE t.kind = 'test.begun' AND t.occurred_at > :t_since AND t.occurred_at <= :t_until
  AND (CAST(:t_arrived AS timestamptz) IS NULL OR t.received_at > :t_arrived)
"""
_OVER = (
    "EXISTS (SELECT FROM timeline t JOIN profiles q ON q.id = t.profile_id"
    " WHERE q.customer_id = r.customer_id AND t.kind = 'test.ended' AND t.occurred_at > r.entered_at"
    " AND t.occurred_at <= :now)"
)


def _entries(window: Window) -> Select:
    values = {"t_since": window.since, "t_until": window.until, "t_arrived": window.arrived_since}
    return _ENTRIES, values


TRIGGER = Trigger(
    key="test",
    name=lambda: "Test",
    about=lambda: "A test begun",
    purpose="marketing",
    fields=(Field("least", "number", 0, lambda: "Least", lowest=0, highest=10),),
    kinds=frozenset({"test.begun"}),
    entries=_entries,
    over=lambda: _OVER,
)
LETTER = {"type": "letter"}


@dataclass
class Street:
    """What a test of journeys needs at hand."""

    desk: Desk
    number: int = field(default=0)

    @property
    def engine(self) -> Any:
        return self.desk.engine

    def letter(self, letter: UUID | None = None) -> dict[str, Any]:
        """A step that sends."""
        return LETTER | {"letter_id": str(letter or self.desk.letter), "sender_id": str(self.desk.sender)}

    def spec(self, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A spec of these steps, a letter where there are none."""
        given = [dict(one) for one in steps] or [self.letter()]
        return {"trigger": {"kind": "test"}, "reentry": {"kind": "each"}, "steps": given, **more}

    def journey(self, *steps: dict[str, Any], name: str = "Journey", on: bool = True, **more: Any) -> UUID:
        """A journey that is on."""
        priority = more.pop("priority", None)
        with transaction(self.engine) as session:
            row = store.create(session, name, "olga@example.org")
            store.save(session, row, self.spec(*steps, **more), "olga@example.org")
            if priority:
                store.rename(session, row, name, priority)
            if on:
                store.switch(session, row, "on")
            found = row.id
        clock.advance(timedelta(seconds=1))  # what happens at that very instant was before
        return found

    def switch(self, journey: UUID, to: str) -> None:
        with transaction(self.engine) as session:
            store.switch(session, session.get_one(Journey, journey), to)

    def happen(self, person_number: int, kind: str = "test.begun", at: datetime | None = None) -> None:
        """Something happens to one of the people, and is known at once."""
        self.number += 1
        self.desk.do(
            "INSERT INTO timeline (source_id, source_key, profile_id, customer_id, kind, occurred_at,"
            " received_at, data) SELECT source_id, :key, id, customer_id, :kind, :at, :at, '{}'"
            " FROM profiles WHERE external_id = :person",
            key=f"{kind}:{self.number}", kind=kind, at=at or clock.now(), person=f"p{person_number}",
        )  # fmt: skip

    def merge(self, first: UUID, second: UUID) -> None:
        """Say that two cards are one person."""
        with transaction(self.engine) as session:
            merge.merge(session, first, second, "olga@example.org")

    def follow(self) -> None:
        """What the worker does with journeys, until it rests; without the rests between looks."""
        jobs._pace._until = 0.0
        while jobs.follow(self.engine):
            jobs._pace._until = 0.0

    def send(self) -> None:
        """Send what is due."""
        while sending.send(self.engine):
            pass

    def live(self, duration: timedelta, step: timedelta = timedelta(minutes=30)) -> None:
        """Time goes by, and the workers do their work."""
        end = clock.now() + duration
        self.tick()
        while clock.now() < end:
            clock.advance(min(step, end - clock.now()))
            self.tick()

    def tick(self) -> None:
        """Everything once."""
        self.follow()
        self.send()

    def rows(self, query: str, **values: Any) -> Sequence[Any]:
        return self.desk.rows(query, **values)

    def runs(self) -> list[tuple[str, str, str]]:
        """Who is where: person, state, reason or step."""
        query = (
            "SELECT p.external_id, r.state, CASE WHEN r.state = 'going' THEN r.at_step ELSE r.reason END"
            " FROM journey_runs r JOIN profiles p ON p.id = r.profile_id ORDER BY r.entered_at, 1, r.id"
        )
        return [tuple(row) for row in self.rows(query)]

    def ledger(self) -> list[tuple[str, str, str, str]]:
        """Address, step, state and reason of every row."""
        query = (
            "SELECT address, split_part(step, ':', 4), state, reason FROM deliveries"
            " ORDER BY planned_at, 1, 2"
        )
        return [tuple(row) for row in self.rows(query)]

    def log(self) -> list[tuple[str, str]]:
        """Step and act of every line, in their order."""
        return [tuple(row) for row in self.rows("SELECT step, what FROM journey_acts ORDER BY id")]

    def do(self, query: str, **values: Any) -> None:
        self.desk.do(query, **values)
