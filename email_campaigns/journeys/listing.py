"""Who is in journeys, and the tasks that came of them, page by page."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from email_campaigns.journeys.tables import JourneyTask
from foundation.clock import now
from foundation.errors import BadInput
from foundation.text import _

After = tuple[datetime, UUID]


class Listed(NamedTuple):
    """A run in a list."""

    id: UUID
    journey_id: UUID
    journey: str
    version: int
    customer_id: UUID | None  # the living card
    name: str
    email: str | None
    state: str
    reason: str
    at_step: str
    due_at: datetime
    entered_at: datetime
    ended_at: datetime | None


_RUNS = """
SELECT r.id, r.journey_id, j.name AS journey, r.version, c.id AS customer_id, coalesce(c.name, '') AS name,
  c.email, r.state, r.reason, r.at_step, r.due_at, r.entered_at, r.ended_at
FROM journey_runs r JOIN journeys j ON j.id = r.journey_id LEFT JOIN profiles p ON p.id = r.profile_id
LEFT JOIN customers c ON c.id = p.customer_id AND c.live
WHERE {which} ORDER BY r.entered_at DESC, r.id DESC LIMIT :limit
"""


def runs(
    session: Session,
    *,
    journey: UUID | None = None,
    customer: UUID | None = None,
    step: str | None = None,
    state: str | None = None,
    reason: str | None = None,
    after: After | None = None,
    limit: int = 50,
) -> tuple[list[Listed], After | None]:
    """Runs of a journey or of a person, the newest first, and where the next page begins. One query."""
    if journey is None and customer is None:
        raise BadInput(_("Say whose runs: of a journey, or of a person."), "journey")
    asked: dict[str, Any] = {"limit": limit + 1}
    parts = []
    for name, value, condition in (
        ("journey", journey, "r.journey_id = :journey"),
        ("step", step, "r.at_step = :step"),
        ("state", state, "r.state = :state"),
        ("reason", reason, "r.reason = :reason"),
        (
            "customer", customer,
            "r.profile_id IN (SELECT id FROM profiles WHERE customer_id = :customer)",
        ),
    ):  # fmt: skip
        if value is not None:
            parts.append(condition)
            asked[name] = value
    if after is not None:
        parts.append("(r.entered_at, r.id) < (:at, :id)")
        asked |= {"at": after[0], "id": after[1]}
    query = text(_RUNS.format(which=" AND ".join(parts)))
    rows = [Listed(*row) for row in session.execute(query, asked)]
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], (last.entered_at, last.id) if last else None


# tasks


class Task(NamedTuple):
    """Something a person shall do."""

    id: UUID
    said: str
    journey_id: UUID
    journey: str
    run_id: UUID
    customer_id: UUID | None
    name: str
    due_at: datetime
    created_at: datetime
    done_at: datetime | None
    done_by: str


_TASKS = """
SELECT t.id, t.said, t.journey_id, j.name AS journey, t.run_id, c.id AS customer_id,
  coalesce(c.name, '') AS name, t.due_at, t.created_at, t.done_at, t.done_by
FROM journey_tasks t JOIN journeys j ON j.id = t.journey_id LEFT JOIN profiles p ON p.id = t.profile_id
LEFT JOIN customers c ON c.id = p.customer_id AND c.live
WHERE {which} ORDER BY t.due_at, t.id LIMIT :limit
"""


def tasks(
    session: Session,
    *,
    customer: UUID | None = None,
    done: bool = False,
    after: After | None = None,
    limit: int = 50,
) -> tuple[list[Task], After | None]:
    """Tasks of everybody or of one person, the most urgent first, and where the next page begins."""
    parts = ["t.done_at IS NOT NULL" if done else "t.done_at IS NULL"]
    asked: dict[str, Any] = {"limit": limit + 1}
    if customer is not None:
        parts.append("t.profile_id IN (SELECT id FROM profiles WHERE customer_id = :customer)")
        asked["customer"] = customer
    if after is not None:
        parts.append("(t.due_at, t.id) > (:at, :id)")
        asked |= {"at": after[0], "id": after[1]}
    rows = [
        Task(*row) for row in session.execute(text(_TASKS.format(which=" AND ".join(parts))), asked)
    ]  # fmt: skip
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], (last.due_at, last.id) if last else None


def finish(session: Session, task_id: UUID, actor: str) -> None:
    """A person did it; a task that is done stays with whoever did it first."""
    task = session.get(JourneyTask, task_id, with_for_update=True)
    if task is None:
        raise BadInput(_("There is no such task."), "task")
    if task.done_at is None:
        task.done_at, task.done_by = now(), actor
        session.flush()
