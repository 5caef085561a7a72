"""The figures of a mailing: what became of its letters, what people did, what they ordered. A few queries
each.

An order counts for the letter that was accepted at most so many days before it. What the mailing did is
another
question: it is answered by comparing everybody it was meant for with those held out, whoever of the first got
the letter, over the same days; anything else would compare people who differ to begin with.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.stats import COUNTED
from email_campaigns.delivery.ledger import OPEN
from email_campaigns.results import compare
from email_campaigns.results.compare import Comparison, Group
from email_campaigns.tables import Mailing
from foundation.clock import now

DAYS = 7  # of attribution, unless somebody says otherwise
MOST_DAYS = 60
LISTEN = timedelta(days=60)  # opens and clicks later than that after the last letter are passed over
WORTH_CLICKS, WORTH_ORDERS, WORTH_REVENUE = 0.01, 0.005, 0.1  # points, points, share of the mean

_STATES = text(
    "SELECT variant, state, reason, count(*) AS n, count(handed_at) AS left_us, max(handed_at) AS last"
    " FROM deliveries WHERE step = :step GROUP BY 1, 2, 3"
)
# told: each delivery once a kind; a person did it when not every trace is a machine's
_TOLD = text("""
SELECT d.variant, k.kind, d.state, count(*) FILTER (WHERE NOT k.human) AS machines,
  count(*) FILTER (WHERE k.human AND coalesce(k.first < d.handed_at + :days * interval '1 day', true))
    AS people
FROM (SELECT CAST(data ->> 'delivery' AS uuid) AS id, kind,
    bool_or(coalesce(data ->> 'machine', 'false') IN ('false', '')) AS human,
    min(occurred_at) FILTER (WHERE coalesce(data ->> 'machine', 'false') IN ('false', '')) AS first
  FROM timeline WHERE kind = ANY(:kinds) AND occurred_at >= :since AND occurred_at < :until AND data ->>
  'step' = :step
  GROUP BY 1, 2) k JOIN deliveries d ON d.id = k.id GROUP BY 1, 2, 3
""")
KINDS = (
    "letter.opened",
    "letter.clicked",
    "letter.unsubscribed",
    "letter.complained",
    "letter.bounced",
    "letter.replied",
)
_ORDERED = text(f"""
WITH bought AS (
  SELECT d.id, d.variant, o.currency, sum(o.total - o.refunded) AS spent, count(*) AS orders
  FROM deliveries d JOIN profiles p ON p.id = d.profile_id
  JOIN orders o ON o.customer_id = p.customer_id AND o.placed_at >= d.handed_at
    AND o.placed_at < d.handed_at + :days * interval '1 day' AND {COUNTED}
  WHERE d.step = :step AND d.state = 'accepted' AND o.placed_at >= :since GROUP BY 1, 2, 3)
SELECT variant, currency, count(*) AS buyers, sum(orders) AS orders, sum(spent) AS spent, sum(spent * spent)
  AS squares
FROM bought GROUP BY 1, 2
""")
_AGAINST = text(f"""
WITH bought AS (
  SELECT d.id, d.state = 'holdout' AS held, o.currency, sum(o.total - o.refunded) AS spent
  FROM deliveries d JOIN profiles p ON p.id = d.profile_id
  JOIN orders o ON o.customer_id = p.customer_id AND o.placed_at >= :since AND o.placed_at < :until AND
  {COUNTED}
  WHERE d.step = :step AND d.reason <> 'no_address' GROUP BY 1, 2, 3)
SELECT held, currency, count(*) AS buyers, sum(spent) AS spent, sum(spent * spent) AS squares FROM bought
  GROUP BY 1, 2
