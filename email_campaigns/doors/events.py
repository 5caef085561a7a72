"""Webhooks of mail providers, `/hooks/mail/<transport>/<provider>[/<secret>]`: bounces and complaints.

What a delivery of events proves itself by is the provider's way: Mailgun signs with a key, SendGrid with a
private key whose public half is set here, Amazon with a certificate of its notification service; Postmark and
Brevo know a secret path (or Basic authentication). Letters are found by our id or Message-ID, else by the
address and the transport that wrote to it last.
"""

from datetime import timedelta
from uuid import UUID

import msgspec
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from email_campaigns import suppression
from email_campaigns.delivery import senders
from email_campaigns.delivery.transports import kinds
from email_campaigns.doors import known as deliveries
from email_campaigns.doors import notices, preferences, proofs, providers, returning
from email_campaigns.doors.known import Known
from email_campaigns.doors.providers import Event
from email_campaigns.tables import Delivery, Transport
from foundation.clock import now
from foundation.database import transaction
from foundation.sealing import Sealer

LARGEST = 2_000_000
RECENT = timedelta(days=7)


async def receive(request: Request) -> Response:
    """Take events in; 200 when each is done with, known recipient or not."""
    doors = request.app.state.doors
    body = await request.body()
    status, words = await run_in_threadpool(_take, doors.engine, doors.context.sealer, request, body)
    return PlainTextResponse(words, status)


def _take(engine: Engine, sealer: Sealer, request: Request, body: bytes) -> tuple[int, str]:
    provider = request.path_params["provider"]
    try:
        transport = UUID(request.path_params["transport"])
    except ValueError:
        return 404, "no such transport"
    with transaction(engine) as session:
        row = session.get(Transport, transport)
        settings = senders.settings_of(sealer, row) if row else {}
        expected = kinds.events_of(row.kind, settings) if row else ""
    key = settings.get("events_key", "")
    if provider not in providers.PROVIDERS or expected != provider or not key:
        return 404, "no such transport"
    if provider == "ses":
        status, words = notices.take(key, body)  # may call Amazon: nothing is held meanwhile
        if status:
            return status, words
    elif not proofs.holds(provider, key, request.headers, body, request.path_params.get("secret", "")):
        return 401, "not proved"
    try:
        found = providers.read(provider, body)
    except (msgspec.MsgspecError, ValueError, TypeError, AttributeError, RecursionError):
        return 400, "no events of this provider"
    with transaction(engine) as session:
        for one in found:
            act(session, transport, one)
    return 200, "thanks"


def act(session: Session, transport: UUID, event: Event) -> bool:
    """Do what an event asks; whether it was about a letter of ours."""
    known = _known(session, transport, event)
    if known is None:
        return False
    if event.kind == "bounce":
        returning.bounced(session, known, event.reason, event.hard, event.reply)
    elif event.kind == "complaint":
        returning.complained(session, known, event.reply)
    elif event.kind == "unsubscribed":
        preferences.unsubscribe(session, known, "unsubscribe link of the provider", "")
    else:
        returning.delivered(session, known)
    return True


def _known(session: Session, transport: UUID, event: Event) -> Known | None:
    """By our Message-ID, if the letter went this way to this address; else the last one that did."""
    local = event.message_id.strip().strip("<>").partition("@")[0]
    if len(local) == 32:
        try:
            delivery = session.get(Delivery, UUID(local))
        except ValueError:
            delivery = None
        if delivery is not None and delivery.transport_id == transport:
            same = suppression.normal(delivery.address) == suppression.normal(event.address)
            return deliveries.find(session, delivery.id) if same or not event.address else None
    if event.kind in ("delivered", "taken", "unsubscribed") or not event.address:
        return None  # too little to go by
    return deliveries.last_to(session, event.address.strip().lower(), transport, now() - RECENT)


ROUTES: list[BaseRoute] = [
    Route("/hooks/mail/{transport}/{provider}", receive, methods=["POST"], max_body_size=LARGEST),
    Route("/hooks/mail/{transport}/{provider}/{secret}", receive, methods=["POST"], max_body_size=LARGEST),
]
