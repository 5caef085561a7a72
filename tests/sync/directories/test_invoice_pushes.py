"""Invoices on their way: behind their buyers, refused, cut off, overtaken, undone, many at once."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from foundation import jobs, problems, running
from foundation.database import transaction
from foundation.errors import BadInput, Temporary
from foundation.heartbeat import Heartbeat
from foundation.tables import Problem
from sync.directories import jobs as runs
from sync.directories.tables import DirectoryPlan, PlannedPair, Push
from sync.undo import undo
from tests.faults import Killed
from tests.sync.directories.billing import made_there, rule, told, waiting
from tests.sync.directories.test_pushing import due


def test_a_buyer_whom_the_ledger_refuses_holds_the_invoice_back(billing):
    billing.shop.customer(1)
    billing.shop.order(1, buyer=1)
    billing.pull()
    billing.ledger.fail = [BadInput("no such name", "name")]
    billing.sync()
    states = {p.stream: (p.state, p.error) for p in billing.all(Push)}
    assert states["invoices"] == ("overtaken", "the buyer isn't there yet")
    assert told(billing) == ["waits: the buyer isn't there yet"]
    with transaction(billing.engine) as session:
        [problem] = session.scalars(select(Problem).where(Problem.area == "push"))
        problems.retry(session, problem.id)
    jobs.run_until_idle(billing.engine)
    billing.sync()
    assert len(made_there(billing)) == 1


def test_a_ledger_that_is_away_between_both_gets_the_invoice_later(billing):
    billing.shop.customer(1)
    billing.shop.order(1, buyer=1)
    billing.pull()

    def away():
        billing.ledger.after_write = lambda: None
        raise Temporary("the line was cut")

    billing.ledger.after_write = away  # the buyer is made, its answer is lost
    billing.sync()
    assert made_there(billing) == [] and len(billing.ledger.things["counterparties"]) == 1
    assert {p.stream: p.state for p in billing.all(Push)} == {"counterparties": "sent", "invoices": "waiting"}
    assert billing.plan().counts["made"] == 0  # nothing is planned twice
    billing.ledger.before_write = lambda: setattr(
        billing.ledger, "after_write", away if billing.ledger.pushes[-1][0] == "invoices" else lambda: None
    )
    due(billing)  # the invoice is made, and its answer is lost, too
    billing.ledger.before_write = lambda: None
    billing.pull()
    billing.sync()
    due(billing)
    assert len(made_there(billing)) == 1 and len(billing.ledger.things["counterparties"]) == 1
    billing.pull()
    billing.sync()
    assert {p.stream: p.state for p in billing.all(Push)} == {"counterparties": "done", "invoices": "done"}
    billing.pull()
    assert billing.rows(billing.plan()) == [] and len(billing.links()) == 2


@pytest.mark.parametrize("dies_at", ["counterparties", "invoices"])
def test_a_process_that_dies_between_both_loses_nothing_and_makes_nothing_twice(billing, dies_at):
    billing.shop.customer(1)
    billing.shop.order(1, buyer=1)
    billing.pull()

    def die():
        if billing.ledger.pushes[-1][0] == dies_at:
            billing.ledger.after_write = lambda: None
            raise Killed

    billing.ledger.after_write = die
    with transaction(billing.engine) as session:
        runs.start(session, billing.plan().id, "anna")
    heartbeat = Heartbeat(billing.engine)
    assert running.run_one(billing.engine, "test", heartbeat)
    with pytest.raises(Killed):
        running.run_one(billing.engine, "test", heartbeat)
    due(billing)
    [party] = billing.ledger.things["counterparties"]
    assert [to for to, *_rest in made_there(billing)] == [party]
    assert {one.state for one in billing.all(Push)} == {"done"}


def test_an_invoice_that_was_refused_is_shown_and_not_tried_again_by_itself(billing):
    billing.shop.customer(1)
    billing.ledger.party(1)
    billing.shop.order(1, buyer=1)
    billing.pull()
    billing.ledger.fail = [BadInput("the year is closed", "issued_at")]
    billing.sync()
    [line] = told(billing)
    assert line.startswith("waits: it was not taken:") and "the year is closed" in line
    billing.sync()
    assert len(billing.ledger.pushes) == 1


def test_an_order_that_moves_after_the_plan_is_decided_anew(billing):
    billing.shop.customer(1)
    billing.ledger.party(1)
    billing.shop.order(1, buyer=1)
    billing.pull()
    made = billing.plan()
    billing.shop.order(1, total="20.00")
    billing.pull()
    assert "moved since" in billing.apply(made).error
    billing.sync()
    assert made_there(billing) == [("p1", "R1", Decimal(20), "draft")]


def test_an_order_that_moves_before_its_turn_is_decided_anew(billing):
    billing.shop.customer(1)
    billing.shop.order(1, buyer=1)
    billing.pull()
    billing.ledger.fail = [Temporary("away")]
    billing.sync()  # the buyer is not there yet, the invoice stands behind
    billing.shop.order(1, total="20.00")
    billing.pull()
    due(billing)
    assert [(p.state, p.error) for p in billing.all(Push)][1] == ("overtaken", "The order has changed since.")
    billing.sync()
    assert [bill[1:] for bill in made_there(billing)] == [("R1", Decimal(20), "draft")]


def test_an_order_that_is_cancelled_before_its_turn_gets_none(billing):
    billing.shop.customer(1)
    billing.shop.order(1, buyer=1)
    billing.pull()
    billing.ledger.fail = [Temporary("away")]
    billing.sync()
    billing.shop.order(1, state="cancelled")
    billing.pull()
    due(billing)
    billing.pull()
    billing.sync()
    assert len(billing.ledger.things["counterparties"]) == 1 and made_there(billing) == []


def test_what_was_made_stays_and_is_named_when_it_is_undone(billing):
    billing.shop.customer(1)
    billing.ledger.party(1)
    billing.shop.order(1, buyer=1)
    billing.pull()
    operation = billing.sync().operation_id
    with transaction(billing.engine) as session:
        assert "R1: it was made there and stays" in undo(session, operation, "anna").left_alone
    billing.pull()
    billing.sync()
    assert len(made_there(billing)) == 1


def test_many_at_once_ask_a_person(billing):
    for number in range(30):
        billing.shop.customer(number)
        billing.ledger.party(number)
        billing.shop.order(number, buyer=number)
    billing.pull()
    assert "30 invoices" in billing.plan().guard


def test_a_run_by_itself_does_nothing_about_what_only_waits(billing):
    rule(billing, "counterparties", creates="none")
    rule(billing, automatic=True)
    billing.shop.customer(1)
    billing.shop.order(1, buyer=1)
    billing.pull()
    runs.run_due(billing.engine)
    jobs.run_until_idle(billing.engine)
    assert billing.all(DirectoryPlan) == [] and billing.all(PlannedPair) == []


def held_up(billing):
    """An order whose buyer is not there yet, because the ledger is away: its invoice stands behind."""
    billing.shop.customer(1)
    billing.shop.order(1, buyer=1)
    billing.pull()
    billing.ledger.fail = [Temporary("away")]
    billing.sync()
    assert {p.stream: p.state for p in billing.all(Push)}["invoices"] == "waiting"


def test_an_order_that_the_accountant_billed_before_its_turn_gets_no_second_invoice(billing):
    held_up(billing)
    billing.ledger.bill(1)
    billing.pull(billing.there)
    due(billing)
    assert list(billing.ledger.things["invoices"]) == ["b1"]
    assert {p.stream: p.state for p in billing.all(Push)}["invoices"] == "overtaken"


def test_a_refused_invoice_that_is_sent_once_more_is_drawn_anew(billing):
    billing.shop.customer(1)
    billing.ledger.party(1)
    billing.shop.order(1, buyer=1)
    billing.pull()
    billing.ledger.fail = [BadInput("the year is closed", "issued_at")]
    billing.sync()
    billing.shop.order(1, state="cancelled")
    billing.pull()
    with transaction(billing.engine) as session:
        [problem] = session.scalars(select(Problem).where(Problem.area == "push"))
        problems.retry(session, problem.id)
    jobs.run_until_idle(billing.engine)
    assert made_there(billing) == []
    assert [p.state for p in billing.all(Push)] == ["overtaken"]


def test_a_change_that_was_undone_before_it_left_waits_for_a_person(billed):
    billed.shop.order(1, total="200.00")
    billed.pull()
    with transaction(billed.engine) as session:
        operation = runs.start(session, billed.plan().id, "anna").operation_id
    assert running.run_one(billed.engine, "test", Heartbeat(billed.engine))
    with transaction(billed.engine) as session:
        assert undo(session, operation, "anna").left_alone == []
    jobs.run_until_idle(billed.engine)
    billed.sync()
    assert [Decimal(one["total"]) for one in billed.ledger.things["invoices"].values()] == [Decimal(300)]
    assert [said[0] for said in waiting(billed)] == ["total"]
