"""Reads what somebody typed into a form's spec: each value within its bounds, each mistake at its place."""

from collections.abc import Mapping
from typing import Any

from foundation.errors import BadInput
from foundation.text import _


class BadForm(BadInput):
    """A spec that can't be used: `errors` has a sentence for each place that is wrong."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        at, message = next(iter(errors.items()))
        super().__init__(message, at)
        self.errors = dict(errors)


class Reading:
    """What was typed, being read; gathers what is wrong."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.said, self.errors = said, dict[str, str]()

    def wrong(self, at: str, message: str) -> None:
        """Note what is wrong at a place; the first word about it stays."""
        self.errors.setdefault(at, message)

    def text(self, name: str, longest: int, *, needed: bool = False, of: Any = None, at: str = "") -> str:
        """A text without the space around it."""
        value = (self.said if of is None else of).get(name)
        value = value.replace("\0", "").strip() if isinstance(value, str) else ""
        if needed and not value:
            self.wrong(at or name, _("Write something here."))
        if len(value) > longest:
            self.wrong(at or name, _("This is longer than %d characters.") % longest)
        return value

    def one_of(self, name: str, known: tuple[str, ...], of: Mapping[str, Any], at: str = "") -> str:
        """One of some values; the first when nothing was said."""
        value = of.get(name) or known[0]
        if value not in known:
            self.wrong(at or name, _("Choose one of the list."))
            return known[0]
        return str(value)

    def number(self, name: str, least: int, most: int, of: Mapping[str, Any], at: str = "") -> int | None:
        """A whole number within bounds; None when nothing, or nothing usable, was said."""
        value = of.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        try:
            number = int(value)
        except (TypeError, ValueError):
            number = least - 1
        if not least <= number <= most:
            self.wrong(at or name, _("Give a whole number from %(least)s to %(most)s.")
                       % {"least": f"{least:,}", "most": f"{most:,}"})  # fmt: skip
            return None
        return number
