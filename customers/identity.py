"""What identifies a person: exact keys, the form of the name to compare by, and the name to show. Pure."""

import re
from typing import NamedTuple

from customers import emails, names, phones, tax_numbers
from customers.latin import latin
from customers.names import NameForm
from foundation.records import Person

DEVICES = 20  # a person's newest devices that count
SAID = 8  # values of a person that count together with a device


class Key(NamedTuple):
    """An exact key. Only a `strong` one may join; a weak one is kept so that search finds its owner."""

    kind: str  # email phone tax account proof claim alike device
    value: str
    strong: bool = True


def keys_of(person: Person) -> tuple[Key, ...]:
    """The keys a record gives, each once, in a stable order.

    What a browser claims is weak, as anybody can type anybody's address. It is one claim, of the value it
    goes by, and joins where the same device has proved that value (a "proof"), other claims of it, and claims
    of the same device that say anything the same ("alike"; docs/decisions/0013).
    """
    keys = [*_emails(person), *_phones(person), *_tax(person), *_accounts(person)]
    named = [f"{key.kind}:{key.value}" for key in keys if key.strong and key.kind != "tax"]
    devices = [device for device in person.device_ids[:DEVICES] if device]
    if person.claimed:
        keys = [key._replace(strong=False) for key in keys]
        accounts = [one for one in named if one.startswith("account:")]
        goes_by = (accounts or named)[:1]
        keys += [Key("alike", f"{device}|{one}") for device in devices for one in named[:SAID]]
        keys += [Key("claim", one) for one in goes_by]
        named = goes_by
    keys += [Key("proof", f"{device}|{one}") for device in devices for one in named[:SAID]]
    keys += [Key("device", device) for device in devices]
    return tuple(dict.fromkeys(keys))


def _emails(person: Person) -> list[Key]:
    keys = []
    for text in (*person.emails, *filter(None, (person.writer,))):
        email = emails.parse(text)
        if email.key:
            company_desk = email.names_nobody == "role" and person.kind == "company"
            keys.append(Key("email", email.key, not email.names_nobody or company_desk))
    return keys


_SCRIPTS = ((re.compile("[가-힣]"), "KR"), (re.compile("[ğışĞİŞ]"), "TR"), (re.compile("[а-яА-Я]"), "RU"))
_ENDINGS = {"ru": "RU", "kz": "KZ", "tr": "TR", "kr": "KR", "de": "DE", "su": "RU", "рф": "RU"}
_KOREAN_MAIL = ("naver.com", "hanmail.net", "daum.net", "kakao.com", "nate.com")


def country_of(person: Person) -> str:
    """The country whose habits its numbers are read by (ISO alpha-2): as stated, else a guess, else empty."""
    if person.country:
        return person.country.upper()
    for address in person.addresses:
        if address.country:
            return address.country.upper()
    name = f"{person.name}{person.given_name}{person.family_name}{person.company}"
    if not name.isascii():
        for letters, country in _SCRIPTS:
            if letters.search(name):
                return country
    for email in person.emails:
        if email.lower().endswith(_KOREAN_MAIL):
            return "KR"
        ending = email.rpartition(".")[2].strip().lower()
        if ending in _ENDINGS:
            return _ENDINGS[ending]
    return ""


def _phones(person: Person) -> list[Key]:
    country = country_of(person)
    texts = (*person.phones, *(address.phone for address in person.addresses))
    read = [phones.parse(part, country) for text in texts if text for part in phones.split(text)]
    return [Key("phone", phone.e164, not phone.placeholder) for phone in read if phone.e164]


def _tax(person: Person) -> list[Key]:
    if not person.tax_number:
        return []
    number = tax_numbers.parse(person.tax_number, country_of(person), person.tax_kind)
    return [Key("tax", f"{number.kind}:{number.value}")] if number.valid else []


def _accounts(person: Person) -> list[Key]:
    return [Key("account", account.strip()) for account in person.accounts if account.strip()]


def anonymous(person: Person) -> bool:
    """True when nothing tells who this is: no name, no address, no number; at most a device."""
    return not (
        person.emails or person.phones or person.tax_number or person.accounts or display_name(person)
    )


def name_form(person: Person) -> NameForm:
    """The form of the name that `names.compatible` compares."""
    return names.form(person)


def display_name(person: Person) -> str:
    """The name as people should read it, or empty."""
    parts = (person.given_name, person.middle_name, person.family_name)
    whole = person.name or " ".join(part for part in parts if part)
    if person.kind == "company":
        whole = person.company or whole
    return " ".join((whole or person.company).split())


def latin_name(person: Person) -> str:
    """The name in lower-case Latin letters, for search and sorting."""
    return latin(display_name(person))
