"""Reading what somebody sent as JSON: each value of its kind, or `BadInput` with its place."""

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from foundation.errors import BadInput
from foundation.text import _


def refuse(message: str, at: str) -> NoReturn:
    """It can't be used, there and because of that."""
    raise BadInput(message, at)


def entry(said: Any, at: str) -> Mapping[str, Any]:
    """Something with named parts."""
    if not isinstance(said, Mapping):
        refuse(_("An object with named parts belongs here."), at)
    found: Mapping[str, Any] = said
    return found


def listed(said: Any, at: str) -> list[Any]:
    """A list; nothing is an empty one."""
    if said is None:
        return []
    if not isinstance(said, list | tuple):
        refuse(_("A list belongs here."), at)
    return list(said)


def number(said: Any, least: int, most: int, at: str) -> int:
    """A whole number within limits; digits in a text are taken as well."""
    if isinstance(said, str) and said.strip().isascii() and said.strip().isdigit() and len(said) < 12:
        said = int(said)
    if isinstance(said, bool) or not isinstance(said, int) or not least <= said <= most:
        limits = {"least": f"{least:,}", "most": f"{most:,}"}
        refuse(_("A number from %(least)s to %(most)s.") % limits, at)
    return int(said)


def choice(said: Any, among: Collection[str], at: str, message: str) -> str:
    """One of several words."""
    if not isinstance(said, str) or said not in among:
        refuse(message, at)
    return str(said)


def words(said: Any, longest: int, at: str) -> str:
    """A text of one line, not empty."""
    found = " ".join(said.split()) if isinstance(said, str) else ""
    if not 0 < len(found) <= longest or not found.isprintable():
        refuse(_("Write a text of at most %d characters.") % longest, at)
    return found
