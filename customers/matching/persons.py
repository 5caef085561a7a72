"""What speaks for and against two records being one person. Pure."""

from bisect import bisect_right

from customers import birthdays
from customers.likeness import INITIAL, likeness
from customers.matching import naming, signals
from customers.matching.counts import Counts
from customers.matching.naming import Likeness
from customers.matching.prepared import Prepared
from customers.matching.signals import SIGNALS, one_slip

LEVELS = {
    "name": naming.LEVELS,
    "rarity": ("none", "-13", "-10", "-7", "-5", "-3", "-1", "1", "3", "5", "more"),
    "middle": ("unknown", "same", "near", "initial", "different"),
    "suffix": ("none", "same", "one", "different"),
    "email": SIGNALS["email"],
    "phone": SIGNALS["phone"],
    "device": SIGNALS["device"],
    "tax": SIGNALS["tax"],
    "birthday": ("unknown", "same", "near", "other"),
    "place": SIGNALS["place"],
    "postcode": SIGNALS["postcode"],
    "mail_name": signals.MAIL_NAME,
    "mail_year": ("unknown", "same", "other"),
    "country": SIGNALS["country"],
    "goods": SIGNALS["goods"],
}
_EDGES = (-13, -10, -7, -5, -3, -1, 1, 3, 5)
_RARITY = LEVELS["rarity"][1:]
MOST_COMMON = _EDGES[-1]  # the power of two from which on a name is "more" than any level


def vector(a: Prepared, b: Prepared, counts: Counts) -> tuple[str, ...]:
    """The levels of two persons, in the order of `LEVELS`."""
    left, right = a.name, b.name
    names = named(naming.compare(left, right), counts)
    place, postcode = signals.place(a, b)
    return (
        names.level,
        rarity(names.shared, counts),
        middle(left.middle, right.middle) if left.middle and right.middle else "unknown",
        _suffix(left.suffix, right.suffix) if left.suffix or right.suffix else "none",
        signals.email(a, b, counts),
        signals.values("phone", a.phones, b.phones, counts),
        signals.values("device", a.devices, b.devices, counts),
        signals.tax(a.tax, b.tax) if a.tax and b.tax else "unknown",
        birthdays.compare(a.born, b.born) if a.born and b.born else "unknown",
        place,
        postcode,
        signals.mail_name(a, b),
        signals.mail_year(a, b),
        signals.country(a.country, b.country),
        signals.goods(a.goods, b.goods, counts),
    )


def named(found: Likeness, counts: Counts) -> Likeness:
    """The same with what the counts know: which of the words are given names."""
    if found.level == "near":
        both = [counts.words.get(words[0]) for words in (found.left, found.right)]
        sure = all(word and word.given > 2 and word.given > word.family for word in both)
        return found._replace(level="other_given") if sure else found
    if found.level != "other_word":
        return found
    left = any(counts.is_given(word) for word in found.left)
    right = any(counts.is_given(word) for word in found.right)
    if left and right:
        return found._replace(level="other_given")
    if not left and not right and any(counts.is_given(word) for word in found.shared):
        return found._replace(level="other_family")
    return found


def rarity(shared: tuple[str, ...], counts: Counts) -> str:
    """How many others would have these words by chance: the power of two it is below."""
    if not shared:
        return "none"
    expected = counts.size
    for word in shared:
        expected += counts.commonness(word)
    return _RARITY[bisect_right(_EDGES, expected)]


def middle(a: tuple[str, ...], b: tuple[str, ...]) -> str:
    """The level at which patronymics or middle names compare, of `LEVELS["middle"]`; both say some."""
    if not set(a).isdisjoint(b):
        return "same"
    pairs = [(one, other) for one in a for other in b]
    if any(likeness(one, other) == INITIAL for one, other in pairs):
        return "initial"
    return "near" if any(one_slip(one, other) for one, other in pairs) else "different"


def _suffix(a: str, b: str) -> str:
    if a == b:
        return "same" if a else "none"
    return "different" if a and b else "one"
