"""A confirmed pair taken back: cards that the confirmation made one are parted, each with what is its own."""

import pytest
from sqlalchemy import text

from customers import merge
from foundation.database import transaction
from sync import undo
from sync.directories import conflicts, decisions

NAME = "Altyn Trade"


@pytest.fixture(params=["shop first", "ledger first"])
def doubt(world, request):
    """A customer and a counterparty that have no more than a name in common."""
    world.shop.customer(1, name=NAME, email="", phone="+77011112233")
    world.ledger.party(1, name=NAME, email="", kind="company", tax_number="")
    for side in ("here", "there") if request.param == "shop first" else ("there", "here"):
        world.pull(getattr(world, side))
    world.sync()
    with transaction(world.engine) as session:
        [pair] = conflicts.doubtful(session)
    return pair


def confirm(world, pair):
    with transaction(world.engine) as session:
        return decisions.pair(session, pair["id"], True, "anna").operation.id


def cards(world):
    """The card of each side."""
    query = text("SELECT customer_id FROM profiles WHERE source_id = :source AND kind <> 'guest' LIMIT 1")
    with transaction(world.engine) as session:
        return [session.scalar(query, {"source": one}) for one in (world.here, world.there)]


def test_taking_a_confirmation_back_parts_the_cards_and_the_pair_waits_again(world, doubt):
    before = cards(world)
    operation = confirm(world, doubt)
    assert len(set(cards(world))) == 1
    assert world.undo(operation) == []
    assert cards(world) == before and before[0] != before[1]
    assert [one.state for one in world.links()] == ["waiting"] and world.rows(world.plan()) == []
    confirm(world, doubt)
    assert len(set(cards(world))) == 1 and [one.state for one in world.links()] == ["linked"]


def test_what_came_in_between_goes_to_the_half_it_belongs_to(world, doubt):
    ours, theirs = cards(world)
    operation = confirm(world, doubt)
    world.shop.order(7, buyer=1, total="70.00")
    world.pull()
    query = text("SELECT customer_id FROM orders")
    events = text("SELECT DISTINCT customer_id FROM timeline WHERE kind LIKE 'order.%'")
    with transaction(world.engine) as session:
        assert session.scalar(query) == cards(world)[0]
    assert world.undo(operation) == []
    with transaction(world.engine) as session:
        assert session.scalars(query).all() == [ours] == session.scalars(events).all()
    assert cards(world) == [ours, theirs]


def test_cards_that_were_one_before_stay_one(world, doubt):
    with transaction(world.engine) as session:
        merge.merge(session, *cards(world), "anna")
    operation = confirm(world, doubt)
    assert world.undo(operation) == []
    assert len(set(cards(world))) == 1


def test_what_holds_the_cards_together_meanwhile_is_named(world, doubt):
    operation = confirm(world, doubt)
    world.shop.customer(1, name=NAME, email="altyn@example.org", phone="+77011112233")
    world.ledger.party(1, name=NAME, email="altyn@example.org", kind="person", tax_number="")
    world.pull()
    [left] = world.undo(operation)
    assert "stay one card" in left and len(set(cards(world))) == 1


def test_a_merge_that_somebody_took_back_before_is_let_be(world, doubt):
    before = cards(world)
    operation = confirm(world, doubt)
    with transaction(world.engine) as session:
        query = text("SELECT id FROM operations WHERE kind = 'merge' AND state = 'done'")
        undo.undo(session, session.scalars(query).one(), "boris")
    assert cards(world) == before
    assert world.undo(operation) == [] and cards(world) == before
