"""Journeys as they are kept: make, save (a new version), switch on, pause or off, clone, list."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, tuple_, update
from sqlalchemy.orm import Session

from customers.touched import JOURNEYS
from email_campaigns.delivery import ledger
from email_campaigns.journeys import calls, spec
from email_campaigns.journeys.tables import Journey, JourneyCall, JourneyRun, JourneyVersion
from foundation.clock import now
from foundation.errors import BadInput
from foundation.text import _
from foundation.wake import wake_after_commit

LONGEST_NAME = 120
STATES = ("draft", "on", "paused", "off", "archived")
# what a person may make of a journey in a state
MOVES: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"on", "archived"}),
    "on": frozenset({"paused", "off"}),
    "paused": frozenset({"on", "off"}),
    "off": frozenset({"on", "archived"}),
    "archived": frozenset(),
}


def create(session: Session, name: str, actor: str = "") -> Journey:
    """A draft without any version yet."""
    journey = Journey(name=_free(session, name), created_by=actor, created_at=now(), changed_at=now())
    session.add(journey)
    session.flush()
    return journey


def find(session: Session, said: str | UUID) -> Journey:
    """A journey by its id or name; `BadInput` when there is none."""
    as_id = said if isinstance(said, UUID) else _as_id(said)
    found = session.get(Journey, as_id) if as_id else None
    if found is None and isinstance(said, str):
        found = session.scalar(select(Journey).where(Journey.name == said, Journey.state != "archived"))
    if found is None:
        raise BadInput(
            _("There is no journey “%s”. List them: kartoteka journey list") % str(said)[:100], "journey"
        )
    return found


def _as_id(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None


def page(
    session: Session, after: UUID | None = None, limit: int = 50, *, archived: bool = False
) -> tuple[list[Journey], UUID | None]:
    """Journeys, the newest first, and where the next page begins."""
    query = select(Journey).order_by(Journey.created_at.desc(), Journey.id.desc()).limit(limit + 1)
    query = query.where(Journey.state == "archived" if archived else Journey.state != "archived")
    last = session.get(Journey, after) if after else None
    if last is not None:
        query = query.where(tuple_(Journey.created_at, Journey.id) < (last.created_at, last.id))
    rows = list(session.scalars(query))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def save(session: Session, journey: Journey, said: Mapping[str, Any], actor: str = "") -> int:
    """Keep what it does as its next version; the same is no change. Answers the version.

    Whoever is in it finishes the version they entered. `BadInput` names what can't be used.
    """
    journey = held(session, journey.id)
    if journey.state == "archived":
        raise BadInput(_("“%s” is archived; clone it.") % journey.name, "journey")
    kept = spec.checked(session, said)
    before = session.get(JourneyVersion, (journey.id, journey.version)) if journey.version else None
    if before is not None and before.spec == kept:
        return journey.version
    journey.version += 1
    journey.changed_at = now()
    session.add(
        JourneyVersion(
            journey_id=journey.id, number=journey.version, spec=kept, created_at=now(), created_by=actor
        )
    )
    session.flush()
    return journey.version


def rename(session: Session, journey: Journey, name: str, priority: int | None = None) -> None:
    """Its name, and whose letters go first (1 high … 9) when somebody may get only one."""
    journey.name = _free(session, name, journey.id)
    if priority is not None:
        if not 1 <= priority <= 9:
            raise BadInput(_("A priority is a number from 1 (first) to 9."), "priority")
        journey.priority = priority
    journey.changed_at = now()
    session.flush()


def _free(session: Session, name: str, but: UUID | None = None) -> str:
    name = " ".join(str(name).split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadInput(_("Give a name of at most %d characters.") % LONGEST_NAME, "name")
    query = select(Journey.id).where(Journey.name == name, Journey.state != "archived")
    if session.scalar(query) not in (None, but):
        raise BadInput(_("Another journey is called “%s”.") % name, "name")
    return name


def version(session: Session, journey: Journey, number: int | None = None) -> dict[str, Any]:
    """What a version of it does, the newest one where none is named; `BadInput` when there is none."""
    row = session.get(JourneyVersion, (journey.id, number or journey.version))
    if row is None:
        raise BadInput(_("“%s” has no such version.") % journey.name, "version")
    return row.spec


def versions(session: Session, journey: Journey) -> list[JourneyVersion]:
    """Its versions, the newest first."""
    query = select(JourneyVersion).where(JourneyVersion.journey_id == journey.id)
    return list(session.scalars(query.order_by(JourneyVersion.number.desc())))


def clone(session: Session, journey: Journey, actor: str = "") -> Journey:
    """A draft that does the same under another name."""
    name = _("%s (copy)") % journey.name
    taken = set(session.scalars(select(Journey.name).where(Journey.state != "archived")))
    number = 2
    while name[:LONGEST_NAME] in taken:
        name, number = _("%(name)s (copy %(number)d)") % {"name": journey.name, "number": number}, number + 1
    made = create(session, name[:LONGEST_NAME], actor)
    made.priority = journey.priority
    if journey.version:
        save(session, made, version(session, journey), actor)
    return made


def held(session: Session, journey_id: UUID) -> Journey:
    """The journey as it is now, changed by nobody else until the transaction ends."""
    row = session.get(Journey, journey_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise BadInput(_("There is no such journey."), "journey")
    return row


# its state


def switch(session: Session, journey: Journey, to: str) -> None:
    """On, paused, off or archived; `BadInput` when that can't be made of it.

    On: whoever the trigger names from now on comes in. Paused: nobody comes in or goes on, letters that are
    planned wait. Off: whoever is in it stops, letters that have not left are cancelled.
    """
    journey = held(session, journey.id)
    if to not in MOVES[journey.state]:
        said = _("“%(name)s” is %(state)s: that can't be made of it.")
        raise BadInput(said % {"name": journey.name, "state": words()[journey.state]}, "state")
    if to == "on":
        spec.checked(session, version(session, journey))  # what it names may be gone since
        journey.on_since, journey.looked_at, journey.deep_at = now(), None, None
        resumed = journey.state == "paused"
    journey.state, at = to, now()
    journey.changed_at = at
    session.flush()
    if to == "off":
        stop(session, journey, "off")
    elif to == "on" and resumed:
        _release(session, journey)
    wake_after_commit(session, JOURNEYS)


def words() -> dict[str, str]:
    """States -> their words."""
    return {
        "draft": _("draft"), "on": _("on"), "paused": _("paused"), "off": _("off"), "archived": _("archived")
    }  # fmt: skip


_CANCEL = text(
    "UPDATE deliveries SET state = 'cancelled', reason = :reason, finished_at = :now, lease_until = NULL"
    " WHERE step = ANY(:steps) AND state IN ('planned', 'deferred', 'claimed')"
)
_ENDED = text(
    "INSERT INTO journey_acts (run_id, step, what, detail, at) SELECT id, '', 'ended',"
    " jsonb_build_object('state', 'stopped', 'reason', CAST(:reason AS text)), :now"
    " FROM unnest(CAST(:ids AS uuid[])) AS w (id) ON CONFLICT DO NOTHING"
)


def stop(session: Session, journey: Journey, reason: str) -> int:
    """Everybody in it stops where they are; answers how many."""
    at = now()
    calls.cancel(session, JourneyCall.journey_id == journey.id)
    rows = session.execute(
        update(JourneyRun)
        .where(JourneyRun.journey_id == journey.id, JourneyRun.state == "going")
        .values(state="stopped", reason=reason, ended_at=at)
        .returning(JourneyRun.id, JourneyRun.letters)
    ).all()
    cancel(session, [one for row in rows for one in row.letters], "journey_off")
    session.execute(_ENDED, {"ids": [row.id for row in rows], "reason": reason, "now": at})
    return len(rows)


def cancel(session: Session, steps: list[str], reason: str) -> None:
    """Letters of these names that have not left never will."""
    if steps:
        session.execute(_CANCEL, {"steps": steps, "reason": reason, "now": now()})


_RELEASE = text(
    "UPDATE deliveries d SET due_at = :now, reason = '' FROM journey_runs r"
    " WHERE r.journey_id = :id AND r.state = 'going' AND d.step = ANY(r.letters)"
    " AND d.state IN ('planned', 'deferred') AND d.reason = 'journey_paused'"
)


def _release(session: Session, journey: Journey) -> None:
    """Letters that waited while it was paused wait no longer."""
    session.execute(_RELEASE, {"id": journey.id, "now": now()})
    wake_after_commit(session, ledger.DUTY)
