"""A bulk decision that is undone leaves no trace: every card, fact and consent is as if it had never been.

People arrive, buy and change their minds before, during and after it, and other pairs are decided by hand.
"""

from datetime import timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from customers import bulk, merge, undo
from customers.bulk import Choice
from foundation.records import Consent, Person
from tests.customers.test_undo_is_exact import Label, Run, differences
from tests.customers.world import rows
from tests.people import JANUARY, order

NAMES = ("Anna Petrova", "Boris Weber", "Claire Dubois", "Jürgen Schmidt", "A. Petrova", "")
MAILS = ("", "a@x.org", "b@x.org", "c@x.org", "d@x.org", "e@x.org")

one_arrives = st.fixed_dictionaries(
    {
        "source": st.integers(0, 1),
        "key": st.integers(1, 12).map(str),
        "name": st.sampled_from(NAMES),
        "mail": st.sampled_from(MAILS),
        "phone": st.sampled_from(("", "+77012345678", "+77012345679")),
        "consent": st.sampled_from((None, True, False)),
        "buys": st.booleans(),
    }
)
first = st.lists(one_arrives, min_size=7, max_size=12)
later = st.lists(one_arrives, max_size=6)


def arrive(run: Run, start: int, said: list[dict[str, Any]]) -> None:
    for number, one in enumerate(said, start):
        at = JANUARY + timedelta(minutes=number)
        consents = () if one["consent"] is None else (Consent(channel="email", given=one["consent"], at=at),)
        person = Person(
            external_id=one["key"],
            name=one["name"],
            emails=(one["mail"],) if one["mail"] else (),
            phones=(one["phone"],) if one["phone"] else (),
            consents=consents,
            changed_at=at,
        )
        bought = order(person, f"o{number}", total=Decimal(number + 1), placed_at=at)
        run.arrive(number, one["source"], bought if one["buys"] else person)


def state(run: Run) -> tuple[dict[str, Any], str]:
    """All that people see and every consent, with its hash."""
    told = run.dump()
    query = (
        "SELECT p.source_id = :first, p.kind, p.external_id, c.channel, c.purpose, c.given, c.at"
        " FROM consents c JOIN profiles p ON p.id = c.profile_id"
    )
    found = rows(run.session, query, first=run.sources[0].id)
    told["consents"] = sorted(map(str, found))
    told["waiting"] = sorted(map(str, (sorted(pair) for pair in told["waiting"])))
    return told, blake2b(canonical(told).encode(), digest_size=16).hexdigest()


def canonical(value: Any) -> str:
    """The same text for the same state, in whatever order it was read."""
    if isinstance(value, dict):
        return f"{{{','.join(sorted(f'{key}:{canonical(one)}' for key, one in value.items()))}}}"
    return repr(value)


Act = tuple[str, Label, Label]  # what somebody does by hand to two profiles


def by_hand(run: Run, number: int, act: Act) -> bool:
    """Merge two, split one off or keep two apart; False when it is refused."""
    what, one, other = act
    if what == "merge":
        return run.try_act(number, lambda: merge.merge(run.session, run.home(one), run.home(other), "anna"))
    if what == "split":
        return run.try_act(number, lambda: merge.split(run.session, [run.profile(one)], "anna"))
    return run.try_act(number, lambda: run.decide(one, other, "different"))


def with_bulk(
    engine: Engine, said: list[list[dict[str, Any]]], choice: Choice, hands: list[tuple[str, int, int]]
) -> tuple[dict[str, Any], str, list[Act], int]:
    """The state after a bulk decision was undone, what was done by hand, and the pairs it had."""
    run = Run(engine)
    arrive(run, 0, said[0])
    plan = bulk.plan(run.session, choice)
    operation = bulk.begin(run.session, choice, "olga", plan.hash) if plan.ids else None
    if operation:
        bulk.go_on(run.session, operation.id)
    arrive(run, 20, said[1])
    known, done = run.known(), list[Act]()
    for number, (what, one, other) in enumerate(hands):
        act = what, known[one % len(known)], known[other % len(known)]
        if by_hand(run, number, act):
            done.append(act)
    while operation and bulk.go_on(run.session, operation.id):
        pass
    arrive(run, 40, said[2])
    if operation:
        assert merge.undo(run.session, operation.id, "olga").operation.state == "undone"
    found = state(run)
    run.session.rollback()
    run.session.close()
    return *found, done, len(plan.ids)


def without(
    engine: Engine, said: list[list[dict[str, Any]]], acts: list[Act]
) -> tuple[dict[str, Any], str] | None:
    """The state of a run that never had it; None when an act made sense only with it."""
    run = Run(engine)
    arrive(run, 0, said[0])
    arrive(run, 20, said[1])
    sound = all(by_hand(run, number, act) for number, act in enumerate(acts))
    arrive(run, 40, said[2])
    found = state(run) if sound else None
    run.session.rollback()
    run.session.close()
    return found


def test_undo_of_a_bulk_decision_leaves_no_trace(engine: Engine) -> None:
    decided: list[int] = []

    @settings(
        max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        said=st.tuples(first, later, later).map(list),
        answer=st.sampled_from(("joined", "different")),
        hands=st.lists(
            st.tuples(st.sampled_from(("merge", "split", "apart")), st.integers(0, 99), st.integers(0, 99)),
            max_size=3,
        ),
        portion=st.integers(1, 3),
    )
    def exact(
        said: list[list[dict[str, Any]]], answer: Any, hands: list[tuple[str, int, int]], portion: int
    ) -> None:
        with patch.object(bulk, "PORTION", portion), patch.object(undo, "PORTION", portion):
            mine, sum_of_mine, acts, number = with_bulk(engine, said, Choice(answer), hands)
        other = without(engine, said, acts)
        if other is not None:
            decided.append(number)
            assert differences(mine, other[0]) == []
            assert sum_of_mine == other[1]

    exact()
    assert sum(decided) > 10, "too few of the runs had anything to decide"
