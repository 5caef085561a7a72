"""Answers to customers' letters: rows of the ledger like any other, each sent at most once."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from customers import emails
from customers.mail import store
from customers.mail.tables import MailMessage
from customers.tables import Customer, Profile
from email_campaigns import secret, suppression
from email_campaigns.delivery import guards
from email_campaigns.delivery.answering import NO_VERSION, STEP
from email_campaigns.delivery.ledger import DUTY, message_id
from email_campaigns.tables import Delivery, Sender
from foundation.clock import new_id, now
from foundation.context import Context, current
from foundation.errors import BadInput
from foundation.text import _, language
from foundation.wake import wake_after_commit

LONGEST, LONGEST_SUBJECT = 20_000, 200
QUOTED = 4_000  # characters that are repeated of the letter answered


class Fate(NamedTuple):
    """What became of an answer: a state of the ledger, and why in words."""

    state: str
    why: str


def senders(session: Session) -> list[Sender]:
    """Who an answer can be from."""
    query = select(Sender).where(Sender.removed_at.is_(None)).order_by(Sender.name, Sender.address)
    return list(session.scalars(query.limit(100)))


def addresses(letter: MailMessage) -> list[str]:
    """Where an answer may go: to the sender, or where the letter asks for it."""
    return [one for one in dict.fromkeys((letter.sender, letter.reply_to)) if one]


def fates(session: Session, deliveries: Collection[UUID]) -> dict[UUID, Fate]:
    """What became of these answers."""
    if not deliveries:
        return {}
    columns = (Delivery.id, Delivery.state, Delivery.reason, Delivery.detail)
    rows = session.execute(select(*columns).where(Delivery.id.in_(deliveries)))
    return {row.id: Fate(row.state, guards.sentence(row.reason, row.detail)) for row in rows}


def send(
    session: Session, letter: MailMessage, *, sender_id: UUID, to: str, subject: str, body: str, key: UUID,
    actor: str, context: Context | None = None,
) -> UUID:  # fmt: skip
    """Plan an answer, which leaves within seconds; answers its delivery. The same `key` is the same answer.

    BadInput says what stands in its way. Consent isn't asked for: they wrote to us. The suppression list
    holds.
    """
    body, subject = _text(body), " ".join(subject.split())[:LONGEST_SUBJECT]
    if to not in addresses(letter):
        raise BadInput(_("An answer goes to who wrote, or to where they asked for it."), "to")
    sender = session.get(Sender, sender_id)
    if sender is None or sender.removed_at is not None:
        raise BadInput(_("The sender is gone; choose another one."), "sender")
    profile = session.get(Profile, letter.profile_id) if letter.profile_id else None
    if profile is None or profile.customer_id is None or letter.direction != "in":
        raise BadInput(_("This letter is on nobody's card, so it can't be answered from here."), "to")
    _may(session, to, context or current())
    address, one, at = emails.parse(to), new_id(), now()
    tag = session.scalar(select(Customer.language).where(Customer.id == profile.customer_id)) or ""
    step = f"{STEP}{letter.thread_id}:{key}"
    row = {
        "id": one, "step": step, "profile_id": profile.id,
        "customer_id": profile.customer_id, "address": address.shown.lower(), "domain": address.domain,
        "purpose": "transactional", "sender_id": sender.id, "transport_id": sender.transport_id,
        "letter_version_id": NO_VERSION, "due_at": at, "planned_at": at, "lease_until": None,
        "handed_at": None, "finished_at": None, "subject": subject,
        "context": {"subject": subject, "text": f"{body}\n\n{_repeated(letter, tag)}".strip(),
                    "references": _references(session, letter)},
    }  # fmt: skip
    planned = session.scalar(insert(Delivery).values(row).on_conflict_do_nothing().returning(Delivery.id))
    if planned is None:
        return _known(session, step, body, letter)
    store.answered_here(
        session, letter, delivery=one, message_id=message_id(one, sender.address),
        sender=(sender.address, sender.name), recipient=to, subject=subject, body=body, actor=actor, at=at,
    )  # fmt: skip
    wake_after_commit(session, DUTY)
    return one


def _text(body: str) -> str:
    body = body.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not body:
        raise BadInput(_("Write something first."), "text")
    if len(body) > LONGEST:
        raise BadInput(_("An answer has at most %s characters.") % LONGEST, "text")
    return body


def _may(session: Session, to: str, context: Context) -> None:
    """Whether anything may leave now, and to this address."""
    found = emails.parse(to)
    if found.problem:
        raise BadInput(_("This is no usable address: %s.") % found.problem, "to")
    if held := guards.held(session, context=context):
        raise BadInput(guards.sentence(held), "sender")
    key = suppression.hashed(secret.suppression_key(session, context.sealer), found.shown)
    for block in suppression.blocks(session, [key]).get(key, []):
        if block.scope == suppression.EVERYTHING:
            raise BadInput(guards.sentence("suppressed", {"why": block.reason}), "to")


def _known(session: Session, step: str, body: str, letter: MailMessage) -> UUID:
    """The answer that was planned with this key already; BadInput when it said something else."""
    found = session.scalar(select(Delivery).where(Delivery.step == step))
    before = session.scalar(
        select(MailMessage.text).where(
            MailMessage.source_id == letter.source_id,
            MailMessage.external_id == f"delivery:{found.id if found else ''}",
        )
    )
    if found is None or before != body:
        raise BadInput(
            _("An answer has left from this page already; open it again to write another."), "text"
        )
    return found.id


def _repeated(letter: MailMessage, tag: str) -> str:
    """The letter answered, quoted below, in the language of the card."""
    who = letter.sender_name or letter.sender
    lines = [f"> {line}" for line in letter.text[:QUOTED].split("\n")]
    with language(tag):
        return "\n".join((_("%(who)s wrote:") % {"who": who}, *lines)) if letter.text else ""


def _references(session: Session, letter: MailMessage) -> list[str]:
    """The letters of its thread up to it, oldest first."""
    query = select(MailMessage.message_id).where(
        MailMessage.thread_id == letter.thread_id, MailMessage.message_id != "", MailMessage.at <= letter.at,
        MailMessage.id != letter.id,
    )  # fmt: skip
    newest = session.scalars(query.order_by(MailMessage.at.desc(), MailMessage.id.desc()).limit(10)).all()
    return [*reversed(newest), letter.message_id]
