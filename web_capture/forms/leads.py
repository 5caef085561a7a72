"""A submission of a form becomes a lead, a consent and perhaps a coupon, all in one transaction."""

import hashlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Engine, case, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from customers.consent import BACK_IN_STOCK
from foundation import clock
from foundation.database import transaction
from foundation.text import language
from web_capture.commerce import ASKED, OPT_IN
from web_capture.forms import checks as form_checks
from web_capture.forms.checks import VARIANTS, Errors, Lead
from web_capture.forms.landing import land
from web_capture.forms.spec import OWN_TYPES, Spec
from web_capture.forms.tables import Form, FormVersion
from web_capture.tables import Site

_TRIES = 3
_APART = {OPT_IN: ".opt-in", ASKED: ".asked"}  # the endings of further messages of a submission
Message = dict[str, Any]  # of the tracking API
# A code's `person` is all keys it was given under, with blanks between. Whoever comes again, by a key or the
# message, gets what they had, from now on under this submission's further keys too; else the oldest that
# nobody holds.
_CLAIM = text(
    "WITH held AS MATERIALIZED (SELECT id, code, string_to_array(person, ' ') AS keys"
    " FROM form_coupons WHERE form_id = :form AND (message_id = :message"
    " OR person IS NOT NULL AND string_to_array(person, ' ') && CAST(:keys AS text[]))),"
    " had AS (SELECT id, code FROM held"
    " ORDER BY keys && CAST(:keys AS text[]) DESC, :first = ANY(keys) DESC, id LIMIT 1),"
    " fresh AS (SELECT string_agg(key, ' ') AS keys FROM unnest(CAST(:keys AS text[])) AS k (key)"
    " WHERE NOT EXISTS (SELECT FROM held WHERE key = ANY(held.keys))),"
    " joined AS (UPDATE form_coupons c SET person = concat_ws(' ', c.person, fresh.keys) FROM had, fresh"
    # an entry of an index has an end, and nobody has so many addresses
    " WHERE c.id = had.id AND fresh.keys IS NOT NULL AND octet_length(c.person) < 1000),"
    " given AS (UPDATE form_coupons SET person = array_to_string(CAST(:keys AS text[]), ' '),"
    " message_id = :message, device = :device, given_at = :at"
    " WHERE id = (SELECT id FROM form_coupons WHERE form_id = :form AND person IS NULL"
    " AND NOT EXISTS (SELECT FROM had) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)"
    " RETURNING code)"
    " SELECT code FROM had UNION ALL SELECT code FROM given"
)


@dataclass(frozen=True)
class Answer:
    """What the drawing script is told."""

    ok: bool
    coupon: str | None = None
    errors: Errors = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"ok": True, "coupon": self.coupon} if self.ok else {"ok": False, "errors": self.errors}


@dataclass(frozen=True)
class Source:
    """Where a submission came from."""

    site_id: UUID
    address: str
    agent: str


def receive(engine: Engine, source: Source, lead: Lead) -> Answer | None:
    """Take a submission in; None when the site has no such published form. At most three queries.

    Said again with the same message id it changes nothing and is answered alike.
    """
    for attempt in range(_TRIES):
        try:
            with transaction(engine) as session:
                return _receive(session, source, lead)
        except IntegrityError:  # the same person a moment ago, in another tab: now they have their coupon
            if attempt == _TRIES - 1:
                raise
    raise AssertionError


def _receive(session: Session, source: Source, lead: Lead) -> Answer | None:
    found = session.execute(
        select(Form, FormVersion.spec, Site.currency, *_turn(lead))
        .join(FormVersion, FormVersion.form_id == Form.id)
        .join(Site, Site.id == Form.site_id)
        .where(Form.site_id == source.site_id, Form.key == lead.form_id)
        .where(FormVersion.number == lead.version, FormVersion.published_at.is_not(None))
    ).one_or_none()
    if found is None:
        return None
    form, spec, currency = found[:3]
    why = form_checks.spam(lead)
    if why is not None:  # a program that is told so would come back better
        _land(session, source, lead, [_event(form, lead, "Form Spam", _spam(lead, spec, why))])
        return Answer(True)
    answer = check(lead, spec)
    if answer.ok:
        _land(session, source, lead, _events(form, spec, lead, source.address))
        return Answer(True, _coupon(session, form, spec, lead, currency))
    return answer


def check(lead: Lead, spec: Spec) -> Answer:
    """What would be said of this submission, in the form's language; lands nothing."""
    with language(spec["language"]):
        errors = form_checks.errors_of(lead, spec)
    return Answer(False, None, errors) if errors else Answer(True, spec["coupon"]["code"] or None)


