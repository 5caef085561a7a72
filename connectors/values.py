"""Single values of JSON as ledgers write them: texts, numbers, amounts."""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from foundation.errors import BadInput

LARGEST = Decimal(10) ** 15
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def text(value: Any) -> str:
    """One line of plain text without invisible characters; empty for what is no text."""
    if value is None or isinstance(value, (dict, list, bool)):
        return ""
    return " ".join(_UNSEEN.sub("", str(value)).split())


def number(value: Any, at: str, largest: Decimal = LARGEST) -> Decimal:
    """A number, nothing being zero; BadInput when it is none."""
    if value is None or value == "":
        return Decimal(0)
    try:
        found = Decimal("NaN") if isinstance(value, bool) else Decimal(str(value).strip())
    except (InvalidOperation, ValueError):
        found = Decimal("NaN")
    if not found.is_finite() or abs(found) >= largest:
        raise BadInput(f"a number was expected, not {str(value)[:40]!r}", at)
    return found


def rounded(value: Decimal, step: Decimal, at: str) -> Decimal:
    """A number in the steps of its currency or finer; BadInput when it is too large for any invoice."""
    try:
        return value.quantize(step, ROUND_HALF_UP)
    except InvalidOperation as error:
        raise BadInput(f"the amount {str(value)[:40]} is too large", at) from error
