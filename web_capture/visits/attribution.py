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
MOST_SOURCES, MOST_TOUCHES = 5_000, 100  # with the most visits; of an order the latest

# Orders that pages told of with the shops' that they are: of that number, in that currency, in those days,
# the nearest. Shops number alike, so of several sites' only the nearest site's belong to a shop's order.
_MATCHED = """
    WITH near AS (
      SELECT DISTINCT ON (w.site_id, w.order_id) w.site_id, w.order_id, w.device, o.id, o.apart
      FROM web_orders w, LATERAL (
        SELECT found.id, abs(extract(epoch FROM found.placed_at - w.at)) AS apart FROM (
          SELECT o.id, o.source_id, o.currency, o.placed_at FROM orders o WHERE o.number = w.order_id
          UNION
          SELECT o.id, o.source_id, o.currency, o.placed_at FROM sources s JOIN orders o ON o.source_id = s.id
          WHERE o.external_id = w.order_id
        ) AS found JOIN sources s ON s.id = found.source_id AND s.role <> 'accounting'
        WHERE (found.currency = w.currency OR '' IN (found.currency, w.currency))
          AND found.placed_at BETWEEN w.at - CAST(:apart AS interval) AND w.at + CAST(:apart AS interval)
      ) AS o
      WHERE w.at >= CAST(:since AS timestamptz) - 2 * CAST(:apart AS interval)
        AND w.at < CAST(:until AS timestamptz) + 2 * CAST(:apart AS interval)
      ORDER BY w.site_id, w.order_id, o.apart, o.id
    ), matched AS (
      SELECT site_id, order_id, device, id FROM (
        SELECT *, first_value(site_id) OVER (PARTITION BY id ORDER BY apart, site_id) AS nearest FROM near
      ) AS sites WHERE site_id = nearest
    )"""
# Orders of shops, and those only pages told of: a claim when told of with no more than the public key.
_BOUGHT = f"""{_MATCHED}, bought AS (
      SELECT o.id::text AS id, o.placed_at AS at, o.currency, o.total - o.refunded AS total, o.customer_id,
        '' AS device, false AS claim
      FROM orders o JOIN sources s ON s.id = o.source_id AND s.role <> 'accounting'
      WHERE o.placed_at >= :since AND o.placed_at < :until AND {COUNTED}
      UNION ALL
      SELECT w.site_id || w.order_id, w.at, w.currency, w.total, p.customer_id, w.device, NOT w.proved
      FROM web_orders w LEFT JOIN profiles p ON p.id = w.profile_id
      WHERE w.at >= :since AND w.at < :until AND w.total IS NOT NULL
        AND NOT EXISTS (SELECT FROM matched m WHERE m.site_id = w.site_id AND m.order_id = w.order_id)
    )"""
# Then the devices of whoever ordered, and their visits.
_PATHS = text(
    _BOUGHT
    + """, devices AS (
      SELECT b.id, b.at, k.value AS device FROM bought b JOIN profiles p ON p.customer_id = b.customer_id
        JOIN profile_keys k ON k.profile_id = p.id AND k.kind = 'device' WHERE NOT b.claim
      UNION
      SELECT id, at, device FROM bought WHERE device <> '' AND NOT claim
      UNION
      SELECT b.id, b.at, m.device FROM bought b JOIN matched m ON m.id::text = b.id WHERE m.device <> ''
    ), touches AS (
      SELECT d.id, v.started_at, v.device, v.channel, v.source, v.medium, v.campaign,
        row_number() OVER (PARTITION BY d.id ORDER BY v.started_at DESC, v.device) AS back
      FROM devices d, sites s, LATERAL (
        SELECT * FROM visits WHERE site_id = s.id AND device = d.device AND started_at <= d.at
          AND started_at > d.at - CAST(:window AS interval) OFFSET 0) AS v
    ), paths AS (
      SELECT id, jsonb_agg(jsonb_build_array(channel, source, medium, campaign) ORDER BY started_at, device)
        AS path FROM touches WHERE back <= :most GROUP BY id
    )
    SELECT coalesce(p.path, '[]') AS path, b.currency, b.claim, count(*) AS orders, sum(b.total) AS total
    FROM bought b LEFT JOIN paths p ON p.id = b.id GROUP BY 1, 2, 3
    """
)
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
    paths = session.execute(_PATHS, {**span, **window}).all()
    costs = session.execute(_COSTS, {"first": period.first, "last": period.last}).all()
    visits = session.execute(_VISITS, {**span, "most": MOST_SOURCES}).all()
    known = _currencies(paths, costs)
    made = Report(currency if currency in known else next(iter(known), ""), known)
    found: dict[tuple[str, str, str], Figures] = {}
    for row in visits:
        _figures(found, Touch(*row[:4])).visits += row.visits
    _share(made, found, (row for row in paths if row.currency == made.currency), model)
    for row in costs:
        if row.currency == made.currency:
            _figures(found, Touch("", row.source, row.medium, row.campaign)).cost += row.cost
    made.rows = sorted(found.values(), key=lambda one: (-one.revenue, -one.cost, -one.visits, one.touch))
    for one in made.rows:
        made.total.visits += one.visits
        made.total.cost += one.cost
    return made


def _currencies(paths: Iterable[Row[Any]], costs: Iterable[Row[Any]]) -> list[str]:
    """The currencies of orders and costs, the one with the most orders first; those only claimed last."""
    counts: dict[str, int] = {row.currency: 0 for row in costs}
    claimed: set[str] = set()
    for row in paths:
        if row.claim:
            claimed.add(row.currency)
        else:
            counts[row.currency] = counts.get(row.currency, 0) + row.orders
    return [*sorted(counts, key=lambda code: (-counts[code], code)), *sorted(claimed - counts.keys())]


def _share(
    made: Report, found: dict[tuple[str, str, str], Figures], paths: Iterable[Row[Any]], model: str
) -> None:
    """Share the orders of each path among its visits."""
    for row in paths:
        if row.claim:
            made.claimed.orders += row.orders
            made.claimed.revenue += row.total
            continue
        made.total.orders += row.orders
        made.total.revenue += row.total
        touches = [Touch(*one) for one in row.path]
        if not touches:
            made.unknown.orders += row.orders
            made.unknown.revenue += row.total
            continue
        parts = credit.weights(touches, model)
        moneys, orders = credit.split(row.total, parts), credit.split(Decimal(row.orders), parts)
        for touch, money, share in zip(touches, moneys, orders, strict=True):
            if money or share:
                one = _figures(found, touch)
                one.revenue += money
                one.orders += share


def _figures(found: dict[tuple[str, str, str], Figures], touch: Touch) -> Figures:
    """The figures of a source, medium and campaign; costs and visits may write them in other letters."""
    key = (touch.source.lower(), touch.medium.lower(), touch.campaign.lower())
    one = found.setdefault(key, Figures(touch))
    if touch.channel and not one.touch.channel:
        one.touch = touch
    return one
