"""Joining cards, taking profiles out, and taking that back."""

from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from customers import merge
from customers.graph import survivor
from foundation.clock import new_id, now
from foundation.errors import BadInput
from foundation.records import Consent
from tests.customers.world import count, row, rows, say, shop
from tests.people import FEBRUARY, JANUARY, anna, annas_orders, boris, dana, order


def card(session: Session, external_id: str) -> UUID:
    """The card a profile is on."""
    query = "SELECT customer_id FROM profiles WHERE external_id = :one"
    return row(session, query, one=external_id)[0]


def profile(session: Session, external_id: str) -> UUID:
    """The id of a profile."""
    return row(session, "SELECT id FROM profiles WHERE external_id = :one", one=external_id)[0]


def test_a_merge_brings_everything_together(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), *annas_orders(), dana(), order(dana(), "D-1"))
    old, other = card(session, "anna"), card(session, "dana")
    operation = merge.merge(session, old, other, "anna@shop")
    assert operation.state == "done"
    assert count(session, "customers WHERE live") == 1
    assert row(session, "SELECT orders, spent, profiles FROM customer_stats") == (3, Decimal("450.50"), 2)
    assert row(session, "SELECT email_consent FROM customers WHERE live").email_consent == "withdrawn"
    assert survivor(session, other) == survivor(session, old)
    assert {r[0] for r in rows(session, "SELECT DISTINCT customer_id FROM timeline")} == {
        card(session, "anna")
    }


def test_the_older_card_stands_for_both(session: Session) -> None:
    source = shop(session)
    say(session, source, anna())
    say(session, source, boris())
    first = card(session, "anna")
    merge.merge(session, card(session, "boris"), first, "anna@shop")
    assert row(session, "SELECT id FROM customers WHERE live").id == first


@pytest.mark.parametrize("first", ["anna", "other"])
def test_a_key_that_came_meanwhile_holds_without_the_merge(session: Session, first: str) -> None:
    """A merge ties the two cards that a phone ties later; undoing it leaves the phone."""
    source = shop(session)
    say(session, source, anna(phones=(), emails=("b@x.org",)), anna(external_id="other", emails=("a@x.org",)))
    sides = (card(session, "anna"), card(session, "other"))
    operation = merge.merge(session, *(sides if first == "anna" else reversed(sides)), "anna@shop")
    say(session, source, anna(emails=("b@x.org",), changed_at=FEBRUARY))
    merge.undo(session, operation.id, "anna@shop")
    assert card(session, "anna") == card(session, "other")


def test_undo_gives_each_half_its_own(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), *annas_orders(), dana())
    operation = merge.merge(session, card(session, "anna"), card(session, "dana"), "anna@shop")
    say(session, source, order(dana(), "D-1"), dana(name="Dana Kim", changed_at=now()))
    undone = merge.undo(session, operation.id, "anna@shop")
    assert undone.left_alone == [] and undone.operation.state == "undone"
    found = rows(
        session,
        "SELECT c.name, s.orders, c.email_consent FROM customers c JOIN customer_stats s"
        " ON s.customer_id = c.id WHERE c.live ORDER BY c.name",
    )
    assert found == [("Anna Petrova", 2, "given"), ("Dana Kim", 1, "withdrawn")]


def test_merges_are_undone_in_any_order(session: Session) -> None:
    source = shop(session)
    for person in (anna(), boris(), dana()):
        say(session, source, person)  # Anna's card is the oldest, so it stands for all
    first = merge.merge(session, card(session, "anna"), card(session, "boris"), "x")
    second = merge.merge(session, card(session, "anna"), card(session, "dana"), "x")
    merge.undo(session, first.id, "x")
    assert card(session, "anna") == card(session, "dana") != card(session, "boris")
    merge.undo(session, second.id, "x")
    assert count(session, "customers WHERE live") == 3


def test_undo_names_what_else_holds(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), boris(), dana())
    first = merge.merge(session, card(session, "anna"), card(session, "boris"), "x")
    merge.merge(session, card(session, "boris"), card(session, "dana"), "x")
    with pytest.raises(BadInput, match="one card already"):
        merge.merge(session, card(session, "anna"), card(session, "dana"), "x")
    say(
        session,
        source,
        anna(external_id="both", emails=("anna@example.org", "new@example.org"), changed_at=now()),
    )
    assert merge.undo(session, first.id, "x").left_alone == []


def test_an_operation_is_undone_once(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), boris())
    operation = merge.merge(session, card(session, "anna"), card(session, "boris"), "x")
    merge.undo(session, operation.id, "x")
    with pytest.raises(BadInput, match="undone"):
        merge.undo(session, operation.id, "x")


def test_a_split_holds_against_the_rules(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), anna(external_id="anna2", changed_at=FEBRUARY))
    assert count(session, "customers WHERE live") == 1
    operation = merge.split(session, [profile(session, "anna2")], "x")
    assert card(session, "anna") != card(session, "anna2")
    say(session, source, anna(external_id="anna3", changed_at=now()), anna(external_id="anna2", note="again"))
    assert card(session, "anna") != card(session, "anna2")
    with pytest.raises(BadInput, match="different people"):
        merge.merge(session, card(session, "anna"), card(session, "anna2"), "x")
    merge.undo(session, operation.id, "x")
    assert count(session, "customers WHERE live") == 1


def test_newcomers_follow_who_was_split_off(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), anna(external_id="anna2", emails=("two@example.org",), changed_at=FEBRUARY))
    operation = merge.split(session, [profile(session, "anna2")], "x")
    say(session, source, order(anna(guest=True, emails=("two@example.org",), phones=()), "1"))
    assert card(session, "order:1") == card(session, "anna2")
    merge.undo(session, operation.id, "x")
    assert card(session, "order:1") == card(session, "anna")


def test_several_go_together(session: Session) -> None:
    source = shop(session)
    say(session, source, *(anna(external_id=str(number)) for number in range(4)))
    merge.split(session, [profile(session, "2"), profile(session, "3")], "x")
    assert card(session, "0") == card(session, "1") != card(session, "2")
    assert card(session, "2") == card(session, "3")


def test_somebody_has_to_stay(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), boris())
    with pytest.raises(BadInput, match="has to stay"):
        merge.split(session, [profile(session, "anna")], "x")
    with pytest.raises(BadInput, match="different cards"):
        merge.split(session, [profile(session, "anna"), profile(session, "boris")], "x")
    with pytest.raises(BadInput, match="no profile"):
        merge.split(session, [new_id()], "x")


def test_nobody_merges_with_nothing(session: Session) -> None:
    say(session, shop(session), anna())
    with pytest.raises(BadInput, match="no customer"):
        merge.merge(session, card(session, "anna"), new_id(), "x")


def test_withdrawals_win_until_undone(session: Session) -> None:
    yes = (Consent(channel="sms", given=True, at=JANUARY),)
    no = (Consent(channel="sms", given=False, at=JANUARY),)
    say(session, shop(session), anna(consents=yes), boris(consents=no))
    operation = merge.merge(session, card(session, "anna"), card(session, "boris"), "x")
    assert row(session, "SELECT sms_consent FROM customers WHERE live").sms_consent == "withdrawn"
    merge.undo(session, operation.id, "x")
    said = rows(session, "SELECT sms_consent FROM customers WHERE live ORDER BY sms_consent")
    assert [r[0] for r in said] == ["given", "withdrawn"]
