"""Matching on arrival: who is kept ready, and what becomes of those who are like somebody."""

from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from customers import duplicates, store
from customers.matching.model import shipped
from customers.store import Resolved
from customers.tables import SharedKey, Source
from foundation import operations
from foundation.clock import now
from foundation.database import transaction
from foundation.jobs import run_until_idle
from foundation.records import Gone
from foundation.tables import Operation
from sync import undo
from sync.dedupe import arrivals, jobs, kept, models, planning, undoing
from tests.customers.world import count, rows, say, shop
from tests.faults import dying
from tests.sync.dedupe.test_arrivals_equal_runs import arrive, as_kept_anew, of_a_run, ready
from tests.sync.dedupe.test_runs import apart, card, carry_out, live, taxed
from tests.sync.dedupe.twins import man, person, twins

assert undoing  # it registers the undo


def world(session: Session, *, joins: bool = False, men: int = 1) -> tuple[Source, Source]:
    """A shop whose men are kept ready, and another that doesn't know them yet."""
    one, other = shop(session), shop(session, "Other")
    say(session, one, *(man("a", number) for number in range(men)))
    ready(session)
    arrivals.set_joins(session, joins)
    return one, other


def joined_by_itself(session: Session) -> list[Operation]:
    return session.query(Operation).filter_by(kind=arrivals.KIND).all()


def test_who_is_like_somebody_waits_for_a_person_with_the_evidence_of_a_run(session: Session) -> None:
    _, other = world(session)
    say(session, other, man("b"), person("3", name="Claire Dubois", emails=("claire@x.org",)))
    before = live(session)
    arrive(session)
    (pair,) = duplicates.waiting(session).pairs
    assert (pair.rule, live(session), joined_by_itself(session)) == ("model", before, [])
    assert "the same birthday" in pair.evidence["why"]
    assert sum(step["weight"] for step in pair.evidence["waterfall"]) == pytest.approx(
        pair.evidence["bits"], abs=0.1
    )
    arrive(session)
    say(session, other, man("b", phones=("+77015550101",)))
    arrive(session)
    assert duplicates.count(session) == 1, "a pair is asked about once"
    planned = planning.make(session, "olga")
    assert planned.counts["joins"] == 1, "a run joins what only waited"


def test_certain_ones_are_joined_where_that_is_on_and_one_undo_takes_it_back(session: Session) -> None:
    _, other = world(session, joins=True, men=2)
    say(session, other, man("b"), man("b", 1), person("4", name="Gleb Sorokin"))
    before = live(session)
    arrive(session)
    assert (live(session), duplicates.count(session)) == (before - 2, 0)
    assert card(session, "a0") == card(session, "b0")
    (operation,) = joined_by_itself(session)
    assert (operation.actor, operation.state, operation.result["joined"]) == ("system", "done", 2)
    assert undo.undo(session, operation.id, "olga").left_alone == []
    assert live(session) == before and operation.state == "undone"
    arrive(session)
    assert live(session) == before, "what was taken back isn't done again until somebody says something new"
    as_kept_anew(session)


def test_two_who_arrive_together_find_each_other(session: Session) -> None:
    ready(session)
    twins(session, 2)
    arrive(session)
    assert duplicates.count(session) == 3


@pytest.mark.parametrize("joins", [False, True])
def test_not_a_duplicate_holds(session: Session, joins: bool) -> None:
    _, other = world(session, joins=joins)
    say(session, other, man("b"))
    apart(session, "a0", "b0")
    arrive(session)
    say(session, other, man("b", phones=("+77015550101",)))
    arrive(session)
    assert duplicates.count(session) == 0 and card(session, "a0") != card(session, "b0")
    assert joined_by_itself(session) == []


def test_guards_of_a_run_guard_arrivals(session: Session) -> None:
    one, other = world(session, joins=True, men=2)
    desk = {"name": "Kasyan Mulgrew", "emails": ("desk@x.org",)}
    say(session, one, person("desk1", **desk))
    session.add(SharedKey(kind="email", value="desk@x.org", reason="used under 3 different names"))
    session.flush()
    say(session, other, man("b"), man("b", 1, claimed=True), person("desk2", **desk))
    taxed(session, a0="850712400123", b0="900101300017")
    before = live(session)
    arrive(session)
    assert live(session) == before and joined_by_itself(session) == []
    why = " ".join(pair.evidence["why"] for pair in duplicates.waiting(session).pairs)
    for held in ("tax numbers differ", "what a browser says", "used by several people"):
        assert held in why


