"""What two records may agree on beside their names, each as one of a few levels. Pure."""

from functools import lru_cache

from customers.likeness import SLIP, likeness, slips
from customers.matching import places
from customers.matching.counts import Counts, Sharing
from customers.matching.mailboxes import Mailbox
from customers.matching.prepared import GOODS, Prepared

SIGNALS = {
    "email": ("unknown", "same", "same_2", "same_3", "domain", "slip", "other"),
    "phone": ("unknown", "same", "same_2", "same_3", "crowd", "slip", "other"),
    "device": ("unknown", "same", "same_2", "same_3", "crowd", "other"),
    "tax": ("unknown", "same", "slip", "other"),
    "place": ("unknown", "flat", "house", "other_flat", "street", "town", "other_street", "other"),
    "postcode": ("unknown", "same", "near", "other"),
    "country": ("unknown", "same", "other"),
    "goods": ("unknown", "several", "rare", "common", "other"),
}
RARE = -7  # goods that fewer than one in 128 of those who ordered anything did, as a power of two
CROWD = 12  # records that share a value: more are no household


def one_slip(a: str, b: str) -> bool:
    """Whether one key was missed."""
    return slips(a, b, 1)


def email(a: Prepared, b: Prepared, counts: Counts) -> str:
    """The best that two records' mailboxes agree on."""
    if not a.mails or not b.mails:
        return "unknown"
    if len(a.mails) == len(b.mails) == 1:
        one, other = a.mails[0], b.mails[0]
        if one.key == other.key:
            return _shared(counts.sharing("mail", one.key))
        return "unknown" if one.nobody or other.nobody else _mailboxes(one, other)
    shared = [counts.sharing("mail", one.key) for one in a.mails for other in b.mails if one.key == other.key]
    if shared:
        return _shared(min(shared, key=_people))
    found = {
        _mailboxes(one, other) for one in a.mails if not one.nobody for other in b.mails if not other.nobody
    }
    return next((level for level in ("slip", "domain", "other") if level in found), "unknown")


def _people(sharing: Sharing) -> tuple[int, int]:
    return sharing.names, sharing.records


def _mailboxes(a: Mailbox, b: Mailbox) -> str:
    if a.local == b.local and len(a.local) > 5:
        return "slip" if one_slip(a.domain, b.domain) else "domain"
    if len(a.local) > 6 and len(b.local) > 6 and one_slip(a.local, b.local):
        return "slip"
    return "other"


def _shared(sharing: Sharing) -> str:
    return "same" if sharing.names < 2 else "same_2" if sharing.names == 2 else "same_3"


def values(kind: str, a: tuple[str, ...], b: tuple[str, ...], counts: Counts) -> str:
    """Telephones or devices: whether any is the same, and how many people and records share it."""
    if not a or not b:
        return "unknown"
    if not set(a).isdisjoint(b):
        sharing = min((counts.sharing(kind, one) for one in a if one in b), key=_people)
        return "crowd" if sharing.records > CROWD and sharing.names > 3 else _shared(sharing)
    if kind == "phone" and any(one_slip(one, other) for one in a for other in b):
        return "slip"
    return "other"


def tax(a: str, b: str) -> str:
    """Two tax numbers; those of different kinds say nothing."""
    if not a or not b:
        return "unknown"
    kind, _, value = a.partition(":")
    other_kind, _, other = b.partition(":")
    if value == other:
        return "same"
    if one_slip(value, other):
        return "slip"
    return "other" if kind == other_kind or "?" in (kind, other_kind) else "unknown"


def place(a: Prepared, b: Prepared) -> tuple[str, str]:
    """The addresses and postcodes of two records, where they agree best."""
    if not a.places or not b.places:
        return "unknown", "unknown"
    if len(a.places) == len(b.places) == 1:
        here, there = a.places[0], b.places[0]
        return places.compare(here, there), postcode(here.postcode, there.postcode)
    pairs = [
        (places.compare(one, other), postcode(one.postcode, other.postcode))
        for one in a.places
        for other in b.places
    ]
    return min(pairs, key=_agreement)


def _agreement(pair: tuple[str, str]) -> tuple[bool, int, int]:
    at, code = pair
    return at == "unknown", SIGNALS["place"].index(at), SIGNALS["postcode"].index(code)


def postcode(a: str, b: str) -> str:
    """Two postcodes."""
    if not a or not b:
        return "unknown"
    if a == b:
        return "same"
    return "near" if one_slip(a, b) else "other"


def country(a: str, b: str) -> str:
    """Two countries."""
    if not a or not b:
        return "unknown"
    return "same" if a == b else "other"


def goods(a: tuple[str, ...], b: tuple[str, ...], counts: Counts) -> str:
    """What two ordered: several of the same rare goods, one, only common ones of the same, or others."""
    if not a or not b:
        return "unknown"
    shared = set(a).intersection(b) - {GOODS}
    if not shared:
        return "other"
    least = counts.commonness(GOODS) + RARE
    rare = sum(counts.commonness(one) < least for one in shared)
    return "several" if rare > 1 else "rare" if rare else "common"


def mail_name(a: Prepared, b: Prepared) -> str:
    """Whether the name of either stands in the other's e-mail address, where the addresses differ."""
    best = 0
    for one, other in ((a, b), (b, a)):
        for mail in other.mails:
            if mail.letters and one.name.words:
                best = max(best, _written(one.name.words, mail.words, mail.letters))
    return MAIL_NAME[best]


MAIL_NAME = ("unknown", "absent", "part", "word", "initial", "full")


@lru_cache(maxsize=1 << 16)
def _written(names: tuple[str, ...], words: tuple[str, ...], letters: str) -> int:
    """How much of a name stands in a mailbox: an index of `MAIL_NAME`."""
    rest, found, missing = letters, 0, []
    for name in names:
        if len(name) > 2 and name in rest:
            rest = rest.replace(name, "", 1)
            found += 1
        elif len(name) > 2 and (near := _first_alike(name, words)):
            rest = rest.replace(near, "", 1)
            found += 1
        else:
            missing.append(name)
    if found > 1:
        return 5
    if not found:
        return 1
    if len(rest) == 1 and any(name[0] == rest for name in missing):
        return 4
    return 3 if not rest else 2


def _first_alike(name: str, words: tuple[str, ...]) -> str:
    for word in words:
        if likeness(name, word) >= SLIP:
            return word
    return ""


def mail_year(a: Prepared, b: Prepared) -> str:
    """Whether the years of birth that mailboxes and birthdays tell are one."""
    found = "unknown"
    for one, other in ((a, b), (b, a)):
        for mail in one.mails:
            if not mail.year:
                continue
            years = {one.year for one in other.mails if one.year} | (
                {other.born[:4]} if other.born else set()
            )
            if mail.year in years:
                return "same"
            if years:
                found = "other"
    return found
