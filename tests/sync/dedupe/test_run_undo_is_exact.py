"""A run of matching that is undone leaves no trace: every card, fact and consent is as if it had never been.

People arrive, buy and change their minds before, during and after it, and others are joined by hand.
"""

from typing import Any
from unittest.mock import patch

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from customers.matching.model import shipped
from sync import undo
from sync.dedupe import models, planning, runs, undoing
from tests.customers.test_bulk_undo_is_exact import Act, arrive, by_hand, first, later, state, without
from tests.customers.test_undo_is_exact import Run, differences

RASH = msgspec.structs.replace(shipped(), automatic=-15.0, automatic_mean=-15.0, review=-20.0)


def with_run(
    engine: Engine, said: list[list[dict[str, Any]]], hands: list[tuple[str, int, int]]
) -> tuple[dict[str, Any], str, list[Act], int]:
    """The state after a run was undone, what was done by hand, and how many pairs it had joined."""
    run = Run(engine)
    session = run.session
    arrive(run, 0, said[0])
    planned = planning.make(session, "olga")
    operation = runs.start(session, planned.id, "olga", anyway=True) if planned.total else None
    if operation:
        runs.go_on(session, planned.id)
    arrive(run, 20, said[1])
    known, done = run.known(), list[Act]()
    for number, (what, one, other) in enumerate(hands):
        act = what, known[one % len(known)], known[other % len(known)]
        if by_hand(run, number, act):
            done.append(act)
    while operation and runs.go_on(session, planned.id):
        pass
    arrive(run, 40, said[2])
    if operation:
        assert undo.undo(session, operation.id, "olga").operation.state == "undone"
    joined = operation.result.get("joined", 0) if operation else 0
    found = state(run)
    session.rollback()
    session.close()
    return *found, done, joined


def test_undo_of_a_run_leaves_no_trace(engine: Engine) -> None:
    joined: list[int] = []

    @settings(
        max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        said=st.tuples(first, later, later).map(list),
        hands=st.lists(
            st.tuples(st.sampled_from(("merge", "split")), st.integers(0, 99), st.integers(0, 99)), max_size=3
        ),
        portion=st.integers(1, 3),
    )
    def exact(said: list[list[dict[str, Any]]], hands: list[tuple[str, int, int]], portion: int) -> None:
        with (
            patch.object(models, "current", lambda _: RASH),
            patch.object(runs, "PORTION", portion),
            patch.object(undoing, "PORTION", portion),
        ):
            mine, sum_of_mine, acts, number = with_run(engine, said, hands)
        other = without(engine, said, acts)
        if other is not None:
            joined.append(number)
            assert differences(mine, other[0]) == []
            assert sum_of_mine == other[1]

    exact()
    assert sum(joined) > 10, "too few of the runs joined anything"
