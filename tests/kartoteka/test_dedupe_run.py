"""`kartoteka dedupe plan`, `run` and `evaluate` on an installation."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from foundation.database import transaction
from kartoteka.terminal import USAGE
from tests.customers.world import count
from tests.sync.dedupe.twins import twins


@pytest.fixture
def people(engine: Engine) -> None:
    with transaction(engine) as session:
        twins(session, 2)


def live(engine: Engine) -> int:
    with transaction(engine) as session:
        return count(session, "customers WHERE live")


def test_plan_run_undo(kartoteka, engine: Engine, people: None) -> None:
    plan = kartoteka("dedupe", "plan", "--json").json
    assert (plan["joins"], plan["asks"], plan["cards"], live(engine)) == (2, 1, 7, 7)
    assert "the same birthday" in plan["examples_joined"][0]["why"]
    done = kartoteka("dedupe", "run", plan["plan"], "--json").json
    assert (done["joined"], done["asked"], done["left"], done["state"]) == (2, 1, 0, "done")
    assert live(engine) == 5
    again = kartoteka("dedupe", "run", plan["plan"])
    assert again.status and "This plan is done" in again.errors
    assert "undone" in kartoteka("undo", done["operation"]).text and live(engine) == 7
    text = kartoteka("dedupe", "plan").text
    assert "2 pairs would be joined" in text and "Carry out: kartoteka dedupe run" in text
    text = kartoteka("dedupe", "run").text
    assert "2 pairs joined, 1 wait for a person." in text and "Undo: kartoteka undo" in text
    assert "There is nothing to do" in kartoteka("dedupe", "run").text
    (pair,) = kartoteka("dedupe", "--json").json["data"]
    assert pair["rule"] == "model" and 0.5 < pair["score"] < 1


def test_run_is_cancelled(kartoteka, people: None) -> None:
    plan = kartoteka("dedupe", "plan", "--json").json["plan"]
    assert kartoteka("dedupe", "run", "--cancel", plan, "--json").json["state"] == "cancelled"
    again = kartoteka("dedupe", "run", plan)
    assert again.status and "This plan is cancelled" in again.errors


def test_evaluate(kartoteka, people: None, tmp_path: Path) -> None:
    assert "0 pairs are one customer" in kartoteka("dedupe", "evaluate").text
    truth = tmp_path / "truth.csv"
    truth.write_text("id,cluster\na00,1\na0,1\nb0,1\na1,2\nb1,2\n", "utf-8")
    text = kartoteka("dedupe", "evaluate", "--truth", truth).text
    assert "2 pairs are one customer" in text and "precision 100.00%, recall 100.00%" in text
    assert kartoteka("dedupe", "evaluate", "--truth", truth, "--json").json["unknown"] == 1


def test_a_pair_is_not_both(kartoteka) -> None:
    pair = "01a206b9-c0de-76f8-84d6-efc6170e5669"
    answer = kartoteka("dedupe", "--join", pair, "--apart", pair)
    assert answer.status == USAGE and "One pair at a time" in answer.errors
