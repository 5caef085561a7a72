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
from email_campaigns.triggers.base import Window
from foundation.clock import monotonic

HOUR = timedelta(hours=1)
PORTION = 500
_DUE = text("""
SELECT d.id, d.step, d.profile_id, d.address, d.purpose, d.topic, d.state, d.due_at, c.id AS card,
  c.email_consent, c.country, c.city, d.domain
FROM deliveries d LEFT JOIN profiles p ON p.id = d.profile_id
LEFT JOIN customers c ON c.id = p.customer_id AND c.live
WHERE d.state = 'planned' AND d.due_at <= :now ORDER BY d.due_at, d.id LIMIT :limit""")
_LEFT = text(
    "UPDATE deliveries SET state = 'accepted', handed_at = :now, finished_at = :now, attempts = 1,"
    " reason = '' WHERE id = ANY(:ids)"
)
_TOLD = text("""
INSERT INTO sandbox_told (source_id, source_key, profile_id, customer_id, kind, occurred_at, received_at,
  data)
SELECT d.sender_id, 'letter.sent:' || d.id, p.id, p.customer_id, 'letter.sent', d.handed_at, d.handed_at,
  jsonb_build_object('step', d.step, 'delivery', d.id, 'letter', v.letter_id)
FROM deliveries d JOIN profiles p ON p.id = d.profile_id JOIN letter_versions v ON v.id = d.letter_version_id
WHERE d.id = ANY(:ids)""")
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

    def run(self) -> None:
        """Go through it."""
        sandbox.others(self.session, self.course.journey_id, self.since - timedelta(days=31), self.since)
        sandbox.at(self.session, self.until)
        instants = self._instants()
        at = self.since
        hour, news = self.since, list[datetime]()
        while True:
            sandbox.at(self.session, at)
            whole = at >= hour
            if whole or bisect_right(instants, at) > bisect_right(instants, self._looked or at):
                self._bring(at, deep=whole)
            self._go(at, sweep=whole or at in news)
            if whole:
                hour, news = at + HOUR, self._news(at, at + HOUR)
            self.told(at)
            if at >= self.until:
                return
            after = self._after(at, instants, news, hour)
            sandbox.others(self.session, self.course.journey_id, at, after)
            at = after

    def _instants(self) -> list[datetime]:
        """When the trigger names somebody, as far as is known at the end of the window."""
        window = Window(self.course.spec["trigger"]["settings"], self.since, self.until, None)
        entries, params = self.course.trigger.entries(window)
        found = self.session.scalars(text(f"SELECT DISTINCT e.at FROM ({entries}) e ORDER BY 1"), params)
        return list(found)

    def _bring(self, at: datetime, *, deep: bool) -> None:
        since = max(self.since, at - BACK)
        arrived = at - DEEP if deep or self._looked is None else self._looked - OVERLAP
        while enter.bring(self.session, self.course, since, arrived) == enter.TOGETHER:
            pass
        self._looked = at

    def _go(self, at: datetime, *, sweep: bool) -> None:
        moved = True
        while moved:
            moved = walk.due(self.session, self.course) == walk.TOGETHER
            while self._send(at) == PORTION:
                pass
        after: UUID | None = UUID(int=0) if sweep else None
        while after is not None:
            after = walk.sweep(self.session, self.course, after)
        if sweep:
            self._send(at)

    def _send(self, at: datetime) -> int:
        """Letters that are due pass the guards, or don't; none leaves."""
        rows = self.session.execute(_DUE, {"now": at, "limit": PORTION}).all()
        if rows:
            switch = secret.switch(self.session)
            found = guards.judge(self.session, [Candidate(*tuple(row)) for row in rows], switch)
            claims.write(self.session, found)
            ids = [one.id for one in found.go]
            if ids:
                self.session.execute(_LEFT, {"now": at, "ids": ids})
                self.session.execute(_TOLD, {"ids": ids})
        return len(rows)

    def _news(self, at: datetime, until: datetime) -> list[datetime]:
        schema = self.session.scalar(text("SELECT quote_ident(current_schema())"))
        values = {"now": at, "until": until, "journey": self.course.journey_id}
        return sorted(self.session.scalars(text(_NEWS.format(schema=schema)), values))

    def _after(
        self, at: datetime, instants: Sequence[datetime], news: Sequence[datetime], hour: datetime
    ) -> datetime:
        """The next instant at which there is something to do; a later one when time gets short."""
        self._steps += 1
        due: datetime | None = self.session.scalar(_NEXT, {"journey": self.course.journey_id})
        place = bisect_right(instants, at)
        coming = [one for one in (due, hour, *instants[place : place + 1], *news) if one and one > at]
        after = min([*coming, self.until])
        spent = monotonic() - self._began
        left = max(self.seconds - spent, 0.1)
        affordable = max(1.0, left / max(spent / self._steps, 0.001))
        if len(instants) - place > affordable:
            after = max(after, at + (self.until - at) / affordable)
        return min(after, self.until)
