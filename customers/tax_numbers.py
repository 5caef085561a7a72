"""Tax and business numbers: which kind a number is, whether its check digits hold, and its bare form."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from stdnum.eu import vat as eu_vat
from stdnum.kr import brn, rrn
from stdnum.ru import inn
from stdnum.tr import tckimlik, vkn
from stdnum.us import ein

from customers.latin import words


class TaxNumber(NamedTuple):
    """A number as `kind` (ru.inn kz.bin kz.iin tr.vkn tr.tckn kr.brn kr.rrn eu.vat us.ein) and bare `value`.

    When `valid` is false it is text to keep and show, never a key, and `problem` says what is wrong.
    """

    kind: str
    value: str
    valid: bool
    problem: str = ""


def _kz(value: str) -> bool:
    """The check digit of БИН and ИИН, which python-stdnum doesn't know: two passes of weights mod 11."""
    if len(value) != 12 or not value.isdigit():
        return False
    digits = [int(digit) for digit in value]
    for weights in (range(1, 12), (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)):
        check = sum(map(int.__mul__, digits, weights)) % 11
        if check < 10:
            return check == digits[11]
    return False


def _kz_bin(value: str) -> bool:
    return _kz(value) and value[4] in "456"


def _kz_iin(value: str) -> bool:
    return _kz(value) and value[4] in "01" and value[6] in "0123456"


_CHECKS: dict[str, Callable[[str], bool]] = {
    "ru.inn": inn.is_valid,
    "kz.bin": _kz_bin,
    "kz.iin": _kz_iin,
    "tr.vkn": vkn.is_valid,
    "tr.tckn": tckimlik.is_valid,
    "kr.brn": brn.is_valid,
    "kr.rrn": rrn.is_valid,
    "us.ein": ein.is_valid,
    "eu.vat": eu_vat.is_valid,
}
_LENGTHS = {
    "ru.inn": (10, 12), "kz.bin": (12,), "kz.iin": (12,), "tr.vkn": (10,), "tr.tckn": (11,), "kr.brn": (10,),
    "kr.rrn": (13,), "us.ein": (9,),
}  # fmt: skip
_LABELS = (
    (re.compile(r"ИНН|\bINN\b", re.I), ("ru.inn",)),
    (re.compile(r"БИН|ИИН|БСН|ЖСН|\bBIN\b|\bIIN\b", re.I), ("kz.bin", "kz.iin")),
    (re.compile(r"VKN|VERG[Iİ]", re.I), ("tr.vkn", "tr.tckn")),
    (re.compile(r"TCKN|T\.?C\.? ?K|K[Iİ]ML[Iİ]K", re.I), ("tr.tckn",)),
    (re.compile(r"사업자|\bBRN\b", re.I), ("kr.brn",)),
    (re.compile(r"\bEIN\b"), ("us.ein",)),
)
_EU = words("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK")
_VAT = re.compile(rf"({'|'.join(sorted(_EU))}|EL)\w{{2,13}}")
_BRN = re.compile(r"\d{3}-\d{2}-\d{5}")
_EIN = re.compile(r"\d{2}-\d{7}")
_EMPTY = re.compile(r"(\w)\1*|0*1?2?3?4?5?6?7?8?9?0?")


def _kinds(text: str, value: str, country: str, kind: str) -> tuple[str, ...]:
    """What the number may be, by what the source says, by its label, shape, country and length."""
    if kind in _CHECKS:
        return (kind,)
    if _VAT.fullmatch(value):
        return ("eu.vat",)
    for label, kinds in _LABELS:
        if label.search(text):
            return kinds
    if _BRN.search(text):
        return ("kr.brn",)
    if _EIN.fullmatch(text.strip()):
        return ("us.ein",)
    of_length = tuple(kind for kind, lengths in _LENGTHS.items() if len(value) in lengths)
    if country in _EU:
        return ("eu.vat",)
    mine = tuple(kind for kind in of_length if kind.startswith(country.lower()))
    return mine if country else tuple(kind for kind in of_length if kind != "us.ein")


@lru_cache(maxsize=8192)
def parse(text: str, country: str = "", kind: str = "") -> TaxNumber:
    """Read a number; the country and kind the source names help to choose, its check digits decide."""
    head = text.strip()[:40].split("/")[0]  # ИНН/КПП in one field
    value = re.sub(r"\W|_", "", head).upper()
    label = re.match(r"[^\W\d]{3,}", value)
    if label and not _VAT.fullmatch(value):
        value = value[label.end() :]
    kinds = _kinds(head, value, country, kind)
    if not kinds:
        where = country or "any country we know"
        return TaxNumber("", value, False, f"{len(value)} characters fit no tax number of {where}")
    if _EMPTY.fullmatch(value):
        return TaxNumber(kinds[0], value, False, "filled in to have something there")
    if kinds == ("eu.vat",) and country in _EU and not value.startswith((country, "EL")):
        value = f"{'EL' if country == 'GR' else country}{value}"
    valid = [kind for kind in kinds if _CHECKS[kind](value)]
    if len(valid) == 1:
        return TaxNumber(valid[0], value, True)
    if valid:
        return TaxNumber("", value, False, f"could be {' or '.join(valid)}: the country is missing")
    return TaxNumber(kinds[0], value, False, "the check digits are wrong")
