"""What a step is given and what it answers: runs that stand at it, and where each goes from there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from email_campaigns.journeys.program import Program, Step

LATE = timedelta(minutes=10)  # found later than that, times count from now, not from when it was due


@dataclass(slots=True)
class Run:
    """Somebody on their way, locked by us."""

    id: UUID
    journey_id: UUID
    version: int
    trigger_key: str
    profile_id: UUID
    card: UUID | None  # the living card
    country: str | None
    city: str | None
    entered_at: datetime
    context: dict[str, Any]
    at_step: str
    waiting: bool
    due_at: datetime
    letters: list[str]
    attempts: int
    state: str = "going"
    reason: str = ""
    ended_at: datetime | None = None
    late: timedelta = LATE

    def moment(self, at: datetime) -> datetime:
        """The instant that times count from: when it was due, unless somebody was far too late to look."""
        return self.due_at if at - self.due_at <= self.late else at


@dataclass
class Turn:
    """One transaction's work on runs of one version; what happens is kept here and written at its end."""

    session: Session
    program: Program
    at: datetime
    acts: list[tuple[UUID, str, str, dict[str, Any], datetime]] = field(default_factory=list)
    sandbox: bool = False  # a back-test: lists are left alone

    def say(self, run: Run, what: str, **detail: Any) -> None:
        """One line for the run's log, of the step it stands at."""
        self.acts.append((run.id, run.at_step, what, detail, run.moment(self.at)))

    def go(self, run: Run, to: str) -> None:
        """On to a step, or to the end where there is none."""
        run.due_at, run.waiting, run.at_step = run.moment(self.at), False, to
        if not to:
            self.end(run, "done")

    def wait(self, run: Run, until: datetime) -> None:
        """Stay at the step until then."""
        run.due_at, run.waiting = until, True

    def end(self, run: Run, state: str, reason: str = "", **detail: Any) -> None:
        """The run is over; `reason` is a code of words.py."""
        run.state, run.reason, run.ended_at = state, reason, self.at
        if state != "done":
            self.acts.append((run.id, "", "ended", {"state": state, "reason": reason, **detail}, self.at))


Read = Callable[[Session, Mapping[str, Any], str], dict[str, Any]]
Act = Callable[[Turn, Step, Sequence[Run]], None]


@dataclass(frozen=True)
class Type:
    """A kind of step: how it is read, what it does with runs that arrive, and with those whose time is up."""

    read: Read
    arrive: Act
    resume: Act | None = None  # None: simply on to the next


def nothing(_session: Session, _said: Mapping[str, Any], _at: str) -> dict[str, Any]:
    """A step without settings of its own."""
    return {}
