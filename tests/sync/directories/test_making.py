"""What only we have is made there once, when the directory says so, and is a pair with what it is made of."""

import contextlib
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from foundation import jobs, outcomes, problems, running
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.heartbeat import Heartbeat
from foundation.tables import Problem
from sync import undo
from sync.directories import conflicts, decisions, keeping, plan, pushing, words
from sync.directories import jobs as runs
from sync.directories.tables import DirectoryPlan, Push
from sync.tables import Connection
from tests.faults import Killed


@pytest.fixture
def goods(world):
    """Goods of the shop are made in the ledger."""
    with transaction(world.engine) as session:
        one = keeping.add(session, world.there, "nomenclature", world.here)
        keeping.change(session, one, creates="all")
    world.ledger.put("nomenclature", "g1", name="Lamp", sku="L-1", price="5")
    world.shop.put("products", "s1", name="Lamp", sku="L-1")
    return world


def there(world):
    """What the ledger has, by name."""
    found = world.ledger.things["nomenclature"].values()
    return sorted((one["name"], one.get("sku", ""), one.get("price", "")) for one in found)


def pairs(world):
    return sorted((one.external_id, one.reason, one.state) for one in world.links())


def test_a_product_without_a_partner_is_made_there_once_and_is_one_pair(goods):
    goods.shop.put("products", "s2", name="Kettle", sku="K-1", price="10.50", currency="KZT")
    goods.pull()
    made = goods.plan()
    assert made.counts["made"] == 1
    [row] = [row for row in goods.rows(made) if "make" in row.detail]
    assert (row.title, words.lines(row.detail)) == ("Kettle", ["is made there"])
    goods.apply(made)
    assert there(goods) == [("Kettle", "K-1", "10.5"), ("Lamp", "L-1", "5")]
    assert goods.plan().counts["made"] == 0  # it isn't read back yet
    goods.pull()
    [row] = goods.rows(goods.plan())
    assert words.lines(row.detail) == ["was made there by us: a pair"]
    goods.sync()
    assert [state for _id, _reason, state in pairs(goods)] == ["linked", "linked"]
    assert goods.rows(goods.plan()) == [] and len(goods.ledger.pushes) == 1
    goods.shop.put("products", "s2", name="Electric kettle")
    goods.pull()
    goods.sync()
    assert ("Electric kettle", "K-1", "10.5") in there(goods)


def test_what_is_paired_or_may_be_the_same_is_not_made(goods):
    goods.shop.put("products", "s3", name="Teapot")
    goods.ledger.put("nomenclature", "g3", name="teapot", sku="T-1")
    goods.pull()
    assert goods.plan().counts["made"] == 0  # not even in the plan that finds them
    goods.sync()
    assert goods.plan().counts["made"] == 0
    with transaction(goods.engine) as session:
        [one] = conflicts.doubtful(session)
        decisions.pair(session, one["id"], False, "anna@example.org")
    goods.sync()
    assert [name for name, _sku, _price in there(goods)] == ["Lamp", "Teapot", "teapot"]


def test_no_pair_stays_said_when_another_was_made_because_of_it(goods):
    goods.shop.put("products", "s2", name="Kettle")
    goods.ledger.put("nomenclature", "g2", name="Kettle")
    goods.pull()
    goods.sync()
    with transaction(goods.engine) as session:
        [one] = conflicts.doubtful(session)
        first = decisions.pair(session, one["id"], False, "anna@example.org").operation.id
    with transaction(goods.engine) as session:
        assert undo.undo(session, first, "anna@example.org").left_alone == []  # nothing was made yet
        second = decisions.pair(session, one["id"], False, "anna@example.org").operation.id
    goods.sync()
    assert [name for name, *_ in there(goods)] == ["Kettle", "Kettle", "Lamp"]
    with transaction(goods.engine) as session:
        [left] = undo.undo(session, second, "anna@example.org").left_alone
    assert left == "kettle: what is ours has another partner there by now"
    assert ("g2", "name", "refused") in pairs(goods)


def test_a_card_that_may_be_one_there_is_not_made(world):
    with transaction(world.engine) as session:
        [one] = keeping.of(session, world.there)
        keeping.change(session, one, creates="all")
    world.shop.customer(1, name="Altyn Trade", email="", phone="+77011112233")
    world.ledger.party(1, name="Altyn Trade", email="", kind="company")
    world.pull()
    for _run in range(2):
        made = world.plan()
        assert (made.counts["made"], made.counts["waiting"]) == (0, 1)
        world.apply(made)
    assert list(world.ledger.things["counterparties"]) == ["p1"]


def test_nothing_is_made_before_all_that_stands_there_is_known(goods):
    goods.shop.put("products", "s2", name="Kettle", sku="K-1")
    goods.pull(goods.here)
    assert goods.plan().counts["made"] == 0
    goods.pull(goods.there)
    assert goods.plan().counts["made"] == 1
    with goods.engine.begin() as db:
        db.execute(text("UPDATE landed_heads SET pending = true WHERE external_id = 'g1'"))
    assert goods.plan().counts["made"] == 0


