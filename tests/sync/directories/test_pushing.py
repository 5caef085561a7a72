"""What is on its way: refused, delayed, cut off, overtaken, kept in another form, in order."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from foundation import clock, jobs, outcomes, problems, running
from foundation.database import transaction
from foundation.errors import BadInput, Misconfigured, Temporary
from foundation.heartbeat import Heartbeat
from foundation.tables import Problem
from sync import connections
from sync.directories import jobs as runs
from sync.directories import keeping
from sync.directories.tables import Directory, DirectoryPlan, Push
from sync.tables import Connection
from tests.faults import Killed


@pytest.fixture
def paired(world):
    """One customer on both sides; the shop has learned a phone."""
    world.shop.customer(1)
    world.ledger.party(1)
    world.pull()
    world.sync()
    world.shop.customer(1, phone="+77014445566")
    world.pull()
    return world


def due(world):
    """What waits for its next try is due now; what a dead process held is free."""
    past = {"past": clock.now() - timedelta(days=1)}
    with world.engine.begin() as db:
        db.execute(text("UPDATE jobs SET run_at = :past, lease_until = :past"), past)
    outcomes.sweep(world.engine)
    jobs.run_until_idle(world.engine)


def test_a_refused_value_is_shown_and_not_tried_again_by_itself(paired):
    paired.ledger.fail = [BadInput("no such operator", "phone")]
    paired.sync()
    assert [p.state for p in paired.all(Push)] == ["failed"]
    [problem] = [one for one in paired.all(Problem) if one.area == "push"]
    assert "no such operator" in problem.message
    again = paired.plan()
    assert paired.rows(again) == [] and again.counts["stuck"] == 1
    with transaction(paired.engine) as session:
        problems.retry(session, problem.id)
    jobs.run_until_idle(paired.engine)
    assert paired.ledger.things["counterparties"]["p1"]["phone"] == "+77014445566"
    assert [one.state for one in paired.all(Problem) if one.area == "push"] == ["solved"]


def test_a_ledger_that_is_away_gets_it_later(paired):
    paired.ledger.fail = [Temporary("away")]
    paired.sync()
    [push] = paired.all(Push)
    assert (push.state, push.attempts) == ("sent", 1)
    assert paired.plan().counts["busy"] == 1  # nothing is decided about what is on its way
    due(paired)
    [push] = paired.all(Push)
    assert (push.state, push.attempts, push.version == "") == ("done", 2, False)


def test_a_ledger_that_refuses_us_waits_for_a_person(paired):
    paired.ledger.fail = [Misconfigured("its user may not write parties", "user")]
    paired.sync()
    with transaction(paired.engine) as session:
        connection = session.get_one(Connection, paired.all(Push)[0].connection_id)
        assert connection.state == "paused" and "Setting: user." in connection.paused_why
    [problem] = [one for one in paired.all(Problem) if one.area == "push"]
    assert "may not write parties" in problem.message
    due(paired)
    assert [p.state for p in paired.all(Push)] == ["sent"]
    with transaction(paired.engine) as session:
        connections.resume(session, session.get_one(Connection, connection.id))
    runs.run_due(paired.engine)
    jobs.run_until_idle(paired.engine)
    assert [p.state for p in paired.all(Push)] == ["done"]
    assert paired.ledger.things["counterparties"]["p1"]["phone"] == "+77014445566"
    assert [one.state for one in paired.all(Problem) if one.area == "push"] == ["solved"]


def test_a_process_that_dies_after_the_call_repeats_it_under_the_same_key(paired):
    def die():
        paired.ledger.after_write = lambda: None
        raise Killed

    paired.ledger.after_write = die
    with transaction(paired.engine) as session:
        runs.start(session, paired_plan(paired), "anna")
    heartbeat = Heartbeat(paired.engine)
    assert running.run_one(paired.engine, "test", heartbeat)
    with pytest.raises(Killed):
        running.run_one(paired.engine, "test", heartbeat)
    due(paired)
    assert len(paired.ledger.pushes) == 2 and len({change.key for _s, change in paired.ledger.pushes}) == 1
    assert len(paired.ledger.written) == 1 and paired.rows(paired.plan()) == []


def paired_plan(world):
    return world.plan().id


def test_what_staff_changed_after_a_lost_answer_is_a_change_of_theirs(paired):
    paired.ledger.fail = []

    def away():
        paired.ledger.after_write = lambda: None
        raise Temporary("the answer was lost")

    paired.ledger.after_write = away
    paired.sync()
    paired.ledger.party(1, phone="+77010000000")
    due(paired)
    paired.pull()
    assert paired.fields(paired.plan()) == [("p1", "phone", "push", "owner_here")]


def test_an_overtaken_push_is_decided_anew(paired):
    def edit():
        paired.ledger.before_write = lambda: None
        paired.ledger.party(1, name="Another Name")

    paired.ledger.before_write = edit
    paired.sync()
    assert [p.state for p in paired.all(Push)] == ["overtaken"]
    assert paired.ledger.things["counterparties"]["p1"]["name"] == "Another Name"
    paired.sync()
    party = paired.ledger.things["counterparties"]["p1"]
    assert (party["name"], party["phone"]) == ("Another Name", "+77014445566")
    assert paired.card("Another Name").phone == "+77014445566"


def test_what_the_ledger_cuts_short_is_no_change(world):
    world.ledger.longest = 6
    with transaction(world.engine) as session:
        keeping.change(session, session.query(Directory).one(), owners={"name": "ours"})
    world.shop.customer(1, name="Anna Petrova")
    world.ledger.party(1, name="Anna")
    world.pull()
    world.sync()
    assert world.ledger.things["counterparties"]["p1"]["name"] == "Anna P"
    for _again in range(2):
        world.pull()
        assert world.rows(world.plan()) == []
    world.ledger.party(1, name="Hanna")
    world.pull()
    assert world.fields(world.plan()) == [("p1", "name", "push", "owner_here")]


def test_counterparties_go_before_goods(world):
    with transaction(world.engine) as session:
        keeping.add(session, world.there, "nomenclature", world.here)
        for one in keeping.of(session, world.there):
            keeping.change(session, one, owners={"name": "ours"})
    world.shop.put("products", "s1", name="Kettle", sku="K-1")
    world.ledger.put("nomenclature", "g1", name="Electric kettle", sku="K-1")
    world.shop.customer(1, phone="+77014445566")
    world.ledger.party(1)
    world.pull()
    world.sync()
    assert [stream for stream, _change in world.ledger.pushes] == ["counterparties", "nomenclature"]
    assert [change.fields for _stream, change in world.ledger.pushes] == [("phones",), ("name",)]


def test_a_directory_that_runs_by_itself_asks_before_much_changes(world):
    for number in range(1, 24):
        world.shop.customer(number)
        world.ledger.party(number)
    world.pull()
    with transaction(world.engine) as session:
        keeping.change(session, session.query(Directory).one(), automatic=True)
    turn(world)
    assert len(world.links()) == 23 and world.all(DirectoryPlan)[0].state == "applied"
    for number in range(1, 10):
        world.shop.customer(number, phone=f"+770111122{number:02}")
    world.pull()
    turn(world)
    assert world.ledger.pushes == []
    [problem] = [one for one in world.all(Problem) if one.area == "directory"]
    assert problem.message == "This run would change 39 % of counterparties: waiting for you."
    with transaction(world.engine) as session:
        keeping.change(session, session.query(Directory).one(), most=39)
    assert "40 %" in world.plan().guard, "what is allowed isn't what it refuses"
    with transaction(world.engine) as session:
        keeping.change(session, session.query(Directory).one(), most=50)
    turn(world)
    assert len(world.ledger.pushes) == 9
    assert [one.state for one in world.all(Problem) if one.area == "directory"] == ["solved"]


def test_a_directory_that_runs_by_itself_goes_on_where_something_always_moves(world):
    for number in (1, 2):
        world.shop.customer(number, phone=f"+7701444556{number}")
        world.ledger.party(number)
    world.pull()
    made = world.plan()
    world.shop.customer(3, phone="+77019998877")
    world.ledger.party(3)
    world.shop.customer(2, phone="+77012223344")
    world.pull()
    with transaction(world.engine) as session:
        runs.start(session, made.id, "system", unseen=True)
    jobs.run_until_idle(world.engine)
    assert world.all(DirectoryPlan)[0].state == "applied" and len(world.links()) == 3
    world.pull()
    world.sync()
    assert world.plan().counts["changed"] == 0
    there = {key: one["phone"] for key, one in world.ledger.things["counterparties"].items()}
    assert list(there.values()) == ["+77014445561", "+77012223344", "+77019998877"]


def turn(world):
    """A quarter of an hour passes."""
    with world.engine.begin() as db:
        db.execute(text("UPDATE directories SET checked_at = checked_at - interval '1 day'"))
    runs.run_due(world.engine)
    jobs.run_until_idle(world.engine)
