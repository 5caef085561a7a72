"""Directories kept equal, as scripts see and drive them: pairs with both sides, plans, applying one."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from console.api.asking import PAGING, Ask, Later, Param, pack
from console.api.lists import latest_first, run_of
from console.api.shapes import List, copied
from customers.tables import Source
from foundation.errors import BadInput, Permanent
from foundation.tables import Operation
from sync.directories import history, jobs, keeping, looking, words
from sync.directories import plan as plans
from sync.directories.tables import Directory as DirectoryRow
from sync.directories.tables import DirectoryPlan
from sync.tables import Connection

OF_CONNECTION = Param("connection", "id", "Only of this connection.")
PAIRS = (Param("show", "choice", "Only pairs like that; all when not given.", looking.SHOWS), *PAGING)
PLANS = (OF_CONNECTION, *PAGING)
AT_ONCE = 2_000  # objects compared within a request: a new plan, and one held against the present


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept equal. `waiting` counts pairs in doubt, `conflicts` fields that wait.

    Of invoices: orders before `since` get none; `due_days` are the days to pay (null: the ledger's).
    """

    id: UUID
    connection_id: UUID
    connection: str
    what: str
    stream: str
    home_id: UUID | None
    creates: str
    most: int
    automatic: bool
    owners: dict[str, str]
    since: datetime | None
    due_days: int | None
    pairs: int
    waiting: int
    conflicts: int
    checked_at: datetime | None
    created_at: datetime


class Side(msgspec.Struct, frozen=True):
    """One field on both sides; `waits` when a person has to decide it."""

    field: str
    ours: str
    theirs: str
    differs: bool
    waits: bool


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two that are the same, or one that has none on the other side: `state` says which."""

    title: str
    external_id: str
    local_id: UUID | None
    state: str
    reason: str
    fields: list[Side]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would do. `guard`: why it waits for a person, or failed; applying it asks for `hash`.

    `state`: planning, made or waiting (both can be applied), applied, stale or failed.
    """

    id: UUID
    connection_id: UUID
    hash: str
    state: str
    guard: str
    counts: dict[str, int]
    operation_id: UUID | None
    made_at: datetime


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one pair: in words, and each field with its act and its reason."""

    number: int
    directory_id: UUID
    directory: str
    title: str
    external_id: str
    local_id: UUID | None
    lines: list[str]
    detail: dict[str, Any]


class Overwritten(msgspec.Struct, frozen=True, kw_only=True):
    """A value that another replaced and why; `place`: the system it stood in, empty for a card here."""

    id: str
    directory: str | None
    title: str
    local_id: UUID | None
    external_id: str | None
    field: str
    side: str
    place: str
    was: str | None
    now: str | None
    reason: str
    sent: str | None
    error: str | None
    at: datetime


class Apply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hash of the plan that was looked at."""

    hash: str


def directories(ask: Ask) -> List[Directory]:
    """What is kept equal, by connection; there are few, so this is one page."""
    rows = ask.db.execute(
        select(DirectoryRow, Source.name)
        .join(Source, Source.id == DirectoryRow.connection_id)
        .order_by(Source.name, DirectoryRow.what)
    ).all()
    return List([_directory(ask, row, name) for row, name in rows])


def directory(ask: Ask) -> Directory:
    """One directory: its rules, and how much of it waits."""
    row = ask.row(DirectoryRow)
    return _directory(ask, row, ask.db.get_one(Source, row.connection_id).name)


def directory_pairs(ask: Ask) -> List[Pair]:
    """Both sides of a directory; a page may hold few or none and still have a `next`."""
    row = ask.row(DirectoryRow)
    shown = ask.query.get("show") or "all"
    edge = ask.cursor(UUID if shown == "only_here" else _text)
    seen, following = looking.look(ask.db, row, shown, str(edge[0]) if edge and edge[0] else "", ask.limit)
    return List([_pair(one) for one in seen], pack(following) if following else None)


def directory_plans(ask: Ask) -> List[Plan]:
    """Plans of directories, the latest first."""
    row = DirectoryPlan
    only = [row.connection_id == ask.query["connection"]] if "connection" in ask.query else []
    rows, following = latest_first(ask, select(row), row.made_at, row.id, *only)
    return List([copied(Plan, one) for one in rows], following)


def make_plan(ask: Ask) -> Plan | Later:
    """Compare all directories of a connection; nothing changes. 202: it is made in the background."""
    ask.row(Connection)
    keeping.ensure(ask.db, ask.id())
    if not keeping.large(ask.db, ask.id(), AT_ONCE):
        return copied(Plan, plans.make(ask.db, ask.id()))
    row = jobs.plan_later(ask.db, ask.id())
    return Later(copied(Plan, row), f"/plans/{row.id}")


def plan(ask: Ask) -> Plan:
    """One plan: its counts, its hash, what became of it."""
    return copied(Plan, ask.row(DirectoryPlan))


def plan_changes(ask: Ask) -> List[Change]:
    """What a plan would do, pair by pair."""
    row = ask.row(DirectoryPlan)
    edge = ask.cursor(int)
    found = plans.changes(ask.db, row.id, edge[0] if edge else -1, ask.limit + 1)
    following = pack(found[ask.limit - 1].number) if len(found) > ask.limit else None
    return List([_change(one) for one in found[: ask.limit]], following)


def apply_plan(ask: Ask) -> Later:
    """Do what a plan says, in the background; refused when anything it was made of has moved since."""
    row = ask.row(DirectoryPlan)
    wanted: Apply = ask.read_body(Apply)
    if wanted.hash != row.hash:
        raise BadInput("this is not the plan's hash; look at the plan again", "/hash")
    if row.state == "planning":
        raise Permanent("This plan is still being made; wait for it.")
    if row.state not in ("made", "waiting"):
        raise Permanent(f"This plan is {row.state}; make another.")
    few = not keeping.large(ask.db, row.connection_id, AT_ONCE)
    if few and plans.hash_now(ask.db, row.connection_id) != row.hash:
        raise Permanent("Something has moved since the plan was made; make another.")
    run = jobs.start(ask.db, row.id, ask.actor)
    return Later(run_of(run), f"/runs/{run.id}")


def overwritten(ask: Ask) -> List[Overwritten]:
    """Each value that an operation of directories has overwritten, with its reason."""
    ask.row(Operation)
    edge = ask.cursor(int)
    found = history.of_operation(ask.db, ask.id(), edge[0] if edge and edge[0] else 0, ask.limit + 1)
    following = pack(found[ask.limit - 1].id) if len(found) > ask.limit else None
    rows = [copied(Overwritten, one, id=str(one.id), directory=one.what) for one in found[: ask.limit]]
    return List(rows, following)


def _text(part: Any) -> str:
    """An id of the other side in a cursor."""
    if not isinstance(part, str) or "\x00" in part:
        raise ValueError(part)
    return part


def _directory(ask: Ask, row: DirectoryRow, name: str) -> Directory:
    return copied(Directory, row, connection=name, **looking.counts(ask.db, row))


def _pair(seen: looking.Seen) -> Pair:
    sides = [Side(one.field, one.ours, one.theirs, one.differs, one.waits) for one in seen.sides]
    return copied(Pair, seen, fields=sides)


def _change(row: Any) -> Change:
    return copied(Change, row, directory=row.what, lines=words.lines(row.detail))
