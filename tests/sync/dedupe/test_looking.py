"""A look for those who arrive: what it asks the database."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from sync.dedupe import arrivals, kept
from sync.dedupe.kept import Kept
from tests.customers.world import rows, say, shop
from tests.sync.dedupe.test_arrivals_equal_runs import everybody, looked, ready
from tests.sync.dedupe.twins import man, twins

_PLANS = (
    "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%array_agg(f.%'"
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries of looks."""
    queries, ask = list[str](), kept._ask

    def asking(session: Session, query: str, *values: list[Any]) -> list[tuple[Any, ...]]:
        queries.append(query)
        return ask(session, query, *values)

    monkeypatch.setattr(kept, "_ask", asking)
    return queries


def called(session: Session, word: str) -> Kept:
    return next(one for one in everybody(session) if word in one.prepared.name.words)


def test_one_who_arrives_costs_one_query(session: Session, asked: list[str]) -> None:
    twins(session, 2)
    ready(session)
    assert len(looked(session, [called(session, "panaruk")])) == 1
    assert asked == [kept._HOLDERS]


def test_words_of_names_with_nothing_in_common_are_not_asked_for(session: Session, asked: list[str]) -> None:
    say(session, shop(session), man("a", 0), man("a", 3))
    ready(session)
    assert len(looked(session, [called(session, "panaruk")])) == 1
    assert asked == [kept._HOLDERS]


def test_words_that_only_others_say_cost_another(session: Session, asked: list[str]) -> None:
    say(session, shop(session), man("a"), man("b", name="Avdey Panaruk"))
    ready(session)
    assert len(looked(session, [called(session, "avdei")])) == 1
    assert asked == [kept._HOLDERS, kept._WORDS]


def test_queries_of_a_look_are_planned_once(session: Session) -> None:
    twins(session, 2)
    ready(session)
    arrivals.somebody_waits(session)
    for _ in range(3):
        looked(session, everybody(session))
    assert [tuple(row) for row in rows(session, _PLANS)] == [(3, 0)]
