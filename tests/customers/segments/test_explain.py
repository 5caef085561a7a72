"""Why somebody is in or isn't: reasons, what is unknown, and when time will change it."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.segments import explain, language, store, tree
from customers.segments.explain import truth_of
from foundation.clock import new_id
from foundation.errors import BadInput
from tests.conftest import MORNING
from tests.customers.segments import trees
from tests.customers.segments.crowd import Crowd
from tests.customers.segments.test_membership import settle

SAID = 'orders.count(last 90 days) >= 2 and city = "Almaty" and not opened(any letter, last 30 days)'


@pytest.fixture
def crowd(session, clock):
    return Crowd(session)


def told(crowd, said, customer):
    segment = store.make(crowd.session, "One", language.parse(said), "t")
    settle(crowd.session)
    return explain.explain(crowd.session, segment, customer, MORNING)


def test_in_since_and_when_time_ends_it(crowd):
    anna = crowd.customer("Anna", city="Almaty")
    crowd.order(anna, 10)
    crowd.order(anna, 80)
    crowd.order(anna, 85)
    crowd.happen(anna, "letter.opened", 40)
    found = told(crowd, SAID, anna)
    assert (found.inside, found.known, found.since) == (True, True, MORNING)
    assert (found.entered.kind, found.entered.reason) == ("enter", "version")
    assert [(one.truth, one.why, one.decides) for one in found.clauses] == [
        (True, True, True), (True, True, True), (False, True, True)]  # fmt: skip
    assert [one.actual for one in found.clauses] == [3, "Almaty", MORNING - timedelta(days=40)]
    assert found.turns_at == MORNING + timedelta(
        days=10
    )  # the second order of three goes, the first changes nothing
    assert found.turned == ["orders.count(last 90 days) >= 2"]


def test_not_in_and_what_is_unknown(crowd):
    boris = crowd.customer("Boris")
    crowd.order(boris, 10)
    crowd.order(boris, 20)
    crowd.happen(boris, "letter.opened", 3)
    found = told(crowd, SAID, boris)
    assert not found.inside and found.since is None and found.entered is None
    assert [(one.truth, one.why) for one in found.clauses] == [(True, False), (None, False), (True, True)]
    assert not any(one.decides for one in found.clauses)  # two things are in the way
    assert found.turns_at is None


def test_unset_is_a_reason(crowd):
    boris = crowd.customer("Boris")
    found = told(crowd, 'city != "Almaty" and name is set', boris)
    assert [(one.truth, one.why, one.decides) for one in found.clauses] == [
        (None, True, True),
        (True, False, False),
    ]


def test_when_time_lets_somebody_in(crowd):
    anna = crowd.customer("Anna", city="Almaty")
    crowd.order(anna, 10)
    crowd.order(anna, 1)
    crowd.happen(anna, "letter.opened", 28)
    found = told(crowd, SAID, anna)
    assert not found.inside
    assert found.turns_at == MORNING + timedelta(days=2)
    assert found.turned == ["opened(any letter, last 30 days)"]


def test_a_merged_id_leads_to_the_card_and_strangers_are_in_nothing(crowd):
    anna = crowd.customer("Anna", city="Almaty")
    old = crowd.customer("Old", live=False, merged_into=anna)
    ghost = crowd.customer("", city="Almaty")
    crowd.session.connection().exec_driver_sql(
        f"UPDATE customers SET identified = false WHERE id = '{ghost}'"
    )
    found = told(crowd, 'city = "Almaty"', old)
    assert found.customer == anna and found.inside
    segment = store.find(crowd.session, "One")
    found = explain.explain(crowd.session, segment, ghost, MORNING)
    assert not found.inside and not found.known
    with pytest.raises(BadInput):
        explain.explain(crowd.session, segment, new_id(), MORNING)


@settings(max_examples=200, deadline=None)
@given(trees.TREES, st.data())
def test_reasons_suffice(node, data):
    """Whatever the other conditions are, the reasons alone make the tree what it is."""
    count = len(tree.conditions(node))
    some = st.lists(st.sampled_from([True, False, None]), min_size=count, max_size=count)
    truths, others = data.draw(some), data.draw(some)
    whole, reasons = explain._reasons(node, truths, iter(range(count)))
    assert whole is truth_of(node, truths) and reasons
    if whole is not None:
        mixed = [truths[number] if number in reasons else others[number] for number in range(count)]
        assert truth_of(node, mixed) is whole
