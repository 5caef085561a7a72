"""The engine's own steps from instant to instant: people come in, go on, and letters pass the guards."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from email_campaigns import secret
from email_campaigns.delivery import claims, guards
from email_campaigns.delivery.guards import Candidate
from email_campaigns.journeys import enter, walk
from email_campaigns.journeys.backtest import sandbox
from email_campaigns.journeys.course import BACK, DEEP, OVERLAP, Course
from email_campaigns.journeys.steps.letters import LOOK
from email_campaigns.triggers.base import Window
from foundation.clock import monotonic
from foundation.errors import BadInput
from foundation.text import _

HOUR = timedelta(hours=1)
GRAIN = timedelta(seconds=30)  # what happens within it is looked at together
COARSEST = timedelta(hours=6)  # however short the time is
PORTION = 500
MOST_PEOPLE, MOST_TIMES = 50_000, 200_000
_DUE = text("""
SELECT d.id, d.step, d.profile_id, d.address, d.purpose, d.topic, d.state, d.due_at, c.id AS card,
  c.email_consent, c.country, c.city, d.domain
FROM deliveries d LEFT JOIN profiles p ON p.id = d.profile_id
LEFT JOIN customers c ON c.id = p.customer_id AND c.live
WHERE d.state = 'planned' AND d.due_at <= :now ORDER BY d.due_at, d.id LIMIT :limit""")
_LEFT = text(
    "UPDATE deliveries SET state = 'accepted', handed_at = due_at, finished_at = due_at, attempts = 1,"
    " reason = '' WHERE id = ANY(:ids)"
)
_TOLD = text("""
INSERT INTO sandbox_told (source_id, source_key, profile_id, customer_id, kind, occurred_at, received_at,
  data)
SELECT d.sender_id, 'letter.sent:' || d.id, p.id, p.customer_id, 'letter.sent', d.handed_at, d.handed_at,
  jsonb_build_object('step', d.step, 'delivery', d.id, 'letter', v.letter_id)
FROM deliveries d JOIN profiles p ON p.id = d.profile_id JOIN letter_versions v ON v.id = d.letter_version_id
WHERE d.id = ANY(:ids)""")
# whoever waits for a letter goes on when it is decided what became of it, however late it is looked at
_DECIDED = text(
    "UPDATE journey_runs r SET due_at = d.due_at + :look FROM deliveries d WHERE d.id = ANY(:ids)"
    " AND d.state <> 'planned' AND r.id = CAST(split_part(d.step, ':', 5) AS uuid) AND r.state = 'going'"
)
_NEXT = text(
    "SELECT least((SELECT min(due_at) FROM journey_runs WHERE journey_id = :journey AND state = 'going'),"
    " (SELECT min(due_at) FROM deliveries WHERE state = 'planned'))"
)
# the minute in which something became known of somebody who is in it
_NEWS = """
SELECT DISTINCT date_trunc('minute', t.at) + interval '1 minute' FROM journey_runs r
JOIN profiles p ON p.id = r.profile_id CROSS JOIN LATERAL (
  SELECT x.occurred_at AS at FROM {schema}.timeline x WHERE x.customer_id = p.customer_id
    AND x.occurred_at > :now AND x.occurred_at <= :until
  UNION ALL SELECT o.placed_at FROM {schema}.orders o WHERE o.customer_id = p.customer_id
    AND o.placed_at > :now AND o.placed_at <= :until) t
