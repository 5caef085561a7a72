"""Steps that part ways: a condition, and a split by chance that always falls the same way."""

import hashlib
from collections.abc import Sequence

from email_campaigns.journeys import conditions
from email_campaigns.journeys.program import Step
from email_campaigns.journeys.steps.base import Run, Turn, Type, nothing


def _ask(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    said = step.said["condition"]
    true = conditions.holding(turn.session, said, {run.card for run in runs if run.card}, turn.at)
    for run in runs:
        way = "yes" if run.card in true else "no"
        turn.say(run, way, condition=said)
        turn.go(run, step.ways[way])


def _part(turn: Turn, step: Step, runs: Sequence[Run]) -> None:
    for run in runs:
        place, name = percent(str(run.journey_id), step.id, str(run.profile_id), run.trigger_key), ""
        for arm in step.said["arms"]:
            name = arm["name"]
            if place < arm["share"]:
                break
            place -= arm["share"]
        turn.say(run, "arm", name=name)
        turn.go(run, step.ways[name])


def percent(*parts: str) -> float:
    """A number from 0 to 100 that these parts always give, as chance would."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 * 100


CONDITION = Type(nothing, _ask)  # what is in them is read by spec.py
SPLIT = Type(nothing, _part)
