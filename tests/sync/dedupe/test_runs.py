"""A run of matching in the database: planned, carried out in portions, guarded, taken back."""

from datetime import date
from typing import Any
from unittest.mock import patch
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from customers import duplicates, store
from customers.chains import LARGEST
from customers.matching.model import shipped
from customers.store import Resolved
from customers.tables import SharedKey, Verdict
from foundation import operations
from foundation.clock import new_id, now
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.jobs import run_until_idle
from foundation.records import Gone
from sync import undo
from sync.dedupe import jobs, models, planning, runs, undoing
from sync.dedupe.tables import MatchPair, MatchRun
from tests.customers.world import count, rows, say, shop
from tests.faults import dying
from tests.sync.dedupe.twins import man, person, twins


def run(session: Session, **how: Any) -> MatchRun:
    planned = planning.make(session, "olga")
    carry_out(session, planned, **how)
    return planned


def carry_out(session: Session, planned: MatchRun, **how: Any) -> None:
    runs.start(session, planned.id, "olga", **how)
    while runs.go_on(session, planned.id):
        pass


def live(session: Session) -> int:
    return count(session, "customers WHERE live")


def pairs(session: Session) -> list[tuple[str, str, str]]:
    """What became of each pair, why it was left, what held it."""
    return [(one.state, one.reason, one.held) for one in session.query(MatchPair).order_by(MatchPair.number)]


def test_planned_joined_asked_and_undone(session: Session) -> None:
    twins(session, 2)
    before = live(session)
    planned = planning.make(session, "olga")
    assert live(session) == before and count(session, "profile_links WHERE rule = 'model'") == 0
    counts = planned.counts
    assert (counts["joins"], counts["clusters"], counts["asks"], counts["cards"]) == (2, 2, 1, 7)
    carry_out(session, planned)
    assert live(session) == before - 2 and planned.state == "done"
    assert pairs(session) == [("joined", "", ""), ("joined", "", ""), ("asked", "", "")]
    asked = duplicates.waiting(session).pairs
    assert [pair.rule for pair in asked] == ["model"]
    for evidence, score in [
        *rows(session, "SELECT evidence, score FROM profile_links WHERE rule = 'model'"),
        (asked[0].evidence, asked[0].evidence["score"]),
    ]:
        assert evidence["score"] == score and "the same birthday" in evidence["why"]
        assert sum(step["weight"] for step in evidence["waterfall"]) == pytest.approx(
            evidence["bits"], abs=0.1
        )
    operation = operations.find(session, planned.operation_id)
    assert operation.result == {"pairs": 3, "decided": 3, "joined": 2, "asked": 1}
    assert undo.undo(session, operation.id, "olga").left_alone == []
    assert (live(session), duplicates.count(session), planned.state) == (before, 0, "undone")
    assert run(session).counts["joins"] == 2, "what was undone may be found again"


def test_what_a_key_has_asked_about_since_is_still_asked_when_the_run_is_undone(session: Session) -> None:
    say(session, shop(session), man("a", name="Anna Panaruk"))
    other = shop(session, "Other")
    say(session, other, man("b", name="Boris Panaruk"))
    with patch.object(models, "current", lambda _: msgspec.structs.replace(shipped(), review=-30.0)):
        done = run(session)
    assert [pair.rule for pair in duplicates.waiting(session).pairs] == ["model"]
    say(session, other, man("b", name="Boris Panaruk", emails=("a0@xa.org",)))
    undo.undo(session, done.operation_id, "olga")
    (pair,) = duplicates.waiting(session).pairs
    assert (pair.rule, pair.evidence["key"]) == ("email", "a0@xa.org")


def test_what_changed_since_the_plan_is_left_alone_and_named(session: Session) -> None:
    twins(session, 3)
    planned, before = planning.make(session, "olga"), live(session)
    source = session.execute(text("SELECT source_id FROM profiles WHERE external_id = 'a0'")).scalar_one()
    store.apply(session, source, [Resolved(9, now(), (man("a", 0, birthday=date(1990, 1, 1)),))])
    store.apply(session, source, [Resolved(10, now(), (Gone(external_id="a1", what="person", at=now()),))])
    carry_out(session, planned)
    assert live(session) == before - 2  # one joined, one gone
    assert sorted(pairs(session)) == [
        ("asked", "", ""),
        ("joined", "", ""),
        ("left", "changed", ""),
        ("left", "gone", ""),
    ]
    left = operations.find(session, planned.operation_id).result["left_alone"]
    assert any("Afinogen Panaruk" in line and "changed since the plan" in line for line in left)


def card(session: Session, external_id: str) -> UUID:
    return rows(session, "SELECT customer_id FROM profiles WHERE external_id = :e", e=external_id)[0][0]


def apart(session: Session, one: str, other: str) -> None:
    left, right = sorted((card(session, one), card(session, other)))
    session.add(Verdict(left_id=left, right_id=right, actor="boris", operation_id=new_id()))
    session.flush()


@pytest.mark.parametrize("late", [False, True], ids=["before the plan", "after the plan"])
def test_not_a_duplicate_holds_for_ever_and_across_others(session: Session, late: bool) -> None:
    twins(session)
    say(session, shop(session, "Third"), man("c"))
    if not late:
        apart(session, "a0", "b0")
    planned = planning.make(session, "olga")
    if late:
        apart(session, "a0", "b0")
    carry_out(session, planned)
    cards = {card(session, one) for one in ("a0", "b0", "c0")}
    assert len(cards) == 2 and card(session, "a0") != card(session, "b0")
    assert planning.make(session, "olga").counts["joins"] == 0