def _turn(lead: Lead) -> list[ColumnElement[Any]]:
    """Makes submissions of one person to a form with a list wait for each other; no query of its own.

    A lock in the claim itself would come too late: that would see the codes as they were before it waited.
    """
    names = (f"{lead.form_id} {key}".encode("utf-8", "replace") for key in form_checks.locks_of(lead))
    numbers = {int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), signed=True) for name in names}
    with_list = FormVersion.spec["coupon"]["kind"].astext == "list"
    # always in the same order, so that two never wait for each other
    return [case((with_list, func.pg_advisory_xact_lock(number))) for number in sorted(numbers)]


def _coupon(session: Session, form: Form, spec: Spec, lead: Lead, currency: str) -> str | None:
    if spec["coupon"]["kind"] != "list":
        return spec["coupon"]["code"] or None
    keys = form_checks.persons_of(form_checks.values_of(lead, spec), currency)
    values = {"form": form.id, "message": lead.message_id, "device": lead.device or None, "at": clock.now(),
              "keys": keys, "first": keys[0]}  # fmt: skip
    code: str | None = session.scalar(_CLAIM, values)
    return code


def _land(session: Session, source: Source, lead: Lead, events: list[Message]) -> None:
    land(session, source.site_id, lead.message_id, events, source.address, source.agent)


def _events(form: Form, spec: Spec, lead: Lead, address: str) -> list[Message]:
    """The submission, and with double opt-in the wish for a letter that confirms."""
    at = clock.now().isoformat()
    ticked = [
        {"channel": one["channel"], "given": True, "text": one["text"], "at": at, "ip": address,
         "form": f"{form.name}, version {lead.version}"}
        for one in spec["consents"] if one["channel"] in lead.consent
    ]  # fmt: skip
    # until the letter's link is followed anybody could have typed the address: no consent yet
    waiting = [one for one in ticked if spec["double_opt_in"] and one["channel"] == "email"]
    values = form_checks.values_of(lead, spec)
    said: dict[str, Any] = {name: value for name, value in values.items() if not name.startswith("own_")}
    said["consent"] = [one for one in ticked if one not in waiting]
    said["fields"] = {
        one["label"]: values[one["name"]]
        for one in spec["fields"]
        if one["type"] in OWN_TYPES and one["name"] in values
    }
    said["spam"] = {"honeypot": False, "seconds": round(min(lead.seconds, 10**6), 1)}
    events = [_event(form, lead, "Form Submitted", said)]
    if waiting:
        wish = {"email": values["email"], "consent": waiting}
        events.append(_event(form, lead, OPT_IN, wish, email=values["email"]))
    if "back_in_stock" in spec:
        events.append(_asked(form, spec, lead, values["email"], address))
    return events


def _asked(form: Form, spec: Spec, lead: Lead, email: str, address: str) -> Message:
    """The wish to be told of the page's product. Sending the form says yes to that one letter, so its words
    are what is kept; the boxes to tick are about other letters."""
    variants = spec["variants"]
    number = VARIANTS.index(lead.variant)
    shape = {**spec, **(variants[number] if number < len(variants) else {})}
    words = " ".join(" ".join(filter(None, (shape["title"], shape["text"], f"[{shape['button']}]"))).split())
    said = {"channel": "email", "purpose": BACK_IN_STOCK, "given": True, "text": words, "ip": address,
            "at": clock.now().isoformat(), "form": f"{form.name}, version {lead.version}"}  # fmt: skip
    event = _event(form, lead, ASKED, {"products": [form_checks.product_of(lead)]}, email=email)
    event["context"]["traits"]["consent"] = [said]
    return event


def _spam(lead: Lead, spec: Spec, why: str) -> dict[str, Any]:
    values = form_checks.values_of(lead, spec)
    return {"spam": True, "why": why, "fields": {name: value[:300] for name, value in values.items()}}


def _event(form: Form, lead: Lead, event: str, properties: dict[str, Any], email: str = "") -> Message:
    """A track event of the form; each of a submission has a message id of its own."""
    message_id = lead.message_id + _APART.get(event, "")
    about = {"form_id": form.key, "form": form.name, "version": lead.version, "variant": lead.variant}
    context: dict[str, Any] = {"page": lead.page}
    if email:  # so that it stands on the lead's profile and not on the device's
        context["traits"] = {"email": email}
    return {"type": "track", "messageId": message_id, "event": event, "anonymousId": lead.device,
            "context": context, "properties": {**properties, **about}}  # fmt: skip
