"""How many came to each step of a journey and what its letters brought, as the drawn page shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from console.pages.journey_drawing import Count
from console.templating import link
from email_campaigns import triggers
from email_campaigns.journeys import figures
from email_campaigns.journeys.figures import Figures
from email_campaigns.journeys.tables import Journey, JourneyRun, JourneyVersion
from foundation.clock import now
from foundation.text import _

_PLANNED = text(
    "SELECT count(*) FROM journey_runs r CROSS JOIN LATERAL unnest(r.letters) AS l (step)"
    " JOIN deliveries d ON d.step = l.step AND d.state IN ('planned', 'deferred')"
    " WHERE r.journey_id = :journey AND r.state = 'going'"
)


BACKS = (90, 30, 7, 1)  # days
MOST = 20_000  # ways that are counted while somebody waits for the page
_OLDEST = text(
    "SELECT entered_at FROM journey_runs WHERE journey_id = :journey ORDER BY entered_at DESC"
    " OFFSET :most LIMIT 1"
)


def back(session: Session, journey: Journey) -> int:
    """How many days can be counted at once: 90, or fewer in a journey of very many people. One query."""
    oldest = session.scalar(_OLDEST, {"journey": journey.id, "most": MOST})
    fit = [days for days in BACKS if oldest is None or now() - timedelta(days=days) > oldest]
    return fit[0] if fit else BACKS[-1]


@dataclass(frozen=True)
class Drawn:
    """Counts for the boxes of one journey."""

    found: Figures
    here: str  # the page of its people

    @property
    def begin(self) -> list[Count]:
        """Who came in, and who did not."""
        found, left = self.found, link(self.here, state="left")
        return [
            (found.entered, _("came in"), "", self.here),
            (found.held, _("held out"), "", link(self.here, reason="holdout")),
            (sum(found.refused.values()), _("not let in"), "", left),
        ]

    @property
    def end(self) -> list[Count]:
        """How it ended."""
        found = self.found
        return [
            (found.goal, _("reached the goal"), "good", link(self.here, state="goal")),
            (found.done, _("went through"), "", link(self.here, state="done")),
            (sum(found.left.values()), _("left before"), "", link(self.here, state="left")),
            (found.stopped, _("stopped"), "warn", link(self.here, state="stopped")),
            (found.dead, _("stuck"), "bad", link(self.here, state="dead")),
        ]

    def of(self, step: str, kind: str) -> Sequence[Count]:
        """Those of a step."""
        one = self.found.steps.get(step)
        if one is None:
            return []
        here: Count = (one.waiting, _("here now"), "info", link(self.here, state="going", step=step))
        if kind == "webhook":
            told, not_told = one.ways["called"], one.ways["not_called"]
            return [here, (told, _("told"), "good", ""), (not_told, _("not reached"), "warn", "")]
        if kind != "letter":
            return [here, (one.reached, _("came"), "", "")]
        without = sum(one.letters[state] for state in ("skipped", "failed", "unknown", "cancelled"))
        return [
            here, (one.letters["accepted"], _("sent"), "good", ""), (one.opened, _("opened"), "", ""),
            (one.clicked, _("clicked"), "", ""), (without, _("no letter"), "warn", ""),
        ]  # fmt: skip

    def way(self, step: str, name: str) -> int:
        """How many went a branch."""
        one = self.found.steps.get(step)
        return one.ways[name] if one else 0


def of_steps(session: Session, journey: Journey) -> Drawn:
    """What happened at each step to those who came in lately."""
    found = figures.of(session, journey, back=timedelta(days=back(session, journey)))
    return Drawn(found, f"/journeys/{journey.id}/people")


def of_list(session: Session, rows: Sequence[Journey]) -> dict[UUID, Mapping[str, Any]]:
    """What the list says of each journey: trigger, people on the way now, and its figures as counted last."""
    if not rows:
        return {}
    ids = [row.id for row in rows]
    kinds = {
        row.journey_id: str(row.kind)
        for row in session.execute(
            select(JourneyVersion.journey_id, JourneyVersion.spec["trigger"]["kind"].astext.label("kind"))
            .join(Journey, Journey.id == JourneyVersion.journey_id)
            .where(JourneyVersion.journey_id.in_(ids), JourneyVersion.number == Journey.version)
        )
    }
    query = select(JourneyRun.journey_id, func.count()).where(
        JourneyRun.journey_id.in_(ids), JourneyRun.state == "going"
    )
    going = {row[0]: row[1] for row in session.execute(query.group_by(JourneyRun.journey_id))}
    known = triggers.everything()
    found: dict[UUID, Mapping[str, Any]] = {}
    for row in rows:
        kind, kept = kinds.get(row.id, ""), row.figures
        name = known[kind].name() if kind in known else kind
        found[row.id] = {"trigger": name, "going": going.get(row.id, 0), "kept": kept}
    return found


def by_version(session: Session, journey: Journey) -> dict[int, int]:
    """How many are on the way of each version."""
    query = select(JourneyRun.version, func.count()).where(
        JourneyRun.journey_id == journey.id, JourneyRun.state == "going"
    )
    return {row[0]: row[1] for row in session.execute(query.group_by(JourneyRun.version))}


def before_switch(session: Session, journey: Journey) -> dict[str, int]:
    """What another state concerns: people on the way, and letters of theirs that have not left."""
    going = sum(by_version(session, journey).values())
    letters = session.scalar(_PLANNED, {"journey": journey.id}) if going else 0
    return {"going": going, "letters": int(letters or 0)}
