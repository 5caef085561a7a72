"""What a journey did: per step, per end, and the orders of those in it against those held out.

Counted are people who came in within a span of time, whatever version they are in. Those who came in and
those held out are compared over the same days behind their coming in.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.stats import COUNTED
from email_campaigns.journeys.enter import REFUSED
from email_campaigns.journeys.tables import Journey
from email_campaigns.results import compare
from email_campaigns.results.compare import Comparison
from email_campaigns.results.figures import DAYS, WORTH_ORDERS, worth_of
from foundation.clock import now

BACK = timedelta(days=90)
_ENDS = text(
    "SELECT state, reason, at_step, count(*) AS n FROM journey_runs"
    " WHERE journey_id = :journey AND entered_at >= :since GROUP BY 1, 2, 3"
)
_ACTS = text(
    "SELECT a.step, a.what, a.detail ->> 'name' AS name, count(*) AS n FROM journey_runs r"
    " JOIN journey_acts a ON a.run_id = r.id WHERE r.journey_id = :journey AND r.entered_at >= :since"
    " AND a.step <> '' GROUP BY 1, 2, 3"
)
# count(DISTINCT …) would sort every act there is
_REACHED = text(
    "SELECT step, count(*) AS n FROM (SELECT a.step, a.run_id FROM journey_runs r"
    " JOIN journey_acts a ON a.run_id = r.id"
    " WHERE r.journey_id = :journey AND r.entered_at >= :since AND a.step <> '' GROUP BY 1, 2) w GROUP BY 1"
)
# as an array it is one walk through the index of deliveries; a join looks into it once for each letter
_LETTERS = text(
    "SELECT split_part(d.step, ':', 4) AS step, d.state, d.reason, count(*) AS n FROM deliveries d"
    " WHERE d.step = ANY(ARRAY(SELECT unnest(r.letters) FROM journey_runs r"
    " WHERE r.journey_id = :journey AND r.entered_at >= :since)) GROUP BY 1, 2, 3"
)
_TOLD = text("""
SELECT split_part(k.step, ':', 4) AS step, k.kind, count(*) AS n FROM (
  SELECT data ->> 'delivery' AS delivery, min(data ->> 'step') AS step, kind FROM timeline
  WHERE kind = ANY(:kinds) AND occurred_at >= :since AND starts_with(data ->> 'step', :mark)
    AND coalesce(data ->> 'machine', 'false') IN ('false', '') GROUP BY 1, 3) k
GROUP BY 1, 2
""")
KINDS = ("letter.opened", "letter.clicked", "letter.unsubscribed", "letter.complained", "letter.bounced")
_MONEY = text(f"""
WITH people AS (
  SELECT r.id, r.reason = 'holdout' AS held, p.customer_id, r.entered_at FROM journey_runs r
  JOIN profiles p ON p.id = r.profile_id WHERE r.journey_id = :journey AND r.entered_at >= :since
    AND NOT (r.state = 'left' AND r.reason = ANY(:refused))
), bought AS (
  SELECT w.id, w.held, o.currency, sum(o.total - o.refunded) AS spent, count(*) AS orders FROM people w
  JOIN orders o ON o.customer_id = w.customer_id AND o.placed_at >= w.entered_at
    AND o.placed_at < w.entered_at + :days * interval '1 day' AND o.placed_at <= :now AND {COUNTED}
  GROUP BY 1, 2, 3)
SELECT held, currency, count(*) AS buyers, sum(orders) AS orders, sum(spent) AS spent,
  sum(spent * spent) AS squares FROM bought GROUP BY 1, 2
