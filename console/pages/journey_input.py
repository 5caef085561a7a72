"""What was typed into a journey's editor, in the shape of journeys/spec.py, and the editor's acts on it.

Fields of a step begin with its place: "s2_amount", inside branches "s2.yes.0_amount", inside the arms of a
split "s2.1.0_amount"; an arm's own are "s2.1_name" and "s2.1_share".
"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.datastructures import FormData

Spec = dict[str, Any]
Steps = list[dict[str, Any]]
MOST_STEPS, DEEPEST, MOST_ARMS, MOST_EXITS = 50, 5, 8, 10
LONGEST = 20_000
BRANCHES = ("yes", "no")
FIELDS: dict[str, tuple[str, ...]] = {
    "wait": ("amount", "unit"),
    "until": ("time", "weekdays"),
    "wait_for": ("condition", "amount", "unit"),
    "condition": ("condition",),
    "split": (),
    "letter": ("letter_id", "sender_id", "coupon_id"),
    "task": ("text", "within_hours"),
    "list": ("segment_id", "act"),
    "set": ("field", "value"),
    "webhook": ("url", "failed"),
    "exit": (),
}
_NUMBERS = ("amount", "within_hours", "share")
_NEW: dict[str, dict[str, Any]] = {
    "wait": {"amount": 1, "unit": "days"},
    "until": {"time": "10:00", "weekdays": []},
    "wait_for": {"condition": "", "amount": 3, "unit": "days"},
    "condition": {"condition": "", "yes": [], "no": []},
    "split": {"arms": [{"name": "A", "share": 50, "steps": []}, {"name": "B", "share": 50, "steps": []}]},
    "letter": {"letter_id": "", "sender_id": ""},
    "task": {"text": "", "within_hours": 24},
    "list": {"segment_id": "", "act": "add"},
    "set": {"field": "tag", "value": ""},
    "webhook": {"url": "", "failed": "go_on"},
    "exit": {},
}


def new_id() -> str:
    """An id no other step has: a step keeps it for life, so that its counts stay its own."""
    return f"s{secrets.token_hex(4)}"


def fresh(kind: str) -> dict[str, Any]:
    """A new step of a type, as it begins."""
    made: dict[str, Any] = {"id": new_id(), "type": kind}
    for name, value in _NEW[kind].items():
        made[name] = [dict(one, steps=[]) for one in value] if name == "arms" else value
        if isinstance(value, list) and name != "arms":
            made[name] = list(value)
    return made


def read(typed: FormData, fields: Mapping[str, str]) -> Spec:
    """The journey as it was meant; nothing is refused here. `fields`: the trigger's, name -> kind."""
    goal = text(typed, "goal")
    kept: dict[str, Any] | None = {"kind": "order"} if goal == "order" else None
    if goal == "condition":
        kept = {"condition": text(typed, "goal_condition")}
    chosen = {name[2:]: value for name, value in typed.items() if name.startswith("s_")}
    exits = [text(typed, f"exit{place}") for place in range(MOST_EXITS)]
    return {
        "trigger": {"kind": text(typed, "trigger"), "settings": dict(_settings(typed, fields))},
        "audience": {side: [one for one, value in chosen.items() if value == side]
                     for side in ("include", "exclude")},
        "reentry": _reentry(typed),
        "holdout": number(text(typed, "holdout") or "0"),
        "goal": kept,
        "exits": [{"condition": one} for one in exits if one],
        "steps": list(_steps(typed, "s", 1)),
    }  # fmt: skip


def _reentry(typed: FormData) -> dict[str, Any]:
    kind = text(typed, "reentry") or "never"
    return {"kind": kind, "days": number(text(typed, "reentry_days"))} if kind == "after" else {"kind": kind}


