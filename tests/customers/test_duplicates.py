"""Pairs that wait for a decision, the decisions, and taking those back."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from customers import duplicates, merge
from customers.tables import Duplicate
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.records import Person
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


def test_walking_the_list(session: Session, waiting: duplicates.Pair) -> None:
    say(session, shop(session, "C"), _claire("c", "Claire Dubois"), _claire("j", "Jürgen Schmidt"), landed=90)
    first, second = duplicates.waiting(session).pairs
    here = duplicates.place(session)
    assert (here.pair, here.before, here.after, here.waiting) == (first, None, second.id, 2)
    here = duplicates.place(session, second.id)
    assert (here.pair, here.before, here.after) == (second, first.id, None)
    duplicates.decide(session, second.id, "different", "x")
    assert duplicates.place(session, second.id).pair == first, "behind the last comes the first"
    duplicates.decide(session, first.id, "different", "x")
    assert duplicates.place(session) == duplicates.Place(None, None, None, 0, [], False)


def test_filter_by_rule_and_score(session: Session, waiting: duplicates.Pair) -> None:
    assert duplicates.place(session, rule="email").rules == ["email"]
    assert duplicates.place(session, rule="phone").pair is None
    assert duplicates.place(session, least=0.1).pair is None, "no score is no high score"
    stored = session.get_one(Duplicate, waiting.id)
    for score, fits in ((0.95, True), (0.94, False), ("0.99", False), (None, False)):
        stored.evidence = {**stored.evidence, "score": score}
        session.flush()
        assert (duplicates.place(session, least=0.95).pair is not None) is fits


def test_who_was_faster_is_named(session: Session, waiting: duplicates.Pair) -> None:
    done = duplicates.decide(session, waiting.id, "joined", "boris@x.org")
    with pytest.raises(duplicates.Decided, match="decided already") as caught:
        duplicates.decide(session, waiting.id, "different", "anna@x.org")
    assert (caught.value.state, caught.value.operation) == ("joined", done)
    assert done.title == f"{waiting.left.name} and {waiting.right.name} are one customer"


def _claire(key: str, name: str) -> Person:
    person = anna(external_id=key, name=name, emails=("c@x.org",), phones=(), addresses=())
    return replace(person, given_name="", family_name="")


def test_two_people_at_once_decide_once(engine: Engine) -> None:
    with transaction(engine) as session:
        say(session, shop(session), anna(), boris(emails=("anna@example.org",)))
        (pair,) = duplicates.waiting(session).pairs
    gate = threading.Barrier(2)

    def decide(actor: str, answer: duplicates.Answer) -> str:
        with transaction(engine) as session:
            gate.wait()
            try:
                return duplicates.decide(session, pair.id, answer, actor).actor
            except duplicates.Decided as faster:
                return f"not {actor} but {faster.operation.actor if faster.operation else 'nobody'}"

    with ThreadPoolExecutor(2) as pool:
        answers: tuple[duplicates.Answer, duplicates.Answer] = ("joined", "different")
        told = list(pool.map(decide, ("anna", "boris"), answers))
    assert sorted(told) in (["anna", "not boris but anna"], ["boris", "not anna but boris"])
    with transaction(engine) as session:
        assert count(session, "operations") == 1 and duplicates.count(session) == 0
