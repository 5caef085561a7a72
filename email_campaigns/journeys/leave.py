"""Who leaves before the end: the goal is reached, no need any more, a way out is true, no card.

Asked of everybody who is due before they go on, and of all who wait every minute.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from customers.stats import COUNTED
from email_campaigns.journeys import conditions
from email_campaigns.journeys.steps.base import Run, Turn
from email_campaigns.triggers import of as trigger_of

# the run with the card that lives now, as triggers' `over` reads it
_RUNS = (
    "SELECT j.id, j.profile_id, p.customer_id, j.entered_at, j.context, j.cause FROM journey_runs j"
    " JOIN profiles p ON p.id = j.profile_id WHERE j.id = ANY(:ids)"
)
_BOUGHT = text(
    f"SELECT r.id FROM ({_RUNS}) r WHERE EXISTS (SELECT FROM orders o WHERE o.customer_id = r.customer_id"
    f" AND o.placed_at > r.entered_at AND o.placed_at <= :now AND {COUNTED})"
)
# two people of one journey turned out to be one: who came in first goes on
_MERGED = text(
    "SELECT j.id FROM journey_runs j JOIN profiles p ON p.id = j.profile_id WHERE j.id = ANY(:ids)"
    " AND EXISTS (SELECT FROM (SELECT q.id FROM profiles q WHERE q.customer_id = p.customer_id OFFSET 0) q"
    " JOIN journey_runs o ON o.profile_id = q.id AND o.journey_id = j.journey_id"
    " WHERE o.state = 'going' AND (o.entered_at, o.id) < (j.entered_at, j.id))"
)


def check(turn: Turn, runs: Sequence[Run]) -> None:
    """End the runs that need not go on. A constant number of queries."""
    for run in runs:
        if run.card is None:
            turn.end(run, "left", "no_card")
    _end(turn, runs, _ids(turn, _MERGED, runs), "left", "merged")
    goal = turn.program.spec["goal"]
    if goal and goal.get("kind") == "order":
        _end(turn, runs, _ids(turn, _BOUGHT, runs), "goal", "order")
    elif goal:
        _end(turn, runs, _true(turn, runs, goal["condition"]), "goal", "goal", condition=goal["condition"])
    over = trigger_of(turn.program.spec["trigger"]["kind"]).over
    if over is not None:
        query = text(f"SELECT r.id FROM ({_RUNS}) r WHERE ({over()})")
        _end(turn, runs, _ids(turn, query, runs), "left", "over")
    for one in turn.program.spec["exits"]:
        _end(turn, runs, _true(turn, runs, one["condition"]), "left", "exit", condition=one["condition"])


def _going(runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if run.state == "going"]


def _ids(turn: Turn, query: Any, runs: Sequence[Run]) -> set[UUID]:
    ids = [run.id for run in _going(runs)]
    values = {"ids": ids, "now": turn.at} if ":now" in str(query) else {"ids": ids}
    return set(turn.session.scalars(query, values)) if ids else set()


def _true(turn: Turn, runs: Sequence[Run], condition: str) -> set[UUID]:
    cards = {run.card for run in _going(runs) if run.card}
    holding = conditions.holding(turn.session, condition, cards, turn.at)
    return {run.id for run in runs if run.card in holding}


def _end(turn: Turn, runs: Sequence[Run], ids: set[UUID], state: str, reason: str, **detail: Any) -> None:
    for run in _going(runs):
        if run.id in ids:
            turn.end(run, state, reason, **detail)