def _settings(typed: FormData, fields: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for name, kind in fields.items():
        said = text(typed, f"t_{name}")
        if kind in ("number", "hours", "days"):
            yield name, number(said) if said else None
        elif kind == "skus":
            yield name, [one for line in said.splitlines() if (one := line.strip())]
        else:
            yield name, said


def _steps(typed: FormData, prefix: str, depth: int) -> Iterator[dict[str, Any]]:
    for place in range(MOST_STEPS + 1):
        at = f"{prefix}{place}"
        kind = text(typed, f"{at}_type")
        if kind not in FIELDS or depth > DEEPEST + 1:
            return
        step: dict[str, Any] = {"id": text(typed, f"{at}_id") or new_id(), "type": kind}
        for name in FIELDS[kind]:
            if name == "weekdays":
                step[name] = [int(one) for one in typed.getlist(f"{at}_weekdays") if one in tuple("1234567")]
            else:
                said = text(typed, f"{at}_{name}")
                step[name] = number(said) if name in _NUMBERS else said
        if kind == "condition":
            step |= {side: list(_steps(typed, f"{at}.{side}.", depth + 1)) for side in BRANCHES}
        elif kind == "split":
            step["arms"] = list(_arms(typed, at, depth))
        yield step


def _arms(typed: FormData, at: str, depth: int) -> Iterator[dict[str, Any]]:
    for place in range(MOST_ARMS):
        if f"{at}.{place}_share" not in typed:
            return
        share = number(text(typed, f"{at}.{place}_share"))
        steps = list(_steps(typed, f"{at}.{place}.", depth + 1))
        yield {"name": text(typed, f"{at}.{place}_name"), "share": share, "steps": steps}


def text(typed: FormData, name: str) -> str:
    """A field as text, without what the database can't hold."""
    value = typed.get(name, "")
    return value.replace("\x00", "").replace("\r\n", "\n").strip()[:LONGEST] if isinstance(value, str) else ""


def number(said: str) -> int | str:
    """A whole number, or what was typed instead of one."""
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else said


# what the buttons do


def act(spec: Spec, do: str) -> None:
    """Move, remove or add: "up:3", "out:2.yes.0", "in:3:no", "add:wait:2.yes:0", "arm:2", "unarm:2.1".

    Anything else changes nothing.
    """
    verb, _, rest = do.partition(":")
    if verb == "add":
        kind, _, where = rest.partition(":")
        path, _, place = where.rpartition(":")
        inside = find(spec, path)
        if inside is not None and kind in FIELDS and (at := _place(place)) is not None:
            inside.insert(at, fresh(kind))
    elif verb in ("arm", "unarm"):
        _arm(spec, verb, rest)
    elif verb in ("up", "down", "remove", "out", "in"):
        path, _, branch = rest.partition(":")
        _move(spec, verb, path, branch)


def _move(spec: Spec, verb: str, path: str, branch: str) -> None:
    around, _, last = path.rpartition(".")
    inside, at = find(spec, around), _place(last)
    if inside is None or at is None or at >= len(inside):
        return
    if verb == "in":
        target = find(spec, f"{around}{'.' if around else ''}{at - 1}.{branch}") if at else None
        if target is not None:
            target.append(inside.pop(at))
    elif verb == "out":
        parent = around.rpartition(".")[0]
        outer, _, place = parent.rpartition(".")
        target = find(spec, outer) if around else None
        if target is not None:
            target.insert(int(place) + 1, inside.pop(at))
    else:
        step = inside.pop(at)
        if verb != "remove":
            inside.insert(max(0, at - 1) if verb == "up" else at + 1, step)


def _arm(spec: Spec, verb: str, path: str) -> None:
    where, place = (path, "") if verb == "arm" else (path.rpartition(".")[0], path.rpartition(".")[2])
    around, _, last = where.rpartition(".")
    inside, at = find(spec, around), _place(last)
    arms = inside[at].get("arms") if inside is not None and at is not None and at < len(inside) else None
    if arms is None:
        return
    if verb == "arm" and len(arms) < MOST_ARMS:
        arms.append({"name": chr(ord("A") + len(arms)), "share": 0, "steps": []})
    elif verb == "unarm" and len(arms) > 2 and (which := _place(place)) is not None and which < len(arms):
        arms.pop(which)


def _place(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdigit() and len(said) < 4 else None


def find(spec: Spec, path: str) -> Steps | None:
    """The list of steps at a path: "" the journey's own, "2.yes", "2.1"; None when there is none such."""
    steps: Steps = spec["steps"]
    parts = path.split(".") if path else []
    if len(parts) % 2:
        return None
    for place, branch in zip(parts[::2], parts[1::2], strict=True):
        at, arm = _place(place), _place(branch)
        if at is None or at >= len(steps):
            return None
        step = steps[at]
        if step["type"] == "condition" and branch in BRANCHES:
            steps = step[branch]
        elif step["type"] == "split" and arm is not None and arm < len(step["arms"]):
            steps = step["arms"][arm]["steps"]
        else:
            return None
    return steps


def at(spec: Spec, path: str) -> dict[str, Any] | None:
    """The step at a path, "2.yes.0"; None when there is none."""
    around, _, last = path.rpartition(".")
    inside, place = find(spec, around), _place(last)
    return inside[place] if inside is not None and place is not None and place < len(inside) else None


def named(at: str) -> str:
    """The form's field of a mistake's place: "steps/2/yes/0/amount" is "s2.yes.0_amount"."""
    parts = at.split("/")
    if parts[0] == "trigger":
        return f"t_{parts[-1]}" if len(parts) == 3 else "trigger"
    if parts[0] in ("reentry", "goal") and len(parts) > 1:
        return {"days": "reentry_days", "condition": "goal_condition"}.get(parts[-1], parts[0])
    if parts[0] == "exits" and len(parts) > 1:
        return f"exit{parts[1]}"
    if parts[0] != "steps" or len(parts) < 2:
        return parts[0]
    places, field = [parts[1]], ""
    for one in parts[2:]:
        if one.isdigit() or one in BRANCHES:
            places.append(one)
        elif one not in ("arms", "steps"):
            field = one
    return f"s{'.'.join(places)}_{field}" if field else f"s{'.'.join(places)}"
