"""Test letters to staff, for the editor: a row of the ledger like any other, sent at once and answered."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from customers import emails
from email_campaigns import secret, source, suppression
from email_campaigns.delivery import guards, senders
from email_campaigns.delivery.claims import Claimed
from email_campaigns.delivery.compose import Batch, Composer
from email_campaigns.delivery.results import Made, Turn
from email_campaigns.delivery.transports.base import FAILED, UNSENT, Envelope, Outcome, Way
from email_campaigns.letters import render
from email_campaigns.tables import Delivery, Sender, Transport
from foundation.clock import new_id, now
from foundation.context import Context, current
from foundation.database import transaction
from foundation.errors import BadInput, Temporary
from foundation.text import _

STEP = "test"


def test_send(
    engine: Engine,
    version: render.Version,
    language: str,
    variables: Mapping[str, Any],
    sender_id: UUID,
    address: str,
    *,
    purpose: str = "marketing",  # noqa: PT028
    topic: str = "",  # noqa: PT028
    context: Context | None = None,  # noqa: PT028
) -> Outcome:
    """Send a letter to somebody of staff, filled in for anybody, and answer what the server said.

    The row's step is `test:…`; it is on nobody's card, and no consent is asked for. `BadInput` when it may
    not or can't leave; raises what opening the transport raises.
    """
    context = context or current()
    found = emails.parse(address)
    if found.problem:
        raise BadInput(_("This is no usable address: %s.") % found.problem, "address")
    one = new_id()
    with transaction(engine) as session:
        sender, transport = _allowed(session, sender_id, found.shown, context)
        home, told = secret.mark(session, context), source.source_id(session)
        settings = senders.settings_of(context.sealer, transport)
        row = Claimed(
            one, 1, f"{STEP}:{one}", one, None, found.shown.lower(), found.domain, purpose, topic, sender.id,
            version.id, "", language, 1, now(), {}, {},
        )  # fmt: skip
        _keep(session, row, transport.id)
        way = senders.way(context.sealer, transport)
    composer = Composer(engine, settings.get("bounces", ""), context)
    composer.know(version, sender_id)
    made, refused = Batch(composer, {}, variables).make([row])
    if refused:
        _end(engine, row, refused[0][1], refused[0][2])
        raise BadInput(guards.sentence(refused[0][1], refused[0][2]), "letter")
    with Turn(engine, transport.id, home, told) as turn:
        try:
            return _hand_over(way, turn, made[0])
        except BaseException:
            _end(engine, row, "refused", {})
            raise
        finally:
            way.close()


def _hand_over(way: Way, turn: Turn, letter: Made) -> Outcome:
    way.open()
    if not turn([], [letter]):
        raise BadInput(_("Something stopped it just now; try again."), "letter")
    outcome = next(way.send([Envelope(str(letter.row.id), letter.sender, letter.recipient, letter.data)]))
    if outcome.state == UNSENT:  # not a byte of it left: opening once more tells why, if anything can
        turn([(letter, Outcome(FAILED, "refused", outcome.reply))], [])
        way.open()
        raise Temporary(_("It wasn't taken, and nothing has left: %s") % outcome.reply)
    turn([(letter, outcome)], [])
    return outcome


def _allowed(session: Session, sender_id: UUID, address: str, context: Context) -> tuple[Sender, Transport]:
    switch = secret.switch(session, context)
    if switch.stopped or not secret.at_home(session, switch, context):
        raise BadInput(guards.sentence("stopped" if switch.stopped else "restored"), "sender")
    sender = session.get(Sender, sender_id)
    if sender is None or sender.removed_at is not None:
        raise BadInput(_("The sender is gone; choose another one."), "sender")
    transport = session.get_one(Transport, sender.transport_id)
    if transport.state != "on":
        raise BadInput(guards.sentence("transport"), "sender")
    key = suppression.hashed(secret.suppression_key(session, context.sealer), address)
    blocks = suppression.blocks(session, [key]).get(key, [])
    if blocks and blocks[0].scope == suppression.EVERYTHING:
        raise BadInput(guards.sentence("suppressed", {"why": blocks[0].reason}), "address")
    return sender, transport


def _keep(session: Session, row: Claimed, transport_id: UUID) -> None:
    """Its row, in our hands; profile and card are nobody's."""
    session.add(
        Delivery(
            id=row.id, step=row.step, profile_id=row.id, customer_id=None, address=row.address,
            domain=row.domain, purpose=row.purpose, topic=row.topic, sender_id=row.sender_id,
            transport_id=transport_id,
            letter_version_id=row.letter_version_id, language=row.language, state="claimed", token=1,
            attempts=1, due_at=now(), lease_until=None, handed_at=None, finished_at=None,
        )
    )  # fmt: skip


def _end(engine: Engine, row: Claimed, reason: str, detail: dict[str, Any]) -> None:
    with transaction(engine) as session:
        kept = session.get(Delivery, row.id, with_for_update=True)
        if kept is not None and kept.state == "claimed":
            kept.state, kept.reason, kept.detail, kept.finished_at = "failed", reason, detail, now()