""")


@dataclass
class StepFigures:
    """What happened at one step."""

    reached: int = 0
    waiting: int = 0  # stand there now
    ended: int = 0  # did not go on from there
    ways: Counter[str] = field(default_factory=Counter)  # yes, no, the names of arms; called, not_called
    letters: Counter[str] = field(default_factory=Counter)  # states of the ledger
    skips: Counter[str] = field(default_factory=Counter)  # reasons of those that never left
    opened: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    complained: int = 0
    bounced: int = 0

    @property
    def went_on(self) -> int:
        """Took the step and left it behind."""
        return self.reached - self.waiting - self.ended


@dataclass
class Figures:
    """Everything a page of a journey shows."""

    since: datetime
    days: int  # of attribution
    entered: int = 0
    going: int = 0
    done: int = 0
    goal: int = 0
    stopped: int = 0
    dead: int = 0
    held: int = 0  # held out
    left: Counter[str] = field(default_factory=Counter)  # reason -> people who were in it
    refused: Counter[str] = field(default_factory=Counter)  # reason -> occurrences that brought nobody in
    steps: dict[str, StepFigures] = field(default_factory=dict)
    buyers: int = 0
    orders: int = 0
    revenue: dict[str, Decimal] = field(default_factory=dict)  # currency -> what people in it spent
    currency: str = ""
    against: Comparison | None = None  # share who ordered, of those in it against those held out
    against_money: Comparison | None = None

    @property
    def letters(self) -> int:
        """How many letters left."""
        return sum(one.letters["accepted"] for one in self.steps.values())

    def kept(self) -> dict[str, Any]:
        """What lists show of it, as JSON."""
        revenue = {currency: str(amount) for currency, amount in self.revenue.items()}
        return {
            "entered": self.entered, "going": self.going, "goal": self.goal, "letters": self.letters,
            "orders": self.orders, "revenue": revenue, "currency": self.currency, "days": self.days,
            "since": self.since.isoformat(), "at": now().isoformat(),
        }  # fmt: skip

    def step(self, id_: str) -> StepFigures:
        """The figures of a step, all zero where nobody was."""
        return self.steps.setdefault(id_, StepFigures())


def of(session: Session, journey: Journey, days: int = DAYS, back: timedelta = BACK) -> Figures:
    """The figures of everybody who came in lately. A few queries."""
    at = now()
    found = Figures(at - back, days)
    values = {"journey": journey.id, "since": found.since}
    for row in session.execute(_ENDS, values):
        _count_end(found, row)
    for row in session.execute(_REACHED, values):
        found.step(row.step).reached = row.n
    for row in session.execute(_ACTS, values):
        if row.what in ("yes", "no", "arm", "called", "not_called"):
            found.step(row.step).ways[row.name or row.what] += row.n
    for row in session.execute(_LETTERS, values):
        found.step(row.step).letters[row.state] += row.n
        if row.state in ("skipped", "cancelled", "failed", "unknown"):
            found.step(row.step).skips[row.reason or row.state] += row.n
    told = {"kinds": list(KINDS), "since": found.since, "mark": f"journey:{journey.id}:"}
    for row in session.execute(_TOLD, told):
        setattr(found.step(row.step), row.kind.removeprefix("letter."), row.n)
    _money(session, found, {**values, "days": days, "now": at, "refused": list(REFUSED)})
    return found


def _count_end(found: Figures, row: Any) -> None:
    if row.state == "left" and row.reason in REFUSED:
        found.refused[row.reason] += row.n
        return
    if row.state == "left" and row.reason == "holdout":
        found.held += row.n
        return
    found.entered += row.n
    if row.state == "left":
        found.left[row.reason] += row.n
    else:
        setattr(found, row.state, getattr(found, row.state) + row.n)
    if row.at_step:
        step = found.step(row.at_step)
        if row.state == "going":
            step.waiting += row.n
        else:
            step.ended += row.n


def _money(session: Session, found: Figures, values: dict[str, Any]) -> None:
    rows = session.execute(_MONEY, values).all()
    by_currency: Counter[str] = Counter()
    held = 0
    for row in rows:
        by_currency[row.currency] += row.buyers
        if row.held:
            held += row.buyers
            continue
        found.buyers += row.buyers
        found.orders += int(row.orders)
        found.revenue[row.currency] = row.spent
    found.currency = by_currency.most_common(1)[0][0] if by_currency else ""
    if not found.held or not found.entered:
        return
    groups = [
        compare.rate("", found.held, min(held, found.held)),
        compare.rate("", found.entered, min(found.buyers, found.entered)),
    ]
    found.against = compare.compare(groups, WORTH_ORDERS)[0]
    if found.currency:
        sums = {row.held: row for row in rows if row.currency == found.currency}
        money = [
            compare.sums("", people, *_spent(sums.get(side)))
            for people, side in ((found.held, True), (found.entered, False))
        ]
        found.against_money = compare.compare(money, worth_of(money))[0]


def _spent(row: Any) -> tuple[int, float, float]:
    return (row.buyers, float(row.spent), float(row.squares)) if row else (0, 0.0, 0.0)
