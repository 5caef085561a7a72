"""A decision about two records in a sentence. Pure."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TypedDict

from customers.matching.model import AND, Contribution
from customers.matching.persons import MOST_COMMON
from foundation.text import _, spoken

SHOWN = 3


@cache
def _said(language: str) -> dict[tuple[str, str], str]:
    """What levels are called in a language, which is the one being spoken."""
    return _names() | _signals()


def _names() -> dict[tuple[str, str], str]:
    return {
        ("name", "same"): _("the same name"),
        ("name", "slip"): _("one name, with a slip"),
        ("name", "near"): _("nearly the same name"),
        ("name", "initial"): _("the same name, once with an initial"),
        ("name", "part"): _("the name of one is part of the other's"),
        ("name", "part_slip"): _("the name of one is part of the other's, with a slip"),
        ("name", "one"): _("the same single name"),
        ("name", "other_given"): _("different given names"),
        ("name", "other_family"): _("different family names"),
        ("name", "other_word"): _("names that differ in a word"),
        ("name", "different"): _("different names"),
        ("company", "same"): _("the same company name"),
        ("company", "slip"): _("one company name, with a slip"),
        ("company", "near"): _("nearly the same company name"),
        ("company", "part"): _("the company name of one is part of the other's"),
        ("company", "other_word"): _("company names that differ in a word"),
        ("company", "different"): _("different company names"),
        ("contact", "same"): _("the same contact"),
        ("contact", "other"): _("different contacts"),
        ("rarity", "-13"): _("a name hardly anybody else has"),
        ("rarity", "-10"): _("a name hardly anybody else has"),
        ("rarity", "-7"): _("a name hardly anybody else has"),
        ("rarity", "-5"): _("a rare name"),
        ("rarity", "-3"): _("a rare name"),
        ("rarity", "more"): _("a common name"),
        ("middle", "same"): _("the same middle name"),
        ("middle", "different"): _("different middle names"),
    }


def _signals() -> dict[tuple[str, str], str]:
    return {
        ("email", "same"): _("the same e-mail"),
        ("email", "same_2"): _("the same e-mail, used under two names"),
        ("email", "same_3"): _("the same e-mail, used under several names"),
        ("email", "slip"): _("e-mails one slip apart"),
        ("email", "domain"): _("the same mailbox name at another provider"),
        ("email", "other"): _("different e-mails"),
        ("phone", "same"): _("the same telephone"),
        ("phone", "same_2"): _("the same telephone, used under two names"),
        ("phone", "same_3"): _("the same telephone, used under several names"),
        ("phone", "crowd"): _("a telephone that many share"),
        ("phone", "slip"): _("telephones one slip apart"),
        ("phone", "other"): _("different telephones"),
        ("device", "same"): _("the same browser"),
        ("device", "same_2"): _("the same browser, used under two names"),
        ("device", "same_3"): _("the same browser, used under several names"),
        ("device", "crowd"): _("a browser that many share"),
        ("device", "other"): _("different browsers"),
        ("tax", "same"): _("the same tax number"),
        ("tax", "slip"): _("tax numbers one slip apart"),
        ("tax", "other"): _("different tax numbers"),
        ("birthday", "same"): _("the same birthday"),
        ("birthday", "near"): _("nearly the same birthday"),
        ("birthday", "other"): _("different birthdays"),
        ("place", "flat"): _("the same address"),
        ("place", "house"): _("the same house"),
        ("place", "other_flat"): _("different flats of one house"),
        ("place", "other"): _("different towns"),
        ("mail_name", "full"): _("the name in the e-mail address"),
        ("mail_name", "initial"): _("family name and initial in the e-mail address"),
        ("mail_name", "word"): _("part of the name in the e-mail address"),
        ("mail_year", "same"): _("the year of birth in the e-mail address"),
        ("mail_domain", "own"): _("e-mails of the company's own domain"),
        ("goods", "several"): _("several of the same seldom ordered goods"),
        ("goods", "rare"): _("the same seldom ordered goods"),
        ("goods", "common"): _("the same often ordered goods"),
        ("goods", "other"): _("other goods ordered"),
    }


@cache
def _features(language: str) -> dict[str, str]:
    """What comparisons are called in a language, which is the one being spoken."""
    return {
        "start": _("Before anything is compared"),
        "name": _("Name"),
        "rarity": _("How rare the name is"),
        "middle": _("Middle name"),
        "suffix": _("Junior or senior"),
        "company": _("Company"),
        "contact": _("Contact"),
        "email": _("E-mail"),
        "phone": _("Telephone"),
        "device": _("Browser"),
        "tax": _("Tax number"),
        "birthday": _("Birthday"),
        "place": _("Address"),
        "postcode": _("Postcode"),
        "mail_name": _("Name in the e-mail address"),
        "mail_year": _("Year in the e-mail address"),
        "mail_domain": _("Domain of the e-mail"),
        "country": _("Country"),
        "goods": _("What was ordered"),
    }


@cache
def _plainly(language: str) -> dict[str, str]:
    """What levels are called that no sentence names."""
    return {
        "same": _("the same"),
        "near": _("nearly the same"),
        "slip": _("one slip apart"),
        "other": _("different"),
        "different": _("different"),
        "one": _("in one of them only"),
        "initial": _("once as an initial"),
        "initials": _("the same initials"),
        "absent": _("not in it"),
        "part": _("part of it"),
        "street": _("the same street"),
        "town": _("the same town"),
        "other_street": _("different streets"),
    }


def words(on: str, level: str) -> tuple[str, str]:
    """What a comparison is called, and what a level of it says."""
    said = _rarity(level) if on == "rarity" else _said(spoken()).get((on, level))
    return _features(spoken()).get(on, on), said or _plainly(spoken()).get(level, level)


def _rarity(level: str) -> str:
    """How many others are expected to have a name by chance."""
    if level in ("none", ""):
        return ""
    if level == "more":
        return _("%(number)s others by chance, and more") % {"number": 2**MOST_COMMON}
    power = int(level)
    number = f"1/{2**-power:,}" if power < 0 else f"{2**power}"
    return _("under %(number)s others by chance") % {"number": number}


class Step(TypedDict):
    """One bar of a waterfall: what was compared, what it says, and its bits."""

    feature: str
    said: str
    weight: float


def waterfall(contributions: Iterable[Contribution]) -> list[Step]:
    """All that a weight is made of, the start first; the bits add up to the weight."""
    features, known = _features(spoken()), _said(spoken())
    steps = [
        Step(
            feature=features.get(one.on, one.on), said=known.get((one.on, one.level), ""),
            weight=round(one.bits, 2),
        )
        for one in sorted(by_comparison(contributions), key=lambda one: one.on != "start")
    ]  # fmt: skip
    return [one for one in steps if one["weight"]]


def by_comparison(contributions: Iterable[Contribution]) -> list[Contribution]:
    """The contributions with those of two comparisons together given to the first: strongest first."""
    levels: dict[str, str] = {}
    bits: dict[str, float] = {}
    for one in contributions:
        name, *_rest = one.on.split(AND)
        level, *_rest = one.level.split(AND)
        levels[name] = level
        bits[name] = bits.get(name, 0.0) + one.bits
    found = [Contribution(name, levels[name], total) for name, total in bits.items()]
    return sorted(found, key=lambda one: -abs(one.bits))


def sentence(contributions: Iterable[Contribution]) -> str:
    """What speaks most for a pair, and what most against it, with the bits of each."""
    known = _said(spoken())
    found = [one for one in by_comparison(contributions) if (one.on, one.level) in known]
    fors = [one for one in found if one.bits > 0][:SHOWN]
    against = [one for one in found if one.bits < -1][:1]
    said = ", ".join(_shown(one, known) for one in fors)
    but = ", ".join(_shown(one, known) for one in against)
    return _("{said}; against it: {but}").format(said=said, but=but) if but else said


def _shown(one: Contribution, known: Mapping[tuple[str, str], str]) -> str:
    return f"{known[one.on, one.level]} ({signed(one.bits)})"


def signed(bits: float) -> str:
    """Bits with their sign, as people write it."""
    return f"{bits:+.1f}".replace("-", "\N{MINUS SIGN}")