def test_changed_and_gone_profiles_are_kept_and_found_as_they_are_now(session: Session) -> None:
    one, other = world(session)
    say(session, other, man("b", name="Claire Dubois", birthday=None, addresses=()))
    arrive(session)
    assert duplicates.count(session) == 0
    say(session, other, man("b"))
    arrive(session)
    assert duplicates.count(session) == 1
    store.apply(session, one.id, [Resolved(9, now(), (Gone(external_id="a0", what="person", at=now()),))])
    arrive(session)
    say(session, shop(session, "Third"), man("c"))
    arrive(session)
    assert (count(session, "match_records"), duplicates.count(session)) == (2, 1)
    as_kept_anew(session)


def test_model_in_use_weighs_arrivals(session: Session) -> None:
    _, other = world(session)
    strict = msgspec.structs.replace(shipped(), automatic=60.0, best=60.0, review=60.0)
    say(session, other, man("b"))
    with patch.object(models, "current", lambda _: strict):
        arrive(session)
    assert duplicates.count(session) == 0


def test_nobody_is_asked_about_more_than_people_can_answer(session: Session) -> None:
    _, other = world(session, men=3)
    say(session, other, man("b"))
    arrive(session)
    with patch.object(arrivals, "MOST_WAITING", 1):
        say(session, other, man("b", 1))
        arrive(session)
        assert duplicates.count(session) == 1


def test_nothing_is_kept_until_somebody_matches_and_nothing_once_it_is_off(engine: Engine) -> None:
    with transaction(engine) as session:
        twins(session)
    run_until_idle(engine)
    with transaction(engine) as session:
        assert arrivals.state(session) is None
        assert count(session, "profiles_touched") == count(session, "match_records") == 0
        jobs.plan_later(session, "olga")
    run_until_idle(engine)
    with transaction(engine) as session:
        found = arrivals.state(session)
        assert found and (found.state, found.records) == ("ready", 5)
        assert count(session, "match_records") == 5
        assert duplicates.count(session) == 0, "those who are there already are a run's business"
        arrivals.turn_off(session)
    with transaction(engine) as session:
        say(session, shop(session, "Third"), man("c"))
        jobs.plan_later(session, "olga")
    run_until_idle(engine)
    with transaction(engine) as session:
        assert count(session, "profiles_touched") == count(session, "match_records") == 0
        assert duplicates.count(session) == 0


def test_killed_filling_goes_on_and_who_came_meanwhile_is_found(engine: Engine) -> None:
    with transaction(engine) as session:
        source, other = shop(session), shop(session, "Other")
        say(session, source, *(man("a", number) for number in range(5)))
        arrivals.turn_on(session)
    with (
        patch.object(arrivals, "FILLED", 1),
        patch.object(arrivals, "fill_some", dying(arrivals.fill_some, 3)),
    ):
        run_until_idle(engine)
    with transaction(engine) as session:
        found = arrivals.state(session)
        assert found and (found.state, found.records, count(session, "match_records")) == ("filling", 2, 2)
        say(session, other, *(man("b", number) for number in range(5)))
        session.execute(text("UPDATE jobs SET run_at = now()"))
    run_until_idle(engine)
    with transaction(engine) as session:
        found = arrivals.state(session)
        assert found and (found.state, found.records) == ("ready", 10)
        assert duplicates.count(session) == 5
        as_kept_anew(session)


def test_new_form_of_records_is_kept_anew(engine: Engine) -> None:
    with transaction(engine) as session:
        _, other = world(session)
        session.execute(text("UPDATE match_arrivals SET form = 0"))
        session.execute(text("UPDATE match_records SET record = '\\x00'"))
        say(session, other, person("3", name="Claire Dubois"))
    run_until_idle(engine)
    with transaction(engine) as session:
        found = arrivals.state(session)
        assert found and (found.state, found.form, found.records) == ("ready", kept.FORM, 2)
        assert len(rows(session, "SELECT FROM match_keys")) > 2
        as_kept_anew(session)


def test_run_and_its_undo_leave_what_is_kept_true(session: Session) -> None:
    ready(session)
    twins(session, 3)
    arrive(session)
    planned: Any = planning.make(session, "olga")
    carry_out(session, planned)
    arrive(session)
    as_kept_anew(session)
    undo.undo(session, planned.operation_id, "olga")
    arrive(session)
    as_kept_anew(session)
    assert of_a_run(session)
    assert operations.find(session, planned.operation_id).state == "undone"


def test_one_worker_at_a_time_matches_arrivals(engine: Engine) -> None:
    with transaction(engine) as session:
        ready(session)
        twins(session)
    with transaction(engine) as first:
        assert arrivals.turn(first)
        with transaction(engine) as second:
            assert not arrivals.turn(second)
    with transaction(engine) as session:
        assert (count(session, "match_records"), duplicates.count(session)) == (5, 2)
