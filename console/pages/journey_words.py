"""What states, steps, units and rules of journeys are called in the console."""

from collections.abc import Mapping
from typing import Any

from email_campaigns.journeys.enter import REFUSED
from email_campaigns.journeys.steps.webhooks import host
from email_campaigns.journeys.words import set_to
from email_campaigns.triggers.base import Trigger
from foundation.text import _, ngettext

Words = list[tuple[str, str]]


def states() -> dict[str, tuple[str, str]]:
    """State of a journey -> its word and the colour of its tag."""
    return {
        "draft": (_("draft"), ""),
        "on": (_("on"), "good"),
        "paused": (_("paused"), "warn"),
        "off": (_("off"), ""),
        "archived": (_("archived"), ""),
    }


def run_states() -> dict[str, tuple[str, str]]:
    """State of a person's way -> its word and the colour of its tag."""
    return {
        "going": (_("on the way"), "info"),
        "done": (_("went through"), "good"),
        "goal": (_("reached the goal"), "good"),
        "left": (_("left"), ""),
        "stopped": (_("stopped"), "warn"),
        "dead": (_("stuck"), "bad"),
    }


def stands(state: str, reason: str) -> tuple[str, str]:
    """How somebody stands, with the colour of its tag: who never came in did not leave either."""
    if state == "left" and reason == "holdout":
        return _("held out"), ""
    if state == "left" and reason in REFUSED:
        return _("not let in"), ""
    return run_states().get(state, (state, ""))


def test_states() -> dict[str, tuple[str, str]]:
    """State of a back-test -> its word and the colour of its tag."""
    return {
        "waiting": (_("waiting"), "info"),
        "running": (_("running"), "info"),
        "done": (_("done"), "good"),
        "failed": (_("failed"), "bad"),
    }


def kinds() -> dict[str, str]:
    """Types of steps, in the order they are offered."""
    return {
        "letter": _("Letter"),
        "wait": _("Wait"),
        "until": _("Wait until a time"),
        "wait_for": _("Wait for something"),
        "condition": _("Condition"),
        "split": _("Split by chance"),
        "task": _("Task for a person"),
        "list": _("Put on or off a list"),
        "set": _("Set a field of the card"),
        "webhook": _("Call an outside address"),
        "exit": _("End here"),
    }


PICTURES = {
    "letter": "mail", "wait": "clock", "until": "clock", "wait_for": "clock", "condition": "branch",
    "split": "branch", "task": "check", "list": "segments", "set": "customers", "webhook": "out",
    "exit": "close",
}  # fmt: skip


def units() -> Words:
    """Units of time."""
    return [("minutes", _("minutes")), ("hours", _("hours")), ("days", _("days"))]


def reentries() -> Words:
    """How often somebody may go through."""
    return [
        ("never", _("once, never again")),
        ("each", _("each time it happens, but never twice at once")),
        ("after", _("again after some days")),
    ]


def goals() -> Words:
    """What a goal can be."""
    return [("", _("none")), ("order", _("an order")), ("condition", _("a condition"))]


def acts() -> Words:
    """What a step does to a list."""
    return [("add", _("put on")), ("remove", _("take off"))]


def settable() -> Words:
    """What a step can set."""
    return [
        ("tag", _("put a tag on")), ("untag", _("take a tag off")), ("language", _("language")),
        ("city", _("city")), ("country", _("country")),
    ]  # fmt: skip


def failures() -> Words:
    """What happens when an outside address could not be told."""
    return [("go_on", _("they go on")), ("leave", _("they leave"))]


def weekdays() -> list[tuple[int, str]]:
    """Days of the week, from Monday."""
    names = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
    return list(enumerate(names, 1))


def span(amount: Any, unit: str) -> str:
    """A span of time: "3 days"."""
    count = amount if isinstance(amount, int) else 0
    if unit == "minutes":
        return ngettext("%(num)s minute", "%(num)s minutes", count) % {"num": amount}
    if unit == "hours":
        return ngettext("%(num)s hour", "%(num)s hours", count) % {"num": amount}
    return ngettext("%(num)s day", "%(num)s days", count) % {"num": amount}


def days(chosen: Any) -> str:
    """Days of the week as a person reads them; empty for every day."""
    wanted = {one for one in chosen or () if isinstance(one, int)}
    if not wanted or len(wanted) == 7:
        return ""
    if wanted == {1, 2, 3, 4, 5}:
        return _("Monday to Friday")
    if wanted == {6, 7}:
        return _("Saturday or Sunday")
    return ", ".join(name for number, name in weekdays() if number in wanted)


def settings(trigger: Trigger, said: Mapping[str, Any], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a trigger was told, label and value; what it was not told is left out."""
    found = []
    for field in trigger.fields:
        value = said.get(field.name)
        if field.kind == "segment" and value:
            value = names.get(value, _("(gone)"))
        elif field.choices:
            value = field.choices().get(str(value), value)
        elif isinstance(value, list):
            value = ", ".join(value)
        if value not in (None, ""):
            found.append((field.label(), str(value)))
    return found


def title(step: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What a step does, in a line; `names` holds those of letters and lists by id."""
    match step["type"]:
        case "wait":
            return _("Wait %s") % span(step["amount"], step["unit"])
        case "until":
            said = _("Wait until %s by their clock") % step["time"]
            on = days(step.get("weekdays"))
            return f"{said}, {on}" if on else said
        case "wait_for":
            return _("Wait until it holds, at most %s") % span(step["amount"], step["unit"])
        case "condition":
            return _("Does this hold?")
        case "split":
            return _("Split by chance")
        case "letter":
            return names.get(str(step["letter_id"]), _("a letter that is gone"))
        case "task":
            return _("Task, within %s") % span(step["within_hours"], "hours")
        case "list":
            name = names.get(str(step["segment_id"]), _("a list that is gone"))
            return (_("Put on “%s”") if step["act"] == "add" else _("Take off “%s”")) % name
        case "set":
            return set_to(step["field"], step["value"])
        case "webhook":
            return _("Tell %s") % host(step["url"])
        case "exit":
            return _("The journey ends here")
    return str(step["type"])
