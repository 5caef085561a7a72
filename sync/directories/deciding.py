"""What a run would do with one pair: its fields decided, matches, marks, conflicts that come and go. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args
from uuid import UUID

from sync.directories import fields
from sync.directories.merge import Act, Case, Decision, decide, newest
from sync.directories.pairs import Pair, Setting

COUNTS = (
    "pairs", "same", "linked", "taken", "pushed", "agreed", "conflicts", "waiting", "made", "joined", "gone",
    "stuck", "busy", "only_there", "only_here", "changed", "unready",
)  # fmt: skip
ACTS = get_args(Act)


class Planned(NamedTuple):
    """What is to become of one pair. `detail` is all that applying it needs."""

    directory_id: UUID
    local_id: UUID | None
    external_id: str
    title: str
    detail: dict[str, Any]


def plan_pair(here: Setting, pair: Pair, counts: Counter[str]) -> Planned | None:
    """None when there is nothing to do; counts what was seen either way."""
    counts["pairs"] += 1
    detail = _detail(here, pair, counts)
    if not detail:
        return None
    return Planned(here.directory.id, pair.local_id, pair.external_id, pair.title, detail)


def _detail(here: Setting, pair: Pair, counts: Counter[str]) -> dict[str, Any]:
    link = pair.link
    state = link.link_state if link is not None and not pair.anew else None
    if pair.gone_there is not None or pair.gone_here is not None:
        return _gone(pair, counts)
    if state == "refused":
        return {}
    if pair.busy:
        counts["busy"] += 1
        return {}
    if pair.several or state == "waiting":
        counts["waiting"] += 1
        return {}
    if pair.join is not None:
        counts["joined"] += 1
        return {"join": str(pair.join)}
    detail: dict[str, Any] = {}
    if state is None:
        if pair.matched is None:
            counts["only_there"] += 1
            return {}
        detail["match"] = pair.matched._asdict()
        if not pair.matched.sure:
            counts["waiting"] += 1
            return detail
        counts["linked"] += 1
    elif state == "made":
        counts["linked"] += 1
        detail["join"] = None
    if link is not None and (link.gone_there_at or link.gone_here_at):
        detail["back"] = True
    return detail | _fields(here, pair, counts)


def _gone(pair: Pair, counts: Counter[str]) -> dict[str, Any]:
    counts["gone"] += 1
    link = pair.link
    if link is None or link.link_state in ("waiting", "refused"):
        return {}
    sides = {"there": (pair.gone_there, link.gone_there_at), "here": (pair.gone_here, link.gone_here_at)}
    marks = [side for side, (is_gone, marked) in sides.items() if is_gone is not None and marked is None]
    return {"gone": marks} if marks else {}


def _fields(here: Setting, pair: Pair, counts: Counter[str]) -> dict[str, Any]:
    waiting: Mapping[str, list[Any]] = (pair.link.conflicts if pair.link is not None else None) or {}
    found, settles, acts = [], [], Counter[str]()
    for name in here.compared:
        case = _case(here, pair, name)
        decision = decide(case)
        acts[decision.act] += 1
        there = waiting.get(name)
        if there is not None and decision.act != "conflict":
            settles.append(name)
        if decision.act in ("same", "stuck"):
            continue
        if decision.act == "conflict" and there == [case.ours, case.theirs, decision.reason]:
            continue
        found.append(_told(pair, case, decision))
    _count(counts, acts)
    versions = {"version": pair.version, "home": pair.home, "home_version": pair.home_version}
    return ({"fields": found, **versions} if found else {}) | ({"settles": settles} if settles else {})


def _count(counts: Counter[str], acts: Counter[str]) -> None:
    counts["conflicts"] += acts["conflict"]
    counts["stuck"] += acts["stuck"]
    for act, name in (("take", "taken"), ("push", "pushed"), ("agree", "agreed")):
        counts[name] += acts[act]
    if acts["take"] or acts["push"]:
        counts["changed"] += 1
    elif not (acts["conflict"] or acts["stuck"] or acts["agree"]):
        counts["same"] += 1


def _case(here: Setting, pair: Pair, name: str) -> Case:
    link = pair.link
    base = link.base if link is not None else {}
    ours, theirs = pair.ours.get(name), pair.theirs.get(name)
    agreed = base.get(name)
    refused = (link.refused if link is not None else None) or {}
    waiting = (link.conflicts if link is not None else None) or {}
    base_ours = link.here.get(name, agreed) if link is not None else None
    base_theirs = link.there.get(name, agreed) if link is not None else None
    said = fields.alike(name, theirs.value if theirs else None, base_theirs)
    value = fields.alike(name, ours.value if ours else None, said, base_ours)
    return Case(
        field=name,
        known=name in base,
        base_ours=base_ours,
        base_theirs=base_theirs,
        ours=value,
        theirs=said,
        owner=pair.owners.get(name, "ask"),
        ours_at=ours.at if ours else None,
        theirs_at=theirs.at if theirs else None,
        card=here.card,
        writes_here=here.writes_here is None or name in here.writes_here,
        writes_there=name in here.writes_there and not pair.fixed,
        lasting=here.lasting,
        held=name in waiting and waiting[name][2] == "undone",
        refused=name in refused and refused[name] == value,
    )


def _told(pair: Pair, case: Case, decision: Decision) -> dict[str, Any]:
    """A decision with all that it was made of, for the plan."""
    ours = pair.ours.get(case.field)
    told: dict[str, Any] = {
        "field": case.field, "act": decision.act, "reason": decision.reason, "base": case.base_ours,
        "ours": case.ours, "theirs": case.theirs,
    }  # fmt: skip
    if decision.act == "take":
        told["asides"] = [
            [one, value] for one, value in pair.asides.get(case.field, ()) if value != case.theirs
        ]
    if decision.act == "conflict":
        told["by"] = str(ours.by) if ours and ours.by else None
        told["ours_at"], told["theirs_at"] = case.ours_at, case.theirs_at
        told["proposed"] = newest(case) or "theirs"
    return told
