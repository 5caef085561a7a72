"""Decisions and their undo: values return on both sides, what somebody touched since is left alone."""

import pytest

from foundation import jobs
from foundation.database import transaction
from foundation.errors import BadInput
from sync import undo
from sync.directories import conflicts, decisions
from sync.directories.tables import Conflict, Push


@pytest.fixture
def conflict(world):
    """The e-mail was changed on both sides; the name only here, which the ledger owns."""
    world.shop.customer(1, email="anna@example.org")
    world.ledger.party(1, email="anna@example.org")
    world.pull()
    world.sync()
    world.ledger.party(1, email="boris@example.org")
    world.shop.customer(1, email="clara@example.org")
    world.pull()
    world.sync()
    with transaction(world.engine) as session:
        [one] = conflicts.waiting(session)
    return one


def decide(world, conflict, side):
    with transaction(world.engine) as session:
        done = decisions.decide(session, [conflict.id], side, "anna@example.org")
    jobs.run_until_idle(world.engine)
    return done


def waiting(world):
    return [(c.field, c.ours, c.theirs, c.reason) for c in world.all(Conflict) if c.state == "waiting"]


def test_a_decision_for_ours_is_pushed_and_taken_back(world, conflict):
    done = decide(world, conflict, "ours")
    party = world.ledger.things["counterparties"]["p1"]
    assert world.ledger.things["counterparties"]["p1"]["email"] == "clara@example.org"
    assert waiting(world) == [] and party["name"] == "Person Number1"
    assert world.rows(world.plan()) == []
    assert world.undo(done.operation.id) == []
    assert world.ledger.things["counterparties"]["p1"]["email"] == "boris@example.org"
    assert waiting(world) == [("email", "clara@example.org", "boris@example.org", "undone")]
    assert world.rows(world.plan()) == []  # it isn't done again by itself


def test_a_decision_for_theirs_stands_on_the_card_until_taken_back(world, conflict):
    done = decide(world, conflict, "theirs")
    assert world.card("Person Number1").email == "boris@example.org"
    assert world.rows(world.plan()) == []
    assert world.undo(done.operation.id) == []
    assert waiting(world) == [("email", "clara@example.org", "boris@example.org", "undone")]
    world.shop.customer(1, email="boris@example.org")
    world.pull()
    world.sync()
    assert waiting(world) == []


def test_what_somebody_touched_since_is_left_alone(world, conflict):
    done = decide(world, conflict, "ours")
    world.ledger.party(1, email="dana@example.org")
    world.pull()
    assert world.undo(done.operation.id) == ["Person Number1, email: it has changed since"]
    assert world.ledger.things["counterparties"]["p1"]["email"] == "dana@example.org"


def test_a_conflict_that_moved_is_left_alone(world, conflict):
    world.ledger.party(1, email="dana@example.org")
    world.pull()
    assert decide(world, conflict, "ours").left_alone == ["Person Number1, email: it has changed since"]
    world.sync()
    assert waiting(world) == [("email", "clara@example.org", "dana@example.org", "both")]


def test_undoing_the_first_meeting_leaves_a_pair_that_waits(world):
    world.shop.customer(1, phone="+77011112233")
    world.ledger.party(1)
    world.pull()
    run = world.sync()
    assert world.ledger.things["counterparties"]["p1"]["phone"] == "+77011112233"
    assert world.undo(run.operation_id) == []
    assert [link.state for link in world.links()] == ["waiting"]
    assert world.ledger.things["counterparties"]["p1"]["phone"] == ""
    assert world.plan().counts["waiting"] == 1
    with transaction(world.engine) as session:
        decisions.pair(session, world.links()[0].id, True, "anna@example.org")
    assert world.fields(world.plan())[-1] == ("p1", "phone", "push", "only_here")


def test_what_has_not_left_is_taken_back_for_good(world, conflict):
    with transaction(world.engine) as session:
        done = decisions.decide(session, [conflict.id], "ours", "anna@example.org")
        left = undo.undo(session, done.operation.id, "anna@example.org").left_alone
    jobs.run_until_idle(world.engine)
    assert left == [] and [p.state for p in world.all(Push)] == ["cancelled"]
    assert world.ledger.pushes == []


def test_deciding_nothing_is_refused(world, conflict):
    decide(world, conflict, "theirs")
    with pytest.raises(BadInput, match="None of these"):
        decide(world, conflict, "ours")
