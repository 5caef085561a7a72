"""What the runner does so that marketing isn't empty: segments, a letter that was sent, journeys that run.

Letters go into a folder beside the demo's data, where anybody can look at them. It sends at any hour: whoever
tries the demo in the evening shall see it send.
"""

import time
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from customers.segments import language
from customers.segments import store as segments
from customers.segments.tables import Segment
from email_campaigns import secret, triggers
from email_campaigns.delivery import senders
from email_campaigns.journeys import store as journeys
from email_campaigns.letters import starters
from email_campaigns.letters import store as letters
from email_campaigns.mailings import plan, start
from email_campaigns.mailings import store as mailings
from email_campaigns.tables import Delivery
from foundation.clock import monotonic
from foundation.database import transaction
from kartoteka.installation import Installation

ACTOR = "demo"
PATIENCE = 30.0  # seconds for the letters to leave
FOLDER = "letters"  # beside the data
COMPANY, STREET = "Samal, tea and things", "12 Gogol street, Almaty"
ASKED = {
    "Friday letter": 'email_consent = "given"',
    "Regulars": "orders.count(last 180 days) >= 2",
    "Gone quiet": "orders.count() >= 1 and last_order more than 60 days ago",
}
TRIGGERS = ("welcome", "abandoned_cart", "win_back")
TEXTS: dict[str, dict[str, Any]] = {
    "en": {
        "subject": "New on the shelves this Friday",
        "heading": "First flush is here",
        "text": "Hello{% if customer.given_name %}, {{ customer.given_name }}{% endif %}!\n\nThe spring tea"
        " has come in, and with it the teapots that were sold out. Have a look before the weekend.",
        "button": "Look at what is new",
    },
    "ru": {
        "subject": "Новинки этой пятницы",
        "heading": "Приехал первый сбор",
        "text": "Здравствуйте{% if customer.given_name %}, {{ customer.given_name }}{% endif %}!\n\nПришёл"
        " весенний чай, а с ним и чайники, которых давно не было. Загляните до выходных.",
        "button": "Посмотреть новинки",
    },
    "tr": {
        "subject": "Bu cumanın yenilikleri",
        "heading": "İlk hasat geldi",
        "text": "Merhaba{% if customer.given_name %} {{ customer.given_name }}{% endif %}!\n\nBahar çayı ve"
        " uzun zamandır kalmayan demlikler geldi. Hafta sonundan önce bir göz atın.",
        "button": "Yenilere bak",
    },
}


def write(found: Installation, data: Path, shop_address: str) -> str:
    """Fill the marketer's pages; answers what came of it."""
    began = monotonic()
    with transaction(found.engine) as session:
        switch = secret.switch(session, found.context)
        switch.quiet_from = switch.quiet_until = 0
        folder = {"folder": str(data.absolute() / FOLDER)}
        way = senders.add_transport(session, found.context.sealer, "A folder", "file", folder)
        sender = senders.add(session, found.context.sealer, "Samal", "hello@samal.example", way)
        asked = {
            name: segments.make(session, name, language.parse(said), ACTOR) for name, said in ASKED.items()
        }
        for trigger in TRIGGERS:
            _journey(session, trigger, sender.id)
        letter = _letter(session, shop_address)
        audience, ids = asked["Friday letter"].id, (letter, sender.id)
    _members(found)
    with transaction(found.engine) as session:
        step = _mailing(session, audience, *ids)
    sent = _sent(found, step)
    return f"{sent:,} letters to {data / FOLDER}, {len(TRIGGERS)} journeys in {monotonic() - began:.1f} s."


def _letter(session: Session, shop_address: str) -> UUID:
    """The newsletter, in three languages."""
    letter = letters.create(session, "The Friday letter", "marketing", actor=ACTOR)
    texts = {tag: _text(said, shop_address) for tag, said in TEXTS.items()}
    letters.new_version(session, letter, "en", texts, ACTOR)
    return letter.id


def _text(said: dict[str, Any], shop_address: str) -> dict[str, Any]:
    return {
        "subject": said["subject"],
        "preheader": "",
        "blocks": [
            {"type": "heading", "text": said["heading"]},
            {"type": "text", "text": said["text"]},
            {"type": "button", "label": said["button"], "url": shop_address},
            {"type": "footer", "reason": "", "company": COMPANY, "address": STREET},
        ],
    }


def _journey(session: Session, key: str, sender: UUID) -> None:
    """A trigger's journey with the letter that is made for it, switched on."""
    trigger, starter = triggers.of(key), starters.of(key)
    letter = letters.create(session, starter.name("en"), starter.purpose, actor=ACTOR)
    texts = {tag: starter.written(tag, COMPANY, STREET) for tag in starters.LANGUAGES}
    letters.new_version(session, letter, "en", texts, ACTOR)
    steps: list[dict[str, Any]] = []
    if trigger.first_wait:
        steps.append(
            {"id": "w1", "type": "wait", "amount": trigger.first_wait[0], "unit": trigger.first_wait[1]}
        )
    steps.append({"id": "l1", "type": "letter", "letter_id": str(letter.id), "sender_id": str(sender)})
    journey = journeys.create(session, trigger.name(), ACTOR)
    settings = {one.name: one.default for one in trigger.fields}
    spec = {
        "trigger": {"kind": key, "settings": settings}, "audience": {}, "reentry": dict(trigger.reentry),
        "holdout": 0, "exits": [], "goal": {"kind": "order"}, "steps": steps,
    }  # fmt: skip
    journeys.save(session, journey, spec, ACTOR)
    journeys.switch(session, journey, "on")


def _members(found: Installation) -> None:
    """Wait until the members of the segments are found."""
    began = monotonic()
    waiting = select(func.count()).select_from(Segment).where(Segment.computed != Segment.version)
    while monotonic() - began < PATIENCE:
        with Session(found.engine) as session:
            if not session.scalar(waiting):
                return
        time.sleep(0.2)


def _mailing(session: Session, audience: UUID, letter: UUID, sender: UUID) -> str:
    """The mailing of this Friday, with two subjects and a tenth held out, started as its plan says."""
    mailing = mailings.create(session, "Friday letter", ACTOR)
    other = {"name": "B", "share": 50, "subjects": {"en": "The tea that was sold out is back"}}
    mailings.change(
        session, mailing, include=[audience], letter_id=letter, sender_id=sender, holdout=10,
        variants=[{"name": "A", "share": 50}, other],
    )  # fmt: skip
    start.start(session, mailing.id, ACTOR, plan.make(session, mailing).hash)
    return mailings.step(mailing.id)


def _sent(found: Installation, step: str) -> int:
    """How many letters left, once all have, or patience is at its end."""
    began, waiting = monotonic(), ("planned", "claimed", "handed_over", "deferred")
    rows = select(Delivery.state, func.count()).where(Delivery.step == step).group_by(Delivery.state)
    while True:
        with Session(found.engine) as session:
            states: dict[str, int] = dict(session.execute(rows).tuples().all())
        late = monotonic() - began > PATIENCE
        if late or (states and not any(states.get(one) for one in waiting)):
            return states.get("accepted", 0)
        time.sleep(0.2)
