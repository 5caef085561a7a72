"""Who an event is about: a device nobody has named, somebody a browser claims to be, or a customer proved.

A public write key is in every page, so what comes with it about a person is a claim, one per device. With the
site's secret key, or its signature of the user's id, it is known (docs/decisions/0013).
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from customers import emails
from customers.consent import BACK_IN_STOCK, MARKETING
from foundation.records import Address, Consent, Person
from web_capture import commerce
from web_capture.messages import Message
from web_capture.times import instant

LONGEST_CONSENT = 5_000  # its exact words are the proof
LONGEST = 300  # characters of a value of a person
MOST_DEVICES = 50
MOST_TRAITS, MOST_CONSENTS, MOST_ACCOUNTS = 60, 40, 10
_CONSENT = "consent "  # how the names of such traits begin


class Actor(NamedTuple):
    """A profile of a site: its kind and external id."""

    kind: str  # visitor lead customer
    external_id: str


@dataclass
class Known:
    """What was said of an actor: traits and when, devices and user ids and when first."""

    traits: dict[str, tuple[Any, str]] = field(default_factory=dict)
    devices: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)

    def hear(self, message: Message, traits: Mapping[str, Any]) -> bool:
        """Take in what a message says, in any order; whether any of it is new."""
        at = message.occurred_at.astimezone(UTC).isoformat()
        before = (dict(self.traits), dict(self.devices), dict(self.accounts))
        for name, value in _each_consent_apart(traits, at).items():
            said = (value, at)
            known = self.traits.get(name)
            if known is None or _later(said, known):
                self.traits[name] = said
        previous = message.previous if message.secret else ""  # anybody can name anybody's id
        for device in filter(None, (message.device, previous)):
            self.devices[device] = min(at, self.devices.get(device, at))
        for user in filter(None, (message.user, previous)):
            self.accounts[user] = min(at, self.accounts.get(user, at))
        self._keep_within_bounds()
        return before != (self.traits, self.devices, self.accounts)

    def _keep_within_bounds(self) -> None:
        """The newest traits and devices and the oldest user ids stay; consents don't make room for others."""
        consents = [name for name in self.traits if name.startswith(_CONSENT)]
        others = [name for name in self.traits if not name.startswith(_CONSENT)]
        for names, most in ((consents, MOST_CONSENTS), (others, MOST_TRAITS)):
            for name in sorted(names, key=lambda one: (self.traits[one][1], one))[
                : max(0, len(names) - most)
            ]:
                del self.traits[name]
        for device in sorted(self.devices, key=lambda one: (self.devices[one], one))[:-MOST_DEVICES]:
            del self.devices[device]
        for user in sorted(self.accounts, key=lambda one: (self.accounts[one], one))[MOST_ACCOUNTS:]:
            del self.accounts[user]


def _each_consent_apart(traits: Mapping[str, Any], at: str) -> dict[str, Any]:
    """Statements of consent add up, where other traits replace each other."""
    found = {name: value for name, value in traits.items() if name != "consent"}
    said = traits.get("consent")
    for one in said if isinstance(said, list) else [said]:
        if isinstance(one, dict) and isinstance(one.get("channel"), str):
            when = one["at"] if isinstance(one.get("at"), str) else at
            what = f"{one['channel'][:10]}{'!' if one.get('purpose') == BACK_IN_STOCK else ''}"
            found[f"{_CONSENT}{what} {one.get('given') is True} {when[:40]}"] = {
                **one,
                "at": when,
            }
    return found


def _later(said: tuple[Any, str], known: Sequence[Any]) -> bool:
    """Whether a value replaces another: the later one, and of two at one instant always the same."""
    if said[1] != known[1]:
        return said[1] > str(known[1])
    return repr(said[0]) > repr(known[0])


def actor_of(message: Message, secrets: Sequence[str]) -> Actor | None:
    """The profile an event belongs to; None when it names nobody."""
    proved = message.secret or bool(signed_for(message, secrets))
    kind = "customer" if proved else "lead"
    device = "" if proved else f"{message.device}|"
    if message.user:
        return Actor(kind, message.user if proved else f"{device}u:{message.user}")
    address = _address_of(said_of_person(message))
    if address:
        return Actor(kind, f"{device}{address}")
    return Actor("visitor", message.device) if message.device else None


def said_of_person(message: Message, secrets: Sequence[str] = ()) -> dict[str, Any]:
    """The traits a message gives its person: of an identify call, of any call's context, of a lead's form.

    With a signature that names nobody's mailbox or phone, those stay out: it proves only what it was made of.
    Consent is taken from the site's server and from our own forms.
    """
    if message.kind == "group":
        return {}
    said = dict(message.traits)
    if commerce.kind_of(message) == "web.lead":
        said |= {name: message.properties[name] for name in _FORM & message.properties.keys()}
    if not message.secret:
        said = said if message.ours else {name: value for name, value in said.items() if name != "consent"}
        signed = signed_for(message, secrets)
        if signed:
            unproved = {"phone"} if signed == "email" else {"phone", "email"}
            said = {name: value for name, value in said.items() if name not in unproved}
    return said


