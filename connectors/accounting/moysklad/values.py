"""Single values of MoySklad's JSON: kopecks, Moscow wall time, references."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.values import LARGEST, number, rounded, text
from foundation.errors import BadInput

Thing = Mapping[str, Any]

MOSCOW = ZoneInfo("Europe/Moscow")  # whatever the account's own zone is
CENT, FOUR = Decimal("0.01"), Decimal("0.0001")


def identifier(value: Any, at: str = "/id") -> str:
    """An object's UUID as text; BadInput when there is none."""
    found = text(value) if isinstance(value, str) else ""
    if not found:
        raise BadInput(f"an id was expected, not {str(value)[:40]!r}", at)
    return found


def money(value: Any, at: str, step: Decimal = CENT) -> Decimal:
    """An amount from kopecks, which every currency is counted in there and which may have fractions."""
    return rounded(number(value, at, 100 * LARGEST) / 100, step, at)


def kopecks(amount: Decimal) -> float | int:
    """An amount as MoySklad takes it."""
    found = amount * 100
    return int(found) if found == found.to_integral_value() else float(found)


def instant(value: Any) -> datetime | None:
    """A time in UTC: Moscow's wall clock where no zone is said; None where there is none."""
    if not isinstance(value, str) or not value:
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=MOSCOW)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def stamp(at: datetime) -> str:
    """An instant in MoySklad's way, to the millisecond."""
    return at.astimezone(MOSCOW).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def day(value: Any) -> date | None:
    """The calendar day of a Moscow time such as a date of birth."""
    found = instant(value)
    return found.astimezone(MOSCOW).date() if found else None


def part(thing: Thing, name: str) -> Thing:
    """A nested object; an empty one where there is none."""
    found = thing.get(name)
    return found if isinstance(found, Mapping) else {}


def parts(thing: Thing, name: str) -> list[Thing]:
    """A list of objects, also where it comes as a collection with `rows`."""
    found = thing.get(name)
    found = found.get("rows") if isinstance(found, Mapping) else found
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def kind_of(reference: Thing) -> str:
    """The type of what a reference names: product, counterparty …"""
    return text(part(reference, "meta").get("type"))


def id_of(reference: Thing) -> str:
    """The id of what a reference names: its own, or the last part of its address; empty without any."""
    own = text(reference.get("id"))
    return own or text(part(reference, "meta").get("href")).partition("?")[0].rpartition("/")[2]
