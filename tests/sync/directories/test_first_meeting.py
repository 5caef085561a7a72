"""Who is paired with whom when two systems meet: exact keys at once, guesses after a person has said so."""

import pytest
from sqlalchemy import text

from customers import merge
from foundation import jobs
from foundation.database import transaction
from foundation.errors import BadInput
from sync.directories import conflicts, decisions, keeping, plan
from sync.directories.tables import Directory


@pytest.fixture
def nomenclature(world):
    with transaction(world.engine) as session:
        keeping.add(session, world.there, "nomenclature", world.here)
    return world


def doubtful(world):
    with transaction(world.engine) as session:
        return conflicts.doubtful(session)


def say(world, pair, same):
    with transaction(world.engine) as session:
        return decisions.pair(session, pair["id"], same, "anna@example.org")


def test_a_name_alone_waits_and_makes_one_card_when_confirmed(world):
    world.shop.customer(1, name="Altyn Trade", email="", phone="+77011112233")
    world.ledger.party(1, name="Altyn Trade", email="", kind="company")
    world.pull()
    made = world.plan()
    assert made.counts["waiting"] == 1 and world.rows(made)[0].detail["match"]["by"] == "name"
    world.apply(made)
    [pair] = doubtful(world)
    assert (pair["ours"], pair["theirs"], pair["reason"]) == ("Altyn Trade", "Altyn Trade", "name")
    assert world.rows(world.plan()) == []
    say(world, pair, True)
    assert world.card("Altyn Trade").phone == "+77011112233"
    world.sync()
    assert world.ledger.things["counterparties"]["p1"]["phone"] == "+77011112233"


def test_a_guess_that_was_refused_isn_t_made_again(world):
    world.shop.customer(1, name="Altyn Trade", email="")
    world.ledger.party(1, name="Altyn Trade", email="", kind="company")
    world.pull()
    world.sync()
    say(world, doubtful(world)[0], False)
    assert world.rows(world.plan()) == [] and doubtful(world) == []
    with pytest.raises(BadInput, match="waits any more"):
        say(world, {"id": world.links()[0].id}, True)


@pytest.mark.parametrize("shop_first", [True, False])
def test_a_guess_about_cards_that_somebody_joined_meanwhile_is_confirmed(world, shop_first):
    world.shop.customer(1, name="Altyn Trade", email="", phone="+77011112233")
    world.ledger.party(1, name="Altyn Trade", email="", kind="company", tax_number="")
    for connection in sorted((world.here, world.there), key=lambda one: (one == world.here) != shop_first):
        world.pull(connection)
    world.sync()
    [pair] = doubtful(world)
    with transaction(world.engine) as session:
        query = text("SELECT customer_id FROM profiles WHERE source_id = :source")
        [party] = session.scalars(query, {"source": world.there})
        merge.merge(session, party, pair["local_id"], "anna")
    for one in doubtful(world):
        say(world, one, True)
    world.sync()
    assert doubtful(world) == [] and [one.state for one in world.links()] == ["linked"]
    assert world.ledger.things["counterparties"]["p1"]["phone"] == "+77011112233"


def test_two_objects_of_one_card_wait(world):
    world.shop.customer(1)
    world.ledger.party(1)
    world.ledger.put("counterparties", "p9", name="Person Number1", email="person1@example.org")
    world.pull()
    made = world.plan()
    assert made.counts["waiting"] == 2 and world.rows(made) == []


def test_goods_are_paired_by_code_and_differing_names_wait(nomenclature):
    world = nomenclature
    world.shop.put("products", "s1", name="Kettle", sku="K-1")
    world.shop.put("products", "s2", name="Lamp")
    world.ledger.put("nomenclature", "g1", name="Electric kettle", sku="K-1", price="10.50")
    world.ledger.put("nomenclature", "g2", name="lamp")
    world.pull()
    world.apply(world.plan())
    assert {(one.external_id, one.reason, one.state) for one in world.links()} == {
        ("g1", "sku", "linked"), ("g2", "name", "waiting"),
    }  # fmt: skip
    with transaction(world.engine) as session:
        told = [(c.field, c.ours, c.theirs) for c in conflicts.waiting(session)]
    assert told == [("name", "Kettle", "Electric kettle")]
    with transaction(world.engine) as session:
        [one] = conflicts.waiting(session)
        decisions.decide(session, [one.id], "ours", "anna@example.org")
    jobs.run_until_idle(world.engine)
    assert world.ledger.things["nomenclature"]["g1"]["name"] == "Kettle"
    assert world.fields(world.plan()) == []


def test_companies_are_made_there_once_and_stay_one_card(world):
    world.shop.customer(1, name="Altyn Trade", email="", phone="")
    world.pull()
    with transaction(world.engine) as session:
        [one] = keeping.of(session, world.there)
        keeping.change(session, one, creates="all")
    made = world.plan()
    assert made.counts["made"] == 1
    world.apply(made)
    [there] = world.ledger.things["counterparties"].values()
    assert there["name"] == "Altyn Trade"
    world.pull()
    world.sync()
    world.card("Altyn Trade")  # one, though nothing but our making it ties the two
    assert world.rows(world.plan()) == [] and [one.state for one in world.links()] == ["linked"]


def test_what_is_gone_there_is_marked_and_nothing_is_deleted(world):
    for number in range(1, 8):
        world.shop.customer(number)
        world.ledger.party(number)
    world.pull()
    world.sync()
    del world.ledger.things["counterparties"]["p1"]
    world.pull()
    world.sync()
    marked = {one.external_id for one in world.links() if one.gone_there_at}
    assert marked == {"p1"} and world.card("Person Number1")
    world.ledger.party(1)
    world.pull()
    world.sync()
    assert not any(one.gone_there_at for one in world.links())


def test_a_run_that_changes_much_waits(world):
    for number in range(1, 26):
        world.shop.customer(number)
        world.ledger.party(number)
    world.pull()
    world.sync()
    for number in range(1, 7):
        world.shop.customer(number, phone=f"+770111122{number:02}")
    world.pull()
    made = world.plan()
    assert made.guard == "This run would change 24 % of counterparties: waiting for you."
    assert made.state == "waiting"
    assert world.apply(made).state == "done"  # a person has looked at it


def test_a_plan_is_refused_when_anything_moved(world):
    world.shop.customer(1, phone="+77011112233")
    world.ledger.party(1)
    world.pull()
    made = world.plan()
    world.shop.customer(1, phone="+77019998877")
    world.pull()
    run = world.apply(made)
    assert run.state == "failed" and "plan again" in run.error
    assert world.pushes() == [] and world.links() == []
    with pytest.raises(BadInput, match="stale"):
        world.apply(made)


def test_rules_are_checked(world):
    with transaction(world.engine) as session:
        one = session.query(Directory).one()
        with pytest.raises(BadInput, match="no rule"):
            keeping.change(session, one, owners={"shoe": "ours"})
        with pytest.raises(BadInput, match="Name the shop"):
            keeping.add(session, world.there, "nomenclature")
        with pytest.raises(BadInput, match="add a directory"):
            plan.make(session, world.here)
