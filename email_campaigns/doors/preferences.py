"""What a person wants of us: the statements go into the consent ledger and onto the suppression list.

The list keeps the address's hash, so it holds after the profile is imported again, merged or erased.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import consent
from customers.consent import BACK_IN_STOCK, MARKETING, Statement
from email_campaigns import suppression
from email_campaigns.doors.known import Known, tell
from foundation.clock import now
from foundation.text import _

REASON = "unsubscribed"
# where a statement came from is for staff to read, and the same whatever language the page spoke
PREFERENCES, UNSUBSCRIBING = "preferences page", "unsubscribe page"
ONE_CLICK = "one-click unsubscribe of a mail program"
LONGEST = 60  # characters of a topic
_TOPICS = text(
    "SELECT topic FROM letters WHERE topic <> '' AND purpose = 'marketing' AND archived_at IS NULL"
    " GROUP BY topic ORDER BY topic LIMIT 50"
)
_CARD = text("SELECT email_consent, sms_consent FROM customers WHERE id = :id")
_SISTERS = text(
    "SELECT q.id FROM profiles p JOIN profiles q ON q.customer_id = p.customer_id"
    " JOIN profile_keys k ON k.profile_id = q.id AND k.kind = 'email' AND k.value = :key WHERE p.id = :id"
)

_ASKED = text(
    "SELECT DISTINCT q.id FROM profiles p JOIN profiles q ON q.customer_id = p.customer_id"
    " JOIN consents k ON k.profile_id = q.id AND k.channel = 'email' AND k.purpose = :purpose"
    " WHERE p.id = :id AND k.given"
)


class Wishes(NamedTuple):
    """What holds for an address now."""

    email: bool  # letters at all
    topics: dict[str, bool]
    sms: bool  # messages are wanted; they can only be ended here
    stopped: bool  # for another reason than the person's word: nothing can be resumed here


def standing(session: Session, known: Known) -> Wishes:
    """What holds now for the person of a letter."""
    key = suppression.key(session, known.address)
    blocks = suppression.blocks(session, [key]).get(key, [])
    scopes = {block.scope for block in blocks}
    said = session.execute(_CARD, {"id": known.card}).one_or_none()
    email, sms = (one == "given" for one in said or ("", ""))
    email = email and not scopes & {suppression.EVERYTHING, suppression.MARKETING}
    topics = {name: name not in scopes for name in _topics(session, known)}
    stopped = any(block.reason != REASON and block.scope in ("", suppression.MARKETING) for block in blocks)
    return Wishes(email, topics, sms, stopped)


def _topics(session: Session, known: Known) -> list[str]:
    found = list(session.scalars(_TOPICS))
    return sorted({*found, known.topic} - {""})


def unsubscribe(session: Session, known: Known, form: str, ip: str) -> None:
    """No marketing letters any more, and none that a form asked for; said again it changes nothing."""
    if suppression.add(session, known.address, REASON, scope=suppression.MARKETING, delivery_id=known.id):
        _tell(session, known)
    words = _("I want no marketing letters any more.")
    _state(session, known, [("email", MARKETING, False, words)], form, ip)
    asked = list(session.scalars(_ASKED, {"id": known.profile, "purpose": BACK_IN_STOCK}))
    if asked:
        _state(session, known, [("email", BACK_IN_STOCK, False, words)], form, ip, asked)


def withdraw(session: Session, known: Known, words: str, form: str) -> None:
    """Consent to marketing mail ends for another reason than a form of ours."""
    _state(session, known, [("email", MARKETING, False, words)], form, "")


def change(session: Session, known: Known, email: bool, topics: Collection[str], sms: bool, ip: str) -> None:
    """Set what a person ticked. What others stopped (a bounce, a complaint, us) isn't resumed by it."""
    before, form = standing(session, known), PREFERENCES
    if not email:
        if before.email or not before.stopped:
            unsubscribe(session, known, form, ip)
    elif not before.email and not before.stopped:
        suppression.lift(
            session, known.address, scope=suppression.MARKETING, reason=REASON, actor="recipient"
        )
        _give(session, known, _("I want marketing letters at this address."), form, ip)
    said = []
    for name, on in before.topics.items() if email else ():
        wanted = name in topics
        if on and not wanted:
            suppression.add(session, known.address, REASON, scope=name, delivery_id=known.id)
            said.append(("email", f"topic:{name}", False, _("I want no letters about “%s”.") % name))
        elif wanted and not on:
            suppression.lift(session, known.address, scope=name, reason=REASON, actor="recipient")
            said.append(("email", f"topic:{name}", True, _("I want letters about “%s”.") % name))
    if before.sms and not sms:
        said.append(("sms", MARKETING, False, _("I want no text messages any more.")))
    _state(session, known, said, form, ip)


def confirm(session: Session, known: Known, words: str, form: str, ip: str) -> None:
    """Whoever reads the address's mail agrees to the words they ticked; said again it changes nothing.

    What the address itself unsubscribed from before is lifted; what others stopped stays stopped.
    """
    suppression.lift(session, known.address, scope=suppression.MARKETING, reason=REASON, actor="recipient")
    _give(session, known, words, form, ip)
    tell(session, known, "letter.confirmed", msgspec.json.encode(known.told).decode(), at=now())


def _give(session: Session, known: Known, words: str, form: str, ip: str) -> None:
    """Consent again: on the letter's profile, and where the same address said no on the same card."""
    values = {"key": suppression.normal(known.address), "id": known.profile}
    sisters = set(session.scalars(_SISTERS, values)) if known.has_profile else set()
    said = consent.standing(session, sisters)
    refused = [one for one in sisters if said.get(one, {}).get(("email", MARKETING)) is False]
    _state(session, known, [("email", MARKETING, True, words)], form, ip, refused)


def _state(
    session: Session, known: Known, said: Sequence[tuple[str, str, bool, str]], form: str, ip: str,
    others: Collection[UUID] = (),
) -> None:  # fmt: skip
    """Statements for the ledger of consents; what holds already isn't said again."""
    if not known.has_profile:
        return
    at = now()
    profiles = {known.profile, *others}
    before = consent.standing(session, profiles)

    def key(channel: str, purpose: str, given: bool) -> str:
        said = "given" if given else "withdrawn"
        return f"letter:{known.id}:{channel}:{purpose}:{said}:{at.isoformat()}"

    consent.say(session, [
        Statement(profile, channel, purpose, given, at, words, form, ip,
                  key(channel, purpose, given), at)
        for profile in sorted(profiles) for channel, purpose, given, words in said
        if before.get(profile, {}).get((channel, purpose)) is not given
    ])  # fmt: skip


def _tell(session: Session, known: Known) -> None:
    tell(session, known, "letter.unsubscribed", msgspec.json.encode(known.told).decode(), at=now())


def masked(address: str) -> str:
    """An address that its owner knows again and nobody else learns."""
    local, _at, domain = address.rpartition("@")
    name, dot, top = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••{dot}{top}"
