"""Single values of Odoo's JSON: `false` for nothing, [id, name] for a reference, floats for money."""

import html
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors import values
from connectors.values import text
from foundation.errors import BadInput

Thing = Mapping[str, Any]

FOUR = Decimal("0.0001")
_TAG = re.compile(r"<[^>]*>")


def prose(value: Any) -> str:
    """The words of an HTML field."""
    return text(html.unescape(_TAG.sub(" ", value))) if isinstance(value, str) else ""


def identifier(value: Any, at: str = "/id") -> str:
    """An object's id as text; BadInput when there is none."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise BadInput(f"an id was expected, not {str(value)[:40]!r}", at)
    return str(value)


def id_of(reference: Any) -> int:
    """The id of what a reference names; 0 without any."""
    found = reference[0] if isinstance(reference, list) and reference else reference
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def name_of(reference: Any) -> str:
    """The name of what a reference names."""
    return text(reference[1]) if isinstance(reference, list) and len(reference) > 1 else ""


def number(value: Any, at: str) -> Decimal:
    """A number, nothing and `false` being zero; BadInput when it is none."""
    return values.number(None if value is False else value, at)


def instant(value: Any) -> datetime | None:
    """A time, which is UTC without saying so; None where there is none."""
    if not isinstance(value, str) or not value:
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def stamp(at: datetime) -> str:
    """An instant in Odoo's way: cut to the second, so that `>=` finds all of it."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def midnight(value: Any, zone: str) -> datetime | None:
    """The beginning of a day at the company's place."""
    try:
        day = date.fromisoformat(value.strip()) if isinstance(value, str) else None
        return datetime.combine(day, time(), ZoneInfo(zone or "UTC")).astimezone(UTC) if day else None
    except (ValueError, OverflowError):
        return None


def day(at: datetime, zone: str) -> str:
    """The day of an instant at the company's place."""
    return at.astimezone(ZoneInfo(zone or "UTC")).date().isoformat()


def things(value: Any) -> list[Thing]:
    """A list of objects; an empty one for anything else."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