def test_it_is_made_once_though_the_answer_is_lost_and_it_is_read_before(goods, clock):
    goods.shop.put("products", "s2", name="Kettle", price="10", currency="KZT")
    goods.pull()

    def lose():
        goods.ledger.after_write = lambda: None
        raise Killed

    goods.ledger.after_write = lose
    with contextlib.suppress(Killed):
        goods.sync()
    assert [p.state for p in goods.all(Push)] == ["sent"]
    goods.pull(goods.there)
    busy = goods.plan()
    assert (busy.counts["busy"], busy.counts["made"]) == (1, 0)
    with goods.engine.begin() as db:
        past = {"past": clock.now() - timedelta(days=1)}
        db.execute(text("UPDATE jobs SET run_at = :past, lease_until = :past WHERE state <> 'done'"), past)
    outcomes.sweep(goods.engine)
    jobs.run_until_idle(goods.engine)
    goods.pull()
    goods.sync()
    assert there(goods) == [("Kettle", "", "10"), ("Lamp", "L-1", "5")]
    assert [state for _id, _reason, state in pairs(goods)] == ["linked", "linked"]


def test_what_is_gone_on_either_side_is_not_made_again(goods):
    goods.shop.put("products", "s2", name="Kettle", sku="K-1")
    goods.shop.put("products", "s4", name="Toaster", sku="T-1")
    goods.pull()
    goods.shop.delete("products", "s4")
    goods.pull()
    goods.sync()
    goods.pull()
    goods.sync()
    [made] = [key for key in goods.ledger.things["nomenclature"] if key != "g1"]
    del goods.ledger.things["nomenclature"][made]
    goods.pull()
    goods.sync()
    assert [one.external_id for one in goods.links() if one.gone_there_at] == [made]
    assert goods.rows(goods.plan()) == [] and [name for name, *_ in there(goods)] == ["Lamp"]


def test_what_is_deleted_there_before_it_was_ever_read_is_marked_as_gone(goods):
    goods.shop.put("products", "s2", name="Kettle", sku="K-1")
    goods.pull()
    with transaction(goods.engine) as session:
        made = plan.make(session, goods.there)
        runs.start(session, made.id, "anna@example.org")
    while running.run_one(goods.engine, "test", Heartbeat(goods.engine)):
        pass  # all of it but the resolver
    [one] = [key for key in goods.ledger.things["nomenclature"] if key != "g1"]
    del goods.ledger.things["nomenclature"][one]
    goods.pull()
    [row] = goods.rows(goods.plan())
    assert (row.title, row.detail) == ("Kettle", {"gone": ["there"]})
    goods.sync()
    [link] = [link for link in goods.links() if link.external_id == one]
    assert link.gone_there_at is not None
    assert goods.rows(goods.plan()) == []
    goods.ledger.put("nomenclature", one, name="Kettle", sku="K-1", price="")  # and it comes back
    goods.pull()
    goods.sync()
    [link] = [link for link in goods.links() if link.external_id == one]
    assert (link.state, link.gone_there_at) == ("linked", None)


def test_an_undo_leaves_it_there_names_it_and_the_pair_waits(goods):
    goods.shop.put("products", "s2", name="Kettle", sku="K-1")
    goods.pull()
    run = goods.sync()
    with transaction(goods.engine) as session:
        left = undo.undo(session, run.operation_id, "anna@example.org").left_alone
    assert left == ["Kettle: it was made there and stays"]
    goods.pull()
    goods.sync()
    assert {state for _id, _reason, state in pairs(goods)} == {"waiting"}
    assert [name for name, *_ in there(goods)] == ["Kettle", "Lamp"]


def test_what_the_ledger_refuses_is_named_once_and_made_when_tried_again(goods):
    goods.shop.put("products", "s2", name="Kettle", sku="K-1")
    goods.pull()
    goods.ledger.fail = [BadInput("no such group", "category")]
    run = goods.sync()
    assert goods.plan().counts["made"] == 0
    with transaction(goods.engine) as session:
        assert undo.undo(session, run.operation_id, "anna@example.org").left_alone == []


@pytest.mark.parametrize(("currency", "price"), [("EUR", ""), ("KZT", "10")])
def test_a_price_in_other_money_stays_here(goods, currency, price):
    goods.shop.put("products", "s2", name="Kettle", price="10", currency=currency)
    goods.pull()
    goods.sync()
    assert ("Kettle", "", price) in there(goods)
    goods.pull()
    goods.sync()
    assert goods.rows(goods.plan()) == []


