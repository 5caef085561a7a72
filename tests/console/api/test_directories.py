"""Directories as scripts drive them: pairs, plans, applying, conflicts, pairs in doubt."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import delete

from console.api.openapi import describe
from foundation import jobs
from foundation.database import transaction
from sync import connections
from sync.directories import keeping
from sync.directories.tables import Directory
from tests import ledgers, shops

API = "/api/v1"


class Both:
    """A shop and a ledger that have three customers in common, and the directory between them."""

    def __init__(self, engine, sealer) -> None:
        self.engine = engine
        with transaction(engine) as session:
            self.here = connections.create(session, sealer, "fake", "Shop", {"shop": "shop"}).id
            self.there = connections.create(session, sealer, "ledger", "Ledger", {}).id
            self.directory = keeping.add(session, self.there, "counterparties").id
        self.shop, self.ledger = shops.Shop("shop"), ledgers.Ledger()
        for number in (1, 2, 3):
            self.shop.customer(number, email=f"n{number}@example.org", phone=f"+7701111223{number}")
            self.ledger.party(number, email=f"n{number}@example.org")
        self.pull()

    def pull(self) -> None:
        ledgers.pull(self.engine, self.here, self.there)

    def work(self) -> None:
        jobs.run_until_idle(self.engine)


@pytest.fixture
def both(whole, engine, sealer) -> Iterator[Both]:
    shops.install()
    ledgers.install()
    yield Both(engine, sealer)
    shops.SHOPS.clear()
    shops.uninstall()
    ledgers.uninstall()


def planned(writer, both):
    answer = writer.post(f"{API}/connections/{both.there}/plans")
    assert answer.status_code == 201
    return answer.json()


def applied(writer, both):
    plan = planned(writer, both)
    answer = writer.post(f"{API}/plans/{plan['id']}/apply", json={"hash": plan["hash"]})
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{API}/runs/{answer.json()['id']}"
    both.work()
    run = writer.get(answer.headers["location"]).json()
    assert (run["state"], run["error"]) == ("done", None)
    return plan


def disputed(writer, both):
    """All three have another e-mail on each side."""
    applied(writer, both)
    for number in (1, 2, 3):
        both.shop.customer(number, email=f"here{number}@example.org", phone=f"+7701111223{number}")
        both.ledger.party(number, email=f"there{number}@example.org")
    both.pull()
    applied(writer, both)
    return writer.get(f"{API}/conflicts").json()["data"]


def test_a_directory_says_what_it_holds(writer, both):
    [listed] = writer.get(f"{API}/directories").json()["data"]
    assert listed["connection"] == "Ledger" and listed["what"] == "counterparties" and listed["pairs"] == 0
    applied(writer, both)
    shown = writer.get(f"{API}/directories/{both.directory}").json()
    assert (shown["pairs"], shown["waiting"], shown["conflicts"]) == (3, 0, 0)
    assert set(shown) == set(listed)


def test_a_plan_is_looked_at_and_applied(writer, both):
    plan = planned(writer, both)
    assert plan["counts"]["linked"] == 3 and plan["state"] == "made"
    assert writer.get(f"{API}/plans/{plan['id']}").json() == plan
    assert writer.get(f"{API}/plans", params={"connection": str(both.there)}).json()["data"] == [plan]
    assert writer.get(f"{API}/plans", params={"connection": str(both.here)}).json()["data"] == []
    first = writer.get(f"{API}/plans/{plan['id']}/changes", params={"limit": 2}).json()
    rest = writer.get(f"{API}/plans/{plan['id']}/changes", params={"cursor": first["next"]}).json()
    told = first["data"] + rest["data"]
    assert [one["external_id"] for one in told] == ["p1", "p2", "p3"] and rest["next"] is None
    assert "+77011112231" in " ".join(told[0]["lines"]) and told[0]["detail"]["match"]["by"] == "email"
    applied(writer, both)
    assert both.ledger.things["counterparties"]["p2"]["phone"] == "+77011112232"


def planned_later(writer, both, monkeypatch):
    monkeypatch.setattr("console.api.directories.AT_ONCE", 2)
    answer = writer.post(f"{API}/connections/{both.there}/plans")
    assert answer.status_code == 202 and answer.json()["state"] == "planning"
    assert answer.headers["location"] == f"{API}/plans/{answer.json()['id']}"
    return answer


def test_a_large_plan_is_made_in_the_background(writer, both, monkeypatch):
    answer = planned_later(writer, both, monkeypatch)
    assert planned_later(writer, both, monkeypatch).json()["id"] == answer.json()["id"], "one at a time"
    early = writer.post(f"{API}/plans/{answer.json()['id']}/apply", json={"hash": ""})
    assert early.status_code == 409 and "still being made" in early.json()["detail"]
    both.work()
    plan = writer.get(answer.headers["location"]).json()
    assert plan["state"] == "made" and plan["counts"]["linked"] == 3 and plan["hash"]
    assert len(writer.get(f"{API}/plans/{plan['id']}/changes").json()["data"]) == 3
    both.work()
    assert writer.get(f"{API}/plans").json()["data"] == [plan]
    assert planned_later(writer, both, monkeypatch).json()["id"] != plan["id"]


def test_a_plan_that_can_not_be_made_says_why(writer, both, engine, monkeypatch):
    answer = planned_later(writer, both, monkeypatch)
    with transaction(engine) as session:
        session.execute(delete(Directory))
    both.work()
    plan = writer.get(answer.headers["location"]).json()
    assert plan["state"] == "failed" and "kept equal" in plan["guard"]
    late = writer.post(f"{API}/plans/{plan['id']}/apply", json={"hash": ""})
    assert late.status_code == 409 and "failed" in late.json()["detail"]


def test_cards_that_would_be_made_there_make_a_plan_large(both, engine):
    both.shop.customer(4, email="n4@example.org")
    both.pull()
    with transaction(engine) as session:
        assert not keeping.large(session, both.there, 3)
        keeping.change(session, session.get_one(Directory, both.directory), creates="all")
        assert keeping.large(session, both.there, 6) and not keeping.large(session, both.there, 7)


def test_the_first_plan_chooses_what_is_kept_equal(writer, both, engine):
    with transaction(engine) as session:
        session.execute(delete(Directory))
    assert planned(writer, both)["counts"]["linked"] == 3


def test_a_plan_is_applied_once_whatever_is_repeated(writer, both):
    plan = planned(writer, both)
    address, body = f"{API}/plans/{plan['id']}/apply", {"hash": plan["hash"]}
    first = writer.post(address, json=body, headers={"Idempotency-Key": "one"})
    again = writer.post(address, json=body, headers={"Idempotency-Key": "one"})
    assert first.json() == again.json() and again.headers["Idempotent-Replayed"] == "true"
    both.work()
    late = writer.post(address, json=body)
    assert late.status_code == 409 and "applied" in late.json()["detail"]


def test_a_plan_is_refused_when_something_has_moved_or_another_was_meant(writer, both):
    plan = planned(writer, both)
    address = f"{API}/plans/{plan['id']}/apply"
    wrong = writer.post(address, json={"hash": "0" * 32})
    assert wrong.status_code == 400 and wrong.json()["errors"][0]["at"] == "/hash"
    both.ledger.party(2, email="n2@example.org", name="Somebody Else")
    both.pull()
    moved = writer.post(address, json={"hash": plan["hash"]})
    assert moved.status_code == 409 and "moved" in moved.json()["detail"]
    assert both.ledger.pushes == [] and writer.get(f"{API}/runs").json()["data"][0]["kind"] != "directory"


def test_pairs_have_both_sides_and_filters(writer, both):
    disputed(writer, both)
    both.shop.customer(9, email="only@example.org")
    both.pull()
    address = f"{API}/directories/{both.directory}/pairs"

    def shown(show, **more):
        return writer.get(address, params={"show": show, **more}).json()

    [email] = [one for one in shown("differs")["data"][0]["fields"] if one["field"] == "email"]
    wanted = {"ours": "here1@example.org", "theirs": "there1@example.org", "differs": True, "waits": True}
    assert email == {"field": "email", **wanted}
    assert len(shown("waiting")["data"]) == 3 and shown("only_there")["data"] == []
    [alone] = shown("only_here")["data"]
    assert alone["state"] == "only_here" and alone["fields"] == []
    seen, cursor = [], None
    while True:
        page = shown("all", limit=1, **({"cursor": cursor} if cursor else {}))
        seen += [one["external_id"] for one in page["data"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == ["p1", "p2", "p3"]


@pytest.mark.parametrize("show", ["all", "only_here"])
@pytest.mark.parametrize(
    "cursor", ["nonsense", "WzFd", "WyJcdTAwMDAiXQ", "WyJhIiwiYiJd", "WyLDqSJd", "W251bGxd"]
)
def test_a_made_up_cursor_breaks_nothing(writer, both, show, cursor):
    asked = {"show": show, "cursor": cursor}
    answer = writer.get(f"{API}/directories/{both.directory}/pairs", params=asked)
    assert answer.status_code in (200, 400)


def test_conflicts_are_decided_one_by_one_and_in_bulk_and_taken_back(writer, both):
    waiting = disputed(writer, both)
    said = {name: waiting[0][name] for name in ("base", "ours", "theirs")}
    assert said == {"base": "n1@example.org", "ours": "here1@example.org", "theirs": "there1@example.org"}
    asked = {"conflicts": [waiting[0]["id"]], "side": "ours"}
    done = writer.post(f"{API}/conflicts/decide", json=asked).json()
    assert (done["decided"], done["left_alone"]) == (1, [])
    rest = {"conflicts": [one["id"] for one in waiting[1:]], "side": "theirs"}
    assert writer.post(f"{API}/conflicts/decide", json=rest).json()["decided"] == 2
    both.work()
    assert both.ledger.things["counterparties"]["p1"]["email"] == "here1@example.org"
    assert writer.get(f"{API}/conflicts").json()["data"] == []
    again = writer.post(f"{API}/conflicts/decide", json=asked)
    assert again.status_code == 409
    assert writer.post(f"{API}/operations/{done['operation_id']}/undo").status_code == 202
    both.work()
    assert both.ledger.things["counterparties"]["p1"]["email"] == "there1@example.org"


def test_what_was_overwritten_says_why(writer, both):
    waiting = disputed(writer, both)
    asked = {"conflicts": [one["id"] for one in waiting], "side": "ours"}
    done = writer.post(f"{API}/conflicts/decide", json=asked).json()
    both.work()
    address = f"{API}/operations/{done['operation_id']}/overwritten"
    first = writer.get(address, params={"limit": 2}).json()
    rest = writer.get(address, params={"cursor": first["next"]}).json()
    assert rest["next"] is None
    found = {one["external_id"]: one for one in first["data"] + rest["data"]}
    assert len(first["data"]) == 2 and set(found) == {"p1", "p2", "p3"}
    wanted = {
        "directory": "counterparties", "field": "email", "side": "there", "place": "Ledger",
        "was": "there1@example.org", "now": "here1@example.org", "reason": "person", "sent": "done",
    }  # fmt: skip
    assert {name: found["p1"][name] for name in wanted} == wanted
    assert writer.get(f"{API}/operations/{uuid4()}/overwritten").status_code == 404


def test_conflicts_come_in_pages_and_of_one_directory(writer, both):
    waiting = disputed(writer, both)
    first = writer.get(f"{API}/conflicts", params={"limit": 2, "directory": str(both.directory)}).json()
    rest = writer.get(f"{API}/conflicts", params={"cursor": first["next"]}).json()
    assert first["data"] + rest["data"] == waiting and rest["next"] is None
    assert writer.get(f"{API}/conflicts", params={"directory": str(uuid4())}).json()["data"] == []


@pytest.mark.parametrize("same", [True, False])
def test_a_doubtful_pair_is_settled(writer, both, same):
    for number in (6, 7):
        both.shop.customer(number, name=f"Altyn Trade {'ABCDEFGH'[number]}", email="")
        both.ledger.party(number, name=f"Altyn Trade {'ABCDEFGH'[number]}", email="", kind="company")
    both.pull()
    applied(writer, both)
    first = writer.get(f"{API}/doubtful-pairs", params={"limit": 1}).json()
    rest = writer.get(f"{API}/doubtful-pairs", params={"cursor": first["next"]}).json()
    assert rest["next"] is None
    [one], [other] = first["data"], rest["data"]
    assert {one["theirs"], other["theirs"]} == {"Altyn Trade G", "Altyn Trade H"} and one["reason"] == "name"
    address = f"{API}/doubtful-pairs/{one['id']}"
    assert writer.post(address, json={"same": same}).json()["decided"] == 1
    assert writer.post(address, json={"same": same}).status_code == 409
    assert [left["id"] for left in writer.get(f"{API}/doubtful-pairs").json()["data"]] == [other["id"]]
    shown = writer.get(f"{API}/directories/{both.directory}/pairs").json()["data"]
    assert {each["external_id"]: each["state"] for each in shown}[one["external_id"]] == (
        "linked" if same else "refused"
    )


def test_reading_is_not_writing_and_what_is_not_there_is_not_found(reader, writer, both):
    nobody = uuid4()
    for path in ("directories/{}", "directories/{}/pairs", "plans/{}", "plans/{}/changes"):
        assert reader.get(f"{API}/{path.format(nobody)}").status_code == 404
    acts = {
        f"connections/{both.there}/plans": None, f"plans/{nobody}/apply": {"hash": ""},
        "conflicts/decide": {"conflicts": [str(nobody)], "side": "ours"},
        f"doubtful-pairs/{nobody}": {"same": True},
    }  # fmt: skip
    for path, body in acts.items():
        assert reader.post(f"{API}/{path}", json=body).status_code == 403
    assert writer.post(f"{API}/connections/{nobody}/plans").status_code == 404
    assert writer.post(f"{API}/plans/{nobody}/apply", json={"hash": ""}).status_code == 404
    assert writer.post(f"{API}/doubtful-pairs/{nobody}", json={"same": True}).status_code == 404
    nothing_kept = writer.post(f"{API}/connections/{both.here}/plans")
    assert nothing_kept.status_code == 400 and "kept equal" in nothing_kept.json()["detail"]


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"conflicts": [], "side": "ours"}, "/conflicts"),
        ({"conflicts": [str(uuid4())] * 201, "side": "ours"}, "/conflicts"),
        ({"conflicts": ["no"], "side": "ours"}, "/conflicts[0]"),
        ({"conflicts": [str(uuid4())], "side": "both"}, "/side"),
        ({"side": "ours"}, "/"),
    ],
)
def test_a_decision_that_cannot_be_read_says_where(writer, both, body, at):
    answer = writer.post(f"{API}/conflicts/decide", json=body)
    assert answer.status_code == 400 and answer.json()["errors"][0]["at"].startswith(at)


def test_every_endpoint_has_a_name_of_its_own():
    names = [one["operationId"] for path in describe()["paths"].values() for one in path.values()]
    assert len(names) == len(set(names))