""")


@dataclass
class Arm:
    """The figures of one variant, or of all together."""

    name: str
    rows: int = 0
    sent: int = 0  # left us
    accepted: int = 0
    states: Counter[str] = field(default_factory=Counter)
    opened: int = 0
    machine_opened: int = 0
    clicked: int = 0
    machine_clicked: int = 0
    unsubscribed: int = 0
    complained: int = 0
    bounced: int = 0
    replied: int = 0
    orders: int = 0
    buyers: dict[str, int] = field(default_factory=dict)  # by currency
    revenue: dict[str, Decimal] = field(default_factory=dict)
    squares: dict[str, Decimal] = field(default_factory=dict)

    @property
    def delivered(self) -> int:
        """Accepted by the recipients' servers and not come back since."""
        return self.accepted - self.bounced

    @property
    def expected(self) -> int:
        """Accepted letters once everybody who may still get one has it."""
        return self.accepted + sum(self.states[one] for one in OPEN)

    def clicks(self) -> Group:
        """Who clicked among those who got it."""
        return compare.rate(self.name, self.accepted, self.clicked, self.expected)

    def money(self, currency: str) -> Group:
        """What those who got it spent."""
        spent, squares = self.revenue.get(currency, Decimal(0)), self.squares.get(currency, Decimal(0))
        buyers = self.buyers.get(currency, 0)
        return compare.sums(self.name, self.accepted, buyers, float(spent), float(squares), self.expected)


@dataclass
class Effect:
    """The mailing against its holdout."""

    meant: int
    held: int
    orders: Comparison  # share of people who ordered
    revenue: Comparison | None  # spent per person, in `currency`


@dataclass
class Figures:
    """Everything a page of results shows."""

    all: Arm
    arms: list[Arm]
    skips: list[tuple[str, int]]  # reason -> rows without a letter
    failures: list[tuple[str, int]]
    days: int
    currency: str  # the one most orders have
    at: datetime
    effect: Effect | None = None
    clicks: list[Comparison] = field(default_factory=list)
    money: list[Comparison] = field(default_factory=list)

    def kept(self) -> dict[str, Any]:
        """What lists show of it, as JSON."""
        one = self.all
        return {
            "rows": one.rows, "sent": one.sent, "delivered": one.delivered, "opened": one.opened,
            "clicked": one.clicked,
            "orders": one.orders, "days": self.days, "at": self.at.isoformat(),
            "revenue": {code: str(sum_) for code, sum_ in one.revenue.items()}, "currency": self.currency,
        }  # fmt: skip


def read(session: Session, mailing: Mailing, days: int = DAYS, within: int | None = None) -> Figures:
    """The figures as they are now; all zero for a mailing that hasn't started.

    `within`: of what people did and ordered only what was so many hours after their letter.
    """
    step, at = f"mailing:{mailing.id}", now()
    since = mailing.started_at or at
    arms: dict[str, Arm] = {}
    every, skips, failures = Arm(""), Counter[str](), Counter[str]()
    last = since
    for row in session.execute(_STATES, {"step": step}):
        for arm in _both(every, arms, row.variant):
            _count_state(arm, row)
        if row.state in ("skipped", "cancelled", "holdout"):
            skips[row.reason or row.state] += row.n
        elif row.state in ("failed", "unknown"):
            failures[row.reason or row.state] += row.n
        last = max(last, row.last or last)
    values: dict[str, Any] = {"step": step, "since": since, "kinds": list(KINDS), "until": last + LISTEN}
    values["days"] = LISTEN.days if within is None else within / 24
    for row in session.execute(_TOLD, values):
        for arm in _both(every, arms, row.variant):
            _count_told(arm, row)
    currencies: Counter[str] = Counter()
    ordered = days if within is None else min(days, within / 24)
    for row in session.execute(_ORDERED, {"step": step, "since": since, "days": ordered}):
        currencies[row.currency] += row.orders
        for arm in _both(every, arms, row.variant):
            _count_orders(arm, row)
    currency = currencies.most_common(1)[0][0] if currencies else ""
    found = Figures(
        every, [arms[name] for name in sorted(arms) if name], skips.most_common(), failures.most_common(),
        days,
        currency, at,
    )  # fmt: skip
    _compare(found)
    if every.states["holdout"]:
        until = min(at, last + timedelta(days=days))
        found.effect = _effect(session, step, every, skips["no_address"], since, until, currency)
    return found


def _both(every: Arm, arms: dict[str, Arm], name: str) -> tuple[Arm, Arm]:
    return every, arms.setdefault(name, Arm(name))