def test_a_run_that_makes_much_waits_even_where_nothing_stands_yet(goods):
    del goods.ledger.things["nomenclature"]["g1"]
    for number in range(2, 26):
        goods.shop.put("products", f"s{number}", name=f"Thing {number}")
    goods.pull()
    made = goods.plan()
    assert made.guard == "This run would make 25 nomenclature there, where 0 are: waiting for you."
    assert made.state == "waiting" and made.counts["made"] == 25
    goods.shop.put("products", "s26", name="One more")
    goods.pull()
    assert "plan again" in goods.apply(made).error
    assert {one.state for one in goods.all(DirectoryPlan)} == {"stale"}
    assert goods.apply(goods.plan()).state == "done"  # a person has looked at it
    assert len(there(goods)) == 26


def test_only_counterparties_know_companies(goods):
    with transaction(goods.engine) as session:
        people, things = keeping.of(session, goods.there)
        keeping.change(session, people, creates="companies")
        with pytest.raises(BadInput, match="none of none, all"):
            keeping.change(session, things, creates="companies")


def test_what_stands_there_by_the_time_it_is_sent_is_not_made(goods):
    goods.shop.put("products", "s2", name="Kettle", sku="K-1")
    goods.shop.put("products", "s3", name="Toaster", sku="T-1")
    goods.pull()
    made = goods.plan()
    with transaction(goods.engine) as session:
        runs.start(session, made.id, "anna@example.org")
        session.get_one(Connection, goods.there).state = "paused"  # nothing goes out for a while
    jobs.run_until_idle(goods.engine)
    with transaction(goods.engine) as session:
        session.get_one(Connection, goods.there).state = "active"
    goods.ledger.put("nomenclature", "g2", name="Kettle, blue", sku="K-1")  # the accountant was faster
    goods.shop.delete("products", "s3")
    goods.pull()
    with transaction(goods.engine) as session:
        pushing.enqueue(session, goods.there)
    jobs.run_until_idle(goods.engine)
    assert sorted(p.state for p in goods.all(Push)) == ["overtaken", "overtaken"]
    goods.sync()
    assert [name for name, *_ in there(goods)] == ["Kettle, blue", "Lamp"]
    assert ("g2", "sku", "linked") in pairs(goods)


def test_a_counterparty_that_may_be_the_same_and_came_meanwhile_is_asked_about(world):
    with transaction(world.engine) as session:
        [one] = keeping.of(session, world.there)
        keeping.change(session, one, creates="all")
    world.shop.customer(1, name="Anna Weber")
    world.pull()
    world.ledger.fail = [BadInput("no such group", "category")]
    world.sync()
    world.ledger.party(1, name="Boris Petrov")  # the accountant made somebody of that mailbox by hand
    world.pull()
    with transaction(world.engine) as session:
        [problem] = session.scalars(select(Problem).where(Problem.area == "push"))
        problems.retry(session, problem.id)
    jobs.run_until_idle(world.engine)
    assert [p.state for p in world.all(Push)] == ["overtaken"]
    world.sync()
    assert list(world.ledger.things["counterparties"]) == ["p1"]
    with transaction(world.engine) as session:
        [doubtful] = conflicts.doubtful(session)
        decisions.pair(session, doubtful["id"], False, "anna@example.org")
    world.sync()
    names = sorted(party["name"] for party in world.ledger.things["counterparties"].values())
    assert names == ["Anna Weber", "Boris Petrov"]


def test_a_sure_match_goes_before_a_guess_and_nothing_is_made_of_it(goods):
    goods.shop.put("products", "s2", name="Kettle")
    goods.ledger.put("nomenclature", "g2", name="kettle", sku="K-1")
    goods.pull()
    goods.sync()
    assert ("g2", "name", "waiting") in pairs(goods)
    goods.shop.put("products", "s3", name="Kettle", sku="K-1")
    goods.pull()
    goods.sync()
    assert ("g2", "sku", "linked") in pairs(goods)
    assert goods.plan().counts["made"] == 1  # the one that was guessed wrong
    goods.sync()
    goods.pull()
    goods.sync()
    assert sorted(sku for name, sku, _price in there(goods) if name.casefold() == "kettle") == ["", "K-1"]
    assert goods.rows(goods.plan()) == []


def test_what_was_refused_and_then_overtaken_is_no_problem_any_more(goods):
    goods.shop.put("products", "s2", name="Lamp, red", sku="L-2")
    goods.pull()
    goods.sync()
    goods.pull()
    goods.sync()
    goods.shop.put("products", "s2", name="Lamp, green")
    goods.pull()
    goods.ledger.fail = [BadInput("too long", "name")]
    goods.sync()
    [one] = [key for key in goods.ledger.things["nomenclature"] if key != "g1"]
    goods.ledger.put("nomenclature", one, price="7")
    with transaction(goods.engine) as session:
        [problem] = session.scalars(select(Problem).where(Problem.area == "push"))
        problems.retry(session, problem.id)
    jobs.run_until_idle(goods.engine)
    assert [p.state for p in goods.all(Problem)] == ["solved"]
