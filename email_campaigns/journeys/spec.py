"""What a journey does, as JSON: read and checked when somebody saves it, so that the engine never asks.

Steps are nested lists, no graph: behind a branch the steps after it go on, and every way ends.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from customers.segments.tables import Segment
from email_campaigns import triggers
from email_campaigns.journeys import conditions, settings, steps
from email_campaigns.journeys.reading import choice, entry, listed, number, refuse
from foundation.text import _

MOST_STEPS, MOST_DEEP, MOST_ARMS, MOST_EXITS = 50, 5, 8, 10
MOST_HOLDOUT = 50
REENTRIES = ("never", "each", "after")


class _Reader:
    """One reading: which ids were given already, which rows of the database were asked for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.ids: set[str] = set()
        self.count = 0

    def steps(self, said: Any, at: str, depth: int = 1) -> list[dict[str, Any]]:
        """A list of steps and what is inside them."""
        if depth > MOST_DEEP:
            refuse(_("Branches are nested at most %d deep.") % MOST_DEEP, at)
        return [self.step(one, f"{at}/{place}", depth) for place, one in enumerate(listed(said, at))]

    def step(self, said: Any, at: str, depth: int) -> dict[str, Any]:
        """One step."""
        said = entry(said, at)
        self.count += 1
        if self.count > MOST_STEPS:
            refuse(_("A journey has at most %d steps.") % MOST_STEPS, at)
        kind = choice(said.get("type"), steps.TYPES, f"{at}/type", _("There is no such step."))
        kept: dict[str, Any] = {"id": self.id(said.get("id"), at), "type": kind}
        if kind == "condition":
            kept["condition"] = conditions.read(self.session, said.get("condition"), f"{at}/condition")
            for way in ("yes", "no"):
                kept[way] = self.steps(said.get(way, []), f"{at}/{way}", depth + 1)
            return kept
        if kind == "split":
            return kept | {"arms": self.arms(said.get("arms"), f"{at}/arms", depth)}
        return kept | steps.of(kind).read(self.session, said, at)

    def id(self, said: Any, at: str) -> str:
        """The name of a step; a new one where none is given."""
        if said in (None, ""):
            said = next(f"s{n}" for n in range(1, 1000) if f"s{n}" not in self.ids)
        wrong = not isinstance(said, str) or not said.isascii() or not said.isalnum() or len(said) > 20
        if wrong or said in self.ids:
            refuse(_("Each step has a name of its own of at most 20 letters and digits."), f"{at}/id")
        self.ids.add(said)
        return str(said)

    def arms(self, said: Any, at: str, depth: int) -> list[dict[str, Any]]:
        """The ways of a split, whose shares are a hundred together."""
        kept: list[dict[str, Any]] = []
        for place, raw in enumerate(listed(said, at)):
            one, here = entry(raw, f"{at}/{place}"), f"{at}/{place}"
            name = " ".join(str(one.get("name") or "ABCDEFGH"[place % MOST_ARMS]).split())
            if not 0 < len(name) <= 40 or not name.isprintable() or name in {arm["name"] for arm in kept}:
                refuse(_("Each arm has a name of its own of at most 40 characters."), f"{here}/name")
            share = number(one.get("share"), 1, 99, f"{here}/share")
            inside = self.steps(one.get("steps", []), f"{here}/steps", depth + 1)
            kept.append({"name": name, "share": share, "steps": inside})
        if not 2 <= len(kept) <= MOST_ARMS:
            refuse(_("A split has from 2 to %d arms.") % MOST_ARMS, at)
        if sum(arm["share"] for arm in kept) != 100:
            refuse(_("The shares of the arms have to add up to 100 %."), at)
        return kept


def checked(session: Session, said: Any) -> dict[str, Any]:
    """A spec as it is kept; `BadInput` names the place of the first thing that can't be used."""
    said = entry(said, "")
    begin = entry(said.get("trigger"), "trigger")
    trigger = triggers.of(str(begin.get("kind", ""))[:60])
    reader = _Reader(session)
    kept = {
        "trigger": {
            "kind": trigger.key,
            "settings": settings.read(session, trigger, begin.get("settings") or {}, "trigger/settings"),
        },
        "audience": _audience(session, said.get("audience") or {}),
        "reentry": _reentry(said.get("reentry") or dict(trigger.reentry)),
        "holdout": number(said.get("holdout", 0), 0, MOST_HOLDOUT, "holdout"),
        "goal": _goal(session, said.get("goal")),
        "exits": _exits(session, said.get("exits") or []),
        "steps": reader.steps(said.get("steps"), "steps"),
    }
    if not kept["steps"]:
        refuse(_("A journey needs at least one step."), "steps")
    return kept


def _audience(session: Session, said: Any) -> dict[str, list[str]]:
    said = entry(said, "audience")
    return {
        field: [str(one) for one in segment_ids(session, said.get(field) or [], f"audience/{field}")]
        for field in ("include", "exclude")
    }


def segment_ids(session: Session, said: Any, at: str) -> list[UUID]:
    """Ids of segments that are there; `BadInput` when one is gone."""
    try:
        ids = list(
            dict.fromkeys(one if isinstance(one, UUID) else UUID(str(one)) for one in listed(said, at))
        )
    except ValueError:
        ids = []
        refuse(_("One of the segments is gone."), at)
    known = session.scalars(select(Segment.id).where(Segment.id.in_(ids), Segment.archived_at.is_(None)))
    if set(ids) - set(known):
        refuse(_("One of the segments is gone."), at)
    return ids


def _reentry(said: Any) -> dict[str, Any]:
    said = entry(said, "reentry")
    kind = choice(said.get("kind"), REENTRIES, "reentry/kind", _("Say how often one person may come in."))
    if kind != "after":
        return {"kind": kind}
    return {"kind": kind, "days": number(said.get("days"), 1, 3650, "reentry/days")}


def _goal(session: Session, said: Any) -> dict[str, Any] | None:
    if not said:
        return None
    said = entry(said, "goal")
    if said.get("kind") == "order":
        return {"kind": "order"}
    return {"condition": conditions.read(session, said.get("condition"), "goal/condition")}


def _exits(session: Session, said: Any) -> list[dict[str, str]]:
    kept = []
    for place, one in enumerate(listed(said, "exits")):
        at = f"exits/{place}"
        kept.append(
            {"condition": conditions.read(session, entry(one, at).get("condition"), f"{at}/condition")}
        )
    if len(kept) > MOST_EXITS:
        refuse(_("A journey has at most %d ways out.") % MOST_EXITS, "exits")
    return kept
