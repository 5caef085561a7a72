"""Single values of Tryton's answers and of what is written there: tagged Decimals, dates and times."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from foundation.errors import BadInput

Node = dict[str, Any]

DATES = ("create_date", "write_date")


def encode(value: Any) -> Any:
    """A value as Tryton wants it: Decimals, dates and times become tagged objects, times in UTC."""
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": f"{value:f}"}
        case datetime():
            at = value.astimezone(UTC)
            clock = {name: getattr(at, name) for name in ("hour", "minute", "second", "microsecond")}
            return {"__class__": "datetime", "year": at.year, "month": at.month, "day": at.day, **clock}
        case date():
            return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
        case dict():
            return {name: encode(inner) for name, inner in value.items()}
        case list() | tuple():
            return [encode(inner) for inner in value]
        case _:
            return value


def without_dots(value: Any) -> Any:
    """An answer whose nested objects stand under the field's name: “party.” in RPC is “party” in REST.

    REST says the model of each object, too; both are to give the same.
    """
    match value:
        case dict():
            kept = {name: inner for name, inner in value.items() if name != "__name__"}
            return {name.removesuffix("."): without_dots(kept[name]) for name in sorted(kept)}
        case list():
            return [without_dots(inner) for inner in value]
        case _:
            return value


def identifier(node: Node) -> str:
    """The id of an object as text; BadInput when it has none."""
    found = node.get("id")
    if isinstance(found, bool) or not isinstance(found, int):
        raise BadInput("there is no id", "id")
    return str(found)


def text(value: Any) -> str:
    """One line without control characters and odd blanks; empty for nothing."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    return " ".join("".join(c if c.isprintable() or c.isspace() else "" for c in str(value)).split())


def money(value: Any, at: str = "") -> Decimal:
    """A Decimal from its tagged object, or 0 for null; BadInput for anything else."""
    if value is None:
        return Decimal(0)
    if not isinstance(value, dict) or value.get("__class__") != "Decimal":
        raise BadInput(f"{value!r} is no amount", at)
    return _finite(value.get("decimal"), at)


def quantity(value: Any, at: str = "") -> Decimal:
    """A number of pieces, which Tryton writes as a JSON number."""
    if value is None:
        return Decimal(1)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise BadInput(f"{value!r} is no quantity", at)
    found = _finite(value, at)
    return found.quantize(Decimal(1)) if found == found.to_integral_value() else found


def _finite(value: Any, at: str) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation as error:
        raise BadInput(f"{value!r} is no number", at) from error
    if not found.is_finite() or abs(found) >= 10**17:
        raise BadInput(f"{value!r} is no number", at)
    return found


def moment(value: Any, at: str = "") -> datetime | None:
    """A tagged time or date in UTC, or None where there is none."""
    if value is None:
        return None
    kind = value.get("__class__") if isinstance(value, dict) else None
    try:
        if kind == "datetime":
            parts = {name: int(number) for name, number in value.items() if name != "__class__"}
            return datetime(**parts, tzinfo=UTC)
        if kind == "date":
            day = date(int(value["year"]), int(value["month"]), int(value["day"]))
            return datetime.combine(day, time(), UTC)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{value!r} is no time", at) from error
    raise BadInput(f"{value!r} is no time", at)


def nested(node: Node, *names: str) -> Node:
    """An object inside; an empty one where it, or one on the way to it, is null or missing."""
    for name in names:
        found = node.get(name)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise BadInput("an object was expected", name)
        node = found
    return node


def listed(node: Node, name: str) -> list[Node]:
    """A list of objects; an empty one where it is null or missing."""
    found = node.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise BadInput("a list of objects was expected", name)
    return found


def touched_at(node: Node) -> datetime:
    """When an object or any part of it that was read last changed.

    A party's own time stands still when its address or tax number changes.
    """
    found = [at for at in _times(node) if at]
    if not found:
        raise BadInput("there is no time of change", "write_date")
    return max(found)


def _times(node: Node) -> Iterator[datetime | None]:
    for name, value in node.items():
        if name in DATES:
            yield moment(value, name)
        elif isinstance(value, dict) and "__class__" not in value:
            yield from _times(value)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    yield from _times(item)
