"""When a captured event happened: the sender's clock, read tolerantly and corrected by ours."""

import re
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
OLDEST = timedelta(days=5 * 365 + 2)
HISTORY = timedelta(days=1)  # a server that says more than this past means a past event, not a slow clock
_LONGEST = 64
_FIRST_SECOND = 100_000_000  # 1973: smaller numbers are counters, not times
_FIRST_MILLISECOND = 100_000_000_000
_FIRST_MICROSECOND = 100_000_000_000_000
_NUMBER = re.compile(r"[0-9]{9,16}(?:\.[0-9]{1,9})?")
_TOLERANT = re.compile(
    r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})"
    r"(?:[Tt ]\s*([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.,]([0-9]+))?)?)?"
    r"\s*(?:([Zz]|UTC|GMT)|([+-])([0-9]{1,2})(?::?([0-9]{2}))?)?"
)


def occurred(received: datetime, original: datetime | None, sent: datetime | None, trusted: bool) -> datetime:
    """The moment by our clock: `received - (sent - original)`, never later than received.

    What is older than five years counts as now, unless a trusted server says it: it imports history, and then
    its own time is kept to the microsecond, so that importing twice says the same.
    """
    if original is None:
        return received
    try:
        if trusted and (sent or received) - original > HISTORY:
            return min(original, received)
        at = original if sent is None else received - (sent - original)
        return at if received - OLDEST <= at <= received else received
    except OverflowError:
        return received


def instant(value: Any) -> datetime | None:
    """A moment in UTC from what a sender calls a time; without a zone it is UTC. None when it is none."""
    if value is None:
        return None
    try:
        if isinstance(value, str):
            return _of_text(value.strip()) if len(value) <= _LONGEST else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _of_number(value)
    except (ValueError, OverflowError):
        pass
    return None


def _of_text(value: str) -> datetime | None:
    if value[4:5] != "-" and _NUMBER.fullmatch(value):
        return _of_number(float(value) if "." in value else int(value))
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = _tolerant(value)
    if at.tzinfo is UTC:
        return at
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _of_number(value: float) -> datetime | None:
    if not isfinite(value) or value < _FIRST_SECOND:
        return None
    if value >= _FIRST_MICROSECOND:
        return BEGINNING + timedelta(microseconds=value)
    if value >= _FIRST_MILLISECOND:
        return BEGINNING + timedelta(milliseconds=value)
    return BEGINNING + timedelta(seconds=value)


def _tolerant(value: str) -> datetime:
    found = _TOLERANT.fullmatch(value)
    if found is None:
        raise ValueError("no time")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    fraction = int((found[7] or "").ljust(6, "0")[:6])
    # a leap second is the last moment of its minute
    at = datetime(year, month, day, hour, minute, min(second, 59) if second == 60 else second, fraction, UTC)
    if found[9] is None:
        return at
    away = timedelta(hours=int(found[10]), minutes=int(found[11] or 0))
    return at - away if found[9] == "+" else at + away
