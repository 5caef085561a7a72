"""What somebody wrote into a form: whether it can be used, and whether somebody wrote it at all."""

import re
from datetime import date
from functools import cache
from importlib import import_module
from typing import Any, cast

import msgspec

from customers import emails, phones
from customers.identity import country_of
from foundation import clock
from foundation.records import Person
from foundation.text import _
from web_capture.forms.spec import Spec

VARIANTS = ("A", "B", "C", "D")
QUICKEST = 2.0  # seconds: no person reads and fills a form faster
LONGEST_VALUE = 300
_OF_PRODUCT = ("product_id", "sku", "name", "url", "image_url")
_PHONE = re.compile(r"\+?[\d\s().-]{5,30}")
_MESSAGE_ID = re.compile(r"[\w.:-]{8,100}", re.ASCII)


class Lead(msgspec.Struct, rename={"message_id": "messageId", "device": "anonymousId"}):
    """A submission as the drawing script sends it."""

    form_id: str
    message_id: str
    version: int
    variant: str = "A"
    device: str = ""
    fields: dict[str, str] = {}
    consent: list[str] = []
    seconds: float = 0.0
    honeypot: str = ""
    page: dict[str, str] = {}
    product: dict[str, str] = {}  # of the page, where the form asks to be told when it is back


Errors = list[dict[str, str]]


def read(body: bytes) -> Lead | None:
    """The submission in a body; None when it is none."""
    try:
        lead = msgspec.json.decode(body, type=Lead)
    except (ValueError, RecursionError):
        return None
    usable = _MESSAGE_ID.fullmatch(lead.message_id) and 0 < lead.version < 10**6 and lead.variant in VARIANTS
    return lead if usable and "\0" not in lead.form_id + lead.device and len(lead.device) <= 200 else None


def spam(lead: Lead) -> str | None:
    """Why this is a program's: "honeypot" or "timing"; None for a person's."""
    if lead.honeypot.strip():
        return "honeypot"
    return "timing" if not lead.seconds >= QUICKEST else None


def values_of(lead: Lead, spec: Spec) -> dict[str, str]:
    """What was written into the form's own fields, by their names; anything else is dropped."""
    said = {one["name"]: " ".join(lead.fields.get(one["name"], "").split()) for one in spec["fields"]}
    return {name: value for name, value in said.items() if value}


def product_of(lead: Lead) -> dict[str, str]:
    """What the page says of its product; nothing without something to know it by."""
    said = {name: " ".join(lead.product.get(name, "").replace("\0", "").split()) for name in _OF_PRODUCT}
    usable = {name: value for name, value in said.items() if 0 < len(value) <= LONGEST_VALUE}
    return usable if usable.keys() & {"sku", "product_id"} else {}


def errors_of(lead: Lead, spec: Spec) -> Errors:
    """A sentence for each field that can't be used, fit for the person who filled it in."""
    values = values_of(lead, spec)
    found = [(one["name"], _wrong(one, values.get(one["name"], ""))) for one in spec["fields"]]
    for one in spec["consents"]:
        ticked, needs = one["channel"] in lead.consent, {"email": "email", "sms": "phone"}[one["channel"]]
        if one["required"] and not ticked:
            found.append((f"consent_{one['channel']}", _("Please tick this to go on.")))
        if ticked and needs not in values:
            found.append((needs, _("This is needed for what you ticked.")))
    if "back_in_stock" in spec:
        if "email" not in values:
            found.append(("email", _("Please fill this in.")))
        if not product_of(lead):
            found.append(("", _("It can't be told which product this is about.")))
    if not {"email", "phone"} & values.keys():
        reach = next(one["name"] for one in spec["fields"] if one["name"] in ("email", "phone"))
        found.append((reach, _("Please fill this in.")))
    said: dict[str, str] = {}
    for name, message in found:
        if message:
            said.setdefault(name, message)
    return [{"field": name, "message": message} for name, message in said.items()]


def persons_of(values: dict[str, str], currency: str = "") -> list[str]:
    """Who a coupon goes to: the mailbox behind the e-mail and the phone however it is spelt; no blanks.

    `currency` is the site's: it tells where a number is from when nothing else does.
    """
    email, phone = values.get("email", ""), values.get("phone", "")
    said = Person(external_id="", emails=(email,), phones=(phone,))
    # the letters of a currency begin with its country's
    read = (phones.parse(phone, country).e164 for country in (country_of(said), currency[:2], ""))
    digits = next(filter(None, read), "").removeprefix("+") or _digits(phone)
    if len(digits) == 11 and digits[0] == "8":
        digits = f"7{digits[1:]}"
    return [key for key in (emails.parse(email).key, digits) if key]


def locks_of(lead: Lead) -> list[str]:
    """What two submissions of one person have in common before anything is known of the form."""
    email = " ".join(lead.fields.get("email", "")[:LONGEST_VALUE].split())
    ending = _digits(lead.fields.get("phone", "")[:LONGEST_VALUE])[-7:]  # no spelling changes it
    return [key for key in (emails.parse(email).key, ending) if key]


def _digits(phone: str) -> str:
    return "".join(filter(str.isdigit, phone))


def _wrong(field: dict[str, Any], value: str) -> str:
    if not value:
        return _("Please fill this in.") if field["required"] else ""
    if len(value) > LONGEST_VALUE or "\0" in value:
        return _("This is too long.")
    match field["type"]:
        case "email":
            return _email(value)
        case "phone":
            digits = sum(map(str.isdigit, value))
            return "" if _PHONE.fullmatch(value) and 7 <= digits <= 15 else _("This is no phone number.")
        case "birthday":
            return "" if _born(value) else _("This is no date of birth.")
        case "choice":
            return "" if value in field["options"] else _("Please choose one of the list.")
    return ""


def _email(value: str) -> str:
    found = emails.parse(value)
    if found.problem or found.names_nobody == "placeholder":
        return _("This is no e-mail address that can be reached.")
    domain = found.domain
    parents = {domain.split(".", count)[-1] for count in range(domain.count("."))}
    if parents & _disposable():
        return _("Please use a mailbox that you keep; this one is thrown away.")
    return ""


def _born(value: str) -> bool:
    try:
        return date.fromisoformat(value).year >= 1900 and date.fromisoformat(value) <= clock.now().date()
    except ValueError:
        return False


@cache
def _disposable() -> frozenset[str]:
    """The kept list of throw-away mailboxes; a hundred thousand names that only who asks should read."""
    return cast(frozenset[str], frozenset(import_module("disposable_email_domains").blocklist))
