"""Many pairs decided at once: planned, carried out in portions, refused when moved, one operation."""

from collections.abc import Iterator
from datetime import date
from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from customers import bulk, duplicates, graph, jobs, merge
from customers.bulk import Choice
from customers.chains import LARGEST, Chains
from customers.tables import Verdict
from foundation import operations, work
from foundation.clock import new_id
from foundation.database import transaction
from foundation.errors import BadInput, Permanent
from foundation.jobs import run_until_idle
from foundation.records import Consent, Person
from tests.customers.world import count, rows, say, shop
from tests.people import JANUARY

JOINED, APART = Choice("joined", "email"), Choice("different", "email")


@pytest.fixture(autouse=True)
def small_portions() -> Iterator[None]:
    """Two pairs in a transaction of the job."""
    assert work.function_of(bulk.JOB) is jobs.decide
    with patch.object(bulk, "PORTION", 2):
        yield


def people(session: Session, mailboxes: int) -> None:
    """Two people on each mailbox, whose names are at odds."""
    said = [
        Person(external_id=f"{name}{n}", name=f"{name} {_letters(n)}", emails=(f"m{n}@x.org",))
        for n in range(mailboxes)
        for name in ("Anna", "Boris")
    ]
    say(session, shop(session), *said)


def _letters(number: int) -> str:
    return "Family" + "abcdefghij"[number % 10] * 3


def run(session: Session, choice: Choice) -> UUID:
    """Plan, begin and carry out in one session."""
    operation = bulk.begin(session, choice, "olga", bulk.plan(session, choice).hash)
    while bulk.go_on(session, operation.id):
        pass
    return operation.id


def test_plan_says_what_comes_of_it(session: Session) -> None:
    people(session, 5)
    plan = bulk.plan(session, JOINED)
    assert (len(plan.ids), plan.before, plan.after, plan.left_out, plan.more) == (5, 10, 5, {}, False)
    assert bulk.plan(session, APART).after == 10
    assert bulk.plan(session, Choice("joined", "phone")).ids == []
    with patch.object(bulk, "MOST", 3):
        assert (len(bulk.plan(session, JOINED).ids), bulk.plan(session, JOINED).more) == (3, True)


def test_apply_does_what_was_planned_and_one_undo_takes_it_back(session: Session) -> None:
    people(session, 5)
    pairs = duplicates.waiting(session).pairs
    operation = run(session, JOINED)
    assert (count(session, "customers WHERE live"), duplicates.count(session)) == (5, 0)
    stored = operations.find(session, operation)
    assert stored.state == "done" and stored.result == {"pairs": 5, "decided": 5, "left_out": 0}
    assert stored.title == "5 pairs of cards found by email: one customer each"
    assert merge.undo(session, operation, "olga").left_alone == []
    assert count(session, "customers WHERE live") == 10
    assert duplicates.waiting(session).pairs == pairs


def test_kept_apart_for_good(session: Session) -> None:
    people(session, 3)
    pairs = duplicates.waiting(session).pairs
    operation = run(session, APART)
    assert duplicates.count(session) == 0
    for pair in pairs:
        with pytest.raises(BadInput, match="different people"):
            merge.merge(session, pair.left.id, pair.right.id, "x")
    merge.undo(session, operation, "olga")
    assert duplicates.waiting(session).pairs == pairs


def test_refused_when_moved(session: Session) -> None:
    people(session, 3)
    plan = bulk.plan(session, JOINED)
    duplicates.decide(session, plan.ids[1], "different", "x")
    with pytest.raises(Permanent, match="look at it again"):
        bulk.begin(session, JOINED, "olga", plan.hash)
    with pytest.raises(Permanent, match="look at it again"):
        bulk.begin(session, APART, "olga", bulk.plan(session, JOINED).hash)
    empty = Choice("joined", "phone")
    with pytest.raises(BadInput, match="no pair"):
        bulk.begin(session, empty, "olga", bulk.plan(session, empty).hash)


