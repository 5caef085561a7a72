"""What people allowed and withdrew: append-only statements on profiles; on a card the strictest wins."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.picture import Member
from customers.touched import touch
from foundation.clock import now
from foundation.database import staged

Standing = Mapping[tuple[str, str], bool]  # channel, purpose -> given
MARKETING = "marketing"
BACK_IN_STOCK = "back_in_stock"  # to be told once of a product that somebody asked for


class Statement(NamedTuple):
    """A row to be of `consents`."""

    profile_id: UUID
    channel: str
    purpose: str
    given: bool
    at: datetime
    text: str
    form: str
    ip: str
    source_key: str
    received_at: datetime


def standing(session: Session, profiles: Collection[UUID]) -> dict[UUID, Standing]:
    """What each profile said last, per channel and purpose."""
    if not profiles:
        return {}
    query = text(
        "SELECT DISTINCT ON (profile_id, channel, purpose) profile_id, channel, purpose, given FROM consents"
        " WHERE profile_id = ANY(:ids) ORDER BY profile_id, channel, purpose, at DESC, id DESC"
    )
    found: dict[UUID, dict[tuple[str, str], bool]] = {}
    for profile, channel, purpose, given in session.execute(query, {"ids": list(profiles)}):
        found.setdefault(profile, {})[channel, purpose] = given
    return dict(found)


def stated(member: Member, before: Standing) -> list[Statement]:
    """What a record says, oldest first. A statement without a time counts only when it is news."""
    rows, at = [], now()
    for said in member.person.consents:
        if said.at is None and before.get((said.channel, said.purpose)) == said.given:
            continue
        when = said.at or member.changed_at
        key = f"{said.channel}:{said.purpose}:{'given' if said.given else 'withdrawn'}:{when.isoformat()}"
        rows.append(
            Statement(
                member.id,
                said.channel,
                said.purpose,
                said.given,
                when,
                said.text,
                said.form,
                said.ip,
                key,
                at,
            )
        )
    return sorted(rows, key=lambda row: row.at)


def standing_of_new(member: Member) -> Standing:
    """What a profile that isn't stored yet says last."""
    return {(row.channel, row.purpose): row.given for row in stated(member, {})}


def write(session: Session, members: Iterable[Member]) -> None:
    """Keep what the records of these profiles say; what is known already stays one row."""
    speaking = [member for member in members if member.person.consents]
    before = standing(session, [member.id for member in speaking if not member.new])
    rows = [row for member in speaking for row in stated(member, before.get(member.id, {}))]
    if not rows:
        return
    definition = (
        "profile_id uuid, channel text, purpose text, given boolean, at timestamptz, text text, form text,"
        " ip text, source_key text, received_at timestamptz"
    )
    names = ", ".join(Statement._fields)
    with staged(session, "said", definition, rows):
        session.execute(
            text(f"INSERT INTO consents ({names}) SELECT {names} FROM said ON CONFLICT DO NOTHING")
        )


def strictest(said: Iterable[Standing]) -> dict[str, str]:
    """Per channel of marketing: "withdrawn" when any profile withdrew, else "given" when any gave."""
    found: dict[str, str] = {}
    for stands in said:
        for (channel, purpose), given in stands.items():
            if purpose == MARKETING:
                found[channel] = "withdrawn" if not given else found.get(channel, "given")
    return found


_SAY = text(
    "INSERT INTO consents (profile_id, channel, purpose, given, at, text, form, ip, source_key, received_at)"
    " VALUES (:profile_id, :channel, :purpose, :given, :at, :text, :form, :ip, :source_key, :received_at)"
    " ON CONFLICT DO NOTHING"
)
_SAID_BY = text(
    "SELECT DISTINCT p.customer_id, q.id, q.gone_at IS NULL FROM profiles p"
    " JOIN profiles q ON q.customer_id = p.customer_id WHERE p.id = ANY(:ids)"
)
_STAND = text("UPDATE customers SET email_consent = :email, sms_consent = :sms WHERE id = :id")


def say(session: Session, rows: Collection[Statement]) -> None:
    """Keep what people said to us directly; it holds on their cards from this transaction on."""
    if not rows:
        return
    session.execute(_SAY, [row._asdict() for row in rows])
    cards: dict[UUID, list[tuple[UUID, bool]]] = {}
    for card, profile, here in session.execute(_SAID_BY, {"ids": list({row.profile_id for row in rows})}):
        cards.setdefault(card, []).append((profile, here))
    for card, members in cards.items():
        present = [profile for profile, here in members if here] or [profile for profile, _here in members]
        found = strictest(standing(session, present).values())
        session.execute(_STAND, {"id": card, "email": found.get("email"), "sms": found.get("sms")})
    touch(session, cards)
