"""A journey as the engine has it in hand: its versions compiled, the same live and in a back-test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from email_campaigns import triggers
from email_campaigns.journeys.program import Program, compile_
from email_campaigns.journeys.tables import Journey, JourneyVersion
from email_campaigns.triggers.base import Trigger

OVERLAP = timedelta(minutes=2)  # rows become visible later than they say
DEEP = timedelta(days=2)  # how far an hourly look goes back: for whoever became known since
BACK = timedelta(hours=24)  # what happened longer ago brings nobody in any more

_kept: dict[tuple[UUID, int], Program] = {}
_MOST = 500


@dataclass(frozen=True)
class Course:
    """Which journey, the version that people enter now, and the others that people are still in."""

    journey_id: UUID
    name: str
    version: int
    program_of: Callable[[int], Program]
    sandbox: bool = False

    @property
    def spec(self) -> Mapping[str, Any]:
        """What the version in force does."""
        return self.program_of(self.version).spec

    @property
    def trigger(self) -> Trigger:
        """What brings people in."""
        return triggers.of(self.spec["trigger"]["kind"])


def live(session: Session, journey: Journey) -> Course:
    """A journey as it is kept; a version never changes, so each is compiled once a process."""

    @lru_cache
    def of(version: int) -> Program:
        key = (journey.id, version)
        if key not in _kept:
            if len(_kept) >= _MOST:
                _kept.clear()
            _kept[key] = compile_(session.get_one(JourneyVersion, key).spec)
        return _kept[key]

    return Course(journey.id, journey.name, journey.version, of)


def given(journey_id: UUID, name: str, spec: Mapping[str, Any]) -> Course:
    """A spec tried out in the sandbox."""
    program = compile_(spec)
    return Course(journey_id, name, 1, lambda _version: program, sandbox=True)