def _count_state(arm: Arm, row: Any) -> None:
    arm.rows += row.n
    arm.sent += row.left_us
    arm.states[row.state] += row.n
    arm.accepted += row.n if row.state == "accepted" else 0


def _count_told(arm: Arm, row: Any) -> None:
    name = row.kind.removeprefix("letter.")
    if name == "bounced":
        arm.bounced += row.people + row.machines if row.state == "accepted" else 0
        return
    setattr(arm, name, getattr(arm, name) + row.people)
    if name in ("opened", "clicked"):
        setattr(arm, f"machine_{name}", getattr(arm, f"machine_{name}") + row.machines)


def _count_orders(arm: Arm, row: Any) -> None:
    arm.orders += int(row.orders)
    arm.buyers[row.currency] = arm.buyers.get(row.currency, 0) + row.buyers
    arm.revenue[row.currency] = arm.revenue.get(row.currency, Decimal(0)) + row.spent
    arm.squares[row.currency] = arm.squares.get(row.currency, Decimal(0)) + row.squares


def _compare(found: Figures) -> None:
    if len(found.arms) < 2:
        return
    found.clicks = compare.compare([one.clicks() for one in found.arms], WORTH_CLICKS)
    if found.currency:
        money = [one.money(found.currency) for one in found.arms]
        found.money = compare.compare(money, worth_of(money))


def worth_of(groups: list[Group]) -> float:
    """The difference in money that is worth waiting for: a tenth of what people spend on average."""
    people = sum(one.people for one in groups)
    return WORTH_REVENUE * sum(one.mean * one.people for one in groups) / people if people else 0.0


def _effect(
    session: Session, step: str, every: Arm, without: int, since: datetime, until: datetime, currency: str
) -> Effect:
    held = every.states["holdout"]
    meant = every.rows - held - without
    buyers: Counter[bool] = Counter()
    money: dict[bool, tuple[int, float, float]] = {}
    currencies: Counter[str] = Counter()
    rows = session.execute(_AGAINST, {"step": step, "since": since, "until": until}).all()
    for row in rows:
        buyers[row.held] += row.buyers
        currencies[row.currency] += row.buyers
    currency = currency or (currencies.most_common(1)[0][0] if currencies else "")
    for row in rows:
        if row.currency == currency:
            money[row.held] = (row.buyers, float(row.spent), float(row.squares))
    orders = [
        compare.rate("", held, min(held, buyers[True])),
        compare.rate("", meant, min(meant, buyers[False])),
    ]
    effect = Effect(meant, held, compare.compare(orders, WORTH_ORDERS)[0], None)
    if currency:
        groups = [
            compare.sums("", held, *money.get(True, (0, 0.0, 0.0))),
            compare.sums("", meant, *money.get(False, (0, 0.0, 0.0))),
        ]
        effect.revenue = compare.compare(groups, worth_of(groups))[0]
    return effect


_OVER_TIME = text("""
SELECT floor(extract(epoch FROM f.first - CAST(:since AS timestamptz)) / :width) AS slot,
  count(*) FILTER (WHERE f.kind = 'letter.opened') AS opened, count(*) FILTER (WHERE f.kind =
  'letter.clicked') AS clicked
FROM (SELECT kind, data ->> 'delivery' AS id, min(occurred_at) AS first FROM timeline
  WHERE kind IN ('letter.opened', 'letter.clicked') AND occurred_at >= :since AND occurred_at < :until
    AND data ->> 'step' = :step AND coalesce(data ->> 'machine', 'false') IN ('false', '') GROUP BY 1, 2) f
GROUP BY 1 ORDER BY 1
""")


def over_time(
    session: Session, mailing_id: UUID, since: datetime, width: timedelta, slots: int
) -> list[tuple[int, int]]:
    """How many opened and how many clicked for the first time, in each span of time since the start."""
    values = {
        "step": f"mailing:{mailing_id}",
        "since": since,
        "width": width.total_seconds(),
        "until": since + width * slots,
    }
    rows = {int(row.slot): (row.opened, row.clicked) for row in session.execute(_OVER_TIME, values)}
    return [rows.get(slot, (0, 0)) for slot in range(slots)]
