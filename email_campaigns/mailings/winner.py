"""The winner of variants: found after so many hours, or named by a person; the rest gets its letter."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from email_campaigns.delivery import ledger
from email_campaigns.mailings import states, store
from email_campaigns.results import compare, figures
from email_campaigns.tables import Mailing
from foundation.clock import now
from foundation.database import changed
from foundation.errors import BadInput
from foundation.text import _
from foundation.wake import wake_after_commit

_GIVE = text(
    "UPDATE deliveries SET letter_version_id = :version, variant = :name, topic = :topic, due_at = :due"
    " WHERE step = :step AND variant = '' AND state = 'planned'"
)
_DUE = text(
    "SELECT id FROM mailings WHERE state IN ('sending', 'paused') AND jsonb_array_length(variants) > 0"
    " AND winner ? 'by' AND NOT winner ? 'chosen' AND frozen ->> 'filled' = 'all' AND started_at"
    " + (CAST(winner ->> 'after_hours' AS int) + coalesce((SELECT max(CAST(a ->> 'hours' AS int))"
    " FROM jsonb_array_elements(frozen -> 'arms') a), 0)) * interval '1 hour' <= :now ORDER BY id"
)
DAY = timedelta(days=1)


def due(session: Session) -> list[UUID]:
    """Mailings whose rest has waited long enough."""
    return list(session.scalars(_DUE, {"now": now()}))


def decides_at(mailing: Mailing) -> str:
    """When the winner is found, in RFC 3339; empty where none is to be."""
    if not mailing.winner.get("by") or mailing.started_at is None or mailing.winner.get("chosen"):
        return ""
    hours = int(mailing.winner["after_hours"]) + _latest(mailing)
    return (mailing.started_at + timedelta(hours=hours)).isoformat()


def _latest(mailing: Mailing) -> int:
    """Hours from the start until the last of the variants leaves."""
    return max((int(one.get("hours", 0)) for one in mailing.frozen.get("arms", [])), default=0)


def decide(session: Session, mailing_id: UUID) -> str:
    """Give the rest the letter that is ahead, and write down whether that is clear; answers its name.

    With nothing to tell them apart the one that is ahead by chance is as good as any: waiting would help
    nobody. Variants that left at different times are compared over as many hours each.
    """
    mailing = states.held(session, mailing_id)
    if mailing.state not in ("sending", "paused") or mailing.winner.get("chosen"):
        return ""
    found = figures.read(session, mailing, within=mailing.winner["after_hours"] if _latest(mailing) else None)
    by_name = {one.name: one for one in found.arms}
    arms = [by_name.get(one["name"], figures.Arm(one["name"])) for one in mailing.frozen["arms"]]
    if mailing.winner["by"] == "revenue":
        groups = [one.money(found.currency) for one in arms]
        ahead, clear = compare.leader(groups, figures.worth_of(groups))
    else:
        ahead, clear = compare.leader([one.clicks() for one in arms], figures.WORTH_CLICKS)
    _give(session, mailing, ahead.name, "clear" if clear else "early", "")
    return ahead.name


def choose(session: Session, mailing_id: UUID, name: str, actor: str) -> int:
    """A person names the winner; answers how many get its letter now."""
    mailing = states.held(session, mailing_id)
    if (
        mailing.state not in ("sending", "paused")
        or not mailing.winner.get("by")
        or mailing.winner.get("chosen")
    ):
        raise BadInput(_("There is no winner to choose (any more)."), "variant")
    if mailing.frozen.get("filled") != "all":
        raise BadInput(_("The audience is still being written down; try again in a minute."), "variant")
    return _give(session, mailing, name, "person", actor)


def _give(session: Session, mailing: Mailing, name: str, verdict: str, actor: str) -> int:
    arm = next((one for one in mailing.frozen["arms"] if one["name"] == name), None)
    if arm is None:
        raise BadInput(_("There is no variant “%s”.") % name[:20], "variant")
    at = now()
    values = {
        "version": UUID(arm["version_id"]),
        "name": name,
        "topic": arm["topic"],
        "due": _then(mailing, arm, at),
        "step": store.step(mailing.id),
    }
    count = changed(session, _GIVE, values)
    chosen = {"variant": name, "at": at.isoformat(), "verdict": verdict, "actor": actor, "letters": count}
    mailing.winner = {**mailing.winner, "chosen": chosen}
    session.flush()
    wake_after_commit(session, ledger.DUTY)
    return count


def _then(mailing: Mailing, arm: Mapping[str, Any], at: datetime) -> datetime:
    """When the rest gets its letter: at once, or where times were compared at the next such time of day."""
    if not _latest(mailing) or mailing.started_at is None:
        return at
    first = mailing.started_at + timedelta(hours=int(arm.get("hours", 0)))
    return first + max(0, -((first - at) // DAY)) * DAY


def said(mailing: Mailing) -> str:
    """What was decided, as a sentence; empty while nothing is."""
    chosen = mailing.winner.get("chosen")
    if not chosen:
        return ""
    sentence = {
        "clear": _("%(variant)s was clearly better; the other %(letters)s got it."),
        "early": _(
            "It was too early to say which is better; %(variant)s was ahead, so the other %(letters)s got it."
        ),
        "person": _("%(actor)s chose %(variant)s for the other %(letters)s."),
    }[chosen["verdict"]]
    return sentence % {**chosen, "letters": f"{chosen['letters']:,}"}
