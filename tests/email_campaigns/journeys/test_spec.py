"""What a journey does is read closely: what can't be used is named by its place, and every way ends."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from email_campaigns.journeys import program, spec
from foundation.database import transaction
from foundation.errors import BadInput
from tests.email_campaigns.journeys.world import Street


def checked(street: Street, said: Any) -> dict[str, Any]:
    with transaction(street.engine) as session:
        return spec.checked(session, said)


def test_it_is_kept_whole_with_names_for_its_steps(street: Street) -> None:
    yes = [{"type": "wait", "amount": "2", "unit": "days"}]
    kept = checked(
        street,
        {
            "trigger": {"kind": "test"},
            "steps": [{"type": "condition", "condition": 'city = "Almaty"', "yes": yes, "no": []}],
        },
    )
    assert kept["trigger"] == {"kind": "test", "settings": {"least": 0}}
    assert kept["reentry"] == {"kind": "never"}
    assert (kept["holdout"], kept["goal"], kept["exits"]) == (0, None, [])
    (step,) = kept["steps"]
    assert (step["id"], step["yes"][0]) == ("s1", {"id": "s2", "type": "wait", "amount": 2, "unit": "days"})
    assert checked(street, kept) == kept


WAIT = {"type": "wait", "amount": 1, "unit": "hours"}
DEEP: dict[str, Any] = {"type": "condition", "condition": "city is set", "yes": [], "no": []}
for _ in range(5):
    DEEP = DEEP | {"yes": [DEEP]}


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"trigger": {"kind": "nothing"}}, ""),
        ({"trigger": {"kind": "test", "settings": {"most": 1}}}, "trigger/settings/most"),
        ({"trigger": {"kind": "test", "settings": {"least": 99}}}, "trigger/settings/least"),
        ({"steps": []}, "steps"),
        ({"steps": "x"}, "steps"),
        ({"steps": [1]}, "steps/0"),
        ({"steps": [{"type": "dance"}]}, "steps/0/type"),
        ({"steps": [WAIT | {"amount": 0}]}, "steps/0/amount"),
        ({"steps": [WAIT | {"amount": 99_999}]}, "steps/0/amount"),
        ({"steps": [WAIT | {"unit": "years"}]}, "steps/0/unit"),
        ({"steps": [WAIT | {"id": "a"}, WAIT | {"id": "a"}]}, "steps/1/id"),
        ({"steps": [WAIT | {"id": "a:b"}]}, "steps/0/id"),
        ({"steps": [{"type": "until", "time": "25:00"}]}, "steps/0/time"),
        ({"steps": [{"type": "until", "time": "10:00", "weekdays": [8]}]}, "steps/0/weekdays"),
        ({"steps": [{"type": "wait_for", "condition": "city", "amount": 1, "unit": "days"}]},
         "steps/0/condition"),
        ({"steps": [{"type": "condition", "condition": "age > 1"}]}, "steps/0/condition"),
        ({"steps": [{"type": "condition", "condition": 'lists has "Nobody"'}]}, "steps/0/condition"),
        ({"steps": [{"type": "split", "arms": [{"share": 50}, {"share": 49}]}]}, "steps/0/arms"),
        ({"steps": [{"type": "split", "arms": [{"share": 50, "name": "A"}, {"share": 50, "name": "A"}]}]},
         "steps/0/arms/1/name"),
        ({"steps": [{"type": "letter", "letter_id": "x", "sender_id": "y"}]}, "steps/0/letter_id"),
        ({"steps": [{"type": "task", "text": " "}]}, "steps/0/text"),
        ({"steps": [{"type": "list", "segment_id": "x", "act": "add"}]}, "steps/0/segment_id"),
        ({"steps": [DEEP]}, "steps/0/yes/0/yes/0/yes/0/yes/0/yes"),
        ({"steps": [WAIT] * 51}, "steps/50"),
        ({"holdout": 51}, "holdout"),
        ({"reentry": {"kind": "after"}}, "reentry/days"),
        ({"goal": {"condition": "("}}, "goal/condition"),
        ({"exits": [{"condition": ""}]}, "exits/0/condition"),
        ({"audience": {"include": ["x"]}}, "audience/include"),
        ({"audience": {"exclude": ["019cadc6-9a80-7be4-b866-f55db7de2107"]}}, "audience/exclude"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(street: Street, change: dict[str, Any], at: str) -> None:
    with pytest.raises(BadInput) as error:
        checked(street, street.spec(WAIT) | change)
    assert error.value.at == at
    assert error.value.message


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "steps", "condition", "yes", "arms", "kind", "id"]), inner)
    ),
    max_leaves=8,
)
PARTS = st.sampled_from(["trigger", "audience", "reentry", "holdout", "goal", "exits", "steps"])


@how(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(part=PARTS, junk=JUNK)
def test_junk_is_refused_and_breaks_nothing(street: Street, part: str, junk: Any) -> None:
    with suppress(BadInput):
        kept = checked(street, street.spec(WAIT) | {part: junk})
        assert kept["steps"]


def test_every_way_through_ends() -> None:
    inside = {"id": "c", "type": "condition", "condition": "x", "yes": [WAIT | {"id": "y"}], "no": []}
    arms = [{"name": "A", "share": 50, "steps": [inside]}, {"name": "B", "share": 50, "steps": []}]
    steps = [{"id": "s", "type": "split", "arms": arms}, WAIT | {"id": "w"}]
    made = program.compile_({"steps": steps})
    assert made.first == "s"
    assert made.steps["s"].ways == {"A": "c", "B": "w"}
    assert made.steps["c"].ways == {"yes": "y", "no": "w"}
    assert (made.steps["y"].then, made.steps["w"].then) == ("w", "")
