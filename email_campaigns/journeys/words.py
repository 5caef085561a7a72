"""What happened in journeys, in words: codes of states, reasons and the log."""

from collections.abc import Mapping
from typing import Any

from email_campaigns.delivery import guards
from foundation.text import _


def states() -> dict[str, str]:
    """States of a run."""
    return {
        "going": _("under way"), "done": _("through"), "goal": _("reached the goal"), "left": _("left"),
        "stopped": _("stopped"), "dead": _("failed"),
    }  # fmt: skip


def reasons() -> dict[str, str]:
    """Why somebody did not come in, or is not in it any more."""
    return {
        "again": _("They were in this journey before, and its rule about coming in again says no."),
        "already": _("They were in this journey just then; nobody is in it twice at once."),
        "audience": _("They were in none of the segments that may come in."),
        "excluded": _("They were in a segment that is kept out."),
        "holdout": _("Held out, to measure what the journey does."),
        "merged": _("Two cards became one, and the other was in this journey first."),
        "no_card": _("The profile is on no card any more."),
        "goal": _("What the journey is for has become true."),
        "order": _("They ordered, which is what the journey is for."),
        "over": _("There is no need any more: what brought them in is settled."),
        "exit": _("A condition to leave has become true."),
        "exit_step": _("The journey ended here for them."),
        "off": _("The journey was switched off."),
        "failed": _("A step failed too often; the problem says why."),
        "not_called": _("An outside address could not be told, and the journey ends there for them."),
    }


def steps() -> dict[str, str]:
    """Types of steps."""
    return {
        "wait": _("Wait"), "until": _("Wait until a time of day"), "wait_for": _("Wait for something"),
        "condition": _("Condition"), "split": _("Split"), "letter": _("Letter"), "task": _("Task"),
        "list": _("List"), "set": _("Set a field"), "webhook": _("Call an address"), "exit": _("End"),
    }  # fmt: skip


def _acts() -> dict[str, str]:
    return {
        "entered": _("Came in."),
        "waits": _("Waits until {until}."),
        "came_true": _("It is true: {condition}"),
        "time_up": _("The time is up, and it is not true: {condition}"),
        "yes": _("Yes: {condition}"),
        "no": _("No: {condition}"),
        "arm": _("Goes the way “{name}”."),
        "letter": _("The letter is planned (version {version})."),
        "sent": _("The letter has left."),
        "task": _("A task for a person: {text}"),
        "listed": _("Put on the list."),
        "unlisted": _("Taken off the list."),
        "no_list": _("The list is gone; nothing was done."),
        "call": _("{host} is told."),
        "called": _("Told: {said}"),
        "not_called": _("Could not be told, and was given up: {said}"),
        "exit": _("The journey ends here."),
    }


def set_to(field: str, value: str) -> str:
    """What a step that sets a field does."""
    said = {
        "tag": _("Tag with “%s”"), "untag": _("Take the tag “%s” off"),
        "language": _("Set the language to “%s”"), "city": _("Set the city to “%s”"),
        "country": _("Set the country to “%s”"),
    }  # fmt: skip
    return said.get(field, "%s") % value


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def act(what: str, detail: Mapping[str, Any]) -> str:
    """The sentence of a line of the log. Instants stand in it as they are kept."""
    if what == "refused":
        return reasons().get(str(detail.get("reason")), "")
    if what == "ended":
        return ended(str(detail.get("state")), str(detail.get("reason")), detail)
    if what == "no_letter" and detail.get("reason") == "no_code":
        return _("No letter: there was no code left to hand out.")
    if what == "no_letter":
        why = guards.sentence(str(detail.get("reason", "")), detail) or _("No letter left.")
        return _("No letter: %s") % why
    if what == "set":
        return set_to(str(detail.get("field")), str(detail.get("value"))) + "."
    if what.startswith("failed"):
        return str(_("This failed: %s") % detail.get("why", ""))
    return _acts().get(what, what).format_map(_Blank(detail))


def ended(state: str, reason: str, detail: Mapping[str, Any] | None = None) -> str:
    """Why a run is over."""
    said = reasons().get(reason, states().get(state, state))
    condition = (detail or {}).get("condition")
    return f"{said} ({condition})" if condition else said
