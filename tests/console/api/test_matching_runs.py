"""Runs of matching as scripts drive them: planned, read pair by pair, carried out, taken back."""

from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from customers.tables import Customer
from foundation.database import transaction
from foundation.jobs import run_until_idle
from sync.dedupe import planning
from tests.sync.dedupe.twins import twins

RUNS = "/api/v1/matching-runs"


@pytest.fixture
def people(engine):
    with transaction(engine) as session:
        twins(session, 2)


def live(engine):
    with Session(engine) as session:
        return session.query(Customer).where(Customer.live).count()


def planned(writer, engine):
    answer = writer.post(RUNS)
    assert answer.status_code == 202 and answer.json()["state"] == "planning"
    assert answer.headers["location"] == f"{RUNS}/{answer.json()['id']}"
    assert writer.post(RUNS).json()["id"] == answer.json()["id"], "one plan at a time"
    run_until_idle(engine)
    return writer.get(answer.headers["location"]).json()


def start(writer, run, **more):
    return writer.post(f"{RUNS}/{run['id']}/start", json={"hash": run["hash"], **more})


def test_a_run_is_planned_read_carried_out_and_taken_back(writer, engine, people):
    run = planned(writer, engine)
    assert (run["state"], run["guard"], run["counts"]["joins"]) == ("planned", "", 2)
    assert writer.get(RUNS).json() == {"data": [run], "next": None}
    before = live(engine)
    assert start(writer, run).status_code == 202
    run_until_idle(engine)
    done = writer.get(f"{RUNS}/{run['id']}").json()
    assert (done["state"], done["done"], live(engine)) == ("done", done["total"], before - 2)
    undone = writer.post(f"/api/v1/operations/{done['operation_id']}/undo")
    assert undone.status_code == 202 and live(engine) == before
    assert writer.get(undone.headers["location"]).json()["id"] == done["operation_id"]
    assert writer.get(f"{RUNS}/{run['id']}").json()["state"] == "undone"


def test_pairs_come_by_portions_with_their_evidence(writer, engine, people):
    run = planned(writer, engine)
    address = f"{RUNS}/{run['id']}/pairs"
    first = writer.get(address, params={"limit": 1}).json()
    rest = writer.get(address, params={"limit": 200, "cursor": first["next"]}).json()
    pairs = first["data"] + rest["data"]
    assert [one["number"] for one in pairs] == list(range(run["total"])) and rest["next"] is None
    assert writer.get(address, params={"what": "joins"}).json()["data"] == [p for p in pairs if p["joins"]]
    assert writer.get(address, params={"what": "asks"}).json()["data"] == [
        one for one in pairs if not one["joins"]
    ]
    assert writer.get(address, params={"state": "joined"}).json()["data"] == []
    [pair, *_others] = [one for one in pairs if one["joins"]]
    assert pair["left"]["name"] and pair["left"]["customer_id"] != pair["right"]["customer_id"]
    assert "birthday" in pair["why"] and pair["weights"] and pair["score"] > 0.9
    start(writer, run)
    run_until_idle(engine)
    [joined, *_others] = writer.get(address, params={"state": "joined"}).json()["data"]
    assert joined["left"]["customer_id"] == joined["right"]["customer_id"]


def test_what_guards_a_run_is_told_and_has_to_be_overruled(writer, engine, people, monkeypatch):
    monkeypatch.setattr(planning, "FEW", 0)
    monkeypatch.setattr(planning, "MANY", 0.1)
    run = planned(writer, engine)
    assert "would go into others" in run["guard"]
    refused = start(writer, run)
    assert refused.status_code == 409 and "would go into others" in refused.json()["detail"]
    assert start(writer, run, anyway=True).status_code == 202


def test_only_the_plan_that_was_looked_at_is_carried_out_and_once(writer, engine, people):
    run = planned(writer, engine)
    wrong = writer.post(f"{RUNS}/{run['id']}/start", json={"hash": "0" * 32})
    assert wrong.status_code == 400 and wrong.json()["errors"][0]["at"] == "/hash"
    start(writer, run)
    again = start(writer, run)
    assert again.status_code == 409 and "running" in again.json()["detail"]


def test_a_run_is_stopped_once(writer, people):
    run = writer.post(RUNS).json()
    assert writer.post(f"{RUNS}/{run['id']}/cancel").json()["state"] == "cancelled"
    assert writer.post(f"{RUNS}/{run['id']}/cancel").status_code == 409
    assert writer.get(f"{RUNS}/{run['id']}").json()["state"] == "cancelled"


def test_who_may_only_read_starts_nothing(reader, whole, people):
    assert reader.get(RUNS).json()["data"] == []
    assert reader.post(RUNS).status_code == 403
    for path in (f"{RUNS}/{uuid4()}", f"{RUNS}/{uuid4()}/pairs"):
        assert reader.get(path).status_code == 404
