"""The editor's form as a journey, and what its buttons do to the steps."""

from typing import Any

import pytest
from starlette.datastructures import FormData

from console.pages import journey_input

WAIT = {"id": "w", "type": "wait", "amount": 1, "unit": "days"}


def form(*pairs: tuple[str, str]) -> FormData:
    return FormData(list(pairs))


def tree() -> dict[str, Any]:
    """wait w; condition c (yes: wait y; no: nothing); split s (A: wait a, B: nothing); exit e."""
    return {
        "steps": [
            dict(WAIT),
            {"id": "c", "type": "condition", "condition": "x", "yes": [WAIT | {"id": "y"}], "no": []},
            {"id": "s", "type": "split", "arms": [
                {"name": "A", "share": 50, "steps": [WAIT | {"id": "a"}]},
                {"name": "B", "share": 50, "steps": []},
            ]},
            {"id": "e", "type": "exit"},
        ]
    }  # fmt: skip


def shape(steps: list[dict[str, Any]]) -> list[Any]:
    """The ids, nested as the steps are."""
    found: list[Any] = []
    for step in steps:
        inner = [step["yes"], step["no"]] if step["type"] == "condition" else []
        inner += [arm["steps"] for arm in step.get("arms", ())]
        found.append([step["id"], *map(shape, inner)] if inner else step["id"])
    return found


def test_form_is_read_as_it_was_meant() -> None:
    said = journey_input.read(
        form(
            ("trigger", "abandoned_cart"), ("t_least", "500"), ("t_skus", "A-1\n\n B-2 "), ("t_kind", "x"),
            ("s_1", "include"), ("s_2", "exclude"), ("s_3", ""), ("reentry", "after"), ("reentry_days", "30"),
            ("holdout", ""), ("goal", "condition"), ("goal_condition", "orders.count() > 0"),
            ("exit0", ""), ("exit1", 'city = "Almaty"'),
            ("s0_type", "until"), ("s0_id", "u"), ("s0_time", "09:30"), ("s0_weekdays", "1"),
            ("s0_weekdays", "7"), ("s0_weekdays", "8"),
            ("s1_type", "split"), ("s1_id", "s"), ("s1.0_name", "A"), ("s1.0_share", "70"),
            ("s1.1_name", "B"), ("s1.1_share", "many"), ("s1.1.0_type", "wait"), ("s1.1.0_id", "w"),
            ("s1.1.0_amount", "2"), ("s1.1.0_unit", "hours"),
            ("s2_type", "condition"), ("s2_id", "c"), ("s2_condition", "x"), ("s2.no.0_type", "exit"),
            ("s2.no.0_id", "e"), ("s4_type", "wait"),
        ),
        {"least": "number", "skus": "skus", "kind": "choice", "days": "days"},
    )  # fmt: skip
    settings = {"least": 500, "skus": ["A-1", "B-2"], "kind": "x", "days": None}
    assert said["trigger"] == {"kind": "abandoned_cart", "settings": settings}
    assert said["audience"] == {"include": ["1"], "exclude": ["2"]}
    assert said["reentry"] == {"kind": "after", "days": 30} and said["holdout"] == 0
    assert said["goal"] == {"condition": "orders.count() > 0"}
    assert said["exits"] == [{"condition": 'city = "Almaty"'}]
    until, split, condition = said["steps"]
    assert until == {"id": "u", "type": "until", "time": "09:30", "weekdays": [1, 7]}
    assert [(arm["name"], arm["share"]) for arm in split["arms"]] == [("A", 70), ("B", "many")]
    inside = {"id": "w", "type": "wait", "amount": 2, "unit": "hours"}
    assert split["arms"][1]["steps"] == [inside]
    assert condition == {
        "id": "c", "type": "condition", "condition": "x", "yes": [], "no": [{"id": "e", "type": "exit"}]
    }  # fmt: skip


