"""What states, choices and outcomes of mailings are called in the console."""

from email_campaigns.mailings import states
from foundation.text import _

Words = list[tuple[str, str]]
COLOURS = {
    "scheduled": "info", "freezing": "info", "sending": "info", "paused": "warn", "asking": "warn",
    "done": "good",
}  # fmt: skip


def states_() -> dict[str, tuple[str, str]]:
    """State -> its word and the colour of its tag."""
    return {state: (word, COLOURS.get(state, "")) for state, word in states.words().items()}


def kinds() -> Words:
    """When letters go."""
    return [
        ("now", _("at once")),
        ("at", _("at a time, the same instant for all")),
        ("local", _("at a time by each recipient's own clock")),
        ("best", _("at each person's best hour, within a day from a time on")),
    ]


def measures() -> Words:
    """How a winner is found."""
    return [
        ("", _("none: the shares make up everybody")),
        ("clicks", _("by clicks")),
        ("revenue", _("by revenue")),
    ]


def steps() -> Words:
    """The questions of the wizard."""
    return [
        ("audience", _("1. Audience")), ("letter", _("2. Letter")), ("when", _("3. When")), ("check",
        _("4. Check")),
    ]  # fmt: skip


def outcomes() -> dict[str, str]:
    """What became of a letter, by the state of its row."""
    return {
        "planned": _("waiting"),
        "deferred": _("put off by the server"),
        "claimed": _("being made"),
        "handed_over": _("leaving"),
        "accepted": _("accepted"),
        "failed": _("failed"),
        "unknown": _("unknown"),
        "skipped": _("no letter"),
        "holdout": _("held out"),
        "cancelled": _("cancelled"),
    }