def taxed(session: Session, **numbers: str) -> None:
    for key, number in numbers.items():
        session.execute(
            text(
                "INSERT INTO profile_keys (profile_id, kind, value, strong)"
                " SELECT id, 'tax', :value, true FROM profiles WHERE external_id = :key"
            ),
            {"key": key, "value": f"kz.iin:{number}"},
        )


def test_two_verified_numbers_are_never_one_card(session: Session) -> None:
    twins(session)
    say(session, shop(session, "Third"), man("c"))
    taxed(session, a0="850712400123", b0="900101300017")
    done = run(session)
    assert card(session, "a0") != card(session, "b0") and done.counts["joins"] == 1
    assert done.counts["held"] == {"tax": 1} or done.counts["asks"] >= 1


@pytest.mark.parametrize(
    ("other", "held"),
    [
        ({"name": "Boris Panaruk"}, "household"),
        ({"name": "Panaruk Anna", "claimed": True}, "claimed"),
    ],
)
def test_who_is_never_joined_without_a_person(session: Session, other: dict[str, Any], held: str) -> None:
    say(session, shop(session), man("a", name="Anna Panaruk"))
    say(session, shop(session, "Other"), man("b", **other))
    with patch.object(
        models, "current", lambda _: msgspec.structs.replace(shipped(), automatic=-30.0, review=-30.0)
    ):
        done = run(session)
    assert (done.counts["joins"], done.counts["held"]) == (0, {held: 1})
    assert "Not joined by itself" in duplicates.waiting(session).pairs[0].evidence["why"]


def test_shared_mailbox_alone_joins_nobody(session: Session) -> None:
    both = {"name": "Afinogen Panaruk", "emails": ("desk@x.org",)}
    say(session, shop(session), person("1", **both))
    session.add(SharedKey(kind="email", value="desk@x.org", reason="used under 3 different names"))
    session.flush()
    say(session, shop(session, "Other"), person("2", **both))
    assert live(session) == 2
    done = run(session)
    assert (done.counts["joins"], done.counts["held"]) == (0, {"shared": 1})


def test_large_cluster_waits_for_a_person_as_a_whole(session: Session) -> None:
    for number in range(LARGEST + 1):
        say(session, shop(session, f"Shop {number}"), man(f"s{number}_"))
    done = run(session)
    assert (done.counts["joins"], live(session)) == (0, LARGEST + 1)
    assert set(done.counts["held"]) == {"large"}


def test_run_that_takes_too_many_is_asked_for_twice(session: Session) -> None:
    twins(session, 4)
    with patch.object(planning, "FEW", 3), patch.object(planning, "MANY", 0.3):
        planned = planning.make(session, "olga")
    with pytest.raises(BadInput, match="4 of 11 cards"):
        runs.start(session, planned.id, "olga")
    carry_out(session, planned, anyway=True)
    with pytest.raises(BadInput, match="done"):
        runs.start(session, planned.id, "olga")
    with pytest.raises(BadInput, match="no run"):
        runs.start(session, new_id(), "olga")


def test_cancelled_run_keeps_what_it_did_and_can_be_undone(session: Session) -> None:
    twins(session, 3)
    planned, before = planning.make(session, "olga"), live(session)
    runs.start(session, planned.id, "olga")
    with patch.object(runs, "PORTION", 1):
        assert runs.go_on(session, planned.id)
    runs.cancel(session, planned.id)
    assert not runs.go_on(session, planned.id) and live(session) == before - 1
    undo.undo(session, planned.operation_id, "olga")
    assert (live(session), planned.state) == (before, "undone")


def test_killed_worker_leaves_whole_customers_and_goes_on(engine: Engine) -> None:
    with transaction(engine) as session:
        twins(session, 4)
        before, planned = live(session), jobs.plan_later(session, "olga").id
    run_until_idle(engine)
    with transaction(engine) as session:
        assert runs.find(session, planned).state == "planned"
        runs.start(session, planned, "olga")
    with patch.object(runs, "PORTION", 1), patch.object(runs, "go_on", dying(runs.go_on, 3)):
        run_until_idle(engine)
    with transaction(engine) as session:
        assert (live(session), runs.find(session, planned).done) == (before - 2, 2)
        session.connection().exec_driver_sql("UPDATE jobs SET run_at = now()")
    run_until_idle(engine)
    with transaction(engine) as session:
        done = runs.find(session, planned)
        assert (done.state, live(session)) == ("done", before - 4)
        with patch.object(undoing, "AT_ONCE", 1), patch.object(undoing, "PORTION", 1):
            assert undo.undo(session, done.operation_id, "olga").operation.state == "undoing"
    run_until_idle(engine)
    with transaction(engine) as session:
        assert live(session) == before and count(session, "operations WHERE state = 'undone'") == 1


def test_repeated_orders_of_a_guest_are_one_record(session: Session) -> None:
    guests = [man(f"a{n}_", emails=("a@x.org",), guest=True) for n in range(4)]
    say(session, shop(session), *guests)
    say(session, shop(session, "Other"), man("b"))
    planned = planning.make(session, "olga")
    counts = planned.counts
    assert (counts["profiles"], counts["records"], counts["joins"] + counts["asks"]) == (5, 2, 1)
