"""The step that sets a field of the card: a statement of our own, weighed like that of any source."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from customers import own
from email_campaigns.journeys.program import Step
from email_campaigns.journeys.reading import choice, refuse, words
from email_campaigns.journeys.steps.base import Run, Turn, Type
from foundation.records import Address, Person
from foundation.text import _

LONGEST = 80
FIELDS = ("tag", "untag", "language", "city", "country")  # never what finds people: addresses, phones, names
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})?")


def _read(_session: Session, said: Mapping[str, Any], at: str) -> dict[str, Any]:
    field = choice(said.get("field"), FIELDS, f"{at}/field", _("Choose what to set."))
    value = words(said.get("value"), LONGEST, f"{at}/value")
    if field == "language":
        value = value.lower()
        if not _LANGUAGE.fullmatch(value):
            refuse(_("Write the language by its code: en, ru, kk."), f"{at}/value")
    elif field == "country":
        value = value.upper()
        if not re.fullmatch("[A-Z]{2}", value):
            refuse(_("Write the country by its two letters: KZ, TR, DE."), f"{at}/value")
    return {"field": field, "value": value}


def _set(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    change = changing(step.said["field"], step.said["value"])
    if not turn.sandbox:
        actor = f"journey {runs[0].journey_id}"
        own.say(turn.session, {run.profile_id: change for run in runs if run.card}, actor)
    for run in runs:
        turn.say(run, "set", field=step.said["field"], value=step.said["value"])
        turn.go(run, step.then)


def changing(field: str, value: str) -> Callable[[Person], Person]:
    """How what we say of a person changes by it."""

    def change(person: Person) -> Person:
        if field in ("tag", "untag"):
            tags = [one for one in person.tags if one != value]
            return msgspec.structs.replace(person, tags=(*tags, value) if field == "tag" else tuple(tags))
        if field == "city":
            return msgspec.structs.replace(person, addresses=(Address(city=value),))
        return msgspec.structs.replace(person, **{field: value})

    return change


SET = Type(_read, _set)