_FORM = frozenset(
    (
        "email", "phone", "name", "firstName", "lastName", "first_name", "last_name", "city", "country",
        "birthday", "company", "consent",
    )
)  # fmt: skip


def person_of(actor: Actor, known: Known, site: UUID) -> Person:
    """The record of an actor."""
    traits = {name: said[0] for name, said in known.traits.items()}
    times = [str(said[1]) for said in known.traits.values()] + [*known.devices.values()]
    devices = sorted(known.devices, key=lambda one: (known.devices[one], one), reverse=True)
    return Person(
        external_id=actor.external_id,
        claimed=actor.kind == "lead",
        name=_text(traits, "name") or _text(traits, "displayName"),
        given_name=_text(traits, "firstName", "first_name", "firstname"),
        family_name=_text(traits, "lastName", "last_name", "lastname"),
        company=_company(traits),
        emails=tuple(filter(None, [_text(traits, "email")])),
        phones=tuple(filter(None, [_text(traits, "phone")])),
        birthday=_day(traits.get("birthday")),
        language=_text(traits, "language", "locale")[:10],
        addresses=_addresses(traits),
        accounts=tuple(f"{site}:{user}" for user in sorted(known.accounts)),
        device_ids=tuple(devices),
        country=_country(traits),
        consents=tuple(_consents(traits)),
        changed_at=max((datetime.fromisoformat(at) for at in times), default=None),
    )  # fmt: skip


def visitor(device: str) -> Person:
    """The record of a device nobody has named."""
    return Person(external_id=device, device_ids=(device,))


def signed_for(message: Message, secrets: Iterable[str]) -> str:
    """What the site's server vouches for: "user", "email" (alone, or with the user's id), or nothing.

    The signature is HMAC-SHA256 with a secret key, as hex, of the user's id; of the id, a line feed and the
    e-mail in lower case; or of the e-mail alone where there is no id.
    """
    given = message.signature.lower()
    if not given or not given.isascii():
        return ""
    said = message.traits.get("email")
    email = said.strip().lower() if isinstance(said, str) else ""
    texts = {"user": message.user, "email": f"{message.user}\n{email}" if message.user else email}
    for secret in secrets:
        for what, text in texts.items():
            made = hmac.new(secret.encode(), text.encode(), sha256).hexdigest()
            if text.strip() and (what == "user" or email) and hmac.compare_digest(made, given):
                return what
    return ""


def _address_of(traits: Mapping[str, Any]) -> str:
    """What names a person who has no user id: the e-mail, else the phone; empty without one."""
    email, phone = _text(traits, "email"), _text(traits, "phone")
    key = emails.parse(email).key if email else ""
    digits = "".join(filter(str.isdigit, phone))
    return f"e:{key}" if key else f"p:{digits}" if 5 <= len(digits) <= 20 else ""


def _text(traits: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = traits.get(name)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())[:LONGEST]
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)[:LONGEST]
    return ""


def _company(traits: Mapping[str, Any]) -> str:
    said = traits.get("company")
    return _text(said, "name") if isinstance(said, dict) else _text(traits, "company")


def _day(value: Any) -> date | None:
    at = instant(value) if isinstance(value, str) else None
    return at.date() if at is not None and at.year >= 1900 else None


def _addresses(traits: Mapping[str, Any]) -> tuple[Address, ...]:
    said = traits.get("address")
    parts: Mapping[str, Any] = said if isinstance(said, dict) else traits
    address = Address(
        line=_text(parts, "street") or (_text(traits, "address") if isinstance(said, str) else ""),
        city=_text(parts, "city"),
        region=_text(parts, "state"),
        postcode=_text(parts, "postalCode", "postal_code", "zip"),
        country=_country(parts),
    )
    return (address,) if address != Address() else ()


def _country(parts: Mapping[str, Any]) -> str:
    code = _text(parts, "country").upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


def _consents(traits: Mapping[str, Any]) -> Iterable[Consent]:
    """What our own forms say: channel, given, text, form, at, and the purpose that isn't marketing."""
    for one in (value for name, value in traits.items() if name.startswith(_CONSENT)):
        if (
            isinstance(one, dict)
            and one.get("channel") in ("email", "sms")
            and isinstance(one.get("given"), bool)
        ):
            yield Consent(
                channel=one["channel"],
                purpose=BACK_IN_STOCK if one.get("purpose") == BACK_IN_STOCK else MARKETING,
                given=one["given"],
                at=instant(one.get("at")),
                text=str(one.get("text") or "")[:LONGEST_CONSENT],
                form=_text(one, "form"),
                ip=_text(one, "ip"),
            )
