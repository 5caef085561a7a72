"""The page of scores: honest figures, filters that can be shared, words of strangers, a CSV."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from email_campaigns.delivery import engine as sending
from foundation import clock as time
from foundation import context
from foundation.context import Context
from tests.console.conftest import Browser
from tests.console.test_queries import counted
from tests.email_campaigns.mailings import world
from tests.email_campaigns.mailings.world import Desk
from tests.email_campaigns.results.answering import answer, journey, step

EVIL = "<img src=x onerror=alert(1)>"
DAY = timedelta(days=1)


@pytest.fixture
def desk(engine: Engine, settings: Any, sealer: Any, tmp_path: Any, clock: Any) -> Any:
    context.use(Context(settings, sealer))
    yield world.build(engine, sealer, tmp_path / "letters")
    sending.rest(engine)
    context.use(None)


def answered(desk: Desk, people: int = 40) -> tuple[UUID, UUID]:
    """Two journeys, people who answered the first, and one who answered the second."""
    desk.crowd(people)
    first, second = journey(desk), journey(desk, "Second")
    for person in range(people):
        words = f"Said by {person}" if person % 4 == 0 else ""
        answer(desk, person, (10, 9, 7, 3)[person % 4], step(first), words, time.now() - person * DAY / 8)
    answer(desk, 1, 2, step(second), EVIL)
    return first, second


def test_nobody_has_answered(browser: Browser, desk: Desk) -> None:
    text = browser.see("/scores")
    assert "Nobody has answered yet" in text and "/journeys/new?trigger=nps" in text
    assert 'href="/scores"' in browser.see("/journeys")


def test_the_score_and_who_asked(browser: Browser, desk: Desk) -> None:
    first, second = answered(desk)
    text = browser.see("/scores")
    assert "<b>+20</b>" in text  # 19 would, 11 would not, of 40
    assert 'class="chart"' in text and "too early to say" in text
    assert "How was it" in text and "Second" in text and EVIL not in text and "&lt;img" in text
    one = browser.see(f"/scores?asked=journey:{second}:n1")
    assert "only Second" in one and "Said by" not in one and "too early to say" in one
    assert browser.see(f"/scores?asked=journey:{first}&days=30").count("Said by") == 10


def test_the_journey_leads_to_its_answers(browser: Browser, desk: Desk) -> None:
    first, _second = answered(desk)
    desk.do(
        "INSERT INTO journey_runs (id, journey_id, version, trigger_key, profile_id, customer_id, entered_at,"
        " cause, context, at_step, waiting, due_at, state, reason, attempts, letters, created_at)"
        " SELECT gen_random_uuid(), :journey, 1, 'x', id, customer_id, :at, '{}', '{}', '', false, :at,"
        " 'done', '', 0, '{}', :at FROM profiles WHERE external_id = 'p1'",
        journey=first, at=time.now(),
    )  # fmt: skip
    assert f'href="/scores?asked=journey:{first}"' in browser.see(f"/journeys/{first}/results")


def test_filters_are_addresses(browser: Browser, desk: Desk) -> None:
    first, _second = answered(desk)
    text = browser.see(f"/scores?asked=journey:{first}&group=detractors&days=365")
    answers = text[text.index('id="answers"') :]
    assert "Said by" not in answers and answers.count('class="tag bad"') == 10
    assert f"asked=journey%3A{first}" in answers and "days=365" in answers
    said = browser.see("/scores?group=promoters&said=yes")
    assert said.count("Said by") == 10 and said.count('class="tag good"') == 10


def test_pages_of_answers(browser: Browser, desk: Desk) -> None:
    answered(desk, 60)
    text = browser.see("/scores")
    older = text.split('rel="next"')[0].rpartition('href="')[2].split('"')[0].replace("&amp;", "&")
    assert text.count("tag good") + text.count("tag bad") + text.count('class="tag "') == 50
    assert browser.see(older).count("Said by") == 2  # of 49 to 59


@pytest.mark.parametrize("path", ["?asked=x", "?asked=journey:1", "?after=x", "?asked=mailing:%00"])
def test_addresses_of_strangers(browser: Browser, desk: Desk, path: str) -> None:
    assert browser.get(f"/scores{path}").status_code in (400, 404, 422)
    assert browser.get("/scores?days=-1&group=x&said=%00").status_code == 200


def test_everything_as_csv(browser: Browser, desk: Desk) -> None:
    first, second = answered(desk)
    answer(desk, 3, 1, step(second), "=HYPERLINK(1)")
    got = browser.get("/scores/export.csv")
    assert (
        got.headers["content-type"].startswith("text/csv")
        and "attachment" in got.headers["content-disposition"]
    )
    rows = list(csv.DictReader(io.StringIO(got.text.removeprefix("\ufeff"))))
    assert len(rows) == 42 and rows[0]["comment"] == "'=HYPERLINK(1)"
    assert {(row["asked_by"], row["step"]) for row in rows} == {
        (f"journey:{first}", "n1"), (f"journey:{second}", "n1")
    }  # fmt: skip
    few = browser.get(f"/scores/export.csv?asked=journey:{second}&group=detractors&said=yes").text
    assert len(few.strip().splitlines()) == 3


def test_it_costs_its_queries(browser: Browser, engine: Engine, desk: Desk) -> None:
    answered(desk)
    with counted(engine) as sent:
        browser.get("/scores")
    assert len(sent) == 5
