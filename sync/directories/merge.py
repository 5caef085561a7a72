"""What becomes of one field of a pair: base, ours, theirs and its owner in, a decision and its reason out.

Pure. None stands for nothing said. On a card that means that no other source says anything, so the other
side's value is the card's already; of a product it is an empty field.
"""

from datetime import datetime
from typing import Literal, NamedTuple

Act = Literal["same", "agree", "take", "push", "conflict", "stuck"]
Owner = Literal["ours", "theirs", "newest", "ask"]
OWNERS: tuple[Owner, ...] = ("ours", "theirs", "newest", "ask")
CHANGES: tuple[Act, ...] = ("take", "push")  # what overwrites a value
REASONS = {
    "equal": "both sides say the same",
    "only_they": "nobody else says anything of it",
    "empty_there": "it is empty there",
    "empty_here": "it is empty here",
    "only_here": "only our side changed it",
    "only_there": "only the other side changed it",
    "owner_here": "our side owns the field",
    "owner_there": "the other side owns the field",
    "newest_here": "our change is the newer one",
    "newest_there": "their change is the newer one",
    "both": "both sides changed it",
    "first": "the two differ at the first meeting",
    "cleared_here": "it was emptied here",
    "cleared_there": "it was emptied there",
    "undone": "what had been done about it was undone",
    "read_only_here": "our side of it can't be written",
    "read_only_there": "the other side doesn't let this field be written",
    "refused": "the other side refused this value",
    "person": "a person decided",
    "kept": "a person lets both stand",
}


class Case(NamedTuple):
    """One field of a pair. `base_ours` and `base_theirs` are how each side keeps the agreed value."""

    field: str
    known: bool  # whether both have ever agreed on it
    base_ours: str | None
    base_theirs: str | None
    ours: str | None
    theirs: str | None
    owner: Owner = "ask"
    ours_at: datetime | None = None
    theirs_at: datetime | None = None
    card: bool = True  # whether ours is what the other sources of a card say
    writes_here: bool = True
    writes_there: bool = True
    held: bool = False  # an undone decision waits
    refused: bool = False  # the other side has refused this very value
    lasting: bool = False  # what can't be written waits for a person


class Decision(NamedTuple):
    """What to do about a field; `reason` is a key of REASONS."""

    field: str
    act: Act
    reason: str


def decide(case: Case) -> Decision:
    """The three-way decision; the same whatever was decided about other fields."""
    act, reason = _decide(case)
    stuck: Act = "conflict" if case.lasting else "stuck"
    if act == "push" and not case.writes_there:
        act, reason = stuck, "read_only_there"
    elif act == "push" and case.refused:
        act, reason = stuck, "refused"
    elif act == "take" and not case.writes_here:
        act, reason = stuck, "read_only_here"
    return Decision(case.field, act, reason)


def _decide(case: Case) -> tuple[Act, str]:
    if case.ours == case.theirs:
        settled = case.known and case.ours == case.base_ours and case.theirs == case.base_theirs
        return ("same" if settled or (case.ours is None and not case.known) else "agree"), "equal"
    if case.card and case.ours is None:
        return ("agree" if case.known and case.theirs != case.base_theirs else "same"), "only_they"
    if case.held:
        return "conflict", "undone"
    if not case.known:
        return _first(case)
    here, there = case.ours != case.base_ours, case.theirs != case.base_theirs
    if here and there:
        return _both(case, "both")
    if here:
        if case.owner == "theirs":
            return "take", "owner_there"
        return (
            ("conflict", "cleared_here")
            if case.ours is None and case.owner != "ours"
            else ("push", "only_here")
        )
    if there:
        if case.owner == "ours":
            return "push", "owner_here"
        cleared = case.theirs is None and case.owner != "theirs"
        return ("conflict", "cleared_there") if cleared else ("take", "only_there")
    return "same", "equal"


def _first(case: Case) -> tuple[Act, str]:
    if case.theirs is None:
        return "push", "empty_there"
    if case.ours is None:
        return "take", "empty_here"
    return _both(case, "first")


def _both(case: Case, otherwise: str) -> tuple[Act, str]:
    if case.owner == "ours":
        return "push", "owner_here"
    if case.owner == "theirs":
        return "take", "owner_there"
    newer = newest(case) if case.owner == "newest" else None
    if newer is None:
        return "conflict", otherwise
    return ("push", "newest_here") if newer == "ours" else ("take", "newest_there")


def newest(case: Case) -> Literal["ours", "theirs"] | None:
    """Whose value is the newer one; None when nobody can tell."""
    if case.ours_at is None or case.theirs_at is None or case.ours_at == case.theirs_at:
        return None
    return "ours" if case.ours_at > case.theirs_at else "theirs"
