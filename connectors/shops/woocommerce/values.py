"""Single values of WooCommerce's JSON, read whatever type a plugin gave them."""

import html
import math
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from foundation.errors import BadInput

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def text(value: Any) -> str:
    """One line of plain text: entities decoded, no-break blanks and invisible characters gone."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    return " ".join(_UNSEEN.sub("", html.unescape(str(value))).split())


def identifier(value: Any, at: str = "/id") -> str:
    """An object id as text, whatever type a plugin gave it; raises BadInput when there is none."""
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not str(value).strip():
        raise BadInput(f"an id was expected, not {value!r}", at)
    return str(value).strip()


def decimal(value: Any, at: str) -> Decimal:
    """An amount as Decimal, nothing being zero; raises BadInput when it is no number."""
    if value is None or value == "" or value is False:
        return Decimal(0)
    said = str(value).strip().replace("\u00a0", "").replace(" ", "")
    if "," in said and "." not in said:
        said = said.replace(",", ".")
    try:
        number = Decimal(said.replace(",", ""))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise BadInput(f"an amount was expected, not {str(value)[:40]!r}", at)
    return number


def instant(value: Any) -> datetime | None:
    """A `*_gmt` time as an aware UTC datetime; None where there is none or it can't be one."""
    if not isinstance(value, str) or not value or value.startswith("0000"):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
