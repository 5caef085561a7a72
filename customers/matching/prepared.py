"""A record as matching sees it: everything that is read, folded and looked up once. Pure."""

import msgspec

from customers import birthdays, companies, phones, tax_numbers
from customers.identity import country_of
from customers.latin import latin, sound
from customers.matching import mailboxes, naming, places
from customers.matching.mailboxes import Mailbox
from customers.matching.naming import LONGEST, Name
from customers.matching.places import Place
from foundation.records import Person, PersonKind

MOST = 8  # values of one kind that count
GOODS = "#"  # how goods begin, so that none is a word of a name; by itself: anything at all


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """One record. `given` and `family` are folded, where the source keeps them apart or says only one word.

    A `phone` is the end of the number, so that one without its country finds itself; a `tax` number is
    "kind:value", or "?:value" when its check digits are wrong.
    """

    kind: PersonKind
    name: Name = naming.NOBODY
    company: tuple[str, ...] = ()
    given: str = ""
    family: str = ""
    mails: tuple[Mailbox, ...] = ()
    phones: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    tax: str = ""
    born: str = ""
    places: tuple[Place, ...] = ()
    country: str = ""
    goods: tuple[str, ...] = ()  # what was ordered lately; the first is `GOODS`, which all who ordered have


def prepare(person: Person) -> Prepared:
    """Read one record."""
    country = country_of(person)
    kind: PersonKind = "company" if person.kind == "company" else "person"
    name = naming.name_of(person)
    given, family = _roles(person, name)
    return Prepared(
        kind,
        name,
        companies.tokens((person.company or person.name)[:LONGEST]) if kind == "company" else (),
        given,
        family,
        _mails(person),
        _phones(person, country),
        tuple(device for device in person.device_ids[:MOST] if device),
        _tax(person, country),
        birthdays.digits(person.birthday),
        tuple(
            places.read(one.line[:LONGEST], one.city[:LONGEST], one.postcode[:LONGEST])
            for one in person.addresses[:MOST]
            if one.line or one.city
        ),
        country,
    )


def _roles(person: Person, name: Name) -> tuple[str, str]:
    if person.given_name and person.family_name:
        return _folded(person.given_name[:LONGEST]), _folded(person.family_name[:LONGEST])
    return (name.words[0], "") if len(name.words) == 1 else ("", "")


def _folded(text: str) -> str:
    return sound(latin(text).replace(" ", ""))


def _mails(person: Person) -> tuple[Mailbox, ...]:
    if len(person.emails) < 2:
        found = mailboxes.read(person.emails[0]) if person.emails else None
        return (found,) if found else ()
    read = dict.fromkeys(mailboxes.read(text) for text in person.emails[:MOST])
    return tuple(one for one in read if one)


def _phones(person: Person, country: str) -> tuple[str, ...]:
    texts = person.phones[:MOST]
    found = dict.fromkeys(
        _phone(part, country) for text in texts if text for part in phones.split(text[:LONGEST])
    )
    return tuple(one for one in found if one)


def _phone(text: str, country: str) -> str:
    read = phones.parse(text, country)
    if read.e164:
        return "" if read.placeholder else read.e164[1:][-10:]
    digits = phones.bare(text).lstrip("0")
    return digits[-10:] if len(digits) > 8 and not phones.filled(digits) else ""


def _tax(person: Person, country: str) -> str:
    if not person.tax_number:
        return ""
    number = tax_numbers.parse(person.tax_number, country, person.tax_kind)
    if len(number.value) < 8 or len(set(number.value)) < 3:
        return ""
    return f"{number.kind if number.valid else '?'}:{number.value}"
