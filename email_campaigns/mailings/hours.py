"""At which hour people open, click and buy: each person's best one, and the company's for everybody else."""

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.stats import COUNTED
from email_campaigns import zones

SINCE = timedelta(days=180)
ENOUGH = 3  # happenings of one person before an hour is theirs
USUAL = 10  # the hour of a company nobody has reacted to yet

# what shows when people look at things; opens by machines say nothing about people
_ACTS = f"""
SELECT customer_id, occurred_at AS at FROM timeline WHERE kind IN ('letter.opened', 'letter.clicked')
  AND occurred_at > :m_since AND customer_id IS NOT NULL AND coalesce(data ->> 'machine', 'false') IN
  ('false', '')
UNION ALL
SELECT o.customer_id, o.placed_at FROM orders o WHERE o.placed_at > :m_since AND o.customer_id IS NOT NULL
  AND {COUNTED}
"""
_COMPANY = text(f"""
SELECT coalesce(c.country, '') AS country, coalesce(c.city, '') AS city,
  date_trunc('month', acts.at) + interval '14 days'
    + interval '1 hour' * extract(hour FROM acts.at) AS like_it, count(*) AS n
FROM ({_ACTS}) acts JOIN customers c ON c.id = acts.customer_id
GROUP BY 1, 2, 3
""")  # by month: that is how often clocks are moved at most; sessions speak UTC
# the hour most of a person's happenings fall into, by the clock of the zone joined as `people`
OWN = f"""
SELECT DISTINCT ON (customer_id) customer_id, hour FROM (
  SELECT people.customer_id, CAST(extract(hour FROM acts.at AT TIME ZONE people.zone) AS int) AS hour,
    count(*) AS n,
    sum(count(*)) OVER (PARTITION BY people.customer_id) AS total
  FROM people JOIN ({_ACTS}) acts ON acts.customer_id = people.customer_id GROUP BY 1, 2) counted
WHERE total >= {ENOUGH} ORDER BY customer_id, n DESC, hour
"""


def company(session: Session, at: datetime, usual_zone: str) -> int:
    """The hour of the day at which most of the company's customers act, each by their own clock."""
    found: Counter[int] = Counter()
    for row in session.execute(_COMPANY, {"m_since": at - SINCE}):
        zone = zones.zone_of(row.country, row.city, usual_zone)
        found[zones.local(row.like_it, zone).hour] += row.n
    if not found:
        return USUAL
    return min(found, key=lambda hour: (-found[hour], hour))


def known_to_server(session: Session, wanted: list[str]) -> set[str]:
    """Which of these zones PostgreSQL has, too: another name would fail the whole statement."""
    return set(
        session.scalars(
            text("SELECT name FROM pg_timezone_names WHERE name = ANY(:names)"), {"names": wanted}
        )
    )