def test_what_no_page_of_ours_sends_is_passed_over() -> None:
    deep = "s0"
    pairs = [("s0_type", "condition")]
    for _ in range(30):
        deep += ".yes.0"
        pairs.append((f"{deep}_type", "condition"))
    said = journey_input.read(form(*pairs, ("s1_type", "rocket"), ("s1_id", "x\x00")), {})
    steps, depth = said["steps"], 0
    while steps:
        steps, depth = steps[0]["yes"], depth + 1
    assert depth == journey_input.DEEPEST + 1
    many = journey_input.read(form(*((f"s{n}_type", "exit") for n in range(500))), {})
    assert len(many["steps"]) == journey_input.MOST_STEPS + 1
    assert len({one["id"] for one in many["steps"]}) == len(many["steps"])


@pytest.mark.parametrize(
    ("do", "after"),
    [
        ("up:1", [["c", ["y"], []], "w", ["s", ["a"], []], "e"]),
        ("up:0", ["w", ["c", ["y"], []], ["s", ["a"], []], "e"]),
        ("down:3", ["w", ["c", ["y"], []], ["s", ["a"], []], "e"]),
        ("down:0", [["c", ["y"], []], "w", ["s", ["a"], []], "e"]),
        ("remove:1", ["w", ["s", ["a"], []], "e"]),
        ("remove:1.yes.0", ["w", ["c", [], []], ["s", ["a"], []], "e"]),
        ("out:1.yes.0", ["w", ["c", [], []], "y", ["s", ["a"], []], "e"]),
        ("out:2.0.0", ["w", ["c", ["y"], []], ["s", [], []], "a", "e"]),
        ("in:2:no", ["w", ["c", ["y"], [["s", ["a"], []]]], "e"]),
        ("in:3:1", ["w", ["c", ["y"], []], ["s", ["a"], ["e"]]]),
        ("in:1:yes", ["w", ["c", ["y"], []], ["s", ["a"], []], "e"]),
        ("arm:2", ["w", ["c", ["y"], []], ["s", ["a"], [], []], "e"]),
        ("unarm:2.0", ["w", ["c", ["y"], []], ["s", ["a"], []], "e"]),
    ],
)
def test_buttons_move_steps(do: str, after: list[Any]) -> None:
    spec = tree()
    journey_input.act(spec, do)
    assert shape(spec["steps"]) == after


@pytest.mark.parametrize(
    "do",
    ["", "add", "add:wait", "add:rocket::0", "add:wait:9.yes:0", "add:wait:1.maybe:0", "add:wait:1:0", "up:",
     "up:x", "up:9", "up:1.yes.9", "remove:1.yes", "out:0", "in:0:yes", "in:3:9", "in:2:0", "arm:0",
     "unarm:2", "unarm:0.0", "in:3:²", "unarm:2.9", "up:" + "1." * 500 + "1", "up:²",
     "add:wait::" + "9" * 40, "drop:0"],
)  # fmt: skip
def test_other_words_change_nothing(do: str) -> None:
    spec = tree()
    journey_input.act(spec, do)
    assert spec == tree()


@pytest.mark.parametrize("kind", journey_input.FIELDS)
def test_a_new_step_stands_where_it_was_added(kind: str) -> None:
    spec = tree()
    journey_input.act(spec, f"add:{kind}:1.no:0")
    journey_input.act(spec, f"add:{kind}::1")
    first, second = spec["steps"][2]["no"][0], spec["steps"][1]
    assert first["type"] == second["type"] == kind and first["id"] != second["id"]
    for name in ("arms", "weekdays", "yes"):
        assert name not in first or first[name] is not second[name]


@pytest.mark.parametrize(
    ("at", "field"),
    [
        ("steps/2/amount", "s2_amount"),
        ("steps/2/yes/0/condition", "s2.yes.0_condition"),
        ("steps/0/arms/1/share", "s0.1_share"),
        ("steps/0/arms/1/steps/2/letter_id", "s0.1.2_letter_id"),
        ("steps/0/arms", "s0"),
        ("steps/3/no/1", "s3.no.1"),
        ("steps", "steps"),
        ("trigger", "trigger"),
        ("trigger/settings/days", "t_days"),
        ("audience/include", "audience"),
        ("reentry/days", "reentry_days"),
        ("reentry/kind", "reentry"),
        ("goal/condition", "goal_condition"),
        ("exits/1/condition", "exit1"),
        ("name", "name"),
    ],
)
def test_mistakes_are_shown_at_their_fields(at: str, field: str) -> None:
    assert journey_input.named(at) == field
