"""The kinds of steps a journey is made of."""

from collections.abc import Mapping

from email_campaigns.journeys.steps import acts, branches, letters, sets, waits, webhooks
from email_campaigns.journeys.steps.base import Type

TYPES: Mapping[str, Type] = {
    "wait": waits.WAIT,
    "until": waits.UNTIL,
    "wait_for": waits.WAIT_FOR,
    "condition": branches.CONDITION,
    "split": branches.SPLIT,
    "letter": letters.LETTER,
    "task": acts.TASK,
    "list": acts.LIST,
    "set": sets.SET,
    "webhook": webhooks.WEBHOOK,
    "exit": acts.EXIT,
}


def of(kind: str) -> Type:
    """The kind of a checked step."""
    return TYPES[kind]
