"""A new journey: choose what begins it, then its letter; out comes a draft that is ready to switch on."""

from typing import Any

from sqlalchemy import select
from starlette.responses import Response

from console import happenings
from console.pages import journey_input, journeys, letter_words, letters, mail_words
from console.web import Call
from customers.segments import store as segments
from email_campaigns import triggers
from email_campaigns.delivery import senders
from email_campaigns.journeys import store
from email_campaigns.letters import starters
from email_campaigns.letters import store as letter_store
from email_campaigns.tables import Letter
from email_campaigns.triggers.base import Trigger
from foundation.errors import BadInput
from foundation.text import _


def ask(call: Call) -> Response:
    """The triggers, or for a chosen one what else is needed."""
    key = call.query("trigger", 60)
    if key not in triggers.everything():
        return call.page("journey_new.html", begun=journeys.offered())
    return _ask(call, triggers.of(key))


def _ask(call: Call, trigger: Trigger, wrong: dict[str, str] | None = None) -> Response:
    typed = call.fields()
    company, address = letters.company_of(call)
    query = select(Letter).where(Letter.archived_at.is_(None), Letter.purpose == trigger.purpose)
    return call.page(
        "journey_begin.html", 422 if wrong else 200, trigger=trigger, typed=typed, wrong=wrong or {},
        starter=starters.everything().get(trigger.key), senders=senders.everyone(call.db),
        letters=call.db.scalars(query.order_by(Letter.name)).all(),
        segments=segments.everything(call.db) if any(one.kind == "segment" for one in trigger.fields) else [],
        settings={one.name: typed.get(f"t_{one.name}", one.default) for one in trigger.fields},
        company=typed.get("company", company), address=typed.get("address", address),
        language=typed.get("language") or letters.usual(call), names=letter_words.languages(call.me.locale),
        written=starters.LANGUAGES, known=[*happenings.kinds(), *mail_words.happenings().items()],
    )  # fmt: skip


def create(call: Call) -> Response:
    """Make the letter and the draft, and go to it."""
    trigger = triggers.of(call.text("trigger", 60))
    try:
        journey = store.create(call.db, call.text("name") or _free_name(call, trigger), call.actor)
        letter = _letter(call, trigger)
        store.save(call.db, journey, starting(call, trigger, letter), call.actor)
    except BadInput as error:
        call.db.rollback()
        at = journey_input.named(error.at)
        return _ask(call, trigger, {"letter" if at.endswith("letter_id") else at: error.message})
    said = _("Here it is, as a draft: nobody comes in before you switch it on.")
    return call.go(f"/journeys/{journey.id}", said)


def _free_name(call: Call, trigger: Trigger) -> str:
    """The trigger's name, with a number where another journey has it."""
    base = name = trigger.name()
    for number in range(2, 100):
        try:
            store.find(call.db, name)
        except BadInput:
            break
        name = f"{base} {number}"
    return name


def _letter(call: Call, trigger: Trigger) -> str:
    """The id of the letter that was chosen, or of one made from ours."""
    chosen = call.text("letter", 40)
    starter = starters.everything().get(trigger.key)
    if chosen or starter is None:
        if not chosen:
            raise BadInput(_("Choose a letter: there is none of ours for this trigger."), "letter")
        return chosen
    company, address = call.text("company", 500), call.text("address", 500)
    if not address:
        raise BadInput(_("A postal address is missing: mail without one is against the law."), "address")
    language = call.text("language", 20)
    tags = dict.fromkeys((language if language in starters.LANGUAGES else "en", *call.texts("languages")))
    texts = {tag: starter.written(tag, company, address) for tag in tags if tag in starters.LANGUAGES}
    letter = letter_store.create(call.db, starter.name(call.me.locale), starter.purpose, actor=call.actor)
    letter_store.new_version(call.db, letter, next(iter(texts)), texts, call.actor)
    return str(letter.id)


def starting(call: Call, trigger: Trigger, letter: str) -> dict[str, Any]:
    """The simplest journey of a trigger: its usual wait, then its letter."""
    kinds = {one.name: one.kind for one in trigger.fields}
    typed = journey_input.read(call.form, kinds)
    steps: list[dict[str, Any]] = []
    if trigger.first_wait:
        amount, unit = trigger.first_wait
        steps.append(journey_input.fresh("wait") | {"amount": amount, "unit": unit})
    mail = {"letter_id": letter, "sender_id": call.text("sender", 40)}
    steps.append(journey_input.fresh("letter") | mail)
    return {
        "trigger": {"kind": trigger.key, "settings": typed["trigger"]["settings"]},
        "audience": {}, "reentry": dict(trigger.reentry), "holdout": 0, "exits": [], "steps": steps,
        "goal": {"kind": "order"} if trigger.purpose == "marketing" else None,
    }  # fmt: skip
