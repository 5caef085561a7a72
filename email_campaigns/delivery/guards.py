"""Every limit there is on writing to people, in one place, asked when a letter is claimed.

In this order, the first that says no wins: stopped, restored (nothing is claimed at all), the mailing's
state (its rows stay planned) or the journey's (its rows wait), no address, suppressed, consent, merged,
holdout (when planned), the cap, quiet hours. Journeys of a higher priority are asked first, so the cap stops
the others. Each leaves its code in the row; `sentence` says it in words. A constant number of queries for
any number of rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from email_campaigns import secret, suppression, zones
from email_campaigns.tables import MailSwitch
from foundation.clock import now
from foundation.context import Context
from foundation.text import _

SENT = ("claimed", "handed_over", "accepted", "unknown")  # what counts as a letter that a person got


@dataclass(slots=True)
class Candidate:
    """A due row with what the guards need of its person."""

    id: UUID
    step: str
    profile_id: UUID
    address: str
    purpose: str
    topic: str
    state: str
    due_at: datetime
    card: UUID | None  # the living card of the profile
    consent: str | None
    country: str | None
    city: str | None
    domain: str = ""
    hashed: bytes = b""


@dataclass
class Verdicts:
    """What the guards say: who goes, who gets none and why, who has to wait until when."""

    go: list[Candidate] = field(default_factory=list)
    skip: list[tuple[Candidate, str, dict[str, Any]]] = field(default_factory=list)
    wait: list[tuple[Candidate, str, datetime, dict[str, Any]]] = field(default_factory=list)


def held(session: Session, row: MailSwitch | None = None, context: Context | None = None) -> str:
    """Why nothing at all is sent, as a code; empty when letters may leave."""
    row = row or secret.switch(session, context)
    if row.stopped:
        return "stopped"
    return "" if secret.at_home(session, row, context) else "restored"


def judge(session: Session, candidates: Sequence[Candidate], row: MailSwitch) -> Verdicts:
    """Ask every guard about these rows, of which nobody else claims any meanwhile."""
    found, left = Verdicts(), list(candidates)
    for guard in (_journeys, _address, _suppressed, _consent, _merged, _cap, _quiet):
        if left:
            left = guard(session, left, row, found)
    found.go = left
    return found


PAUSED = timedelta(minutes=15)  # between looks at a letter of a paused journey; resuming lets it go at once
_JOURNEYS = text("SELECT id, state, priority FROM journeys WHERE CAST(id AS text) = ANY(:ids)")
_AFTER_ALL = 10  # where letters stand that are of no journey


def _journeys(
    session: Session, rows: Sequence[Candidate], row: MailSwitch, found: Verdicts
) -> list[Candidate]:
    """Letters of a paused journey wait, those of one that was switched off never leave."""
    of = {one.id: one.step.split(":", 2)[1] for one in rows if one.step.startswith("journey:")}
    if not of:
        return list(rows)
    known = {str(one.id): one for one in session.execute(_JOURNEYS, {"ids": list(set(of.values()))})}
    left, places = [], {}
    for one in rows:
        journey = known.get(of.get(one.id, ""))
        state = journey.state if journey else "" if one.id not in of else "off"
        if state in ("off", "archived"):
            found.skip.append((one, "journey_off", {}))
        elif state == "paused":
            found.wait.append((one, "journey_paused", now() + PAUSED, {}))
        else:
            left.append(one)
            places[one.id] = journey.priority if journey else _AFTER_ALL
    return sorted(left, key=lambda one: places[one.id])


def _address(
    session: Session, rows: Iterable[Candidate], row: MailSwitch, found: Verdicts
) -> list[Candidate]:
    left = []
    for one in rows:
        if "@" not in one.address:
            found.skip.append((one, "no_address", {}))
        elif one.card is None:
            found.skip.append((one, "no_card", {}))
        else:
            left.append(one)
    return left


def _suppressed(
    session: Session, rows: Sequence[Candidate], row: MailSwitch, found: Verdicts
) -> list[Candidate]:
    key, left = secret.suppression_key(session), []
    for one in rows:
        one.hashed = suppression.hashed(key, one.address)
    blocks = suppression.blocks(session, {one.hashed for one in rows})
    for one in rows:
        block = next(
            (b for b in blocks.get(one.hashed, ()) if suppression.stops(b, one.purpose, one.topic)), None
        )
        if block is None:
            left.append(one)
        else:
            detail = {"why": block.reason, "scope": block.scope, "since": block.since.isoformat()}
            found.skip.append((one, "suppressed", detail))
    return left


def _consent(
    session: Session, rows: Iterable[Candidate], row: MailSwitch, found: Verdicts
) -> list[Candidate]:
    left = []
    for one in rows:
        if one.purpose == "marketing" and one.consent != "given":
            found.skip.append((one, "no_consent", {"consent": one.consent or ""}))
        else:
            left.append(one)
    return left


_OTHERS = text(
    "SELECT w.id FROM unnest(CAST(:ids AS uuid[]), CAST(:steps AS text[]), CAST(:cards AS uuid[]),"
    "  CAST(:states AS text[])) AS w (id, step, card, state)"
    " WHERE EXISTS (SELECT FROM profiles p JOIN deliveries d ON d.profile_id = p.id AND d.step = w.step"
    "  WHERE p.customer_id = w.card AND d.id <> w.id"
    "  AND (d.state IN ('claimed', 'handed_over', 'accepted', 'unknown')"
    "   OR d.state = 'deferred' AND w.state = 'planned'))"
)


def _merged(session: Session, rows: Sequence[Candidate], row: MailSwitch, found: Verdicts) -> list[Candidate]:
    """Two rows of a step whose people turned out to be one: the first of them counts."""
    asked = [one for one in rows if one.card is not None]
    columns = [list(column) for column in zip(*((r.id, r.step, r.card, r.state) for r in asked), strict=True)]
    values = dict(zip(("ids", "steps", "cards", "states"), columns, strict=False))
    taken = set(session.scalars(_OTHERS, values)) if asked else set()
    left, seen = [], set()
    for one in sorted(rows, key=lambda r: r.state == "planned"):  # a letter that is tried again comes first
        person = (one.step, one.card or one.id)
        if person in seen or one.id in taken:
            found.skip.append((one, "merged", {}))
        else:
            seen.add(person)
            left.append(one)
    return left


_GOT = text(
    "SELECT p.customer_id, count(*) FROM profiles p JOIN deliveries d ON d.profile_id = p.id"
    " WHERE p.customer_id = ANY(:cards) AND d.purpose = 'marketing' AND d.state = ANY(:sent)"
    " AND (d.handed_at > :since OR d.state = 'claimed') GROUP BY p.customer_id"
)


def _cap(session: Session, rows: Sequence[Candidate], row: MailSwitch, found: Verdicts) -> list[Candidate]:
    asked = {one.card for one in rows if one.purpose == "marketing" and one.card}
    if not row.cap or not asked:
        return list(rows)
    values = {"cards": list(asked), "sent": list(SENT), "since": now() - timedelta(days=row.cap_days)}
    got: dict[UUID, int] = dict(session.execute(_GOT, values).all())
    left = []
    for one in rows:
        if one.purpose == "marketing" and one.card:
            count = got.get(one.card, 0)
            if count >= row.cap:
                found.skip.append((one, "cap", {"got": count, "cap": row.cap, "days": row.cap_days}))
                continue
            got[one.card] = count + 1
        left.append(one)
    return left


def _quiet(session: Session, rows: Iterable[Candidate], row: MailSwitch, found: Verdicts) -> list[Candidate]:
    at, left = now(), []
    over: dict[str, datetime | None] = {}
    for one in rows:
        if one.purpose == "marketing":
            zone = zones.zone_of(one.country, one.city, row.zone)
            if zone not in over:
                over[zone] = zones.end_of_quiet(at, zone, row.quiet_from, row.quiet_until)
            if (until := over[zone]) is not None:
                found.wait.append((one, "quiet", until, {"zone": zone}))
                continue
        left.append(one)
    return left


def sentences() -> dict[str, str]:
    """Code -> why there was no letter, or why it waits; `{…}` is filled in from the row's detail."""
    return {
        "stopped": _("All sending is stopped."),
        "restored": _(
            "This is a restored copy: it sends nothing until somebody confirms that no other one does."
        ),
        "paused": _("Its mailing is paused."),
        "journey_paused": _("Its journey is paused."),
        "journey_off": _("Its journey was switched off."),
        "left_journey": _("The person left the journey before it went."),
        "transport": _("Its transport is paused."),
        "no_address": _("The card has no e-mail address."),
        "shared": _("Somebody else with the same address gets it: an address gets one letter."),
        "no_card": _("The profile is on no card any more."),
        "suppressed": _("The address is on the suppression list ({why})."),
        "no_consent": _("There is no consent to marketing e-mail."),
        "merged": _("The same person gets this letter at another address: two cards have become one."),
        "holdout": _("Held out, to measure what the letter does."),
        "cap": _("Got {got} letters in {days} days, and {cap} is the most."),
        "quiet": _("It is night there ({zone}); it waits for the morning."),
        "slow": _("{domain} asks for fewer letters; it waits."),
        "missing": _("The letter can't be made for this person: {why}"),
        "bad_address": _("The address can't be used: {why}"),
        "cancelled": _("Its mailing was cancelled."),
        **_replies(),
    }


