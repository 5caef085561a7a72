"""Tax and business numbers: which kind a number is, whether its check digits hold, and its bare form."""

import re
from typing import NamedTuple


class TaxNumber(NamedTuple):
    """A number as `kind` (ru.inn kz.bin kz.iin tr.vkn tr.tckn kr.brn kr.rrn eu.vat) and bare `value`.

    When `valid` is false it is text to keep and show, never a key, and `problem` says what is wrong.
    """

    kind: str
    value: str
    valid: bool
    problem: str = ""


def parse(text: str, country: str = "", kind: str = "") -> TaxNumber:
    """Read a number; the country and kind the source names help to choose, they prove nothing."""
    value = re.sub(r"\W", "", text)
    return TaxNumber(kind, value, False, "not checked")
