"""One field of a pair: base, ours, theirs and its owner, and what becomes of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.directories.merge import OWNERS, REASONS, Case, decide

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
values = st.sampled_from((None, "a", "b", "c"))
times = st.sampled_from((None, AT, LATER))
cases = st.builds(
    Case, field=st.just("name"), known=st.booleans(), base_ours=values, base_theirs=values, ours=values,
    theirs=values, owner=st.sampled_from(OWNERS), ours_at=times, theirs_at=times, card=st.booleans(),
    writes_here=st.booleans(), writes_there=st.booleans(), held=st.booleans(), refused=st.booleans(),
)  # fmt: skip


def case(base, ours, theirs, **more):
    return Case("name", True, base, base, ours, theirs, **more)


@pytest.mark.parametrize(
    ("given", "act", "reason"),
    [
        (case("a", "a", "a"), "same", "equal"),
        (case("a", "b", "b"), "agree", "equal"),
        (case("a", "b", "a"), "push", "only_here"),
        (case("a", "a", "b"), "take", "only_there"),
        (case("a", "b", "c"), "conflict", "both"),
        (case("a", "b", "a", owner="theirs"), "take", "owner_there"),
        (case("a", "a", "b", owner="ours"), "push", "owner_here"),
        (case("a", "b", "c", owner="ours"), "push", "owner_here"),
        (case("a", "b", "c", owner="theirs"), "take", "owner_there"),
        (case("a", "b", "c", owner="newest", ours_at=LATER, theirs_at=AT), "push", "newest_here"),
        (case("a", "b", "c", owner="newest", ours_at=AT, theirs_at=LATER), "take", "newest_there"),
        (case("a", "b", "c", owner="newest", ours_at=AT, theirs_at=AT), "conflict", "both"),
        (case("a", None, "b"), "agree", "only_they"),
        (case("a", None, "a"), "same", "only_they"),
        (case("a", None, "a", card=False), "conflict", "cleared_here"),
        (case("a", None, "a", card=False, owner="ours"), "push", "only_here"),
        (case("a", "a", None), "conflict", "cleared_there"),
        (case("a", "a", None, owner="theirs"), "take", "only_there"),
        (case("a", "a", "b", writes_here=False), "stuck", "read_only_here"),
        (case("a", "b", "a", writes_there=False), "stuck", "read_only_there"),
        (case("a", "b", "a", refused=True), "stuck", "refused"),
        (case("a", "b", "a", held=True), "conflict", "undone"),
        (Case("name", True, "abc", "ab", "abc", "ab"), "same", "equal"),  # it cuts what we write
        (Case("name", False, None, None, "a", "b"), "conflict", "first"),
        (Case("name", False, None, None, "a", None), "push", "empty_there"),
        (Case("name", False, None, None, None, "b", card=False), "take", "empty_here"),
        (Case("name", False, None, None, None, "b"), "same", "only_they"),
    ],
)
def test_what_becomes_of_a_field(given, act, reason):
    assert decide(given) == ("name", act, reason)


@given(cases)
def test_nothing_is_overwritten_that_both_changed_unless_a_rule_says_so(one):
    decision = decide(one)
    assert decision.reason in REASONS
    overwrites = decision.act in ("take", "push")
    silent = one.card and one.ours is None
    if one.known and one.owner == "ask" and overwrites:
        assert (one.ours != one.base_ours) != (one.theirs != one.base_theirs)
    if overwrites:
        assert one.ours != one.theirs and not silent and not one.held
        assert one.writes_there if decision.act == "push" else one.writes_here
    if one.ours == one.theirs or silent:
        assert decision.act in ("same", "agree")


@given(cases)
def test_what_was_agreed_on_is_the_same_the_next_time(one):
    """Once the value is on both sides and the base has moved, nothing is left to do."""
    decision = decide(one)
    value = {"take": one.theirs, "push": one.ours, "agree": one.theirs}.get(decision.act)
    if decision.act in ("take", "push", "agree"):
        again = one._replace(known=True, base_ours=value, base_theirs=value, ours=value, theirs=value)
        assert decide(again).act == "same"
