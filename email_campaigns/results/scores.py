"""What people answered to “would you recommend us”: the score, its run over months, who asked, the answers.

The score is promoters (9, 10) minus detractors (0 to 6), in points of -100 to 100. A person counts once in
what is added up, with their last answer there; the list has every answer. Letters sent as a test don't count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from email_campaigns.results import compare
from email_campaigns.results.compare import Group
from foundation.errors import BadInput
from foundation.text import _

FEWEST = 30  # people before a score says anything
AIMED = 400  # answers at which its interval is narrowest
SPANS = (30, 90, 365)  # days
MONTHS = 12
MOST_SOURCES = 50
GROUPS = {"promoters": (9, 10), "passives": (7, 8), "detractors": (0, 6)}
# of the timeline row `t`; its score is a whole number, as the door takes no other
_SCORE = "CAST(CAST(t.data ->> 'score' AS numeric) AS int)"
_PERSON = "coalesce(t.customer_id, t.profile_id)"
_WHICH = """t.kind = 'letter.answered' AND t.occurred_at >= :since AND t.occurred_at <= :until
  AND jsonb_typeof(t.data -> 'score') = 'number' AND t.data ->> 'step' ~ '^(journey|mailing):'
  AND (:source = '' OR t.data ->> 'step' = :source OR starts_with(t.data ->> 'step', :source || ':'))
  AND (:place = '' OR split_part(t.data ->> 'step', ':', 4) = :place)"""
_COUNTS = """count(*) FILTER (WHERE score >= 9) AS promoters,
  count(*) FILTER (WHERE score BETWEEN 7 AND 8) AS passives, count(*) FILTER (WHERE score <= 6) AS detractors
"""
_MONTHS = text(f"""
SELECT month, {_COUNTS} FROM (SELECT DISTINCT ON (m.month, {_PERSON}) m.month, {_SCORE} AS score
  FROM timeline t CROSS JOIN LATERAL
    (SELECT CAST(date_trunc('month', t.occurred_at AT TIME ZONE :zone) AS date) AS month) m
  WHERE {_WHICH} ORDER BY m.month, {_PERSON}, t.occurred_at DESC, t.id DESC) a GROUP BY month ORDER BY month
""")
_WHOLE = text(f"""
SELECT {_COUNTS} FROM (SELECT DISTINCT ON ({_PERSON}) {_SCORE} AS score FROM timeline t WHERE {_WHICH}
  ORDER BY {_PERSON}, t.occurred_at DESC, t.id DESC) a
""")
_SOURCES = text(f"""
SELECT a.*, coalesce(j.name, m.name, '') AS name, coalesce(l.name, '') AS letter_name FROM (
  SELECT source, place, max(letter) AS letter, {_COUNTS} FROM (
    SELECT DISTINCT ON (s.source, s.place, {_PERSON}) s.*, t.data ->> 'letter' AS letter, {_SCORE} AS score
    FROM timeline t CROSS JOIN LATERAL (SELECT split_part(t.data ->> 'step', ':', 1) || ':'
      || split_part(t.data ->> 'step', ':', 2) AS source, split_part(t.data ->> 'step', ':', 4) AS place) s
    WHERE {_WHICH} ORDER BY s.source, s.place, {_PERSON}, t.occurred_at DESC, t.id DESC) x
  GROUP BY source, place ORDER BY count(*) DESC, source, place LIMIT :most) a
LEFT JOIN journeys j ON 'journey:' || j.id = a.source LEFT JOIN mailings m ON 'mailing:' || m.id = a.source
LEFT JOIN letters l ON CAST(l.id AS text) = a.letter
ORDER BY a.promoters + a.passives + a.detractors DESC, a.source, a.place
""")
_LIST = """
SELECT t.id, t.occurred_at AS at, {score} AS score, coalesce(t.data ->> 'comment', '') AS comment,
  t.data ->> 'step' AS step, coalesce(t.data ->> 'subject', '') AS subject, t.customer_id, c.name
