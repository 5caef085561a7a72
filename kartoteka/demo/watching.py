"""What the runner does so that the hub sees the shop's visitors: a site, two forms, a word to the shop."""

import base64
import time
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from foundation.clock import monotonic
from foundation.database import transaction
from foundation.errors import Misconfigured
from kartoteka.demo.company import CURRENCY
from kartoteka.demo.hooks import post
from kartoteka.demo.hub import FormNote, Hub
from kartoteka.demo.shop import KEY, SECRET
from kartoteka.demo.visitors import TOLD_AT
from kartoteka.installation import Installation
from web_capture import sites
from web_capture.forms import store as forms
from web_capture.forms.spec import Spec
from web_capture.tables import Site

ACTOR = "demo"
PATIENCE = 30.0
CONSENT = "I agree to receive offers by e-mail."
_WAITING = text("SELECT coalesce(sum(events), 0) FROM captured")
_CAME = text("SELECT count(*), count(DISTINCT data->>'device') FROM timeline WHERE source_id = :site")
LETTER: Spec = {
    "title": "The Friday letter",
    "text": "What is new on the shelves, once a week.",
    "button": "Sign up",
    "thanks": "Thank you. The next letter comes on Friday.",
    "fields": [
        {"type": "firstName", "label": "First name"},
        {"type": "email", "label": "E-mail", "required": True},
    ],
    "look": {"accent": "#7c2d12"},
    "consents": [{"channel": "email", "text": CONSENT, "required": True}],
}
OFFER: Spec = {
    **LETTER,
    "title": "Ten per cent off the first pot",
    "text": "Leave your e-mail, and the code is yours at once.",
    "button": "Get the code",
    "thanks": "Here is your code. It works until Sunday.",
    "fields": [{"type": "email", "label": "E-mail", "required": True}],
    "look": {"accent": "#7c2d12", "position": "right"},
    "coupon": {"kind": "fixed", "code": "SAMAL10"},
    "triggers": {"delay": 20, "scroll": 60},
    "frequency": {"kind": "until"},
}


def watch(found: Installation, hub_address: str, shop_address: str) -> str:
    """Add the shop's site and forms, and let its visitors in; answers what came of it."""
    began = monotonic()
    with transaction(found.engine) as session:
        site, keys = sites.add(
            session, found.context.sealer, shop_address, currency=CURRENCY, origins=["localhost"]
        )
        notes = tuple(
            published(session, site, *one)
            for one in (("Friday letter", "embedded", LETTER), ("First pot", "slide", OFFER))
        )
        site_id = site.id
        hub = Hub(hub_address, shop_address, site.key, keys.write_key, keys.secret_key, notes)
    tell(shop_address, hub)
    while monotonic() - began < PATIENCE and waiting(found):
        time.sleep(0.1)
    with Session(found.engine) as session:
        events, devices = session.execute(_CAME, {"site": site_id}).one()
    host = urlsplit(shop_address).hostname
    return f"{events:,} events of {devices:,} visitors to {host} in {monotonic() - began:.1f} s."


def published(session: Session, site: Site, name: str, kind: str, spec: Spec) -> FormNote:
    """A form that visitors get."""
    form = forms.make(session, site, name, kind, ACTOR)
    forms.change(session, form, spec, ACTOR)
    forms.publish(session, form)
    return FormNote(form.key, form.name, kind, CONSENT)


def tell(shop_address: str, hub: Hub) -> None:
    """Give the shop the hub's address and its keys; it comes back when its history is sent."""
    mark = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    status = post(
        shop_address + TOLD_AT, msgspec.json.encode(hub), {"Authorization": f"Basic {mark}"}, PATIENCE
    )
    if status != 200:
        raise Misconfigured(f"The invented shop answered {status} when it was told of the hub.")


def waiting(found: Installation) -> bool:
    """Whether captured events wait for their rows."""
    with Session(found.engine) as session:
        return bool(session.scalar(_WAITING))