def test_nobody_else_decides_what_is_being_decided(session: Session) -> None:
    people(session, 3)
    plan = bulk.plan(session, JOINED)
    operation = bulk.begin(session, JOINED, "olga", plan.hash)
    assert duplicates.count(session) == 0
    with pytest.raises(duplicates.Decided, match="already"):
        duplicates.decide(session, plan.ids[0], "different", "boris")
    with pytest.raises(BadInput, match="running"):
        merge.undo(session, operation.id, "olga")


def test_what_cannot_be_joined_any_more_waits_again(session: Session) -> None:
    people(session, 3)
    pairs = duplicates.waiting(session).pairs
    operation = bulk.begin(session, JOINED, "olga", bulk.plan(session, JOINED).hash)
    left, right = sorted((pairs[1].left.id, pairs[1].right.id))
    session.add(Verdict(left_id=left, right_id=right, actor="boris", operation_id=new_id()))
    session.flush()
    while bulk.go_on(session, operation.id):
        pass
    assert operation.result == {"pairs": 3, "decided": 2, "left_out": 1}
    assert count(session, "customers WHERE live") == 4
    assert count(session, "duplicates WHERE state = 'waiting' AND id = :id", id=pairs[1].id) == 1


def test_a_killed_worker_leaves_whole_pairs_and_goes_on(engine: Engine) -> None:
    with transaction(engine) as session:
        people(session, 5)
        operation = bulk.begin(session, JOINED, "olga", bulk.plan(session, JOINED).hash).id
    real, portions = bulk.go_on, []

    def dying(session: Session, operation_id: UUID) -> bool:
        portions.append(real(session, operation_id))
        if len(portions) == 2:
            raise RuntimeError("killed before the commit")
        return portions[-1]

    with patch.object(bulk, "go_on", dying):
        run_until_idle(engine)  # by `jobs.decide`
    with transaction(engine) as session:
        assert count(session, "duplicates WHERE state = 'joined'") == 2
        assert count(session, "duplicates WHERE state = 'deciding'") == 3
        assert count(session, "customers WHERE live") == 8
        session.connection().exec_driver_sql("UPDATE jobs SET run_at = now()")
    run_until_idle(engine)
    with transaction(engine) as session:
        assert operations.find(session, operation).state == "done"
        assert count(session, "customers WHERE live") == 5


def test_bulk_joins_no_two_verified_numbers(session: Session) -> None:
    people(session, 2)
    numbers = {"Anna0": "850712400123", "Boris0": "900101300017"}
    for key, number in numbers.items():
        session.execute(
            text(
                "INSERT INTO profile_keys (profile_id, kind, value, strong)"
                " SELECT id, 'tax', :value, true FROM profiles WHERE external_id = :key"
            ),
            {"key": key, "value": f"kz.iin:{number}"},
        )
    plan = bulk.plan(session, JOINED)
    assert (len(plan.ids), plan.left_out, plan.after) == (1, {"tax": 1}, 3)


def test_two_birthdays_are_left_to_a_person(session: Session) -> None:
    days = [None, date(1984, 5, 12), date(1984, 12, 5), date(1957, 2, 3), date(1984, 1, 1)]
    said = [
        Person(external_id=f"{name}{n}", name=f"{name} {_letters(n)}", emails=(f"m{n}@x.org",), birthday=born)
        for n, day in enumerate(days)
        for name, born in (("Anna", date(1984, 5, 12)), ("Boris", day))
    ]
    say(session, shop(session), *said)
    plan = bulk.plan(session, JOINED)
    assert (len(plan.ids), plan.left_out) == (4, {"birthday": 1})
    run(session, JOINED)
    (pair,) = duplicates.waiting(session).pairs
    assert {pair.left.name, pair.right.name} == {f"Anna {_letters(3)}", f"Boris {_letters(3)}"}


def test_chains_stop_at_the_guards() -> None:
    a, b, c, d = (new_id() for _ in range(4))
    chains = Chains()
    chains.at(a).taxes["iin"] = {"1"}
    chains.at(c).taxes["iin"] = {"2"}
    chains.at(b).apart.add(d)
    chains.at(d).kinds.add("company")
    assert (chains.join(a, b), chains.join(b, c), chains.join(d, a)) == ("", "tax", "verdict")
    assert chains.join(b, a) == "" and chains.count() == 3
    chains.at(c).kinds.add("person")
    assert chains.join(c, d) == "kind"
    many = [new_id() for _ in range(LARGEST + 1)]
    answers = [chains.join(many[0], one) for one in many[1:]]
    assert answers == [""] * (LARGEST - 1) + ["large"]


