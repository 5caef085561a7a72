"""A submission of a form becomes a lead, a consent and perhaps a coupon, all in one transaction."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from foundation import clock
from foundation.database import transaction
from foundation.text import language
from web_capture import form_checks
from web_capture.form_checks import Errors, Lead
from web_capture.form_spec import OWN_TYPES, Spec
from web_capture.form_tables import Form, FormVersion
from web_capture.forms_landing import land

_TRIES = 3
Message = dict[str, Any]  # of the tracking API
# whoever comes again, by the person or the message, gets what they had; else the oldest that nobody holds
_CLAIM = text(
    "WITH had AS (SELECT code FROM form_coupons WHERE form_id = :form"
    " AND (person = :person OR message_id = :message) ORDER BY person = :person DESC LIMIT 1),"
    " given AS (UPDATE form_coupons SET person = :person, message_id = :message, device = :device,"
    " given_at = :at WHERE id = (SELECT id FROM form_coupons WHERE form_id = :form AND person IS NULL"
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
        select(Form, FormVersion.spec)
        .join(FormVersion, FormVersion.form_id == Form.id)
        .where(Form.site_id == source.site_id, Form.key == lead.form_id)
        .where(FormVersion.number == lead.version, FormVersion.published_at.is_not(None))
    ).one_or_none()
    if found is None:
        return None
    form, spec = found
    why = form_checks.spam(lead)
    if why is not None:  # a program that is told so would come back better
        _land(session, source, lead, [_event(form, lead, "Form Spam", _spam(lead, spec, why))])
        return Answer(True)
    answer = check(lead, spec)
    if answer.ok:
        _land(session, source, lead, _events(form, spec, lead, source.address))
        return Answer(True, _coupon(session, form, spec, lead))
    return answer


def check(lead: Lead, spec: Spec) -> Answer:
    """What would be said of this submission, in the form's language; lands nothing."""
    with language(spec["language"]):
        errors = form_checks.errors_of(lead, spec)
    return Answer(False, None, errors) if errors else Answer(True, spec["coupon"]["code"] or None)


def _coupon(session: Session, form: Form, spec: Spec, lead: Lead) -> str | None:
    if spec["coupon"]["kind"] != "list":
        return spec["coupon"]["code"] or None
    values = {"form": form.id, "message": lead.message_id, "device": lead.device or None, "at": clock.now(),
              "person": form_checks.person_of(form_checks.values_of(lead, spec))}  # fmt: skip
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
        events.append(_event(form, lead, "Opt-in Requested", wish, email=values["email"]))
    return events


def _spam(lead: Lead, spec: Spec, why: str) -> dict[str, Any]:
    values = form_checks.values_of(lead, spec)
    return {"spam": True, "why": why, "fields": {name: value[:300] for name, value in values.items()}}


def _event(form: Form, lead: Lead, event: str, properties: dict[str, Any], email: str = "") -> Message:
    """A track event of the form; each of a submission has a message id of its own."""
    message_id = lead.message_id if event != "Opt-in Requested" else f"{lead.message_id}.opt-in"
    about = {"form_id": form.key, "form": form.name, "version": lead.version, "variant": lead.variant}
    context: dict[str, Any] = {"page": lead.page}
    if email:  # so that it stands on the lead's profile and not on the device's
        context["traits"] = {"email": email}
    return {"type": "track", "messageId": message_id, "event": event, "anonymousId": lead.device,
            "context": context, "properties": {**properties, **about}}  # fmt: skip
