"""Blocking: the keys of a record, of which two records must share one to be compared. Pure."""

from collections.abc import Iterator

from customers.latin import korean_sound
from customers.matching.prepared import Prepared

CROWDED = 40  # records with one key: such a key finds nobody
NAMESAKES = 12  # the same for a name alone: one that more have proves nothing without the town
_NAMES = ("n", "k")


def most(key: str) -> int:
    """How many records may have a key for it to bring them together."""
    return NAMESAKES if key.startswith(_NAMES) else CROWDED


def of_value(value: str) -> str:
    """The key of all, persons and companies, who have a value of `counts.shareable`."""
    kind, _, said = value.partition(":")
    return f"{kind[0]}{said}"


def keys(one: Prepared) -> Iterator[str]:
    """Every key of a record. A mailbox, telephone or browser is persons' and companies' alike."""
    kind = one.kind[0]
    for mail in one.mails:
        yield f"m{mail.key}"
        if not mail.nobody and len(mail.local) > 5:
            yield f"{kind}l{mail.local}"
    for phone in one.phones:
        yield f"p{phone}"
    for device in one.devices:
        yield f"d{device}"
    if one.tax:
        yield f"{kind}t{one.tax.partition(':')[2]}"
    yield from _company(one) if one.kind == "company" else _person(one)


def _person(one: Prepared) -> Iterator[str]:
    words = one.name.words
    if len(words) > 1:
        whole = " ".join(words)
        yield f"n{whole}"
        for place in one.places:
            if place.city:
                yield f"w{place.city} {whole}"
    for family, given in one.name.koreans:
        if family:
            yield f"k{korean_sound(family)} {korean_sound(given)}"
    for mail in one.mails:
        if len(mail.words) > 1 and len(mail.letters) > 6:
            yield f"n{' '.join(sorted(mail.words))}"
    initials = {word[0] for word in words}
    if one.born:
        for initial in initials:
            yield f"b{one.born}{initial}"
    for place in one.places:
        if place.street and place.numbers:
            street = max(place.street, key=len)[:4]
            for initial in initials:
                yield f"a{place.numbers[0]} {street} {initial}"


def _company(one: Prepared) -> Iterator[str]:
    if one.company:
        yield f"c{''.join(sorted(one.company))}"
        for mail in one.mails:
            if mail.nobody != "relay":
                yield f"o{mail.domain} {one.company[0][:3]}"
