"""Values of customers, shops and triggers made fit for letters: typed, short, and linking nowhere odd."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from email_campaigns.letters import limits
from email_campaigns.letters.values import Amount

_ADDRESSES = ("url", "image", "link")
_DEEPEST = 6
_LONGEST = 100  # members of a list


def amount(value: Any, currency: Any) -> Amount | None:
    """An amount with its currency; None when either is missing."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return Amount(found, str(currency)) if currency and value is not None and found.is_finite() else None


def address(value: Any) -> str | None:
    """An http address that a letter can link to; None for anything else a stranger may have sent."""
    if not isinstance(value, str) or len(value) > limits.VALUE:
        return None
    try:
        parts = urlsplit(value.strip())
        good = parts.scheme.lower() in ("http", "https") and parts.hostname and "@" not in parts.netloc
    except ValueError:
        return None
    return (
        value.strip() if good and not any(one.isspace() or one in '<>"\\' for one in value.strip()) else None
    )


def said(value: Any) -> Any:
    """A text cut to a sane length and without characters that are none."""
    if not isinstance(value, str):
        return value
    text = value[: limits.VALUE]
    return (
        text
        if text.isprintable()
        else "".join(one if one.isprintable() or one == "\n" else " " for one in text)
    )


def lift(raw: Mapping[str, Any], depth: int = _DEEPEST) -> dict[str, Any]:
    """What a trigger keeps as JSON, as variables; nothing is what is empty or can't be used."""
    made = {str(name): _lifted(str(name), value, depth) for name, value in raw.items()}
    return {name: value for name, value in made.items() if value is not None}


def _lifted(name: str, value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"amount", "currency"}:
            return amount(value["amount"], value["currency"])
        return (lift(value, depth - 1) or None) if depth else None
    if isinstance(value, list):
        found = [_lifted(name.removesuffix("s"), one, depth - 1) for one in value[:_LONGEST]] if depth else []
        return [one for one in found if one is not None]
    if isinstance(value, str):
        if name in _ADDRESSES:
            return address(value)
        if name.endswith("_at") or name in ("until", "birthday"):
            return _instant(value)
        return said(value) or None
    if isinstance(value, float):
        return Decimal(str(value)) if value == value and abs(value) < limits.NUMBER else None
    return value if isinstance(value, int | Decimal | date) else None


def _instant(value: str) -> date | None:
    try:
        return datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
    except ValueError:
        return None
