"""Which sources and campaigns orders came from: the visits of whoever ordered, in the days before."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from customers.stats import COUNTED
from web_capture.visits import credit
from web_capture.visits.credit import Touch

DAYS = 30  # before an order in which visits count
APART = timedelta(days=2)  # at most, between an order of a shop and what a page told of it
MOST_SOURCES, MOST_TOUCHES = 5_000, 100  # with the most visits; that share an order, the latest

# Orders that pages told of, and those of shops, each side numbered in its own direction. Then the pairs that
# are one order: of that number, in that currency, in those days, the nearest. Shops number alike, so of
# several sites' only the nearest site's belong to a shop's order.
_MATCHED = f"""
    WITH told AS (
      SELECT -row_number() OVER () AS n, site_id, order_id, at, currency, device, profile_id, proved,
        CASE WHEN NOT coalesce(r.off, false) AND total IS NOT NULL
          THEN greatest(total - coalesce(r.amount, 0), 0) END AS total
      FROM web_orders w LEFT JOIN LATERAL (
        SELECT bool_or(cancelled) AS off, sum(coalesce(amount, w.total)) AS amount FROM web_returns b
        WHERE b.site_id = w.site_id AND b.order_id = w.order_id AND b.currency IN (w.currency, '')
      ) AS r ON true WHERE at >= CAST(:since AS timestamptz) - 2 * CAST(:apart AS interval)
        AND at < CAST(:until AS timestamptz) + 2 * CAST(:apart AS interval)
    ), kept AS (
      SELECT row_number() OVER () AS n, o.id, o.number, o.external_id, o.placed_at AS at, o.currency,
        o.total - o.refunded AS total, o.customer_id, {COUNTED} AS counted
      FROM orders o JOIN sources s ON s.id = o.source_id AND s.role <> 'accounting'
      WHERE o.placed_at >= CAST(:since AS timestamptz) - 3 * CAST(:apart AS interval)
        AND o.placed_at < CAST(:until AS timestamptz) + 3 * CAST(:apart AS interval)
    ), near AS (
      SELECT DISTINCT ON (w.n) w.n, w.site_id, w.device, w.proved, o.n AS kept,
        greatest(o.at - w.at, w.at - o.at) AS apart
      FROM told w JOIN (
        SELECT n, id, number AS name, at, currency FROM kept
        UNION ALL
        SELECT n, id, external_id, at, currency FROM kept
      ) AS o ON o.name = w.order_id AND (o.currency = w.currency OR '' IN (o.currency, w.currency))
        AND greatest(o.at - w.at, w.at - o.at) <= CAST(:apart AS interval)
      ORDER BY w.n, apart, o.id
    ), matched AS (
      SELECT n, kept, device, proved FROM (
        SELECT *, first_value(site_id) OVER (PARTITION BY kept ORDER BY apart, site_id) AS nearest FROM near
      ) AS sites WHERE site_id = nearest
    )"""
# Orders of shops, and those only pages told of: a claim when told of with no more than the public key.
_BOUGHT = f"""{_MATCHED}, bought AS (
      SELECT n, at, currency, total, customer_id, '' AS device, false AS claim
      FROM kept WHERE at >= :since AND at < :until AND counted
      UNION ALL
      SELECT w.n, w.at, w.currency, w.total, p.customer_id, w.device, NOT w.proved
      FROM told w LEFT JOIN profiles p ON p.id = w.profile_id
      WHERE w.at >= :since AND w.at < :until AND w.total IS NOT NULL
        AND NOT EXISTS (SELECT FROM matched m WHERE m.n = w.n)
    )"""
# Then the devices of whoever ordered (what any page says of an order counts only where none is known: numbers
# of orders can be guessed), and their visits, in one join of them all: asked for one by one, they
# cost several times as much.
_TOUCHES = f"""{_BOUGHT}, devices AS (
      SELECT b.n, b.at, k.value AS device FROM bought b JOIN profiles p ON p.customer_id = b.customer_id
        JOIN profile_keys k ON k.profile_id = p.id AND k.kind = 'device' WHERE NOT b.claim
      UNION
      SELECT n, at, device FROM bought WHERE device <> '' AND NOT claim
      UNION
      SELECT b.n, b.at, m.device FROM bought b JOIN matched m ON m.kept = b.n WHERE m.device <> ''
        AND (m.proved OR NOT EXISTS (SELECT FROM profiles p JOIN profile_keys k ON k.profile_id = p.id
          AND k.kind = 'device' WHERE p.customer_id = b.customer_id))
    ), touches AS (
      SELECT d.n, v.started_at, v.device, v.channel, v.source, v.medium, v.campaign
      FROM devices d JOIN visits v ON v.device = d.device AND v.started_at <= d.at
        AND v.started_at > d.at - CAST(:window AS interval)
      JOIN sites s ON s.id = v.site_id
      WHERE v.started_at > CAST(:since AS timestamptz) - CAST(:window AS interval) AND v.started_at < :until
    )"""
# The visits that have a part in an order, by model: of how many, and as which of them.
_PICKED = {
    "last": """SELECT DISTINCT ON (n) *, 1 AS steps, 1 AS place FROM touches
      ORDER BY n, source = '' AND medium = '', started_at DESC, device DESC""",
    "first": "SELECT DISTINCT ON (n) *, 1 AS steps, 1 AS place FROM touches ORDER BY n, started_at, device",
    # those between are alike: all of them are the second
    "position": """SELECT *, CASE back WHEN steps THEN 1 WHEN 1 THEN steps ELSE 2 END AS place FROM (
        SELECT *, least(count(*) OVER (PARTITION BY n), :most) AS steps,
          row_number() OVER (PARTITION BY n ORDER BY started_at DESC, device DESC) AS back FROM touches
      ) AS numbered WHERE back <= :most""",
}
_PARTS = {
    model: text(
        f"""{_TOUCHES}, picked AS ({picked})
    SELECT b.currency, b.claim, p.channel, p.source, p.medium, p.campaign, coalesce(p.steps, 0) AS steps,
      coalesce(p.place, 1) AS place, count(*) AS orders, sum(b.total) AS total
    FROM bought b LEFT JOIN picked p ON p.n = b.n GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"""
    )
    for model, picked in _PICKED.items()
}
_VISITS = text(
    "SELECT channel, source, medium, campaign, count(*) AS visits FROM visits"
    " WHERE started_at >= :since AND started_at < :until GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4"
    " LIMIT :most"
)
_COSTS = text(
    "SELECT source, medium, campaign, currency, sum(cost) AS cost FROM ad_costs"
    " WHERE replaced_by IS NULL AND day >= :first AND day <= :last GROUP BY 1, 2, 3, 4"
)


@dataclass(frozen=True)
class Period:
    """Days, both ends included, with the instants at which they begin and are over for the reader."""

    first: date
    last: date
    since: datetime
    until: datetime


@dataclass
class Figures:
    """What a source, medium and campaign brought, in one currency."""

    touch: Touch
    visits: int = 0
    orders: Decimal = Decimal(0)  # in parts where several visits share one
    revenue: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    @property
    def roas(self) -> Decimal | None:
        """Revenue for each unit of cost."""
        return self.revenue / self.cost if self.cost else None

    @property
    def cpo(self) -> Decimal | None:
        """What an order cost."""
        return self.cost / self.orders if self.cost and self.orders else None


@dataclass
class Report:
    """The figures of a period in one currency, the most revenue first."""

    currency: str
    currencies: list[str]
    rows: list[Figures] = field(default_factory=list)
    total: Figures = field(default_factory=lambda: Figures(Touch("", "", "", "")))
    unknown: Figures = field(default_factory=lambda: Figures(Touch("", "", "", "")))  # no visit before it
    claimed: Figures = field(default_factory=lambda: Figures(Touch("", "", "", "")))  # not in the total

    @property
    def unknown_share(self) -> int | None:
        """Orders without a known visit, in per cent; None without orders."""
        return round(100 * self.unknown.orders / self.total.orders) if self.total.orders else None


def report(session: Session, period: Period, model: str, currency: str = "", days: int = DAYS) -> Report:
    """Who is to be thanked for the orders of a period. Three queries."""
    span = {"since": period.since, "until": period.until}
    window = {"window": timedelta(days=days), "most": MOST_TOUCHES, "apart": APART}
    parts = session.execute(_PARTS[model], {**span, **window}).all()
    costs = session.execute(_COSTS, {"first": period.first, "last": period.last}).all()
    visits = session.execute(_VISITS, {**span, "most": MOST_SOURCES}).all()
    known = _currencies(parts, costs)
    made = Report(currency if currency in known else next(iter(known), ""), known)
    found: dict[tuple[str, str, str], Figures] = {}
    for row in visits:
        _figures(found, Touch(*row[:4])).visits += row.visits
    _share(made, found, (row for row in parts if row.currency == made.currency))
    for row in costs:
        if row.currency == made.currency:
            _figures(found, Touch("", row.source, row.medium, row.campaign)).cost += row.cost
    made.rows = sorted(found.values(), key=lambda one: (-one.revenue, -one.cost, -one.visits, one.touch))
    for one in made.rows:
        made.total.visits += one.visits
        made.total.cost += one.cost
    return made


def _currencies(parts: Iterable[Row[Any]], costs: Iterable[Row[Any]]) -> list[str]:
    """The currencies of orders and costs, the one with the most orders first; those only claimed last."""
    counts: dict[str, int] = {row.currency: 0 for row in costs}
    claimed: set[str] = set()
    for row in parts:
        if row.claim:
            claimed.add(row.currency)
        elif row.place == 1:  # each order has one such part
            counts[row.currency] = counts.get(row.currency, 0) + row.orders
    return [*sorted(counts, key=lambda code: (-counts[code], code)), *sorted(claimed - counts.keys())]


def _share(made: Report, found: dict[tuple[str, str, str], Figures], parts: Iterable[Row[Any]]) -> None:
    """Share the orders among the visits that have a part in them."""
    for row in parts:
        if row.claim:
            _add(made.claimed, row)
            continue
        if row.place == 1:
            _add(made.total, row)
        if row.steps:
            touch = Touch(row.channel, row.source, row.medium, row.campaign)
            _add(_figures(found, touch), row, credit.part(row.place, row.steps))
        else:
            _add(made.unknown, row)
    rows = list(found.values())
    moneys, orders = credit.settle([one.revenue for one in rows]), credit.settle([one.orders for one in rows])
    for one, money, share in zip(rows, moneys, orders, strict=True):
        one.revenue, one.orders = money, share


def _add(one: Figures, row: Row[Any], part: Decimal = Decimal(1)) -> None:
    one.orders += row.orders * part
    one.revenue += row.total * part


def _figures(found: dict[tuple[str, str, str], Figures], touch: Touch) -> Figures:
    """The figures of a source, medium and campaign; costs and visits may write them in other letters."""
    key = (touch.source.lower(), touch.medium.lower(), touch.campaign.lower())
    one = found.setdefault(key, Figures(touch))
    if touch.channel and not one.touch.channel:
        one.touch = touch
    return one
