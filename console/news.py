"""The moving parts of a run, as its page and its event stream show them."""

from datetime import timedelta
from typing import Any

from foundation.text import _, ngettext
from sync import runs
from sync.tables import Run


def news_of(run: Run) -> dict[str, Any]:
    """The changing parts of a run's page by the names of their places."""
    return {
        "read": f"{run.read:,}",
        "new": f"{run.new:,}",
        "changed": f"{run.changed:,}",
        "same": f"{run.same:,}",
        "problems": f"{run.problems:,}",
        "stream": run.stream or "",
        "bar": min(1.0, run.read / run.total) if run.total else None,
        "pace": pace(run),
    }


def pace(run: Run) -> str:
    """How fast it goes and how long it will take, as far as one can tell."""
    speed, left = runs.rate(run), runs.seconds_left(run)
    parts = []
    if speed:
        parts.append(_("%s a second") % f"{speed:,.0f}")
    if left is not None:
        parts.append(time_left(left))
    return " · ".join(parts)


def time_left(seconds: float) -> str:
    """How long something will take, in words."""
    minutes = timedelta(seconds=seconds) // timedelta(minutes=1)
    if not minutes:
        return _("less than a minute left")
    return ngettext("about %s minute left", "about %s minutes left", minutes) % minutes
