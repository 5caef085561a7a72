"""Steps that wait: for a while, until a time of the recipient's day, for something to become true."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from email_campaigns import secret, zones
from email_campaigns.journeys import conditions
from email_campaigns.journeys.program import Step
from email_campaigns.journeys.reading import choice, listed, number, refuse
from email_campaigns.journeys.steps.base import Run, Turn, Type
from foundation.text import _

UNITS = {"minutes": 60, "hours": 3_600, "days": 86_400}
MOST_SECONDS = 366 * 86_400


def _length(said: Mapping[str, Any], at: str) -> dict[str, Any]:
    unit = choice(said.get("unit"), UNITS, f"{at}/unit", _("Say minutes, hours or days."))
    return {
        "amount": number(said.get("amount"), 1, MOST_SECONDS // UNITS[unit], f"{at}/amount"),
        "unit": unit,
    }


def length(said: Mapping[str, Any]) -> timedelta:
    """How long a checked step waits."""
    return timedelta(seconds=said["amount"] * UNITS[said["unit"]])


# a while


def _read_wait(_session: Session, said: Mapping[str, Any], at: str) -> dict[str, Any]:
    return _length(said, at)


def _begin_wait(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    for run in runs:
        until = run.moment(turn.at) + length(step.said)
        turn.say(run, "waits", until=until.isoformat())
        turn.wait(run, until)


# a time of the day


def _read_until(_session: Session, said: Mapping[str, Any], at: str) -> dict[str, Any]:
    try:
        wall = time.fromisoformat(str(said.get("time")))
    except ValueError:
        wall = time(0, 0, 1)
    if wall.second or wall.tzinfo or len(str(said.get("time"))) != 5:
        refuse(_("Give the time of day as 10:00."), f"{at}/time")
    days = {number(one, 1, 7, f"{at}/weekdays") for one in listed(said.get("weekdays"), f"{at}/weekdays")}
    return {"time": wall.isoformat("minutes"), "weekdays": sorted(days)}


def _begin_until(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    usual = secret.switch(turn.session).zone
    for run in runs:
        zone = zones.zone_of(run.country, run.city, usual)
        until = next_time(run.moment(turn.at), zone, step.said["time"], step.said["weekdays"])
        turn.say(run, "waits", until=until.isoformat(), zone=zone)
        turn.wait(run, until)


def next_time(at: datetime, zone: str, wall: str, weekdays: Sequence[int]) -> datetime:
    """The next instant, or this one, at which clocks of the zone show that time on one of these days."""
    here, told = zones.local(at, zone), time.fromisoformat(wall)
    for days in range(9):
        day = here.date() + timedelta(days=days)
        then = datetime.combine(day, told, here.tzinfo).astimezone(at.tzinfo)
        if then >= at and (not weekdays or day.isoweekday() in weekdays):
            return then
    return at + timedelta(days=1)  # a zone that leaves the hour out


# something to become true


def _read_wait_for(session: Session, said: Mapping[str, Any], at: str) -> dict[str, Any]:
    return {
        "condition": conditions.read(session, said.get("condition"), f"{at}/condition"),
        **_length(said, at),
    }


def _begin_wait_for(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    came = true(turn, step, runs)
    for run in runs:
        if run.card in came:
            turn.say(run, "came_true", condition=step.said["condition"])
            turn.go(run, step.then)
        else:
            until = run.moment(turn.at) + length(step.said)
            turn.say(run, "waits", until=until.isoformat(), condition=step.said["condition"])
            turn.wait(run, until)


def _end_wait_for(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    came = true(turn, step, runs)
    for run in runs:
        turn.say(run, "came_true" if run.card in came else "time_up", condition=step.said["condition"])
        turn.go(run, step.then)


def true(turn: Turn, step: Step, runs: Sequence[Run]) -> set[Any]:
    """The cards for which what a step waits for is true."""
    cards = {run.card for run in runs if run.card}
    return set(conditions.holding(turn.session, step.said["condition"], cards, turn.at))


WAIT = Type(_read_wait, _begin_wait)
UNTIL = Type(_read_until, _begin_until)
WAIT_FOR = Type(_read_wait_for, _begin_wait_for, _end_wait_for)
