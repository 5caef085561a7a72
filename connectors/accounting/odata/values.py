"""Single values of 1C's JSON: numbers, wall times, references, and paths into a row."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from foundation.errors import BadInput

Row = Mapping[str, Any]

EMPTY_REF = "00000000-0000-0000-0000-000000000000"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_FIRST_YEAR = 1900  # an empty date is 0001-01-01, and mistyped years lie between


def text(value: Any) -> str:
    """One line of plain text; nothing for what is no single value."""
    if value is None or isinstance(value, (dict, list, bool)):
        return ""
    return " ".join(_UNSEEN.sub("", str(value)).split())


def number(value: Any, at: str, places: int = 4) -> Decimal:
    """A number as Decimal, rounded to what 1C keeps: its JSON says 30.000000000000004 for 30."""
    if value is None or value == "":
        return Decimal(0)
    said = re.sub(r"\s", "", str(value)).replace(",", ".")
    try:
        found = Decimal(said)
    except InvalidOperation:
        found = Decimal("NaN")
    if isinstance(value, bool) or not found.is_finite() or abs(found) >= Decimal(10) ** 15:
        raise BadInput(f"a number was expected, not {str(value)[:40]!r}", at)
    return round(found, places) if -int(found.as_tuple().exponent) > places else found


def instant(value: Any, zone: ZoneInfo) -> datetime | None:
    """A wall time of the base as an instant; None for 1C's empty date and for what is no date."""
    try:
        wall = datetime.fromisoformat(value) if isinstance(value, str) else None
        if wall is None or wall.year < _FIRST_YEAR:
            return None
        return (wall if wall.tzinfo else wall.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def wall(moment: datetime, zone: ZoneInfo) -> str:
    """An instant as the base writes it: local time without a zone."""
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def reference(value: Any) -> str:
    """A reference in lower case; "" for the empty one and for what is none."""
    said = value.strip().lower() if isinstance(value, str) else ""
    return said if _GUID.fullmatch(said) and said != EMPTY_REF else ""


def pick(row: Row, path: str) -> Any:
    """The value at `Part/Field`, of a table the first row's; None where there is none."""
    value: Any = row
    for step in path.split("/"):
        if isinstance(value, Sequence) and not isinstance(value, str):
            value = value[0] if value else None
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def rows_at(row: Row, path: str) -> list[Row]:
    """The rows of a table part."""
    found = pick(row, path)
    return [r for r in found if isinstance(r, Mapping)] if isinstance(found, list) else []


def linked(row: Row, path: str, kinds: Sequence[str]) -> str:
    """A reference, if it is to one of these kinds of object; what isn't composite has no kind to compare."""
    kind = pick(row, f"{path}_Type")
    if kind is not None and text(kind).rpartition(".")[2] not in kinds:
        return ""
    return reference(pick(row, path))
