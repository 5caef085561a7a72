"""Runs of matching at the console: planned, looked at, carried out, explained on the card, taken back."""

import csv

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from console.pages import matching_export
from customers.tables import Customer
from foundation.database import transaction
from foundation.jobs import run_until_idle
from sync import jobs
from sync.dedupe import planning
from tests.console.conftest import Browser
from tests.console.test_queries import counted
from tests.sync.dedupe.twins import twins

assert jobs  # imported for the jobs they register
EVIL = "Zosima <script>alert(1)</script>"


@pytest.fixture
def people(engine: Engine) -> None:
    with transaction(engine) as session:
        twins(session, 2)


def live(engine: Engine) -> int:
    with Session(engine) as session:
        return session.query(Customer).where(Customer.live).count()


def planned(browser: Browser, engine: Engine) -> str:
    """The address of a run that is planned."""
    browser.see("/duplicates/runs")
    page = browser.submit("/duplicates/runs").headers["location"]
    assert browser.submit("/duplicates/runs").headers["location"] == page, "one plan at a time"
    assert "data-reload" in browser.see(page)
    run_until_idle(engine)
    return page


def test_from_plan_to_undo(browser: Browser, engine: Engine, people: None) -> None:
    assert "No run yet" in browser.see("/duplicates/runs")
    assert '"/duplicates/runs"' in browser.see("/duplicates")
    page = planned(browser, engine)
    seen = browser.see(page)
    assert "Join 2 pairs" in seen and "Afinogen Panaruk" in seen and "the same birthday (+" in seen
    assert "What the score is made of" in seen and "<rect class=" in seen
    before = live(engine)
    browser.submit(page)
    assert "Joining cards" in browser.see(page)
    run_until_idle(engine)
    seen = browser.see(page)
    assert live(engine) == before - 2 and "Undo all of it" in seen and "Pairs that wait" in seen
    with Session(engine) as session:
        found = session.execute(text("SELECT p.customer_id, l.operation_id FROM profile_links l"
            " JOIN profiles p ON p.id = l.profile_id WHERE l.rule = 'model' LIMIT 1"))  # fmt: skip
        card, operation = found.one()
    links = browser.see(f"/customers/{card}?tab=links")
    assert "found by matching" in links and "the same birthday (+" in links and "<rect class=" in links
    assert "likeness" in browser.see("/duplicates?rule=model")
    seen = browser.see(f"/operations/{operation}")
    assert f'"{page}"' in seen and "asked no more" in seen and "Pairs joined" in seen
    browser.submit(f"/operations/{operation}/undo")
    assert live(engine) == before and "undone" in browser.see(page)
    assert page in browser.see("/duplicates/runs")


def test_all_pairs_of_a_run_are_a_file(
    browser: Browser, engine: Engine, people: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching_export, "PAGE", 2)
    page = planned(browser, engine)
    assert f'"{page}/pairs.csv"' in browser.see(page)
    with transaction(engine) as session:
        session.execute(text('UPDATE match_pairs SET evidence = evidence || \'{"why": "=cmd()"}\''))
        session.execute(text("UPDATE match_pairs SET bits = -1.5 WHERE number = 0"))
        number = session.scalar(text("SELECT count(*) FROM match_pairs"))
    rows = list(csv.DictReader(browser.see(f"{page}/pairs.csv").lstrip("\ufeff").splitlines()))
    assert len(rows) == number and {row["would"] for row in rows} == {"be joined", "wait for a person"}
    assert {row["why"] for row in rows} == {"'=cmd()"} and all(row["left_card"] for row in rows)
    assert {row["came_of_it"] for row in rows} == {""} and rows[0]["bits"] == "-1.5"
    browser.submit(page)
    run_until_idle(engine)
    rows = list(csv.DictReader(browser.see(f"{page}/pairs.csv").lstrip("\ufeff").splitlines()))
    assert {row["came_of_it"] for row in rows} == {"joined", "asked about"}


def test_many_are_joined_only_by_saying_so_twice(
    browser: Browser, engine: Engine, people: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "FEW", 0)
    monkeypatch.setattr(planning, "MANY", 0.1)
    page = planned(browser, engine)
    assert "2 of 7 cards would go into others" in browser.see(page)
    browser.submit(page, 422)
    browser.submit(page, anyway="yes")
    browser.see(page)
    browser.submit(f"{page}/cancel")
    run_until_idle(engine)
    assert "stopped" in browser.see(page) and live(engine) == 7


def test_hostile_names_are_shown_as_they_are(browser: Browser, engine: Engine, people: None) -> None:
    with transaction(engine) as session:
        query = (
            "UPDATE profiles SET record = record || jsonb_build_object('name', CAST(:name AS text))"
            " WHERE external_id IN ('a0', 'b0')"
        )
        session.execute(text(query), {"name": EVIL})
    seen = browser.see(planned(browser, engine))
    assert "<script>alert" not in seen and "Zosima &lt;script&gt;" in seen


def test_strangers_and_wrong_addresses(browser: Browser, stranger: Browser) -> None:
    assert stranger.get("/duplicates/runs", follow_redirects=False).status_code == 303
    browser.see(f"/duplicates/runs/{'0' * 8}-0000-0000-0000-{'0' * 12}", 404)
    browser.see("/duplicates/runs/nonsense", 404)


def test_queries_do_not_grow(browser: Browser, engine: Engine, people: None) -> None:
    page = planned(browser, engine)
    browser.see(page)
    for path, most in ((page, 6), ("/duplicates/runs", 3)):
        with counted(engine) as sent:
            browser.see(path)
        assert len(sent) <= most, (path, len(sent))
