"""Single values of Vendure's answers, read with care: text, times, money, nested objects."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from foundation.errors import BadInput

Node = dict[str, Any]


def identifier(node: Node) -> str:
    """The id of an object as text; BadInput when it has none."""
    found = text(node.get("id"))
    if not found:
        raise BadInput("there is no id", "id")
    return found


def text(value: Any) -> str:
    """One line without control characters and odd blanks; empty for nothing."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    return " ".join("".join(c if c.isprintable() or c.isspace() else "" for c in str(value)).split())


def instant(value: Any, at: str = "") -> datetime:
    """A time with a zone, in UTC; BadInput for anything else."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{value!r} is no time", at) from error
    if found.tzinfo is None:
        raise BadInput(f"the time {value!r} has no zone", at)
    return found.astimezone(UTC)


def moment(value: Any) -> datetime | None:
    """A time, or None where there is none."""
    return instant(value) if value else None


def money(value: Any, decimals: int, at: str = "") -> Decimal:
    """An amount from its minor units; BadInput when it isn't a whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 10**17:
        raise BadInput(f"{value!r} is no amount in minor units", at)
    return Decimal(value).scaleb(-decimals)


def nested(node: Node, name: str) -> Node:
    """A nested object; an empty one where it is null or missing."""
    found = node.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadInput("an object was expected", name)
    return found


def listed(node: Node, name: str) -> list[Node]:
    """A list of objects; an empty one where it is null or missing."""
    found = node.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise BadInput("a list of objects was expected", name)
    return found