FROM timeline t LEFT JOIN customers c ON c.id = t.customer_id
WHERE {which} AND {score} BETWEEN :lowest AND :highest {more}
ORDER BY t.occurred_at DESC, t.id DESC LIMIT :limit
"""


class Asked(NamedTuple):
    """Which answers are meant: those of a time, and of a journey, a mailing or one step."""

    since: datetime
    until: datetime
    source: str = ""  # journey:<id> or mailing:<id>
    place: str = ""  # the id of a journey's step

    def values(self) -> dict[str, Any]:
        """As the queries want it."""
        return self._asdict()


@dataclass(frozen=True)
class Score:
    """How many would recommend us, would perhaps, would not; and what that is in points."""

    promoters: int = 0
    passives: int = 0
    detractors: int = 0

    @property
    def people(self) -> int:
        """Everybody who answered."""
        return self.promoters + self.passives + self.detractors

    @property
    def points(self) -> float:
        """The score, from -100 to 100."""
        return 100 * (self.promoters - self.detractors) / self.people if self.people else 0.0

    @property
    def early(self) -> bool:
        """Whether too few have answered for it to say anything."""
        return self.people < FEWEST

    @property
    def interval(self) -> tuple[float, float]:
        """Between which points the score lies, however often one looks.

        One more answer of each group is counted, so that ten times the same isn't taken for certain.
        """
        people, balance = self.people + 3, self.promoters - self.detractors
        mean = balance / people
        variance = (self.promoters + self.detractors + 2) / people - mean * mean
        low, high = compare.interval(Group("", people, 0, mean, variance), AIMED)
        return max(-100.0, 100 * low), min(100.0, 100 * high)

    def kept(self) -> dict[str, Any]:
        """As JSON has it."""
        low, high = self.interval
        return {
            "people": self.people, "promoters": self.promoters, "passives": self.passives,
            "detractors": self.detractors, "points": round(self.points, 1) if self.people else None,
            "low": round(low, 1), "high": round(high, 1), "early": self.early,
        }  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A journey's step or a mailing that asked."""

    source: str
    place: str
    name: str
    letter: str
    score: Score


def whole(session: Session, asked: Asked) -> Score:
    """The score of everybody who answered then."""
    return Score(*session.execute(_WHOLE, asked.values()).one())


def months(session: Session, asked: Asked, zone: str) -> dict[str, Score]:
    """The score month by month, by its first day; months without an answer aren't there."""
    rows = session.execute(_MONTHS, {**asked.values(), "zone": zone})
    return {month.isoformat(): Score(*counts) for month, *counts in rows}


def sources(session: Session, asked: Asked) -> list[Source]:
    """Who asked, whoever was answered most first."""
    rows = session.execute(_SOURCES, {**asked.values(), "most": MOST_SOURCES})
    return [
        Source(one.source, one.place, one.name, one.letter_name,
               Score(one.promoters, one.passives, one.detractors))
        for one in rows
    ]  # fmt: skip


def listed(
    session: Session, asked: Asked, group: str = "", *, said: bool = False,
    before: tuple[datetime, int] | None = None, limit: int = 50,
) -> Sequence[Any]:  # fmt: skip
    """Answers, the newest first: of a group or of all, with a few words (`said`) or any."""
    lowest, highest = GROUPS.get(group, (0, 10))
    more = " AND t.data ? 'comment'" if said else ""
    values: dict[str, Any] = {**asked.values(), "lowest": lowest, "highest": highest, "limit": limit}
    if before is not None:
        more += " AND (t.occurred_at, t.id) < (:at, :id)"
        values |= {"at": before[0], "id": before[1]}
    query = text(_LIST.format(score=_SCORE, which=_WHICH, more=more))
    return session.execute(query, values).all()


def every(session: Session, asked: Asked, group: str, *, said: bool) -> Iterator[Sequence[Any]]:
    """The same, all of them, portion by portion."""
    before = None
    while rows := listed(session, asked, group, said=said, before=before, limit=1_000):
        yield rows
        before = rows[-1].at, rows[-1].id


def group_of(score: int) -> str:
    """The group an answer belongs to."""
    return next(name for name, (lowest, highest) in GROUPS.items() if lowest <= score <= highest)


def source_of(said: str) -> tuple[str, str]:
    """A journey or mailing and perhaps a step, from `journey:<id>:<step>`; BadInput when it is no such."""
    kind, _colon, rest = said.partition(":")
    one, _colon, place = rest.partition(":")
    try:
        if kind not in ("journey", "mailing") or (place and not place.isalnum()):
            raise ValueError(said)
        return f"{kind}:{UUID(one)}", place
    except ValueError:
        raise BadInput(_("There is no such journey or mailing."), "asked") from None
