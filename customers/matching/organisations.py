"""What speaks for and against two records being one company. Pure."""

from functools import lru_cache

from customers.likeness import slips
from customers.matching import naming, persons, signals
from customers.matching.counts import Counts
from customers.matching.prepared import Prepared
from customers.matching.signals import SIGNALS

LEVELS = {
    "company": ("unknown", "same", "slip", "near", "part", "other_word", "different"),
    "rarity": persons.LEVELS["rarity"],
    "contact": ("unknown", "same", "other"),
    "email": SIGNALS["email"],
    "mail_domain": ("unknown", "own", "same", "other"),
    "phone": SIGNALS["phone"],
    "device": SIGNALS["device"],
    "tax": SIGNALS["tax"],
    "place": SIGNALS["place"],
    "postcode": SIGNALS["postcode"],
    "country": SIGNALS["country"],
    "goods": SIGNALS["goods"],
}
_CONTACT = {"unknown": "unknown", **dict.fromkeys(naming.CONFLICTS, "other")}


def vector(a: Prepared, b: Prepared, counts: Counts) -> tuple[str, ...]:
    """The levels of two companies, in the order of `LEVELS`."""
    level, shared = compare(a.company, b.company)
    contact = persons.named(naming.compare(a.name, b.name), counts).level
    place, postcode = signals.place(a, b)
    return (
        level,
        persons.rarity(shared, counts),
        _CONTACT.get(contact, "same"),
        signals.email(a, b, counts),
        _domain(a, b),
        signals.values("phone", a.phones, b.phones, counts),
        signals.values("device", a.devices, b.devices, counts),
        signals.tax(a.tax, b.tax),
        place,
        postcode,
        signals.country(a.country, b.country),
        signals.goods(a.goods, b.goods, counts),
    )


def compare(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """A level of two names without their legal forms, and the words they share; either way round."""
    return _compare(b, a) if b < a else _compare(a, b)


@lru_cache(maxsize=1 << 15)
def _compare(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    if not a or not b:
        return "unknown", ()
    left, right = "".join(a), "".join(b)
    if left == right or sorted(a) == sorted(b):
        return "same", a
    if slips(left, right, 1) and len(left) > 4:
        return "slip", tuple(word for word in a if word in b)
    found = naming.words_compared(a, b)
    if found.level in ("same", "slip", "one", "part_slip") and len(a) == len(b):
        return "slip", found.shared
    if found.level in naming.CONFLICTS:
        return ("other_word" if found.shared else "different"), found.shared
    return ("near" if found.level == "near" else "part"), found.shared


def _domain(a: Prepared, b: Prepared) -> str:
    """Whether both write from one domain, and whether it bears the company's name."""
    theirs = {mail.domain for mail in b.mails if mail.nobody != "relay"}
    ours = {mail.domain for mail in a.mails if mail.nobody != "relay"}
    if not theirs or not ours:
        return "unknown"
    shared = ours & theirs
    if not shared:
        return "other"
    words = [word[:6] for word in (*a.company, *b.company) if len(word) > 3]
    return "own" if any(word in domain for word in words for domain in shared) else "same"
