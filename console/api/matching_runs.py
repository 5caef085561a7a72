"""Runs of matching, as scripts see and drive them: plans, their pairs with the evidence, carrying one out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from console.api.asking import PAGING, Ask, Later, Param, pack
from console.api.lists import latest_first
from console.api.shapes import List, copied
from foundation.errors import BadInput, Permanent
from sync.dedupe import jobs, runs, telling, undoing
from sync.dedupe.tables import MatchPair, MatchRun

WHAT = ("joins", "asks")
STATES = ("planned", "joined", "asked", "left")
PAIRS = (
    Param("what", "choice", "Only pairs that are joined, or only those a person is asked about.", WHAT),
    Param("state", "choice", "Only pairs that came to this.", STATES),
    *PAGING,
)

assert undoing  # it registers the undo of `/operations/{id}/undo`


class Matching(msgspec.Struct, frozen=True, kw_only=True):
    """A run of matching. `state`: planning planned running done cancelled failed undone replaced.

    `guard`: why it is carried out only with `anyway`; carrying it out asks for `hash`. `done` of `total` say
    how far it is. `operation_id` is what an undo takes back.
    """

    id: UUID
    actor: str
    state: str
    model: str
    hash: str | None
    guard: str
    counts: dict[str, Any]
    phase: str
    done: int
    total: int
    error: str | None
    operation_id: UUID | None
    made_at: datetime
    began_at: datetime | None
    finished_at: datetime | None


class Matched(msgspec.Struct, frozen=True):
    """One profile of a pair and the card it is on now; null when it is gone."""

    profile_id: UUID
    name: str | None
    customer_id: UUID | None


class MatchedPair(msgspec.Struct, frozen=True, kw_only=True):
    """Two profiles that a run joins (or else asks a person about), and what speaks for one customer.

    Pairs of one `cluster` become one card. `held`: why a sure pair is only asked about; `left_alone`: why
    nothing came of it. `weights`: each comparison, what it says and its bits, which add up to `bits`.
    """

    number: int
    cluster: int
    joins: bool
    left: Matched
    right: Matched
    why: str
    score: float | None
    bits: float
    weights: list[dict[str, Any]]
    held: str
    state: str
    left_alone: str
    duplicate_id: UUID | None


class CarryOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hash of the plan that was looked at; `anyway` when its guard was read, too."""

    hash: str
    anyway: bool = False


def matching_runs(ask: Ask) -> List[Matching]:
    """Runs of matching, the latest first: plans, and what came of those carried out."""
    rows, following = latest_first(ask, select(MatchRun), MatchRun.made_at, MatchRun.id)
    return List([_run(one) for one in rows], following)


def matching_run(ask: Ask) -> Matching:
    """One run of matching: its counts, its guard, how far it is."""
    return _run(ask.row(MatchRun))


def matching_pairs(ask: Ask) -> List[MatchedPair]:
    """Pairs of a run in its order, each with its evidence."""
    run = ask.row(MatchRun)
    edge = ask.cursor(int)
    query = select(MatchPair).where(MatchPair.run_id == run.id)
    if edge:
        query = query.where(MatchPair.number > edge[0])
    if what := ask.query.get("what"):
        query = query.where(MatchPair.joins == (what == "joins"))
    if state := ask.query.get("state"):
        query = query.where(MatchPair.state == state)
    found = ask.db.scalars(query.order_by(MatchPair.number).limit(ask.limit + 1)).all()
    rows, following = found[: ask.limit], None
    if len(found) > ask.limit:
        following = pack(rows[-1].number)
    names = runs.names(ask.db, rows)
    return List([_pair(one, names) for one in rows], following)


def plan_matching(ask: Ask) -> Later:
    """Compare everybody in the background; nothing changes. One plan is made at a time."""
    row = jobs.plan_later(ask.db, ask.actor)
    return _later(row)


def carry_out_matching(ask: Ask) -> Later:
    """Carry a plan out in the background; `/operations/{id}/undo` takes all of it back."""
    row = ask.row(MatchRun)
    wanted: CarryOut = ask.read_body(CarryOut)
    if row.state == "planned" and wanted.hash != row.hash:
        raise BadInput("this is not the plan's hash; look at the plan again", "/hash")
    try:
        runs.start(ask.db, row.id, ask.actor, anyway=wanted.anyway)
    except BadInput as error:  # what was asked for is sound, but the run isn't in a state for it
        raise Permanent(error.message) from error
    return _later(row)


def cancel_matching(ask: Ask) -> Matching:
    """Stop a run; what it did stays, and can be undone."""
    row = ask.row(MatchRun)
    try:
        return _run(runs.cancel(ask.db, row.id))
    except BadInput as error:
        raise Permanent(error.message) from error


def _run(row: MatchRun) -> Matching:
    return copied(Matching, row, guard=row.alarm)


def _later(row: MatchRun) -> Later:
    return Later(_run(row), f"/matching-runs/{row.id}")


def _pair(row: MatchPair, names: Mapping[UUID, tuple[str, UUID | None]]) -> MatchedPair:
    told = row.evidence
    return copied(
        MatchedPair, row, left=_side(row.left_id, names), right=_side(row.right_id, names),
        why=str(told.get("why", "")), score=told.get("score"), weights=told.get("waterfall", []),
        held=telling.held_words(row.held) if row.held else "",
        left_alone=telling.left_words(row.reason) if row.reason else "",
    )  # fmt: skip


def _side(profile: UUID, names: Mapping[UUID, tuple[str, UUID | None]]) -> Matched:
    name, card = names.get(profile, (None, None))
    return Matched(profile, name, card)
