"""What a back-test found: who would have got what and when, who bought anyway, and for how much."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.stats import COUNTED
from email_campaigns.journeys.enter import REFUSED
from email_campaigns.results.figures import DAYS

MOST_ROWS = 5_000  # people who are kept by name; the sums are of all
# orders as they really were: also those behind the end of the window
_ROWS = """
SELECT p.customer_id, r.entered_at, r.state, r.reason, r.at_step,
  coalesce((SELECT jsonb_agg(jsonb_build_object('step', split_part(d.step, ':', 4), 'at', d.handed_at,
    'due', d.due_at, 'state', d.state, 'reason', d.reason) ORDER BY d.due_at, d.id)
    FROM deliveries d WHERE d.step = ANY(r.letters)), '[]') AS letters,
  coalesce((SELECT jsonb_agg(jsonb_build_object('step', a.step, 'at', a.at) ORDER BY a.id)
    FROM journey_acts a WHERE a.run_id = r.id AND a.what = 'call'), '[]') AS calls,
  b.first AS bought_at, coalesce(b.money, '{{}}') AS money
FROM journey_runs r JOIN profiles p ON p.id = r.profile_id LEFT JOIN LATERAL (
  SELECT min(m.first) AS first, jsonb_object_agg(m.currency, CAST(m.spent AS text)) AS money FROM (
    SELECT o.currency, min(o.placed_at) AS first, sum(o.total - o.refunded) AS spent FROM {schema}.orders o
    WHERE o.customer_id = p.customer_id AND o.placed_at > r.entered_at
      AND o.placed_at < r.entered_at + :days * interval '1 day' AND {counted} GROUP BY 1) m) b ON true
WHERE r.journey_id = :journey AND r.entered_at > :since ORDER BY r.entered_at, r.id
"""


def of(session: Session, journey_id: UUID, since: datetime, days: int = DAYS) -> dict[str, Any]:
    """The result as it is kept. People are named by their cards only: what is erased stays erased."""
    schema = session.scalar(text("SELECT quote_ident(current_schema())"))
    query = text(_ROWS.format(schema=schema, counted=COUNTED))
    found = session.execute(query, {"journey": journey_id, "since": since, "days": days})
    people: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    money: dict[str, Decimal] = {}
    rows: list[dict[str, Any]] = []
    for row in found:
        if row.state == "left" and row.reason in REFUSED:
            refused[row.reason] += 1
            continue
        one = _row(row)
        people["held" if row.reason == "holdout" else "entered"] += 1
        if one["bought_at"] and row.reason != "holdout":
            people["bought"] += 1
            people["bought_before"] += one["before"]
            for currency, spent in row.money.items():
                money[currency] = money.get(currency, Decimal(0)) + Decimal(spent)
        people["told"] += len(one["calls"])
        for letter in one["letters"]:
            if letter["state"] == "accepted":
                steps[letter["step"]] += 1
            elif letter["state"] == "skipped":
                skipped[letter["reason"]] += 1
        if len(rows) < MOST_ROWS:
            rows.append(one)
    return {
        "days": days, "entered": people["entered"], "held": people["held"], "refused": refused,
        "letters": steps.total(), "told": people["told"], "steps": steps, "skipped": skipped,
        "bought": people["bought"], "bought_before": people["bought_before"],
        "money": {one: str(spent) for one, spent in money.items()},
        "rows": rows, "more": max(0, people["entered"] + people["held"] - len(rows)),
    }  # fmt: skip


def _row(row: Any) -> dict[str, Any]:
    """One person; `before`: bought before the first letter would have left, or got none."""
    letters = [_letter(one) for one in row.letters]
    left = [one["at"] for one in letters if one["at"]]
    bought = row.bought_at
    before = bought is not None and (not left or bought < datetime.fromisoformat(left[0]))
    return {
        "customer": str(row.customer_id), "entered_at": row.entered_at.isoformat(), "state": row.state,
        "reason": row.reason, "at_step": row.at_step, "letters": letters, "calls": row.calls,
        "bought_at": bought.isoformat() if bought else None, "before": before, "money": row.money,
    }  # fmt: skip


def _letter(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in ("step", "at", "due", "state", "reason")}
