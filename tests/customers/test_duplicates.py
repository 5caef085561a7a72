"""Pairs that wait for a decision, the decisions, and taking those back."""

import pytest
from msgspec.structs import replace
from sqlalchemy.orm import Session

from customers import duplicates, merge
from foundation.clock import new_id
from foundation.errors import BadInput, Permanent
from tests.customers.world import count, say, shop
from tests.people import anna, boris


@pytest.fixture
def waiting(session: Session) -> duplicates.Pair:
    """Anna and Boris share a mailbox."""
    say(session, shop(session), anna(), boris(emails=("anna@example.org",)))
    (pair,) = duplicates.waiting(session).pairs
    return pair


def test_a_pair_shows_both_cards(session: Session, waiting: duplicates.Pair) -> None:
    assert {waiting.left.name, waiting.right.name} == {"Anna Petrova", "Boris Weber"}
    assert "anna@example.org" in waiting.evidence["why"]
    assert duplicates.count(session) == 1


def test_joining_can_be_undone(session: Session, waiting: duplicates.Pair) -> None:
    operation = duplicates.decide(session, waiting.id, "joined", "x")
    assert (count(session, "customers WHERE live"), duplicates.count(session)) == (1, 0)
    merge.undo(session, operation.id, "x")
    assert (count(session, "customers WHERE live"), duplicates.count(session)) == (2, 1)


def test_different_lasts_until_undone(session: Session, waiting: duplicates.Pair) -> None:
    operation = duplicates.decide(session, waiting.id, "different", "x")
    assert duplicates.count(session) == 0
    with pytest.raises(BadInput, match="different people"):
        merge.merge(session, waiting.left.id, waiting.right.id, "x")
    with pytest.raises(BadInput, match="already"):
        duplicates.decide(session, waiting.id, "joined", "x")
    merge.undo(session, operation.id, "x")
    assert duplicates.count(session) == 1


def test_what_is_one_card_does_not_wait(session: Session, waiting: duplicates.Pair) -> None:
    operation = merge.merge(session, waiting.left.id, waiting.right.id, "x")
    assert duplicates.waiting(session).pairs == []
    merge.undo(session, operation.id, "x")
    assert duplicates.waiting(session).pairs == [waiting]


def test_pages_go_on_after_a_pair(session: Session, waiting: duplicates.Pair) -> None:
    one = anna(external_id="c", name="Claire Dubois", emails=("c@x.org",), phones=(), addresses=())
    other = anna(external_id="j", name="Jürgen Schmidt", emails=("c@x.org",), phones=(), addresses=())
    given = {"given_name": "", "family_name": ""}
    say(session, shop(session, "B"), *(replace(person, **given) for person in (one, other)), landed=50)
    assert duplicates.count(session) == 2
    page = duplicates.waiting(session, limit=1)
    rest = duplicates.waiting(session, after=page.next, limit=1)
    assert len(page.pairs) == len(rest.pairs) == 1 and rest.next is None
    assert page.pairs != rest.pairs


def test_many_are_decided_by_plan(session: Session, waiting: duplicates.Pair) -> None:
    plan = duplicates.plan(session, [waiting.id, new_id()])
    assert (plan.pairs, plan.customers, plan.left_out) == (1, 2, 1)
    with pytest.raises(Permanent, match="look at it again"):
        duplicates.decide_many(session, [waiting.id], "joined", "x", "stale")
    (operation,) = duplicates.decide_many(session, [waiting.id], "joined", "x", plan.hash)
    assert operation.kind == "verdict"
