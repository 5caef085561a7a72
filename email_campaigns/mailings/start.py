"""From a plan that somebody agreed to, to a mailing that starts: at once, at its time, or asks when that is
past.

What a person agreed to is kept when they start it: versions of the letters, conditions of the segments. Who
is in
the audience is decided when its time comes (see `freeze`).
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from customers.segments.tables import Segment
from email_campaigns import secret
from email_campaigns.delivery import guards, ledger
from email_campaigns.mailings import people, plan, states, variants
from email_campaigns.tables import Mailing
from foundation import operations, work
from foundation.clock import now
from foundation.errors import BadInput
from foundation.tables import Operation
from foundation.text import _
from foundation.wake import wake_after_commit

KIND = "mailing"  # of the operation
JOB = "mailings.freeze"


class Moved(BadInput):
    """What was agreed to isn't what would happen now; `plan_hash` names that."""

    def __init__(self, message: str, plan_hash: str) -> None:
        super().__init__(message, "plan")
        self.plan_hash = plan_hash


def start(session: Session, mailing_id: UUID, actor: str, seen: str, *, anyway: bool = False) -> Operation:
    """Start a draft now or at its time, as it was shown in the plan of the hash `seen`.

    `Moved` when something changed since, unless told `anyway`; `BadInput` when it can't be started at all.
    """
    mailing, at = states.held(session, mailing_id), now()
    plan.refuse_unless_ready(session, mailing, at)
    if held := guards.held(session):
        raise BadInput(guards.sentence(held), "state")
    among = people.audience(session, mailing, at)
    found = plan.base(session, mailing, among)
    if not found.audience:
        raise BadInput(plan.nobody(), "include")
    if not anyway and (said := plan.moved(seen, found)):
        raise Moved(said, found.hash)
    begins = people.begins(session, mailing, among)
    operation = operations.begin(
        session, KIND, _("Mailing “%s”") % mailing.name, actor, {"mailing": str(mailing.id)}
    )
    operation.plan_hash = found.hash
    operations.finish(session, operation, {"mailing": str(mailing.id), "audience": found.audience})
    frozen = {
        "arms": [_plain(one) for one in variants.freeze(session, mailing, actor)],
        "segments": _segments(session, mailing), "looked": found.audience,
        "home": secret.switch(session).home,
    }  # fmt: skip
    later = begins > at
    states.move(
        session, mailing, "schedule" if later else "start", frozen=frozen, plan_hash=found.hash,
        starts_at=max(begins, at), operation_id=operation.id,
    )  # fmt: skip
    if not later:
        _enqueue(session, mailing.id)
    return operation


def _plain(one: variants.Frozen) -> dict[str, Any]:
    return one._asdict() | {"letter_id": str(one.letter_id), "version_id": str(one.version_id)}


def _segments(session: Session, mailing: Mailing) -> list[dict[str, Any]]:
    ids = [*mailing.include, *mailing.exclude]
    rows = session.scalars(select(Segment).where(Segment.id.in_(ids)).order_by(Segment.name))
    return [{"id": str(one.id), "name": one.name, "version": one.version} for one in rows]


def _enqueue(session: Session, mailing_id: UUID) -> None:
    work.enqueue(session, JOB, {"mailing": str(mailing_id)}, key=f"mailing:{mailing_id}")


def due(session: Session, mailing_id: UUID) -> None:
    """The time of a scheduled mailing has come: it starts, or asks when it is found too late."""
    mailing = states.held(session, mailing_id)
    if mailing.state != "scheduled" or mailing.starts_at is None or mailing.starts_at > now():
        return
    if is_copied(session, mailing):
        return
    if said := late(mailing, now()):
        states.move(session, mailing, "ask", said)
        return
    states.move(session, mailing, "due")
    _enqueue(session, mailing.id)


def late(mailing: Mailing, at: datetime) -> str:
    """That a mailing is found later than its limit, as a sentence; empty while it is in time."""
    if mailing.starts_at is None or at - mailing.starts_at <= timedelta(hours=mailing.late_hours):
        return ""
    said = _(
        "It should have started at %(when)s UTC and was found %(hours)s hours later; the limit is %(limit)s."
    )
    hours = (at - mailing.starts_at).total_seconds() / 3600
    return said % {
        "when": f"{mailing.starts_at:%Y-%m-%d %H:%M}",
        "hours": f"{hours:,.0f}",
        "limit": mailing.late_hours,
    }


def is_copied(session: Session, mailing: Mailing) -> bool:
    """Whether another installation started this mailing, of which this one is a copy: it may go on there."""
    return bool(mailing.frozen.get("home") != secret.switch(session).home)


def changed(session: Session, mailing: Mailing) -> str:
    """That a segment's conditions aren't those that somebody agreed to, as a sentence."""
    versions: dict[str, int] = {one["id"]: one["version"] for one in _segments(session, mailing)}
    for one in mailing.frozen.get("segments", []):
        if versions.get(one["id"], one["version"]) != one["version"]:
            said = _("The segment “%s” was changed since this mailing was started.")
            return said % str(one["name"])
    return ""


def answer(session: Session, mailing_id: UUID, actor: str) -> None:
    """A person says that an asking mailing goes out: from now on, with what is agreed to as it is now."""
    mailing = states.held(session, mailing_id)
    if held := guards.held(session):
        raise BadInput(guards.sentence(held), "state")
    frozen = {**mailing.frozen, "home": secret.switch(session).home, "answered_by": actor}
    if mailing.started_at is not None:
        states.move(session, mailing, "go_on", frozen=frozen)
        wake_after_commit(session, ledger.DUTY)
        return
    frozen["segments"] = _segments(session, mailing)
    states.move(session, mailing, "send", starts_at=now(), frozen=frozen)
    _enqueue(session, mailing.id)


def unschedule(session: Session, mailing_id: UUID, actor: str) -> None:
    """Back to a draft, before anything was frozen; its operation counts as undone."""
    mailing = states.held(session, mailing_id)
    operation = session.get(Operation, mailing.operation_id) if mailing.operation_id else None
    states.move(session, mailing, "change", starts_at=None, plan_hash="", frozen={})
    if operation is not None and operation.state == "done":
        operations.mark_undone(session, operation, actor)