def _replies() -> dict[str, str]:
    return {
        "busy": _("The server asked to try later."),
        "greylisted": _("The server takes letters of strangers at the second try only (greylisting)."),
        "mailbox_full": _("The mailbox is full."),
        "no_mailbox": _("There is no such mailbox; the address went onto the suppression list."),
        "inactive": _("The provider has the address on a list of its own and writes to it no more."),
        "policy": _("The server refuses letters of this kind or from this sender."),
        "too_big": _("The letter is too big for the server."),
        "content": _("The server refuses what is in the letter."),
        "needs_utf8": _("The server takes no address with such letters."),
        "refused": _("The server refused it."),
        "gave_up": _("The server put it off for too long; it isn't tried any more."),
        "crashed": _("The process that made it died {crashes} times over it."),
        "died": _("The process that handed it over died before the answer came. It may have arrived."),
        "copied": _(
            "It waited when this copy of another installation was made, and may have left there since."
        ),
        "no_reply": _("The connection broke before the server answered. It may have arrived."),
        "proved": _("It arrived: {proof}."),
        "resolved": _("Decided by {resolved_by}."),
    }


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def sentence(code: str, detail: Mapping[str, Any] | None = None) -> str:
    """The sentence of a code, filled in; the code itself where it is unknown, nothing for none."""
    if not code:
        return ""
    return sentences().get(code, code).format_map(_Blank(detail or {}))