WHERE r.journey_id = :journey AND r.state = 'going'
"""


@dataclass
class Replay:
    """A window of the past that is gone through; `told` hears how far it is, and may raise to stop."""

    session: Session
    course: Course
    since: datetime
    until: datetime
    seconds: float  # time it may take: when it gets short, instants are taken together
    told: Callable[[datetime], None] = lambda _at: None
    _began: float = field(default_factory=monotonic)
    _steps: int = 0
    _looked: datetime | None = None
    _brought: int = 0
    _known: int = 0  # of them when the temporary tables were analysed
    _sweep_at: datetime | None = None  # not before
    _schema: str = ""

    def run(self) -> None:
        """Go through it; `BadInput` when it concerns too many people."""
        self._schema = sandbox.schema_of(self.session)
        sandbox.at(self.session, self.until)
        instants = self._prepare()
        at = self.since
        hour, news = self.since, list[datetime]()
        while True:
            sandbox.at(self.session, at)
            sandbox.by_then(self.session, at)
            whole = at >= hour
            if whole or bisect_right(instants, at) > bisect_right(instants, self._looked or at):
                self._bring(at, deep=whole)
            self._go(at)
            if whole or (news and news[0] <= at):
                self._sweep(at)
            if whole:
                hour, news = at + HOUR, self._news(at, at + HOUR)
            news = [one for one in news if one > at]
            self.told(at)
            if at >= self.until:
                return
            at = self._after(at, instants, news, hour)

    def _prepare(self) -> list[datetime]:
        """When the trigger names somebody, as far as is known at the end of the window, and whom."""
        window = Window(self.course.spec["trigger"]["settings"], self.since, self.until, None)
        entries, params = self.course.trigger.entries(window)
        query = text(
            f"SELECT e.at, p.customer_id AS card FROM ({entries}) e JOIN profiles p ON p.id = e.profile_id"
            " LIMIT :j_most"
        )
        rows = self.session.execute(query, {**params, "j_most": MOST_TIMES + 1}).all()
        cards = {row.card for row in rows if row.card}
        if len(cards) > MOST_PEOPLE or len(rows) > MOST_TIMES:
            raise BadInput(
                _("It would bring in more than %s people: try fewer days.") % f"{MOST_PEOPLE:,}", "days"
            )
        month = timedelta(days=31)
        sandbox.others(self.session, self.course.journey_id, sorted(cards), self.since - month, self.until)
        return sorted({row.at for row in rows})

    def _bring(self, at: datetime, *, deep: bool) -> None:
        since, arrived = max(self.since, at - BACK), at - DEEP
        if self._looked is not None and not deep:
            since = arrived = max(since, self._looked - OVERLAP)
        brought = enter.TOGETHER
        while brought == enter.TOGETHER:
            brought = enter.bring(self.session, self.course, since, arrived)
            self._brought += brought
        self._looked = at
        if self._brought > 2 * self._known + PORTION:  # nobody else analyses temporary tables
            for table in ("journey_runs", "journey_acts", "deliveries", "sandbox_told"):
                self.session.execute(text(f"ANALYZE {table}"))
            self._known = self._brought

    def _go(self, at: datetime) -> None:
        """Runs go on and letters leave until there is no more to do at this instant."""
        again = True
        while again:
            moved, sent = walk.due(self.session, self.course), self._send(at)
            again = moved == walk.TOGETHER or sent > 0

    def _sweep(self, at: datetime) -> None:
        """Look at all who wait, as often as a third of the time that is left allows."""
        if self._sweep_at is not None and at < self._sweep_at:
            return
        began = monotonic()
        after: UUID | None = UUID(int=0)
        while after is not None:
            after = walk.sweep(self.session, self.course, after)
        self._send(at)
        left = max(self.seconds - (monotonic() - self._began), 0.1)
        self._sweep_at = at + (self.until - at) * min(1.0, 3 * (monotonic() - began) / left)

    def _send(self, at: datetime) -> int:
        """Letters that are due pass the guards, or don't; none leaves."""
        rows = self.session.execute(_DUE, {"now": at, "limit": PORTION}).all()
        if rows:
            switch = secret.switch(self.session)
            found = guards.judge(self.session, [Candidate(*tuple(row)) for row in rows], switch)
            claims.write(self.session, found)
            ids = [one.id for one in found.go]
            if ids:
                self.session.execute(_LEFT, {"ids": ids})
                self.session.execute(_TOLD, {"ids": ids})
            self.session.execute(_DECIDED, {"ids": [row.id for row in rows], "look": LOOK})
        return len(rows)

    def _news(self, at: datetime, until: datetime) -> list[datetime]:
        values = {"now": at, "until": until, "journey": self.course.journey_id}
        return sorted(self.session.scalars(text(_NEWS.format(schema=self._schema)), values))

    def _after(
        self, at: datetime, instants: Sequence[datetime], news: Sequence[datetime], hour: datetime
    ) -> datetime:
        """The next instant at which there is something to do; when time gets short, a later one.

        Times count from when something was due, not from when it was looked at, so little is lost by that.
        """
        self._steps += 1
        due: datetime | None = self.session.scalar(_NEXT, {"journey": self.course.journey_id})
        place = bisect_right(instants, at)
        coming = [one for one in (due, hour, *instants[place : place + 1], *news[:1]) if one and one > at]
        spent = monotonic() - self._began
        affordable = max(1.0, (self.seconds - spent) / max(spent / self._steps, 0.001))
        least = min(max(GRAIN, (self.until - at) / affordable), COARSEST)
        return min(max(min([*coming, self.until]), at + least), self.until)
