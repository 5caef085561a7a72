"""Plans in words: what becomes of a pair and why, a line each."""

from typing import Any

from sync.directories.invoicing import said
from sync.directories.merge import REASONS

_ARROWS = {"take": "{theirs} replaces {ours} here", "push": "{ours} replaces {theirs} there",
           "agree": "both have {theirs}", "conflict": "{ours} here, {theirs} there: waits"}  # fmt: skip


def lines(detail: dict[str, Any]) -> list[str]:
    """What a planned pair comes to."""
    found = []
    if match := detail.get("match"):
        sure = "" if match["sure"] else ": waits for a person"
        found.append(f"a pair by {match['by']} {match['value']}".strip() + sure)
    if bill := detail.get("bill"):
        made = detail["make"]
        found.append(f"an invoice of {made['total']} {made['currency']} is made there as a draft")
        found += [] if bill["to"] else ["its buyer is made there before it"]
    elif "make" in detail:
        found.append("is made there")
    found += [f"waits: {said(one)}" for one in detail.get("waits", ())]
    if detail.get("join"):
        found.append("was made there from this card")
    elif "join" in detail:
        found.append("was made there by us: a pair")
    found += [f"gone {side}: marked" for side in detail.get("gone", ())]
    for field in detail.get("fields", ()):
        words = _ARROWS[field["act"]].format(ours=_shown(field["ours"]), theirs=_shown(field["theirs"]))
        found.append(f"{field['field']}: {words} ({REASONS[field['reason']]})")
    found += [f"{name}: nothing waits any more" for name in detail.get("settles", ())]
    return found


def _shown(value: str | None) -> str:
    return f"“{value}”" if value else "nothing"