SLIPPING = ("19840512", "19840513", "19840613")  # a slip from one to the next, no slip from first to last


def test_slips_of_birthdays_are_no_chain() -> None:
    chains, cards = Chains(), [new_id() for _ in SLIPPING]
    for card, born in zip(cards, SLIPPING, strict=True):
        chains.at(card).births.add(born)
    assert (chains.join(*cards[:2]), chains.join(*cards[1:])) == ("", "birthday")


card_numbers = st.integers(0, 14)


@given(
    taxes=st.lists(st.sampled_from((None, None, "1", "2")), min_size=15, max_size=15),
    births=st.lists(st.sampled_from(("", "", *SLIPPING)), min_size=15, max_size=15),
    kinds=st.lists(st.sampled_from(("person", "person", "person", "company")), min_size=15, max_size=15),
    apart=st.lists(st.tuples(card_numbers, card_numbers), max_size=5),
    pairs=st.lists(st.tuples(card_numbers, card_numbers), max_size=40),
)
def test_no_order_of_pairs_breaks_a_guard(
    taxes: list[str | None],
    births: list[str],
    kinds: list[str],
    apart: list[tuple[int, int]],
    pairs: list[tuple[int, int]],
) -> None:
    cards = [UUID(int=n + 1) for n in range(15)]
    chains = Chains()
    for card, tax, born, kind in zip(cards, taxes, births, kinds, strict=True):
        chains.at(card).kinds.add(kind)
        chains.at(card).births.update(filter(None, [born]))
        if tax:
            chains.at(card).taxes["kz.iin"] = {tax}
    for left, right in apart:
        if left != right:
            chains.at(cards[left]).apart.add(cards[right])
    joined = [(a, b) for a, b in pairs if not chains.join(cards[a], cards[b])]
    for a, b in joined:
        assert chains.at(cards[a]) is chains.at(cards[b])
    for left, right in apart:
        assert left == right or chains.at(cards[left]) is not chains.at(cards[right])
    for card in cards:
        chain = chains.at(card)
        mine = [n for n, other in enumerate(cards) if chains.at(other) is chain]
        assert len({taxes[n] for n in mine} - {None}) <= 1 and len({kinds[n] for n in mine}) == 1
        assert len(mine) == chain.cards <= LARGEST
        assert not {SLIPPING[0], SLIPPING[-1]} <= {births[n] for n in mine}


def test_dead_ids_answer_and_the_strictest_consent_stands(session: Session) -> None:
    source, at = shop(session), JANUARY
    for number, (name, agreed) in enumerate((("Anna", True), ("Boris", False), ("Claire", None))):
        consents = () if agreed is None else (Consent(channel="email", given=agreed, at=at),)
        mails = ("m1@x.org", "m2@x.org") if name == "Boris" else (f"m{1 + number // 2}@x.org",)
        made = Person(external_id=name, name=f"{name} {_letters(number)}", emails=mails, consents=consents)
        say(session, source, made, landed=10 * (number + 1))
    cards = [row.id for row in rows(session, "SELECT id FROM customers WHERE live ORDER BY created_at, id")]
    before = rows(session, "SELECT id, email_consent FROM customers ORDER BY id")
    assert len(cards) == 3 and duplicates.count(session) == 2
    operation = run(session, JOINED)
    assert [graph.survivor(session, card) for card in cards] == [cards[0]] * 3
    assert count(session, "customers WHERE live AND email_consent = 'withdrawn'") == 1
    assert count(session, "customers WHERE live") == 1
    merge.undo(session, operation, "olga")
    assert [graph.survivor(session, card) for card in cards] == cards
    assert rows(session, "SELECT id, email_consent FROM customers ORDER BY id") == before
