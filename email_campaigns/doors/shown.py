"""A letter shown again in a browser, and what a public form says."""

from urllib.parse import parse_qs

from sqlalchemy.orm import Session

from email_campaigns import secret
from email_campaigns.delivery.links import Signer, asking
from email_campaigns.doors.known import Known
from email_campaigns.letters import render, store, variables
from foundation.clock import now
from foundation.context import Context
from foundation.errors import BadInput


def html(session: Session, context: Context, known: Known) -> str | None:
    """The version that was sent, filled in as far as what was sent is known; None when it can't be any more.

    The card's values are today's; what a trigger said of an order or a cart is as it was.
    """
    try:
        version = store.version(session, known.version)
        at, cards = known.handed_at or now(), [known.card] if known.card else []
        found = variables.contexts(session, cards, at, version).get(known.card, {}) if known.card else {}
        links = Signer(secret.token_key(session, context.sealer), context.public_url)
        own = links.own(known.id)._asdict() | links.asked(known.id, asking(version.named.paths))
        filled = {**variables.merged(found, known.context), "links": own}
        made = render.render(version, known.language, filled)
    except (render.Unrendered, BadInput):
        return None
    unknown: set[str] = set()
    links.html(known.id, made.html, unknown)
    links.learn(session, unknown)
    return links.html(known.id, made.html, set())


def typed(body: bytes) -> dict[str, list[str]]:
    """The fields of a form; nothing for what isn't one."""
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        return {}
