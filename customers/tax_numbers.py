"""Tax and business numbers: which kind a number is, whether its check digits hold, and its bare form."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from stdnum.by import unp
from stdnum.eu import vat as eu_vat
from stdnum.kr import brn, rrn
from stdnum.ru import inn
from stdnum.tr import tckimlik, vkn
from stdnum.us import ein

from customers.latin import words


class TaxNumber(NamedTuple):
    """A number as `kind` and bare `value`.

    Kinds: ru.inn kz.bin kz.iin by.unp uz.stir uz.pinfl tr.vkn tr.tckn kr.brn kr.rrn eu.vat us.ein.

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


def _by_unp(value: str) -> bool:
    return value.isascii() and unp.is_valid(value)


def _uz_stir(value: str) -> bool:
    """Nine digits, of companies from 2 and 3 on, of people from 4 to 8 on.

    How the last one is made the law keeps to itself (lex.uz/acts/499945).
    """
    return re.fullmatch("[2-8][0-9]{8}", value) is not None


def _uz_pinfl(value: str) -> bool:
    """Century and sex, day of birth, place, number; weights 7 3 1 mod 10 (lex.uz/docs/-5955665)."""
    if not re.fullmatch("[3-6](0[1-9]|[12][0-9]|3[01])(0[1-9]|1[0-2])[0-9]{9}", value):
        return False
    check = sum(int(digit) * (7, 3, 1)[place % 3] for place, digit in enumerate(value[:-1]))
    return check % 10 == int(value[-1])


_CHECKS: dict[str, Callable[[str], bool]] = {
    "ru.inn": inn.is_valid,
    "kz.bin": _kz_bin,
    "kz.iin": _kz_iin,
    "by.unp": _by_unp,
    "uz.stir": _uz_stir,
    "uz.pinfl": _uz_pinfl,
    "tr.vkn": vkn.is_valid,
    "tr.tckn": tckimlik.is_valid,
    "kr.brn": brn.is_valid,
    "kr.rrn": rrn.is_valid,
    "us.ein": ein.is_valid,
    "eu.vat": eu_vat.is_valid,
}
_LENGTHS = {
    "ru.inn": (10, 12), "kz.bin": (12,), "kz.iin": (12,), "by.unp": (9,), "uz.stir": (9,), "uz.pinfl": (14,),
    "tr.vkn": (10,), "tr.tckn": (11,), "kr.brn": (10,), "kr.rrn": (13,), "us.ein": (9,),
}  # fmt: skip
# nine digits are a number of many countries, КПП and phones among them: somebody has to say which
_SAID_ONLY = frozenset({"by.unp", "uz.stir", "us.ein"})
_NEIGHBOURS = ("RU", "KZ", "BY", "UZ")  # their ledgers keep counterparties of each other in one field
_LABELS = (
    (re.compile(r"ИНН|\bINN\b", re.I), ("ru.inn",)),
    (re.compile(r"БИН|ИИН|БСН|ЖСН|\bBIN\b|\bIIN\b", re.I), ("kz.bin", "kz.iin")),
    (re.compile(r"УНП|\bUNP\b", re.I), ("by.unp",)),
    (re.compile(r"СТИР|\bSTIR\b", re.I), ("uz.stir", "uz.pinfl")),
    (re.compile(r"ПИНФЛ|ЖШШИР|\bPINFL\b|\bJSHSHIR\b", re.I), ("uz.pinfl",)),
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
    if kind in _CHECKS and len(value) in _LENGTHS.get(kind, (len(value),)):
        return (kind,)
    if country == "BY" and _by_unp(value):
        return ("by.unp",)  # BE1953680 is no number of Belgium there
    if _VAT.fullmatch(value):
        return ("eu.vat",)
    for label, kinds in _LABELS:
        if label.search(text) and not (country == "UZ" and kinds == ("ru.inn",)):
            return kinds
    if _BRN.search(text):
        return ("kr.brn",)
    if _EIN.fullmatch(text.strip()):
        return ("us.ein",)
    if country in _EU:
        return ("eu.vat",)
    return _of_length(value, country)


def _of_length(value: str, country: str) -> tuple[str, ...]:
    """The country's own kinds, else its neighbours'; without a country any that can be told."""
    of_length = tuple(kind for kind, lengths in _LENGTHS.items() if len(value) in lengths)
    mine = tuple(kind for kind in of_length if kind.startswith(country.lower()))
    told = tuple(kind for kind in of_length if kind not in _SAID_ONLY)
    if country in _NEIGHBOURS:
        return mine or tuple(kind for kind in told if kind[:2].upper() in _NEIGHBOURS)
    return mine if country else told


@lru_cache(maxsize=8192)
def parse(text: str, country: str = "", kind: str = "") -> TaxNumber:
    """Read a number; the country and kind the source names help to choose, its check digits decide."""
    head = text.strip()[:40].split("/")[0]  # ИНН/КПП in one field
    value = re.sub(r"\W|_", "", head).upper()
    label = re.match(r"[^\W\d]{3,}", value)
    if value.startswith(("УНП", "UNP")):
        value = value[3:]  # letters of the number may follow
    elif label and not _VAT.fullmatch(value):
        value = value[label.end() :]
    kinds = _kinds(head, value, country, kind)
    if not kinds:
        where = country or "any country we know"
        return TaxNumber("", value, False, f"{len(value)} characters fit no tax number of {where}")
    if _EMPTY.fullmatch(value):
        return TaxNumber(kinds[0], value, False, "filled in to have something there")
    if kinds == ("by.unp",):
        value = unp.compact(value)
    elif kinds == ("eu.vat",) and country in _EU and not value.startswith((country, "EL")):
        value = f"{'EL' if country == 'GR' else country}{value}"
    valid = [kind for kind in kinds if _CHECKS[kind](value)]
    if len(valid) == 1:
        return TaxNumber(valid[0], value, True)
    if valid:
        return TaxNumber("", value, False, f"could be {' or '.join(valid)}: the country is missing")
    return TaxNumber(kinds[0], value, False, "the check digits are wrong")
